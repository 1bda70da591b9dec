"""Thinking and learning as pure functions over states: many individuals at once, or one.

Whatever the batch, a row gets the same bits as alone: rows are computed in padded tiles by one
thread (see :mod:`neurallayers.brain.exactness`). None of these functions keeps anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from neurallayers.brain.exactness import one_thread, pad_rows, self_check
from neurallayers.brain.network import Activity, BrainNetwork, BrainState
from neurallayers.dynamics import LessonTrace, PlasticReadoutState
from neurallayers.errors import ShapeMismatch
from neurallayers.seeding import stream
from neurallayers.state import batch_size, gather, map_state, stack

ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class Thinking:
    """What thinking gave, a row for each stimulus.

    Attributes:
        scores: ``[batch, slots]``; slots that stand for nothing hold minus infinity.
        potentials: Membrane potentials of the read-out, ``[time, batch, slots]``.
        spikes: Spikes of each region, bool ``[time, batch, neurons]``.
        features: Traces at the read-out, ``[batch, features]``.
        state: State of each row afterwards.
    """

    scores: Tensor
    potentials: Tensor
    spikes: dict[str, Tensor]
    features: Tensor
    state: BrainState

    def row(self, number: int) -> Thinking:
        """The thinking of one individual, as a copy: to keep it does not keep its batch."""
        part = slice(number, number + 1)
        return Thinking(
            self.scores[part].clone(),
            self.potentials[:, part].clone(),
            {name: spikes[:, part].clone() for name, spikes in self.spikes.items()},
            self.features[part].clone(),
            self.state_of(number),
        )

    def state_of(self, number: int) -> BrainState:
        """The state of one individual afterwards, as a copy."""
        part = slice(number, number + 1)
        return map_state(lambda tensor: tensor[part].clone(), self.state)


def think(
    network: BrainNetwork, state: BrainState, stimuli: Tensor, *, carry_over: bool = False
) -> Thinking:
    """Show each individual a stimulus.

    Args:
        network: The network that all rows share.
        state: One row for each stimulus, or one row for all of them.
        stimuli: ``[batch, height, width, channels]`` in 0..1.
        carry_over: Begin from the activity in the state instead of from rest.

    Raises:
        ShapeMismatch: If there are neither one nor as many states as stimuli.
    """
    return _in_tiles(network, state, stimuli, carry_over, _answer)


def experience(network: BrainNetwork, state: BrainState, stimuli: Tensor) -> Thinking:
    """Let each individual live through a stimulus.

    Activity carries over from before, homeostasis follows, and the state afterwards is the one to
    go on from.

    Args:
        network: The network that all rows share.
        state: One row for each stimulus, or one row for all of them.
        stimuli: ``[batch, height, width, channels]`` in 0..1.

    Raises:
        ShapeMismatch: If there are neither one nor as many states as stimuli.
    """

    def live(rows: BrainNetwork, activity: Activity, first: int) -> Thinking:
        answer = _answer(rows, activity, first)
        return replace(answer, state=_regulated(rows, activity, activity.state))

    return _in_tiles(network, state, stimuli, True, live)


def teach(
    network: BrainNetwork, state: BrainState, stimuli: Tensor, targets: Tensor
) -> tuple[Thinking, LessonTrace]:
    """Show each individual a stimulus and tell it what it is.

    Args:
        network: The network that all rows share.
        state: One row for each stimulus.
        stimuli: ``[batch, height, width, channels]`` in 0..1.
        targets: int64 ``[batch]``, slots of the classes.

    Returns:
        The thoughts before the lesson with the states after it, and what was written.

    Raises:
        ShapeMismatch: If there are not as many states, stimuli and targets.
        InvalidInput: If a target is not a slot.
    """
    return _lesson(
        network,
        state,
        stimuli,
        targets,
        lambda rows, activity, part: rows.readout.teach(activity.state.readout, part),
    )


def reinforce(
    network: BrainNetwork, state: BrainState, stimuli: Tensor, rewards: Tensor
) -> tuple[Thinking, LessonTrace]:
    """Show each individual a stimulus and reward (or punish) its answer.

    Args:
        network: The network that all rows share.
        state: One row for each stimulus.
        stimuli: ``[batch, height, width, channels]`` in 0..1.
        rewards: ``[batch]``.

    Returns:
        The thoughts before the lesson with the states after it, and what was written.

    Raises:
        ShapeMismatch: If there are not as many states, stimuli and rewards.
    """
    return _lesson(
        network,
        state,
        stimuli,
        rewards,
        lambda rows, activity, part: rows.readout.reinforce(activity.state.readout, part),
    )


def keeps_rows_apart(network: BrainNetwork) -> bool:
    """Whether this machine gives a row the same bits whoever shares its batch."""
    shape = (33, *network.image_shape)
    images = torch.rand(shape, generator=stream(0, "self-check", "images"))
    state = network.initial_state(33)
    learned = torch.randn(
        state.readout.fast_weight.shape, generator=stream(0, "self-check", "learned")
    )
    state = state._replace(readout=state.readout._replace(fast_weight=learned))
    return self_check(
        lambda stimuli, rows: network.perceive(stimuli, rows).potentials[-1], images, state
    )


def _lesson(
    network: BrainNetwork,
    state: BrainState,
    stimuli: Tensor,
    feedback: Tensor,
    rule: Callable[[BrainNetwork, Activity, Tensor], tuple[PlasticReadoutState, LessonTrace]],
) -> tuple[Thinking, LessonTrace]:
    traces: list[LessonTrace] = []

    def learn(rows: BrainNetwork, activity: Activity, first: int) -> Thinking:
        answer = _answer(rows, activity, first)
        count = activity.features.shape[0]
        part = feedback[first : first + count]
        if len(part) < count:  # the padding of the last tile repeats its first row
            part = torch.cat([part, part[:1].expand(count - len(part))])
        readout, trace = rule(rows, activity, part)
        traces.append(trace)
        lived = activity.state._replace(readout=readout)
        return replace(answer, state=_regulated(rows, activity, lived))

    if batch_size(state) != len(stimuli) or len(feedback) != len(stimuli):
        raise ShapeMismatch(
            f"{batch_size(state)} states, {len(stimuli)} stimuli, {len(feedback)} feedbacks.",
            "A lesson needs one of each.",
        )
    thinking = _in_tiles(network, state, stimuli, False, learn)
    whole = stack(traces)
    return thinking, map_state(lambda tensor: tensor[: len(stimuli)], whole)


def _in_tiles(
    network: BrainNetwork,
    state: BrainState,
    stimuli: Tensor,
    carry_over: bool,
    then: Callable[[BrainNetwork, Activity, int], Thinking],
) -> Thinking:
    rows, count = len(stimuli), batch_size(state)
    if rows < 1 or count not in (1, rows):
        raise ShapeMismatch(
            f"{count} states for {rows} stimuli.", "Give one state for all, or one for each."
        )
    parts = []
    with torch.no_grad(), one_thread():
        for first in range(0, rows, ROWS_AT_ONCE):
            tile = stimuli[first : first + ROWS_AT_ONCE]
            entering = (
                _rows(state, first, len(tile)) if count > 1 else gather(state, [0] * len(tile))
            )
            if not carry_over:
                entering = network.rest(entering)
            activity = network.perceive(pad_rows(tile), pad_rows(entering))
            parts.append(_cut(then(network, activity, first), len(tile)))
    return parts[0] if len(parts) == 1 else _join(parts)


def _answer(network: BrainNetwork, activity: Activity, first: int) -> Thinking:
    known = activity.state.readout.known
    return Thinking(
        activity.scores.masked_fill(known == 0, -torch.inf),
        activity.potentials,
        {name: spikes.flatten(2) > 0 for name, spikes in activity.spikes.items()},
        activity.features,
        activity.state,
    )


def _regulated(network: BrainNetwork, activity: Activity, state: BrainState) -> BrainState:
    return state._replace(
        regions={
            name: region.regulate(state.regions[name], activity.spikes[name].mean(0))
            for name, region in network.named_regions()
        }
    )


def _rows(state: BrainState, first: int, count: int) -> BrainState:
    return map_state(lambda tensor: tensor[first : first + count], state)


def _cut(thinking: Thinking, rows: int) -> Thinking:
    if len(thinking.scores) == rows:
        return thinking
    return Thinking(
        thinking.scores[:rows],
        thinking.potentials[:, :rows],
        {name: spikes[:, :rows] for name, spikes in thinking.spikes.items()},
        thinking.features[:rows],
        map_state(lambda tensor: tensor[:rows].clone(), thinking.state),
    )


def _join(parts: list[Thinking]) -> Thinking:
    return Thinking(
        torch.cat([part.scores for part in parts]),
        torch.cat([part.potentials for part in parts], dim=1),
        {name: torch.cat([part.spikes[name] for part in parts], dim=1) for name in parts[0].spikes},
        torch.cat([part.features for part in parts]),
        stack([part.state for part in parts]),
    )
