"""The description of an anatomy: frozen, versioned, JSON or YAML and back.

A spec says which regions there are, which neurons live in them, which tracts join them, what the
senses receive and what the read-out answers. It holds no weights and no state.
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError
from torch import nn

from neurallayers.dynamics import CELLS, PlasticReadout
from neurallayers.errors import InvalidSpec, NeuralLayersError, UnknownName
from neurallayers.registry import nearest_name
from neurallayers.senses import ENCODERS

SCHEMA_VERSION = 1
SPIKING = ("LIF", "AdaptiveLIF", "RecurrentLIF", "RecurrentAdaptiveLIF")
SENSE = "sense"

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
# As long as the names that a brain can be taught.
Label = Annotated[str, Field(min_length=1, max_length=200)]
Extent = Annotated[int, Field(ge=1, le=1_000_000)]
Shape = Annotated[tuple[Extent, ...], Field(min_length=1, max_length=3)]


class _Frozen(BaseModel):
    """A part of a spec.

    Raises:
        InvalidSpec: If a field is wrong; ``path`` names it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise _as_invalid_spec(error) from None


class SenseSpec(_Frozen):
    """What the senses receive and how it becomes drive.

    Attributes:
        shape: Height and width of an image, or height, width and channels.
        encoder: Name of an encoder.
        options: Options of the encoder.
        duration_ms: How long a stimulus is shown [ms].
    """

    shape: Annotated[tuple[Extent, ...], Field(min_length=2, max_length=3)]
    encoder: str = "current"
    options: dict[str, float] = Field(default_factory=dict)
    duration_ms: float = Field(default=12.0, gt=0, le=10_000)


class NeuronSpec(_Frozen):
    """Which neurons live in a region.

    Attributes:
        kind: Name of a spiking cell.
        options: Its options, such as ``tau_ms``.
    """

    kind: str = "LIF"
    options: dict[str, float | bool | str] = Field(default_factory=dict)


class RegionSpec(_Frozen):
    """A population of neurons of one kind.

    Attributes:
        name: Its name.
        shape: Number of neurons, or height, width and channels for an image-like region.
        neurons: Their kind.
        homeostasis: Whether its neurons keep their rates by their excitability.
    """

    name: Name
    shape: Shape
    neurons: NeuronSpec = Field(default_factory=NeuronSpec)
    homeostasis: bool = True


class TractSpec(_Frozen):
    """A bundle of axons from one region (or the sense) to another.

    Attributes:
        source: Name of the region that sends, or ``"sense"``.
        target: Name of the region that receives.
        delay_ms: Time that a spike travels [ms]; at least one step between regions, none from the
            sense.
        pattern: ``"dense"`` (all to all) or ``"convolution"`` (the same field at every place).
        kernel: Side of the field [pixels] (convolution).
        padding: Zeros around the image [pixels] (convolution).
        pool: Side of the squares whose strongest neuron alone is read [pixels]; 1 for all.
        gain: Standard deviation of the first weights times the square root of the fan in.
    """

    source: Name
    target: Name
    delay_ms: float = Field(default=0.0, ge=0, le=1_000)
    pattern: Literal["dense", "convolution"] = "dense"
    kernel: int = Field(default=3, ge=1, le=64)
    padding: int = Field(default=0, ge=0, le=32)
    pool: int = Field(default=1, ge=1, le=64)
    gain: float = Field(default=1.0, gt=0, le=100)

    @property
    def name(self) -> str:
        """Source and target, as tracts are called: ``sensory_to_associative``."""
        return f"{self.source}_to_{self.target}"


class ReadoutSpec(_Frozen):
    """What the brain answers and how it learns to answer anew.

    Attributes:
        sources: Regions whose spikes the read-out receives.
        labels: Names of the classes that training teaches.
        capacity: Classes that a new-born individual has room for; more room is made when needed.
        delay_ms: Time that a spike travels to the read-out [ms]; at least one step.
        tau_ms: Time constant of its neurons [ms].
        options: Options of the learning rule, see
            :class:`~neurallayers.dynamics.readout.PlasticReadout`.
    """

    sources: Annotated[tuple[Name, ...], Field(min_length=1)]
    labels: Annotated[tuple[Label, ...], Field(min_length=1, max_length=100_000)]
    capacity: int = Field(default=16, ge=1, le=100_000)
    delay_ms: float = Field(default=1.0, gt=0, le=1_000)
    tau_ms: float = Field(default=20.0, gt=0)
    options: dict[str, float] = Field(default_factory=dict)


class MemorySpec(_Frozen):
    """How much an individual remembers beside what its read-out learns.

    Attributes:
        episodes: Experiences that are kept one by one.
        key_size: Length of the vectors by which they are found again.
        working: Stimuli that are in mind at once.
        working_ms: Time constant with which they fade [ms of the brain's own time].
        concepts: Prototypes that sleep makes of experiences.
        novelty: How unlike all that is remembered a stimulus must be to be kept without a lesson,
            0 (all are) to 1 (none is).
    """

    episodes: int = Field(default=64, ge=1, le=100_000)
    key_size: int = Field(default=128, ge=1, le=65_536)
    working: int = Field(default=7, ge=1, le=1_000)
    working_ms: float = Field(default=200.0, gt=0, le=1e9)
    concepts: int = Field(default=32, ge=1, le=100_000)
    novelty: float = Field(default=0.3, ge=0, le=1)


class BrainSpec(_Frozen):
    """The whole anatomy.

    Attributes:
        name: Its name.
        schema_version: Version of this description.
        dt_ms: Length of a step [ms].
        sense: What comes in.
        regions: What is between.
        tracts: How it is joined.
        readout: What goes out.
        memory: What is kept of what happened.

    Raises:
        InvalidSpec: If it does not hold together; ``path`` names the field.
    """

    name: str = Field(min_length=1, max_length=200)
    schema_version: int = Field(default=SCHEMA_VERSION, ge=1, le=SCHEMA_VERSION)
    dt_ms: float = Field(default=1.0, ge=0.001, le=100)
    sense: SenseSpec
    regions: Annotated[tuple[RegionSpec, ...], Field(min_length=1, max_length=1000)]
    tracts: Annotated[tuple[TractSpec, ...], Field(min_length=1, max_length=10_000)]
    readout: ReadoutSpec
    memory: MemorySpec = Field(default_factory=MemorySpec)

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        check_anatomy(self)
        return self

    @property
    def steps(self) -> int:
        """Steps that a stimulus is shown."""
        return max(1, round(self.sense.duration_ms / self.dt_ms))

    def region(self, name: str) -> RegionSpec:
        """The region of that name."""
        for region in self.regions:
            if region.name == name:
                return region
        raise InvalidSpec(
            f"there is no region {name!r}.",
            nearest_name(name, [region.name for region in self.regions]),
            "regions",
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON.

        The usual memory is left out, so that networks from before there was one keep their
        fingerprints.
        """
        fields = self.model_dump(mode="json")
        if self.memory == MemorySpec():
            del fields["memory"]
        return fields

    def to_json(self) -> str:
        """JSON text, the same for equal specs."""
        return json.dumps(self.to_dict(), indent=2, sort_keys=True) + "\n"

    def to_yaml(self) -> str:
        """YAML text."""
        return str(yaml.safe_dump(self.to_dict(), sort_keys=False))

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> BrainSpec:
        """A spec from plain data.

        Raises:
            InvalidSpec: If it is newer than this version understands, or does not hold together.
        """
        if not isinstance(fields, Mapping):
            raise InvalidSpec(
                f"a spec is an object, not {type(fields).__name__}.", "See BrainSpec.to_json()."
            )
        version = fields.get("schema_version", SCHEMA_VERSION)
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise InvalidSpec(f"{version!r} is no version.", "Use 1.", "schema_version")
        if version > SCHEMA_VERSION:
            raise InvalidSpec(
                f"{version} is newer than this release reads ({SCHEMA_VERSION}).",
                "Upgrade neurallayers.",
                "schema_version",
            )
        return cls(**{str(key): value for key, value in fields.items()})

    @classmethod
    def from_text(cls, text: str) -> BrainSpec:
        """A spec from JSON or YAML text.

        Raises:
            InvalidSpec: If the text is neither or the spec does not hold together.
        """
        try:
            fields = _parse(text)
        except (yaml.YAMLError, RecursionError) as error:
            raise InvalidSpec(
                f"the text is neither JSON nor YAML ({str(error)[:200]}).", "Check its syntax."
            ) from None
        return cls.from_dict(fields)

    @classmethod
    def from_file(cls, path: str | Path) -> BrainSpec:
        """A spec from a .json or .yaml file."""
        return cls.from_text(Path(path).read_text(encoding="utf-8"))


def _parse(text: str) -> Any:
    # YAML reads some JSON numbers (1e-05) as text, so that JSON is tried first.
    try:
        return json.loads(text)
    except ValueError:
        return yaml.safe_load(text)


def _as_invalid_spec(error: ValidationError) -> InvalidSpec:
    """The first fault as an error of ours, with the path of its field."""
    faults = error.errors()
    first = faults[0]
    path = _path(first["loc"])
    others = {other for fault in faults if not path.startswith(other := _path(fault["loc"]))}
    count = f" {len(others)} more field(s) are wrong as well." if others else ""
    context = first.get("ctx") or {}
    inner = context.get("error")
    if isinstance(inner, InvalidSpec):  # a part that found its own fault
        within = f"{path}.{inner.path}".strip(".")
        return InvalidSpec(inner.problem.removeprefix(f"{inner.path}: "), inner.remedy, within)
    problem = first["msg"].rstrip(".")
    if "path" in context:
        return InvalidSpec(f"{problem}.{count}", str(context["remedy"]), str(context["path"]))
    # reprlib, as the value of somebody else may be as large and as nested as it likes.
    value = "" if first["type"] == "missing" else f" (it is {reprlib.repr(first['input'])[:80]})"
    remedy = "Correct this field; see the reference of BrainSpec."
    return InvalidSpec(f"{problem}{value}.{count}", remedy, path)


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    if "options" in location:  # what follows an option's name is the type that was tried
        location = location[: location.index("options") + 2]
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def _fault(path: str, problem: str, remedy: str) -> PydanticCustomError:
    # Braces would be read as fields of the message template.
    text = problem.replace("{", "(").replace("}", ")")
    return PydanticCustomError("anatomy", text, {"path": path, "remedy": remedy})


def _check_made(make: Callable[[], object], path: str, remedy: str) -> None:
    """Check options by making what they are for."""
    try:
        make()
    except NeuralLayersError as error:
        raise _fault(path, error.problem, error.remedy) from None
    except (TypeError, ValueError) as error:
        raise _fault(path, f"{error}.", remedy) from None


def check_anatomy(spec: BrainSpec) -> None:
    """Check what no field can check by itself: names, delays, shapes."""
    _check_sense(spec)
    names = [region.name for region in spec.regions]
    reserved = nn.ModuleDict()  # which keeps regions by name, beside names of its own
    for i, name in enumerate(names):
        if name in names[:i] or name in (SENSE, "readout") or hasattr(reserved, name):
            raise _fault(
                f"regions[{i}].name", f"{name!r} is taken.", "Give each region its own name."
            )
    for i, region in enumerate(spec.regions):
        _check_neurons(spec, i, region)
    seen: set[str] = set()
    for i, tract in enumerate(spec.tracts):
        _check_tract(spec, i, tract, names)
        if tract.name in seen:
            raise _fault(f"tracts[{i}]", f"{tract.name} is there twice.", "Join the two.")
        seen.add(tract.name)
    if all(tract.source != SENSE for tract in spec.tracts):
        raise _fault("tracts", "no tract starts at the sense.", 'Add one with source "sense".')
    _check_readout(spec, names)


def _check_sense(spec: BrainSpec) -> None:
    sense = spec.sense
    options: dict[str, Any] = dict(sense.options)
    try:
        make = ENCODERS.get(sense.encoder)
    except UnknownName as error:
        raise _fault("sense.encoder", error.problem, error.remedy) from None
    _check_made(
        lambda: make(dt_ms=spec.dt_ms, **options),
        "sense.options",
        f"See the options of {sense.encoder}.",
    )


def _check_neurons(spec: BrainSpec, i: int, region: RegionSpec) -> None:
    kind, path = region.neurons.kind, f"regions[{i}].neurons"
    if kind not in SPIKING:
        raise _fault(
            f"{path}.kind", f"{kind!r} is no spiking cell.", nearest_name(kind, list(SPIKING))
        )
    if kind.startswith("Recurrent") and len(region.shape) != 1:
        raise _fault(
            f"regions[{i}].shape",
            f"{kind} neurons are flat, the shape is {list(region.shape)}.",
            "Give one number of neurons.",
        )
    given: dict[str, Any] = {"dt_ms": spec.dt_ms}
    if kind.startswith("Recurrent"):
        given["seed"] = 0
    _check_made(
        lambda: CELLS.make(kind, 1, **given, **region.neurons.options),
        f"{path}.options",
        f"See the options of {kind}.",
    )


def _check_tract(spec: BrainSpec, i: int, tract: TractSpec, names: list[str]) -> None:
    path = f"tracts[{i}]"
    for end, known in (("source", [*names, SENSE]), ("target", names)):
        name = getattr(tract, end)
        if name not in known:
            raise _fault(
                f"{path}.{end}", f"there is no region {name!r}.", nearest_name(name, known)
            )
    if tract.source == SENSE and tract.delay_ms != 0:
        raise _fault(
            f"{path}.delay_ms", f"it is {tract.delay_ms} from the sense.", "Drive has no delay: 0."
        )
    if tract.source != SENSE and round(tract.delay_ms / spec.dt_ms) < 1:
        raise _fault(
            f"{path}.delay_ms",
            f"{tract.delay_ms} ms is less than a step of {spec.dt_ms} ms.",
            "Between regions a spike travels for at least one step.",
        )


def _check_readout(spec: BrainSpec, names: list[str]) -> None:
    readout = spec.readout
    for i, source in enumerate(readout.sources):
        if source not in names or source in readout.sources[:i]:
            raise _fault(
                f"readout.sources[{i}]", f"{source!r} cannot be read.", nearest_name(source, names)
            )
    if len(set(readout.labels)) != len(readout.labels):
        raise _fault("readout.labels", "a label is there twice.", "Give each class its own label.")
    if readout.capacity < len(readout.labels):
        raise _fault(
            "readout.capacity",
            f"{readout.capacity} is less than the {len(readout.labels)} labels.",
            "Leave room for all of them.",
        )
    if round(readout.delay_ms / spec.dt_ms) < 1:
        raise _fault(
            "readout.delay_ms",
            f"{readout.delay_ms} ms is less than a step of {spec.dt_ms} ms.",
            "A spike travels for at least one step.",
        )
    _check_made(
        lambda: PlasticReadout(
            1,
            1,
            slots=1,
            dt_ms=spec.dt_ms,
            tau_ms=readout.tau_ms,
            seed=0,
            **readout_options(readout),
        ),
        "readout.options",
        "See the options of PlasticReadout.",
    )


def readout_options(readout: ReadoutSpec) -> dict[str, Any]:
    """The options of the read-out as it takes them: a rank is a whole number."""
    options: dict[str, Any] = dict(readout.options)
    if "rank" in options:
        options["rank"] = int(options["rank"])
    return options
