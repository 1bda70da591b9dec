"""Sleep: what was lived through is replayed, so that it lasts.

A night is drawn by :class:`~neurallayers.memory.consolidation.Consolidation`: episodes come back in
an order that favours the important, surprising and recent. Each that was a lesson is shown to the
brain again and taught anew, which repairs what later lessons did to it; the keys of all become
concepts. A lesson that is still right by its margin changes nothing.

Source: complementary learning systems (McClelland, McNaughton and O'Reilly 1995, Psychol. Rev.
102:419): the fast memory of episodes teaches the slow one, interleaved, while nothing comes in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from neurallayers.brain.thinking import teach
from neurallayers.errors import InvalidInput

if TYPE_CHECKING:
    from neurallayers.brain.life import Life
    from neurallayers.brain.network import BrainNetwork

CYCLES_AT_MOST = 100
# Each night draws from counters of its own, whatever the number of its cycles.
COUNTERS_A_NIGHT = 1000


@dataclass(frozen=True)
class Sleep:
    """What a night did; episodes are named by their journal entries.

    Attributes:
        entry: Number of the night in the journal.
        replayed: Which episodes came back, in order.
        relearned: Those whose lesson wrote something again.
        change: Euclidean norm of all that was written to the fast weights.
        merged: Pairs of near duplicates; the second of each is gone.
        pruned: Which faded away.
        founded: How many concepts are new.
        changed: How many concepts moved.
    """

    entry: int
    replayed: tuple[int, ...]
    relearned: tuple[int, ...]
    change: float
    merged: tuple[tuple[int, int], ...]
    pruned: tuple[int, ...]
    founded: int
    changed: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        fields = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in vars(self).items()
        }
        return {**fields, "merged": [list(pair) for pair in self.merged]}

    def __str__(self) -> str:
        different = len(set(self.replayed))
        return (
            f"replayed {len(self.replayed)} times {different} episodes, relearned "
            f"{len(self.relearned)}, pruned {len(self.pruned)}, merged {len(self.merged)}, "
            f"founded {self.founded} concepts"
        )


def as_cycles(cycles: object) -> int:
    """How many cycles a night has.

    Raises:
        InvalidInput: If it is no whole number from 1 to 100.
    """
    if not isinstance(cycles, int) or isinstance(cycles, bool) or not 1 <= cycles <= CYCLES_AT_MOST:
        raise InvalidInput(f"cycles is {cycles!r}.", f"Use a whole number, 1 to {CYCLES_AT_MOST}.")
    return cycles


def sleep(network: BrainNetwork, life: Life, cycles: int, entry: int) -> tuple[Life, Sleep]:
    """A night: the life after it, and what it did.

    Args:
        network: The individual's network.
        life: Its life before.
        cycles: Cycles of replay, 1 to 100.
        entry: Number of the night in the journal, from which it draws its chances.

    Raises:
        InvalidInput: If ``cycles`` is out of range.
    """
    state = life.mind.state
    night = network.faculties.consolidation.sleep(
        state.episodes,
        state.concepts,
        cycles=as_cycles(cycles),
        counter=entry * COUNTERS_A_NIGHT,
        now=entry,
    )
    report = night.reports[0]
    asleep = replace(life, state=network.rest(life.state))
    relearned, squares = [], 0.0
    for number in dict.fromkeys(report.replayed):
        asleep, change = _replayed(network, asleep, number)
        if change > 0.0:
            relearned.append(number)
            squares += change**2
    # Sleep clears the mind of what the day left in it.
    mind = replace(
        asleep.mind,
        state=state._replace(
            working=network.faculties.working.initial_state(),
            episodes=night.episodes,
            concepts=night.concepts,
        ),
    ).tidied()
    return replace(asleep, mind=mind), Sleep(
        entry,
        report.replayed,
        tuple(relearned),
        squares**0.5,
        report.merged,
        report.pruned,
        len(report.founded),
        len(report.changed),
    )


def _replayed(network: BrainNetwork, life: Life, number: int) -> tuple[Life, float]:
    """The life after an episode came back, and the norm of what it wrote."""
    mind = life.mind
    slot = mind.state.episodes.entry[0].tolist().index(number)
    label = mind.name(int(mind.state.episodes.what[0, slot]))
    if label is None or label not in life.labels:
        return life, 0.0
    image = picture(life, slot)[None]
    taught = life.labels.index(label)
    thinking, trace = teach(network, life.state, image, torch.tensor([taught]))
    change = float(trace.key.norm() * trace.coefficient.norm())
    if change == 0.0:
        return life, 0.0
    # Of a replay only the fast weights stay; it is no lesson of its own.
    readout = thinking.state.readout._replace(
        trace=life.state.readout.trace, lessons=life.state.readout.lessons
    )
    return (
        replace(
            life,
            state=life.state._replace(readout=readout),
            ledger=life.ledger.add(number, taught, trace),
        ),
        change,
    )


def picture(life: Life, slot: int) -> Tensor:
    """What was seen in an episode, ``[height, width, channels]`` in 0..1."""
    return life.mind.state.episodes.content[0, slot].float() / 255.0
