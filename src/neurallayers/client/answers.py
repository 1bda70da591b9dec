"""What a service answers, as frozen dataclasses, and how they are read.

Fields that a newer service adds are ignored; one that is missing or of another type is an error
that names its path.
"""

from __future__ import annotations

import functools
import json
import types
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any, Generic, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from neurallayers.client.exchange import Answer
from neurallayers.client.failures import ServiceError
from neurallayers.client.reminiscence import Alert, Conclusion, Recollection

T = TypeVar("T")
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Unfinished(Exception):
    """An answer said that it was a success and broke off; nothing outside this package sees it."""


@dataclass(frozen=True)
class Region:
    """A region of a network."""

    name: str
    neurons: int
    kind: str


@dataclass(frozen=True)
class Model:
    """A network that brains can be born with.

    Attributes:
        name: Its name.
        fingerprint: Digest of its anatomy and weights.
        image_shape: Shape of what it sees.
        labels: Classes that it knows at birth.
        regions: Its regions.
        parameters: Number of its slow weights.
        steps: Steps of a thought.
        dt_ms: Length of a step [ms].
        spec: Its anatomy; only where one model was asked for.
    """

    name: str
    fingerprint: str
    image_shape: tuple[int, ...]
    labels: tuple[str, ...]
    regions: tuple[Region, ...]
    parameters: int
    steps: int
    dt_ms: float
    spec: dict[str, Any] | None = None


@dataclass(frozen=True)
class BrainSummary:
    """A brain in a list; ``sequence`` is the number of its last entry."""

    id: str
    name: str
    model: str
    created_at: str
    sequence: int


@dataclass(frozen=True)
class BrainInfo(BrainSummary):
    """A brain, with the classes that it knows."""

    labels: tuple[str, ...]


@dataclass(frozen=True)
class Vitals:
    """The condition of a brain during a thought.

    Attributes:
        rates_hz: Mean firing rate of each region [Hz].
        active_fraction: Share of the neurons of each region that fired at all.
        spikes: Spikes in all regions together.
        excitability: Mean current that homeostasis adds in each region [units of the threshold].
    """

    rates_hz: dict[str, float]
    active_fraction: dict[str, float]
    spikes: int
    excitability: dict[str, float]


@dataclass(frozen=True)
class Thought:
    """What a brain thought.

    Attributes:
        label: The class with the highest score; None if the brain knows no class.
        confidence: Its soft-max share among the known classes.
        scores: Score of each known class, highest first.
        vitals: Condition of the brain meanwhile.
        entry: Its number in the brain's history, if it was lived through.
        recalled: The episodes that came to mind, the one most like it first.
        conclusions: What the brain's rules conclude from the answer.
        alerts: Vital signs that were not as usual, if it was lived through.
    """

    label: str | None
    confidence: float
    scores: dict[str, float]
    vitals: Vitals
    entry: int | None = None
    recalled: tuple[Recollection, ...] = ()
    conclusions: tuple[Conclusion, ...] = ()
    alerts: tuple[Alert, ...] = ()


@dataclass(frozen=True)
class Lesson:
    """What came of a lesson.

    Attributes:
        entry: Its number in the brain's history; ``forget(entries=[entry])`` takes it back.
        change: How much the fast weights changed.
        thought: What the brain thought before it learned.
    """

    entry: int
    change: float
    thought: Thought


@dataclass(frozen=True)
class Snapshot:
    """A moment that was kept, after entry ``sequence``."""

    id: str
    name: str | None
    sequence: int
    created_at: str


@dataclass(frozen=True)
class Entry:
    """An entry of a brain's history."""

    sequence: int
    kind: str
    content: dict[str, Any]


@dataclass(frozen=True)
class Raster:
    """The spikes of a thought.

    Attributes:
        label: What was thought.
        dt_ms: Length of a step [ms].
        steps: Number of steps.
        neurons: Number of neurons of each region.
        spikes: ``(step, neuron)`` of each spike, by region.
    """

    label: str | None
    dt_ms: float
    steps: int
    neurons: dict[str, int]
    spikes: dict[str, tuple[tuple[int, ...], ...]]


@dataclass(frozen=True)
class Page(Generic[T]):
    """A page of a list; ``next`` asks for the one after it, None at the end."""

    items: tuple[T, ...]
    next: str | None


# ------------------------------------------------------------------------------------ reading


def document_of(answer: Answer) -> Any:
    """The JSON of an answer.

    Raises:
        Unfinished: If it broke off.
        ServiceError: If it is no JSON at all.
    """
    media_type = answer.headers.get("content-type", "none")
    if "json" not in media_type:
        raise ServiceError(
            f"The answer has the content type {media_type!r} and not JSON.",
            "Check that the address is that of a NeuralLayers service.",
            status=answer.status,
        )
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise Unfinished(f"the answer of {len(answer.body)} bytes broke off") from error


def whole(kind: type[T]) -> Callable[[Answer], T]:
    """A reader of answers that are one value of this class."""
    return lambda answer: read(kind, document_of(answer))


def listed(kind: type[T], name: str) -> Callable[[Answer], Page[T]]:
    """A reader of answers that are a page of such values under this name."""

    def reader(answer: Answer) -> Page[T]:
        document = document_of(answer)
        values = read(dict[str, Any], document)
        items = read(cast("type[tuple[T, ...]]", tuple[kind, ...]), values.get(name), name)  # type: ignore[valid-type]
        after = values.get("next")
        return Page(items, None if after is None else str(after))

    return reader


def part(kind: type[T], name: str) -> Callable[[Answer], T]:
    """A reader of answers of which only the value under this name is wanted."""
    return lambda answer: read(kind, read(dict[str, Any], document_of(answer)).get(name), name)


def picture(answer: Answer) -> bytes:
    """A PNG file.

    Raises:
        ServiceError: If it is something else.
    """
    if not answer.body.startswith(PNG_SIGNATURE):
        raise _misunderstood("raster.png", "a PNG file", answer.body[:8])
    return answer.body


def nothing(answer: Answer) -> None:
    """What an answer without content holds."""


def read(kind: type[T], value: Any, where: str = "") -> T:
    """JSON as a value of this type.

    Args:
        kind: A dataclass, or a type of one of its fields.
        value: What the JSON holds.
        where: Path to it, for the error.

    Raises:
        ServiceError: If it is of another type.
    """
    return cast("T", _read(kind, value, where))


def _read(kind: Any, value: Any, where: str) -> Any:
    if is_dataclass(kind):
        return _read_fields(kind, value, where)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _read_either(inner, value, where)
    if origin is tuple and isinstance(value, list):
        return _read_items(inner, value, where)
    if origin is dict and isinstance(value, dict):
        return {key: _read(inner[1], item, f"{where}.{key}") for key, item in value.items()}
    return _plain(kind, value, where)


def _read_either(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    """A value of one of several types, of which at most one is written as a list."""
    if value is None and type(None) in kinds:
        return None
    present = [one for one in kinds if one is not type(None)]
    fitting = [one for one in present if (get_origin(one) is tuple) == isinstance(value, list)]
    return _read((fitting or present)[0], value, where)


def _read_items(kinds: tuple[Any, ...], value: list[Any], where: str) -> tuple[Any, ...]:
    """A list as a tuple: of any length where its type ends in ``...``."""
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise _misunderstood(where, f"a list of {len(kinds)}", value)
    return tuple(
        _read(kind, item, f"{where}[{i}]")
        for i, (kind, item) in enumerate(zip(kinds, value, strict=True))
    )


def _plain(kind: Any, value: Any, where: str) -> Any:
    if kind is Any:
        return value
    if kind is float and type(value) is int:
        return float(value)
    if isinstance(kind, type) and type(value) is kind:
        return value
    raise _misunderstood(where, getattr(kind, "__name__", str(kind)), value)


def _read_fields(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise _misunderstood(where, kind.__name__, value)
    given = {}
    for name, (hint, required) in _fields(kind).items():
        path = f"{where}.{name}" if where else name
        if name in value:
            given[name] = _read(hint, value[name], path)
        elif required:
            raise _misunderstood(path, "a value", None)
    return kind(**given)


@functools.cache
def _fields(kind: Any) -> dict[str, tuple[Any, bool]]:
    """Type of each field, and whether it must be there."""
    hints = get_type_hints(kind)
    return {
        field.name: (
            hints[field.name],
            field.default is MISSING and field.default_factory is MISSING,
        )
        for field in fields(kind)
    }


def _misunderstood(where: str, expected: str, value: Any) -> ServiceError:
    return ServiceError(
        f"The answer cannot be understood: {where or 'it'} is {str(value)[:60]!r} and not "
        f"{expected}.",
        "Use a client of the same release as the service, and check the address.",
    )
