"""Encoders: images as the drive of the first neurons.

An encoder keeps no memory of its own. What it needs to remember between two stimuli (how many
random numbers were drawn, what was last seen) is a state, handed in and out, as for every cell:
rows never meet, and a replay from the same state gives the same drive bit for bit.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import torch
from torch import Tensor

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.registry import Registry
from neurallayers.seeding import counter_uniform, derive_seed
from neurallayers.state import NoState

S = TypeVar("S", bound=tuple[Any, ...])


def _refuse(name: str, value: float, remedy: str) -> None:
    raise InvalidInput(f"{name} is {value}.", remedy)


@dataclass(frozen=True, kw_only=True)
class Encoder(ABC, Generic[S]):
    """The way from images to drive.

    Attributes:
        dt_ms: Length of one step [ms].
        held: Whether the drive is a single frame that stands for all steps; pass it on as
            ``cell.run(drive, state, steps=steps)``.
    """

    dt_ms: float = 1.0
    held: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            InvalidInput: If one is out of range.
        """
        if not 0.0 < self.dt_ms < math.inf:
            _refuse("dt_ms", self.dt_ms, "It must be positive (usually 0.1 to 1 ms).")

    @abstractmethod
    def initial_state(
        self, batch: int = 1, seed: int = 0, in_shape: tuple[int, ...] | None = None
    ) -> S:
        """What ``batch`` individuals remember that have not seen anything yet.

        Args:
            batch: Number of rows.
            seed: Seed of what is random; each row gets one of its own.
            in_shape: Height, width and channels of the images, where the state is an image.
        """

    @abstractmethod
    def encode(self, images: Tensor, steps: int, state: S) -> tuple[Tensor, S]:
        """The drive of ``steps`` steps.

        Args:
            images: Intensities ``[batch, height, width, channels]`` between 0 and 1, as
                :func:`~neurallayers.senses.images.as_images` gives them.
            steps: Number of steps.
            state: State before the first step.

        Returns:
            Drive ``[steps, batch, *out_shape]``, or ``[1, batch, *out_shape]`` where
            :attr:`held`, and the state after the last step.

        Raises:
            ShapeMismatch: If images, steps and state do not fit.
        """

    def out_shape(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of one row of the drive for images of ``in_shape``."""
        return tuple(in_shape)


ENCODERS: Registry[Encoder[Any]] = Registry("encoder")


def _check(images: Tensor, steps: int, rows: int | None = None) -> None:
    if images.ndim != 4:
        raise ShapeMismatch(
            f"The images have shape {tuple(images.shape)}.",
            "Give [batch, height, width, channels]; neurallayers.senses.as_images makes them so.",
        )
    if steps < 1:
        raise ShapeMismatch(f"steps is {steps}.", "Encode at least one step.")
    if rows is not None and rows != images.shape[0]:
        raise ShapeMismatch(
            f"There are {images.shape[0]} images and {rows} rows of state.",
            "Give one image for each row of the state.",
        )


@ENCODERS.register("current")
@dataclass(frozen=True, kw_only=True)
class DirectCurrent(Encoder[NoState]):
    r"""The intensity as a constant current: :math:`I = g x`, one frame held for all steps.

    Nothing is lost and nothing is random; the first neurons do the spiking. Differentiable.

    Source: Rueckauer et al. (2017), Front. Neurosci. 11:682 (analog input).

    Args:
        gain: Current at full intensity (g above), in units of the neurons' input.
        dt_ms: Length of one step [ms].

    Raises:
        InvalidInput: If an option is out of range.

    >>> encoder = DirectCurrent(gain=2.0)
    >>> drive, _ = encoder.encode(torch.ones(1, 2, 2, 1), 50, encoder.initial_state())
    >>> drive.shape, drive.amax().item()
    (torch.Size([1, 1, 2, 2, 1]), 2.0)
    """

    gain: float = 1.0
    held: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        if not 0.0 < self.gain < math.inf:
            _refuse("gain", self.gain, "It must be positive (1 drives a unit threshold).")

    def initial_state(
        self, batch: int = 1, seed: int = 0, in_shape: tuple[int, ...] | None = None
    ) -> NoState:
        """Nothing."""
        return NoState()

    def encode(self, images: Tensor, steps: int, state: NoState) -> tuple[Tensor, NoState]:
        """One frame; see the class for the equation."""
        _check(images, steps)
        return (self.gain * images)[None], state


class PoissonRateState(NamedTuple):
    """State of :class:`PoissonRate`."""

    seed: Tensor  # int64 [batch], seed of each row
    counter: Tensor  # int64 [batch], steps that each row has lived


@ENCODERS.register("poisson")
@dataclass(frozen=True, kw_only=True)
class PoissonRate(Encoder[PoissonRateState]):
    r"""Random spikes whose rate is the intensity.

    In each step there is one with probability

    .. math:: p = r_{max} \, \Delta t \, x.

    Error: there is at most one spike a step, so that counts over :math:`N` steps have the mean of a
    Poisson process, :math:`N p`, but the variance :math:`N p (1 - p)`. Spikes carry no gradient to
    the image.

    The numbers are computed from the seed and the counter in the state: the same state gives the
    same spikes, and a row the same whoever its neighbours.

    Source: Dayan & Abbott (2001), Theoretical Neuroscience, section 1.4, the spike generator.

    Args:
        rate_hz: Rate at full intensity [Hz]; at most one spike a step, ``1000 / dt_ms``.
        dt_ms: Length of one step [ms].

    Raises:
        InvalidInput: If an option is out of range.

    >>> encoder = PoissonRate(rate_hz=200.0)
    >>> spikes, state = encoder.encode(torch.ones(2, 8, 8, 1), 100, encoder.initial_state(2))
    >>> spikes.shape, state.counter.tolist()
    (torch.Size([100, 2, 8, 8, 1]), [100, 100])
    """

    rate_hz: float = 100.0

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        highest = 1000.0 / self.dt_ms
        if not 0.0 < self.rate_hz <= highest:
            _refuse(
                "rate_hz",
                self.rate_hz,
                f"With steps of {self.dt_ms} ms it lies above 0 and not above {highest:g} Hz, one "
                "spike a step; lower the rate or shorten dt_ms.",
            )

    def initial_state(
        self, batch: int = 1, seed: int = 0, in_shape: tuple[int, ...] | None = None
    ) -> PoissonRateState:
        """A seed for each row, derived from ``seed`` and the row alone; no step lived."""
        seeds = [derive_seed(seed, "poisson", row) for row in range(batch)]
        return PoissonRateState(
            torch.tensor(seeds, dtype=torch.int64), torch.zeros(batch, dtype=torch.int64)
        )

    def encode(
        self, images: Tensor, steps: int, state: PoissonRateState
    ) -> tuple[Tensor, PoissonRateState]:
        """Spikes of all steps; see the class for the equation."""
        _check(images, steps, state.seed.shape[0])
        rows = images.detach().flatten(1)
        probability = rows * (self.rate_hz * self.dt_ms / 1000.0)
        spikes = torch.empty(steps, *rows.shape, dtype=images.dtype, device=images.device)
        for step in range(steps):
            drawn = counter_uniform(state.seed, state.counter + step, rows.shape[1])
            spikes[step] = drawn < probability
        return spikes.view(steps, *images.shape), state._replace(counter=state.counter + steps)


@ENCODERS.register("latency")
@dataclass(frozen=True, kw_only=True)
class FirstSpikeLatency(Encoder[NoState]):
    r"""One spike a pixel, the brighter the earlier: when a leaky membrane would reach threshold.

    A membrane that the constant intensity :math:`x` drives from rest,
    :math:`v = x (1 - e^{-t/\tau})`, reaches :math:`\theta` at

    .. math:: t = \tau \, \ln \frac{x}{x - \theta}.

    The spike stands in the step at whose end the threshold is first reached, as in the cell
    :class:`~neurallayers.dynamics.neurons.LIF`. Pixels not above the threshold, and those whose
    time lies beyond the last step, stay silent. Time counts from the first step of the call: each
    call shows a stimulus anew.

    Error: the time is rounded up to the grid, by less than one step. Spikes carry no gradient to
    the image.

    Source: latency code: Thorpe, Delorme & Van Rullen (2001), Neural Netw. 14:715; the membrane
    under constant input: Gerstner, Kistler, Naud & Paninski (2014), Neuronal Dynamics, section 1.3.

    Args:
        threshold: Intensity below which a pixel never fires (theta above), between 0 and 1.
        tau_ms: Time constant of the membrane [ms].
        dt_ms: Length of one step [ms].

    Raises:
        InvalidInput: If an option is out of range.

    >>> encoder = FirstSpikeLatency(threshold=0.5, tau_ms=10.0)
    >>> spikes, _ = encoder.encode(torch.ones(1, 1, 1, 1), 20, encoder.initial_state())
    >>> spikes.flatten().nonzero().item()  # 10 ms * ln 2 = 6.9 ms: in the seventh step
    6
    """

    threshold: float = 0.2
    tau_ms: float = 20.0

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        if not 0.0 < self.threshold < 1.0:
            _refuse("threshold", self.threshold, "It lies between 0 and 1, both excluded.")
        if not 0.0 < self.tau_ms < math.inf:
            _refuse("tau_ms", self.tau_ms, "It must be positive (usually 10 to 30 ms).")

    def initial_state(
        self, batch: int = 1, seed: int = 0, in_shape: tuple[int, ...] | None = None
    ) -> NoState:
        """Nothing."""
        return NoState()

    def times_ms(self, images: Tensor) -> Tensor:
        """When each pixel fires [ms] after the onset; infinite where it never does."""
        excess = images.detach().double() - self.threshold
        times = self.tau_ms * torch.log1p(self.threshold / excess)
        return torch.where(excess > 0, times, torch.inf)

    def encode(self, images: Tensor, steps: int, state: NoState) -> tuple[Tensor, NoState]:
        """Spikes of all steps; see the class for the equation."""
        _check(images, steps)
        firing_step = torch.ceil(self.times_ms(images) / self.dt_ms) - 1
        grid = torch.arange(steps, device=images.device)[:, None, None, None, None]
        return (firing_step == grid).to(images.dtype), state


class DeltaEventsState(NamedTuple):
    """State of :class:`DeltaEvents`."""

    reference: Tensor  # [batch, height, width, channels], intensity that the last events led to


@ENCODERS.register("delta")
@dataclass(frozen=True, kw_only=True)
class DeltaEvents(Encoder[DeltaEventsState]):
    r"""On and off events where the intensity left what the last events led to by a threshold.

    .. math::
        s^{on} &= H(x - R - \theta), \qquad s^{off} = H(R - x - \theta) \\
        R &\leftarrow R + \theta (s^{on} - s^{off})

    The first half of the output's channels are on events, the second half off events. The reference
    moves one threshold a step, so that a jump by several thresholds fires in as many steps and the
    reference follows the image to within one threshold. A new-born has seen darkness.

    As in an event camera, a pixel reports changes and a scene that stands still falls silent. Other
    than there the intensity counts and not its logarithm, and there is at most one event a step and
    pixel. Events carry no gradient to the image.

    Source: Lichtsteiner, Posch & Delbruck (2008), IEEE J. Solid-State Circuits 43:566; with a
    stepping reference: Petro, Kasabov & Kiss (2020), IEEE Trans. Neural Netw. Learn. Syst. 31:358.

    Args:
        threshold: Change of intensity that makes an event (theta above), between 0 and 1.
        dt_ms: Length of one step [ms].

    Raises:
        InvalidInput: If an option is out of range.

    >>> encoder = DeltaEvents(threshold=0.3)
    >>> dark = encoder.initial_state(1, in_shape=(1, 1, 1))
    >>> events, state = encoder.encode(torch.ones(1, 1, 1, 1), 5, dark)
    >>> events.flatten(1).tolist()  # on, off
    [[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
    """

    threshold: float = 0.1

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        if not 0.0 < self.threshold < 1.0:
            _refuse("threshold", self.threshold, "It lies between 0 and 1, both excluded.")

    def initial_state(
        self, batch: int = 1, seed: int = 0, in_shape: tuple[int, ...] | None = None
    ) -> DeltaEventsState:
        """Darkness.

        Raises:
            ShapeMismatch: If ``in_shape`` is not height, width and channels.
        """
        if in_shape is None or len(in_shape) != 3:
            raise ShapeMismatch(
                f"in_shape is {in_shape}.", "Delta events remember an image: give (h, w, channels)."
            )
        return DeltaEventsState(torch.zeros(batch, *in_shape))

    def encode(
        self, images: Tensor, steps: int, state: DeltaEventsState
    ) -> tuple[Tensor, DeltaEventsState]:
        """Events of all steps; see the class for the equations.

        Args:
            images: One image that stands still, ``[batch, height, width, channels]``, or a movie
                ``[batch, steps, height, width, channels]`` with a frame for each step.
            steps: Number of steps.
            state: State before the first step.

        Raises:
            ShapeMismatch: If images, steps and state do not fit.
        """
        frames = self._frames(images.detach(), steps)
        _check(frames[0], steps, state.reference.shape[0])
        reference = state.reference
        if reference.shape != frames.shape[1:]:
            raise ShapeMismatch(
                f"The state remembers {tuple(reference.shape[1:])}, the images have "
                f"{tuple(frames.shape[2:])}.",
                "Make the initial state with in_shape of these images.",
            )
        events = []
        for step in range(steps):
            change = frames[step if len(frames) > 1 else 0] - reference
            on, off = change >= self.threshold, change <= -self.threshold
            reference = reference + self.threshold * (on.to(reference) - off.to(reference))
            events.append(torch.cat([on, off], dim=-1))
        return torch.stack(events).to(images.dtype), DeltaEventsState(reference)

    def _frames(self, images: Tensor, steps: int) -> Tensor:
        """The frames ``[steps or 1, batch, height, width, channels]``."""
        if images.ndim != 5:
            return images[None]
        if images.shape[1] != steps:
            raise ShapeMismatch(
                f"The movie has {images.shape[1]} frames for {steps} steps.",
                "Give [batch, steps, height, width, channels], one frame a step.",
            )
        return images.transpose(0, 1)

    def out_shape(self, in_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Twice as many channels: on and off."""
        return (*in_shape[:-1], 2 * in_shape[-1])
