"""What callers want from the thread that computes, and where they await it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.service.failures import KeyReused

if TYPE_CHECKING:
    from torch import Tensor

    from neurallayers.service.engine.resident import Resident


#: Share of red, green and blue in the brightness of a pixel (ITU-R BT.601, 2.5.1).
LUMA = (0.299, 0.587, 0.114)


@dataclass(eq=False, kw_only=True)
class Work:
    """Something to do.

    Attributes:
        future: Where the result is awaited.
        deadline: When nobody waits for it any more, on the clock of ``time.monotonic`` [s].
        counted: Whether the pace counts it among what waits.
    """

    future: asyncio.Future[Any]
    deadline: float
    counted: bool = field(default=False, init=False)

    @property
    def rows(self) -> int:
        """How many rows of a batch it takes."""
        return 1


@dataclass(eq=False, kw_only=True)
class Chore(Work):
    """Something that concerns no single brain.

    Attributes:
        do: What to do.
    """

    do: Callable[[], Any]


@dataclass(eq=False, kw_only=True)
class BrainWork(Work):
    """Something for one brain; a brain does one after the other, in the order of asking."""

    brain_id: str


@dataclass(frozen=True)
class Stimulus:
    """What a brain is shown, as it was given.

    Attributes:
        image: An image, as :func:`neurallayers.senses.as_images` takes it.
        maximum: The intensity that white has.
        fit: Bring an image of another size to the size that the network expects.
        invert: Turn a dark drawing on light ground into a light one on dark ground.
    """

    image: Any
    maximum: float = 1.0
    fit: bool = False
    invert: bool = False

    def prepared(self, shape: tuple[int, ...]) -> Tensor:
        """The image ``[1, height, width, channels]`` as the network takes it.

        Raises:
            InvalidInput: If it has the wrong shape, range or dtype, or holds NaN.
        """
        image = self.image
        if self.maximum != 1.0:
            image = _scaled(image, self.maximum)
        if self.fit:
            prepared = _fitted(image, shape)
        else:
            # Imported here, as in what follows: who only hands a stimulus on needs no torch.
            from neurallayers.senses import as_images

            prepared = as_images(image, shape)
        if len(prepared) != 1:
            # Rows that nobody counted would shift the answers of all others in the batch.
            raise ShapeMismatch(
                f"{len(prepared)} stimuli were given where one is expected.",
                "Give each one by itself, or several to process_many.",
            )
        return 1.0 - prepared if self.invert else prepared


def _scaled(image: Any, maximum: float) -> Any:
    try:
        with np.errstate(over="ignore"):  # what becomes infinite is refused like all out of range
            return np.asarray(image, dtype=np.float64) / maximum
    except (TypeError, ValueError, OverflowError) as error:
        raise ShapeMismatch(
            "The rows of the image differ in length, or hold something else than numbers.",
            "Give every row as many numbers.",
        ) from error


def _fitted(image: Any, shape: tuple[int, ...]) -> Tensor:
    """The image brought to the network's size, and its colours to the network's channels."""
    from neurallayers.senses import resize

    channels = shape[2] if len(shape) == 3 else 1
    try:
        array = np.asarray(image)
    except ValueError as error:
        raise ShapeMismatch(
            "The rows of the image differ in length.", "Give every row as many numbers."
        ) from error
    if array.ndim == 3 and array.shape[2] == 3 and channels == 1:
        full = 255.0 if array.dtype == np.uint8 else 1.0
        array = array.astype(np.float64) @ np.array(LUMA) / full
    if array.ndim == 2 and channels > 1:
        array = np.repeat(array[..., None], channels, axis=2)
    # With the channels named, so that none too many reach the batch that others share.
    return resize(array[None] if array.ndim == 3 else array, (*shape[:2], channels))


@dataclass(eq=False, kw_only=True)
class Think(BrainWork):
    """Think about stimuli from rest.

    Attributes:
        stimuli: The stimuli.
        many: Whether a list of thoughts is awaited.
    """

    stimuli: Sequence[Stimulus]
    many: bool = False

    @property
    def rows(self) -> int:
        """How many stimuli there are."""
        return len(self.stimuli)

    def images(self, shape: tuple[int, ...]) -> Tensor:
        """All stimuli as the network takes them.

        Raises:
            InvalidInput: If one of them is wrong; it is named by its place.
        """
        images = []
        for place, stimulus in enumerate(self.stimuli):
            try:
                images.append(stimulus.prepared(shape))
            except InvalidInput as error:
                where = f"Stimulus {place}: " if self.many else ""
                raise InvalidInput(where + error.problem, error.remedy) from error
        if len(images) == 1:
            return images[0]
        import torch

        return torch.cat(images)


def numbers_together(works: Sequence[Think], shape: tuple[int, ...]) -> Tensor | None:
    """All stimuli as the network takes them, checked and brought into form all at once.

    That takes a fifth of the time of one after the other, and gives the same numbers.

    Returns:
        One row for each stimulus; none unless all are lists of numbers without a fault. Then each
        is to be looked at by itself.
    """
    from neurallayers.senses import as_images

    stimuli = [stimulus for work in works for stimulus in work.stimuli]
    if any(
        stimulus.fit or stimulus.invert or not isinstance(stimulus.image, list)
        for stimulus in stimuli
    ):
        return None
    try:
        numbers = np.array([stimulus.image for stimulus in stimuli])
    except (TypeError, ValueError):
        return None
    # Text that reads like numbers is a fault as well, whoever shares the batch.
    if numbers.dtype.kind not in "biuf" or numbers.shape[1:] != shape[:2]:
        return None
    numbers = numbers.astype(np.float64, copy=False)
    with np.errstate(over="ignore"):  # what becomes infinite is a fault
        numbers /= np.array([stimulus.maximum for stimulus in stimuli])[:, None, None]
    try:
        return as_images(numbers, shape)
    except InvalidInput:
        return None


@dataclass(frozen=True)
class RequestKey:
    """What tells a request that comes again from another.

    Attributes:
        key: What the caller chose.
        digest: Of what was asked.
    """

    key: str
    digest: bytes

    def check(self, before: bytes) -> None:
        """Hold this request against the one that came with the same key.

        Raises:
            KeyReused: If that was another one.
        """
        if before != self.digest:
            raise KeyReused(
                f"The idempotency key {self.key!r} came before with another request.",
                "Make a new key for each request; keep it only to repeat the same one.",
            )


@dataclass(eq=False, kw_only=True)
class Happen(BrainWork):
    """Live through something that becomes an entry.

    Attributes:
        kind: Kind of the entry.
        content: Its JSON values.
        stimulus: What it is about, if there is something.
        request: Set if the caller may ask again.
    """

    kind: str
    content: dict[str, Any] = field(default_factory=dict)
    stimulus: Stimulus | None = None
    request: RequestKey | None = None


@dataclass(eq=False, kw_only=True)
class Errand(BrainWork):
    """Anything else for one brain.

    Attributes:
        do: What to do; gets the brain, and returns the result or :data:`LATER`.
        asleep: Whether the brain need not be woken for it.
    """

    do: Callable[[Resident | None], Any]
    asleep: bool = False


class Later:
    """What an errand returns whose result comes with a later turn."""


LATER = Later()
