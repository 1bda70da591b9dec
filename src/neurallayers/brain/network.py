"""A network: the anatomy of a spec with its slow weights, shared by every brain that uses it.

It is itself a cell: drive in, membrane potentials of the read-out out. Nothing that an individual
lives through is kept here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from neurallayers.brain.asynchronous import AsyncDoor
from neurallayers.brain.mind import Faculties
from neurallayers.brain.scheduler import Part, schedule
from neurallayers.brain.spec import SENSE, BrainSpec, TractSpec, readout_options
from neurallayers.dynamics import CELLS, Cell, PlasticReadout, PlasticReadoutState
from neurallayers.dynamics.cell import check_frames, initial_state_like
from neurallayers.errors import InvalidSpec, ShapeMismatch
from neurallayers.regions import Region, RegionState, Tract
from neurallayers.seeding import derive_seed
from neurallayers.senses import ENCODERS, Encoder, PoissonRate
from neurallayers.state import to_named

if TYPE_CHECKING:
    from neurallayers.brain.thinking import Thinking


class BrainState(NamedTuple):
    """Everything that an individual has lived, one row each."""

    sense: Any  # state of the encoder
    regions: dict[str, RegionState]
    tracts: dict[str, Tensor]  # spikes under way, [batch, delay, *source]
    readout_tracts: dict[str, Tensor]
    readout: PlasticReadoutState


@dataclass(frozen=True)
class Activity:
    """What happened in a network while it ran.

    Attributes:
        potentials: Membrane potentials of the read-out, ``[time, batch, slots]``.
        spikes: Spikes of each region, ``[time, batch, *shape]``.
        features: Trace at the read-out after the last step, ``[batch, features]``.
        scores: Potentials after the last step, ``[batch, slots]``; for a network without an
            individual only those of the trained classes.
        state: State after the last step.
    """

    potentials: Tensor
    spikes: dict[str, Tensor]
    features: Tensor
    scores: Tensor
    state: BrainState

    @property
    def rates(self) -> dict[str, Tensor]:
        """Mean spikes a neuron a step in each region (scalars, differentiable)."""
        return {name: spikes.mean() for name, spikes in self.spikes.items()}


@dataclass(frozen=True)
class Drive:
    """What the senses made of stimuli.

    Attributes:
        frames: ``[time, batch, *shape]``; one frame if it is held.
        steps: How long to hold it, or none.
        state: State of the encoder afterwards.
    """

    frames: Tensor
    steps: int | None
    state: Any


class BrainNetwork(Cell[BrainState]):
    """An anatomy with slow weights.

    Args:
        spec: Its description.
        seed: Seed of the weights; each part draws from a stream of its own name.

    Raises:
        InvalidSpec: If the shapes of the spec do not fit each other.

    >>> from neurallayers.brain.presets import preset
    >>> network = BrainNetwork(preset("hasn-nano"), seed=0)
    >>> activity = network.perceive(torch.rand(2, 8, 8, 1))
    >>> activity.scores.shape
    torch.Size([2, 10])
    """

    def __init__(self, spec: BrainSpec, seed: int = 0) -> None:
        super().__init__()
        self.spec, self.seed, self.dt_ms = spec, seed, spec.dt_ms
        self.image_shape = (*spec.sense.shape, 1)[:3]
        options: dict[str, Any] = dict(spec.sense.options)
        self.encoder: Encoder[Any] = ENCODERS.make(spec.sense.encoder, dt_ms=self.dt_ms, **options)
        self.in_shape = tuple(self.encoder.out_shape(self.image_shape))
        self.regions = nn.ModuleDict(
            {
                region.name: Region(
                    CELLS.make(
                        region.neurons.kind,
                        region.shape if len(region.shape) > 1 else region.shape[0],
                        dt_ms=spec.dt_ms,
                        **self._cell_options(region.neurons.kind, region.name),
                        **region.neurons.options,
                    ),
                    homeostasis=region.homeostasis,
                )
                for region in spec.regions
            }
        )
        self.tracts = nn.ModuleDict(
            {tract.name: self._make_tract(i, tract) for i, tract in enumerate(spec.tracts)}
        )
        self.readout_delay = round(spec.readout.delay_ms / spec.dt_ms)
        features = sum(self._numel(name) for name in spec.readout.sources)
        self.readout = PlasticReadout(
            features,
            len(spec.readout.labels),
            slots=spec.readout.capacity,
            dt_ms=spec.dt_ms,
            tau_ms=spec.readout.tau_ms,
            seed=derive_seed(seed, "readout"),
            **readout_options(spec.readout),
        )
        self.faculties = Faculties.of(spec, self.image_shape, features)
        self.out_shape = self.readout.out_shape
        self.parts: tuple[Part, ...] = schedule(spec)
        self._door = AsyncDoor()

    # -- construction -------------------------------------------------------------------------

    def _new_sense(self, batch: int, seed: int = 0) -> Any:
        return self.encoder.initial_state(batch, seed, self.image_shape)

    def _cell_options(self, kind: str, name: str) -> dict[str, Any]:
        return {"seed": derive_seed(self.seed, name)} if kind.startswith("Recurrent") else {}

    def _shape(self, name: str) -> tuple[int, ...]:
        return self.in_shape if name == SENSE else self.spec.region(name).shape

    def _numel(self, name: str) -> int:
        return torch.Size(self._shape(name)).numel()

    def _make_tract(self, i: int, tract: TractSpec) -> Tract:
        try:
            return Tract(
                self._shape(tract.source),
                self._shape(tract.target),
                delay_steps=round(tract.delay_ms / self.dt_ms),
                pattern=tract.pattern,
                kernel=tract.kernel,
                padding=tract.padding,
                pool=tract.pool,
                gain=tract.gain,
                seed=derive_seed(self.seed, tract.name),
            )
        except ShapeMismatch as error:
            raise InvalidSpec(error.problem, error.remedy, f"tracts[{i}]") from None

    # -- state --------------------------------------------------------------------------------

    def initial_state(self, batch: int = 1, *, seed: int = 0) -> BrainState:
        """The state of individuals that have not lived yet.

        Args:
            batch: How many.
            seed: Seed of the randomness within their steps (noisy encoders).
        """
        return BrainState(
            sense=self._new_sense(batch, seed),
            regions={name: region.initial_state(batch) for name, region in self.named_regions()},
            tracts={name: tract.initial_buffer(batch) for name, tract in self.named_tracts()},
            readout_tracts={
                name: torch.zeros(batch, self.readout_delay, *self._shape(name))
                for name in self.spec.readout.sources
            },
            readout=self.readout.initial_state(batch),
        )

    def rest(self, state: BrainState) -> BrainState:
        """No spike anywhere or under way; what was learned and regulated stays."""
        return state._replace(
            regions={
                name: region.rest(state.regions[name]) for name, region in self.named_regions()
            },
            tracts={name: torch.zeros_like(buffer) for name, buffer in state.tracts.items()},
            readout_tracts={
                name: torch.zeros_like(buffer) for name, buffer in state.readout_tracts.items()
            },
            readout=self.readout.rest(state.readout),
        )

    def named_regions(self) -> list[tuple[str, Region]]:
        """The regions with their names, in the order of the spec."""
        return [(name, self._region(name)) for name in self.regions]

    def named_tracts(self) -> list[tuple[str, Tract]]:
        """The tracts with their names, in the order of the spec."""
        return [(name, self._tract(name)) for name in self.tracts]

    def _region(self, name: str) -> Region:
        region = self.regions[name]
        assert isinstance(region, Region)
        return region

    def _tract(self, name: str) -> Tract:
        tract = self.tracts[name]
        assert isinstance(tract, Tract)
        return tract

    # -- running ------------------------------------------------------------------------------

    def forward(self, x: Tensor, state: BrainState) -> tuple[Tensor, BrainState]:
        """One step: drive ``[batch, *in_shape]`` to potentials ``[batch, slots]``."""
        activity = self.live(x.unsqueeze(0), state)
        return activity.potentials[0], activity.state

    def run(
        self, xs: Tensor, state: BrainState | None = None, *, steps: int | None = None
    ) -> tuple[Tensor, BrainState]:
        """Many steps: drive ``[time, batch, *in_shape]`` to potentials ``[time, batch, slots]``."""
        check_frames(self, xs, steps)
        activity = self.live(xs, state, steps=steps)
        return activity.potentials, activity.state

    def live(
        self, xs: Tensor, state: BrainState | None = None, *, steps: int | None = None
    ) -> Activity:
        """As :meth:`run`, with all that happened on the way.

        Args:
            xs: Drive ``[time, batch, *in_shape]``.
            state: State before the first step; new-born when left out.
            steps: With a single frame, hold it for so many steps.
        """
        spikes: dict[str, Tensor] = {}
        regions: dict[str, RegionState] = {}
        buffers: dict[str, Tensor] = {}
        for part in self.parts:
            if part.stepped:
                self._step_part(part, xs, steps, state, spikes, regions, buffers)
            else:
                self._fuse_part(part, xs, steps, state, spikes, regions, buffers)
        potentials, waiting, readout = self._read_out(spikes, state)
        sense = self._new_sense(xs.shape[1]) if state is None else state.sense
        scores = potentials[-1] if state is not None else potentials[-1][:, : self.readout.n_out]
        return Activity(
            potentials,
            spikes,
            readout.trace,
            scores,
            BrainState(
                sense,
                {name: regions[name] for name, _ in self.named_regions()},
                {name: buffers[name] for name, _ in self.named_tracts()},
                waiting,
                readout,
            ),
        )

    @property
    def noisy(self) -> bool:
        """Whether its sense draws random numbers, so that :meth:`perceive` heeds a seed."""
        return isinstance(self.encoder, PoissonRate)

    def encode(
        self,
        stimuli: Tensor,
        state: BrainState | None,
        steps: int | None = None,
        *,
        seed: int = 0,
    ) -> Drive:
        """Turn stimuli ``[batch, height, width, channels]`` into drive.

        Raises:
            ShapeMismatch: If the images have another shape than the spec's.
        """
        if tuple(stimuli.shape[-3:]) != self.image_shape:
            raise ShapeMismatch(
                f"The stimuli have shape {tuple(stimuli.shape)}, expected "
                f"[batch, {', '.join(map(str, self.image_shape))}].",
                "neurallayers.senses.as_images brings images into this form.",
            )
        steps = self.spec.steps if steps is None else steps
        sense = self._new_sense(len(stimuli), seed) if state is None else state.sense
        frames, sense = self.encoder.encode(stimuli, steps, sense)
        return Drive(frames, steps if self.encoder.held else None, sense)

    def perceive(
        self,
        stimuli: Tensor,
        state: BrainState | None = None,
        *,
        steps: int | None = None,
        seed: int = 0,
    ) -> Activity:
        """Show stimuli for the time that the spec says and let the network run.

        Args:
            stimuli: ``[batch, height, width, channels]`` in 0..1.
            state: State before; new-born when left out (training).
            steps: Steps to run instead of the spec's.
            seed: Seed of a noisy sense of the new-born; a state brings its own.
        """
        drive = self.encode(stimuli, state, steps, seed=seed)
        activity = self.live(drive.frames, state, steps=drive.steps)
        lived = activity.state._replace(sense=drive.state)
        return Activity(
            activity.potentials, activity.spikes, activity.features, activity.scores, lived
        )

    async def async_process(self, stimulus: Any, state: BrainState | None = None) -> Thinking:
        """Think about one stimulus from rest; calls that come together become one batch.

        Args:
            stimulus: An image, as :func:`neurallayers.senses.as_images` takes it.
            state: Whom to ask, one row; a new-born when left out.
        """
        return await self._door.ask(self, stimulus, state)

    def _incoming(
        self, region: str, *, within: tuple[str, ...] = ()
    ) -> list[tuple[str, TractSpec]]:
        """Tracts that end in a region and start outside ``within``."""
        return [
            (tract.name, tract)
            for tract in self.spec.tracts
            if tract.target == region and tract.source not in within
        ]

    def _external(
        self,
        region: str,
        within: tuple[str, ...],
        xs: Tensor,
        state: BrainState | None,
        spikes: Mapping[str, Tensor],
        buffers: dict[str, Tensor],
    ) -> tuple[Tensor | None, Tensor | None]:
        """Currents into a region from outside its part: those of the sense, those of regions."""
        sensed: Tensor | None = None
        arrived: Tensor | None = None
        for name, spec in self._incoming(region, within=within):
            tract = self._tract(name)
            if spec.source == SENSE:
                current = tract.project(xs)
                buffers[name] = xs.new_zeros(xs.shape[1], 0, *self.in_shape)
                sensed = current
            else:
                entering = None if state is None else state.tracts[name]
                current, buffers[name] = tract.currents(spikes[spec.source], entering)
                arrived = current if arrived is None else arrived + current
        return sensed, arrived

    def _fuse_part(
        self,
        part: Part,
        xs: Tensor,
        steps: int | None,
        state: BrainState | None,
        spikes: dict[str, Tensor],
        regions: dict[str, RegionState],
        buffers: dict[str, Tensor],
    ) -> None:
        """Run one region over all steps at once."""
        (name,) = part.regions
        sensed, arrived = self._external(name, (), xs, state, spikes, buffers)
        entering = None if state is None else state.regions[name]
        region = self._region(name)
        if arrived is None:
            if sensed is None:
                length = xs.shape[0] if steps is None else steps
                sensed = xs.new_zeros(length, xs.shape[1], *self._shape(name))
                steps = None
            spikes[name], regions[name] = region.run(sensed, entering, steps=steps)
        else:
            total = arrived if sensed is None else arrived + sensed
            spikes[name], regions[name] = region.run(total, entering)

    def _step_part(
        self,
        part: Part,
        xs: Tensor,
        steps: int | None,
        state: BrainState | None,
        spikes: dict[str, Tensor],
        regions: dict[str, RegionState],
        buffers: dict[str, Tensor],
    ) -> None:
        """Run regions that are joined in a loop, one step after the other."""
        time = xs.shape[0] if steps is None else steps
        newborn = initial_state_like(self, xs) if state is None else None
        outside = {
            name: self._external(name, part.regions, xs, state, spikes, buffers)
            for name in part.regions
        }
        inner = [
            tract
            for tract in self.spec.tracts
            if tract.source in part.regions and tract.target in part.regions
        ]
        for tract in inner:
            buffers[tract.name] = _entering(state, newborn).tracts[tract.name].to(xs)
        for name in part.regions:
            regions[name] = _entering(state, newborn).regions[name]
        fired: dict[str, list[Tensor]] = {name: [] for name in part.regions}
        for step in range(time):
            now: dict[str, Tensor] = {}
            for name in part.regions:
                current = self._current(name, step, outside[name], inner, buffers, xs)
                now[name], regions[name] = self._region(name)(current, regions[name])
                fired[name].append(now[name])
            for tract in inner:
                moved = [buffers[tract.name][:, 1:], now[tract.source].unsqueeze(1)]
                buffers[tract.name] = torch.cat(moved, dim=1)
        for name in part.regions:
            spikes[name] = torch.stack(fired[name])

    def _current(
        self,
        name: str,
        step: int,
        outside: tuple[Tensor | None, Tensor | None],
        inner: list[TractSpec],
        buffers: Mapping[str, Tensor],
        xs: Tensor,
    ) -> Tensor:
        """Current into one region at one step of a stepped part."""
        current = xs.new_zeros(xs.shape[1], *self._shape(name))
        for frames in outside:
            if frames is not None:
                current = current + frames[step if len(frames) > 1 else 0]
        for spec in inner:
            if spec.target == name:
                arriving = buffers[spec.name][:, :1].transpose(0, 1)
                current = current + self._tract(spec.name).project(arriving)[0]
        return current

    def _read_out(
        self, spikes: Mapping[str, Tensor], state: BrainState | None
    ) -> tuple[Tensor, dict[str, Tensor], PlasticReadoutState]:
        arriving, waiting = [], {}
        for name in self.spec.readout.sources:
            fired = spikes[name]
            if state is None:
                under_way = fired.new_zeros(self.readout_delay, *fired.shape[1:])
            else:
                under_way = state.readout_tracts[name].transpose(0, 1).to(fired.dtype)
            line = torch.cat([under_way, fired])
            arriving.append(line[: len(fired)].flatten(2))
            waiting[name] = line[len(fired) :].transpose(0, 1).clone()
        entering = None if state is None else state.readout
        potentials, readout = self.readout.run(torch.cat(arriving, dim=-1), entering)
        return potentials, waiting, readout

    # -- what training leaves behind ----------------------------------------------------------

    def calibrate(self, features: Tensor, targets: Tensor) -> None:
        """Set what on-line learning needs; see :meth:`PlasticReadout.calibrate`."""
        self.readout.calibrate(features, targets)

    @torch.no_grad()
    def set_rate_targets(self, activity: Mapping[str, Tensor]) -> None:
        """Set the homeostatic set points.

        Args:
            activity: Mean spikes a step of each neuron over the training set, by region.
        """
        for name, region in self.named_regions():
            region.set_point.copy_(activity[name].reshape(region.in_shape))

    def parameter_count(self) -> int:
        """Slow weights that training may change."""
        return sum(parameter.numel() for parameter in self.parameters())

    def fingerprint(self) -> str:
        """SHA-256 over the spec and every weight: equal exactly for equal networks."""
        digest = hashlib.sha256(self.spec.to_json().encode())
        for name, tensor in sorted(self.state_dict().items()):
            digest.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)}".encode())
            digest.update(to_named(tensor)[""].reshape(-1).view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()


def _entering(state: BrainState | None, newborn: BrainState | None) -> BrainState:
    entering = state if state is not None else newborn
    assert entering is not None
    return entering
