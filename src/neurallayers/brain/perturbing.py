"""Striking a network and watching what comes of it.

A network is shown noise without end, trial by trial another; at one moment a share of the neurons
of a region is pushed towards their threshold, all at once. As a state is a value, the push is a
change of that value: the same trial can be lived through with and without it, and what differs is
caused by the push alone.

Source: perturb and measure, as transcranial stimulation does (Massimini et al. 2005, Science
309:2228; Casali et al. 2013, Sci. Transl. Med. 5:198ra105).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from neurallayers.brain.exactness import one_thread
from neurallayers.brain.network import BrainNetwork, BrainState
from neurallayers.errors import InvalidInput
from neurallayers.registry import nearest_name
from neurallayers.seeding import derive_seed, stream
from neurallayers.state import from_named, gather, to_named

S = TypeVar("S")

#: Fields of cells whose sudden rise is a push: potentials are in units of the threshold.
POTENTIAL, FIRED = "membrane_potential", "spikes"


@dataclass(frozen=True)
class Response:
    """What a network did before and after a push.

    Attributes:
        spikes: Spikes of each region, bool ``[time, trials, neurons]``.
        control: The same trials without the push, ``[time after it, trials, neurons]``.
        onset: The first step after the push.
        region: Where the push came.
        dt_ms: Length of a step [ms].
    """

    spikes: dict[str, Tensor]
    control: dict[str, Tensor]
    onset: int
    region: str
    dt_ms: float

    def all_spikes(self) -> Tensor:
        """Spikes of all regions side by side, bool ``[time, trials, neurons]``."""
        return torch.cat(list(self.spikes.values()), dim=2)

    def difference(self) -> Tensor:
        """Where a neuron fired or was silent because of the push, ``[time after, trials, n]``."""
        after = torch.cat([spikes[self.onset :] for spikes in self.spikes.values()], dim=2)
        return after != torch.cat(list(self.control.values()), dim=2)


def background(
    network: BrainNetwork, trials: int, steps: int, *, strength: float = 1.0, seed: int = 0
) -> Tensor:
    """Drive of noise images without end, each shown as long as the spec says.

    Args:
        network: The network.
        trials: How many streams of noise.
        steps: How long.
        strength: Largest intensity of a pixel, 0 to 1.
        seed: Seed of the images.

    Returns:
        ``[time, trials, *in_shape]``.

    Raises:
        InvalidInput: If a number is out of range.
    """
    if trials < 1 or steps < 1 or not 0.0 <= strength <= 1.0:
        raise InvalidInput(
            f"trials is {trials}, steps {steps}, strength {strength}.",
            "Use at least one trial and step, and a strength from 0 to 1.",
        )
    generator = stream(seed, "perturbing", "background")
    frames: list[Tensor] = []
    state = network.initial_state(trials, seed=derive_seed(seed, "perturbing", "sense"))
    length = 0
    while length < steps:
        images = strength * torch.rand(trials, *network.image_shape, generator=generator)
        drive = network.encode(images, state)
        repeats = 1 if drive.steps is None else drive.steps
        part = torch.cat([drive.frames] * repeats)
        state = state._replace(sense=drive.state)
        frames.append(part)
        length += len(part)
    return torch.cat(frames)[:steps]


def push(
    network: BrainNetwork,
    state: BrainState,
    region: str,
    *,
    share: float = 0.5,
    strength: float = 2.0,
    seed: int = 0,
) -> BrainState:
    """The state with a share of a region's neurons pushed, the same neurons in every row.

    Args:
        network: The network.
        state: The state before.
        region: Which region.
        share: Share of its neurons, chosen at random.
        strength: What their potentials gain [units of the threshold].
        seed: Seed of the choice.

    Raises:
        InvalidInput: If there is no such region, or a number is out of range.
    """
    if region not in state.regions:
        raise InvalidInput(
            f"There is no region {region!r}.", nearest_name(region, list(state.regions))
        )
    if not 0.0 < share <= 1.0 or not strength > 0.0:
        raise InvalidInput(
            f"share is {share}, strength {strength}.", "Use a share up to 1 and a positive push."
        )
    shape = network.spec.region(region).shape
    count = torch.Size(shape).numel()
    chosen = torch.zeros(count)
    order = torch.randperm(count, generator=stream(seed, "perturbing", "push", region))
    chosen[order[: max(1, round(share * count))]] = strength
    pushed = _changed(state.regions[region], POTENTIAL, chosen.reshape(shape))
    return state._replace(regions={**state.regions, region: pushed})


def _changed(state: S, field: str, by: Tensor) -> S:
    """The state with a field of its cell changed by so much in every row.

    Raises:
        InvalidInput: If its cell has no such field.
    """
    named = to_named(state)
    found = [name for name in named if name.split(".")[-1] == field]
    if not found:
        raise InvalidInput(
            f"Its neurons have no {field.replace('_', ' ')}.", "Choose a region of other neurons."
        )
    return from_named(state, {**named, **{name: named[name] + by for name in found}})


@torch.no_grad()
def perturb(
    network: BrainNetwork,
    *,
    region: str | None = None,
    trials: int = 32,
    before_ms: float = 200.0,
    after_ms: float = 150.0,
    share: float = 0.5,
    strength: float = 2.0,
    noise: float = 1.0,
    seed: int = 0,
    state: BrainState | None = None,
) -> Response:
    """Let a network live in noise, push it once, and watch.

    Args:
        network: The network.
        region: Where the push comes; the first region when left out.
        trials: How many times, each with noise of its own.
        before_ms: Time before the push [ms]; twice the spec's duration of it is left out first.
        after_ms: Time after it [ms].
        share: Share of the region's neurons that are pushed.
        strength: How far [units of the threshold].
        noise: Largest intensity of a pixel of the noise, 0 to 1.
        seed: Seed of noise and push.
        state: Whom to push, one row, such as ``brain.life.state``; a new-born when left out.

    Raises:
        InvalidInput: If there is no such region, or a number is out of range.
    """
    if not (before_ms > 0.0 and after_ms > 0.0):
        raise InvalidInput(f"before_ms is {before_ms}, after_ms {after_ms}.", "Use times > 0.")
    region = network.spec.regions[0].name if region is None else region
    settle = 2 * network.spec.steps
    onset = max(2, round(before_ms / network.dt_ms))
    after = max(2, round(after_ms / network.dt_ms))
    drive = background(network, trials, settle + onset + after, strength=noise, seed=seed)
    if state is None:
        entering = network.initial_state(trials)
    else:
        entering = network.rest(gather(state, [0] * trials))
    with one_thread():
        first = network.live(drive[: settle + onset], entering)
        pushed = push(network, first.state, region, share=share, strength=strength, seed=seed)
        struck = network.live(drive[settle + onset :], pushed)
        spared = network.live(drive[settle + onset :], first.state)
    return Response(
        {
            name: torch.cat([spikes[settle:], struck.spikes[name]]).flatten(2) > 0
            for name, spikes in first.spikes.items()
        },
        {name: spikes.flatten(2) > 0 for name, spikes in spared.spikes.items()},
        onset,
        region,
        network.dt_ms,
    )


@torch.no_grad()
def transition_probabilities(
    network: BrainNetwork,
    region: str,
    neurons: list[int],
    *,
    trials: int = 256,
    noise: float = 1.0,
    seed: int = 0,
) -> Tensor:
    """How probably each of a few recurrent neurons fires, by which of them fired before.

    The network lives in noise; then, for every pattern of these neurons, it is as if just that
    pattern had fired in the last step (all other neurons did what they did), and one more step is
    taken.

    Args:
        network: The network.
        region: A region whose neurons hear each other.
        neurons: Some of them, at most 8.
        trials: Trials for each pattern.
        noise: Largest intensity of a pixel of the noise, 0 to 1.
        seed: Seed of the noise.

    Returns:
        float64 ``[2^n, n]``; of a row's number the lowest bit is the first neuron.

    Raises:
        InvalidInput: If there is no such region, it hears itself not, or a number is out of range.
    """
    if not 1 <= len(neurons) <= 8 or len(set(neurons)) != len(neurons):
        raise InvalidInput(f"The neurons are {neurons}.", "Name 1 to 8 different ones.")
    state = network.initial_state(1)
    if region not in state.regions:
        raise InvalidInput(
            f"There is no region {region!r}.", nearest_name(region, list(state.regions))
        )
    settle = 4 * network.spec.steps
    drive = background(network, trials, settle + 1, strength=noise, seed=seed)
    with one_thread():
        lived = network.live(drive[:settle], network.initial_state(trials)).state
        before = to_named(lived.regions[region])
        places = [name for name in before if name.split(".")[-1] == FIRED]
        if not places or not all(0 <= one < before[places[0]].shape[-1] for one in neurons):
            raise InvalidInput(
                f"Neurons {neurons} of {region!r} do not hear each other.",
                "Choose neurons of a recurrent region.",
            )
        rows = []
        for pattern in range(2 ** len(neurons)):
            fired = before[places[0]].clone()
            for bit, neuron in enumerate(neurons):
                fired[:, neuron] = float(pattern >> bit & 1)
            as_if = from_named(lived.regions[region], {**before, places[0]: fired})
            entering = lived._replace(regions={**lived.regions, region: as_if})
            spikes = network.live(drive[settle:], entering).spikes[region][0]
            rows.append(spikes[:, neurons].double().mean(0))
    return torch.stack(rows)
