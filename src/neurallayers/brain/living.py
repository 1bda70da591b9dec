"""Living: a life and an entry give the next life, for one individual or for many in one batch.

Whoever lives in company gets the same bits as alone, so that a replay of one brain by itself gives
what it became in the crowd.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from neurallayers.brain.entry import Entry
from neurallayers.brain.feedback import as_reward
from neurallayers.brain.inner import INNER, said
from neurallayers.brain.life import Life
from neurallayers.brain.network import BrainNetwork, BrainState
from neurallayers.brain.outcome import Outcome
from neurallayers.brain.remembering import Lived, remember
from neurallayers.brain.thinking import Thinking, experience, reinforce, teach
from neurallayers.dynamics import LessonTrace
from neurallayers.errors import JournalError, NeuralLayersError, ShapeMismatch
from neurallayers.senses import as_images
from neurallayers.state import stack


@dataclass(frozen=True)
class _Ready:
    """An individual on the way into an entry that is computed."""

    place: int
    life: Life
    entry: Entry
    image: Tensor
    slot: int = -1
    reward: float = 0.0


def live(network: BrainNetwork, life: Life, entry: Entry) -> tuple[Life, Outcome]:
    """The next life.

    Args:
        network: The individual's network.
        life: The life so far.
        entry: What happens.

    Returns:
        The life afterwards and what came of it.

    Raises:
        JournalError: If the kind of the entry is not known.
        InvalidInput: If the entry does not make sense for this life.
    """
    result = live_together(network, [life], [entry])[0]
    if isinstance(result, NeuralLayersError):
        raise result
    return result


def live_together(
    network: BrainNetwork, lives: Sequence[Life], entries: Sequence[Entry]
) -> list[tuple[Life, Outcome] | NeuralLayersError]:
    """The next lives of many individuals, each after an entry of its own.

    Args:
        network: The network that all share.
        lives: The lives so far.
        entries: What happens to each.

    Returns:
        In the same order, the life afterwards and what came of it, or the error of this one
        individual: the others live on as if it were not there.
    """
    results: list[tuple[Life, Outcome] | NeuralLayersError | None] = [None] * len(lives)
    ready: list[_Ready] = []
    for place, (life, entry) in enumerate(zip(lives, entries, strict=True)):
        try:
            prepared = _prepare(network, place, life, entry)
        except NeuralLayersError as error:
            results[place] = error
            continue
        if isinstance(prepared, _Ready):
            ready.append(prepared)
        else:
            after, outcome = prepared
            results[place] = replace(after, sequence=entry.sequence), outcome
    for (kind, _), group in _grouped(ready, lambda one: (one.entry.kind, len(one.life.labels))):
        for one, (after, outcome) in zip(group, _KINDS[kind](network, group), strict=True):
            results[one.place] = replace(after, sequence=one.entry.sequence), outcome
    return [result for result in results if result is not None]


def _grouped(
    items: Iterable[_Ready], key: Callable[[_Ready], tuple[str, int]]
) -> list[tuple[tuple[str, int], list[_Ready]]]:
    """Those that one batch can hold: the same kind of entry, room for as many classes."""
    groups: dict[tuple[str, int], list[_Ready]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.items())


def _prepare(
    network: BrainNetwork, place: int, life: Life, entry: Entry
) -> _Ready | tuple[Life, Outcome]:
    """What goes into the batch, or what comes of an entry that needs none."""
    if entry.kind in INNER:
        return INNER[entry.kind](network, life, entry)
    if entry.kind not in _KINDS:
        raise JournalError(
            f"Entry {entry.sequence} is of kind {entry.kind!r}.",
            "It was written by a newer release; upgrade neurallayers.",
        )
    image = as_images(said(entry, entry.tensors, "stimulus"), network.spec.sense.shape)
    if len(image) != 1:
        raise ShapeMismatch(
            f"Entry {entry.sequence} holds {len(image)} stimuli.", "Make an entry of each."
        )
    if entry.kind == "lesson":
        label = str(said(entry, entry.content, "target"))
        life = _with_slot_for(network, life, label)
        return _Ready(place, life, entry, image, slot=life.labels.index(label))
    if entry.kind == "reward":
        reward = as_reward(said(entry, entry.content, "reward"))
        if not life.known_labels:
            # All lessons were forgotten since: there is no answer left to reward.
            return life, Outcome()
        return _Ready(place, life, entry, image, reward=reward)
    return _Ready(place, life, entry, image)


def _stimuli(network: BrainNetwork, group: list[_Ready]) -> list[tuple[Life, Outcome]]:
    thinking = experience(network, stack(_states(group)), _images(group))
    minds = remember(network, _lived(group), thinking, always=False)
    return [
        (
            replace(one.life, state=thinking.state_of(i), mind=mind),
            Outcome(thinking, i, alerts=alerts),
        )
        for i, (one, (mind, alerts)) in enumerate(zip(group, minds, strict=True))
    ]


def _lessons(network: BrainNetwork, group: list[_Ready]) -> list[tuple[Life, Outcome]]:
    slots = torch.tensor([one.slot for one in group], dtype=torch.int64)
    return _after(network, group, *teach(network, stack(_states(group)), _images(group), slots))


def _rewards(network: BrainNetwork, group: list[_Ready]) -> list[tuple[Life, Outcome]]:
    rewards = torch.tensor([one.reward for one in group])
    return _after(
        network, group, *reinforce(network, stack(_states(group)), _images(group), rewards)
    )


def _after(
    network: BrainNetwork, group: list[_Ready], thinking: Thinking, traces: LessonTrace
) -> list[tuple[Life, Outcome]]:
    minds = remember(network, _lived(group), thinking, always=True)
    results = []
    for i, one in enumerate(group):
        lesson = LessonTrace(*(part[i : i + 1].clone() for part in traces))
        ledger = one.life.ledger.add(one.entry.sequence, one.slot, lesson)
        mind, alerts = minds[i]
        after = replace(one.life, state=thinking.state_of(i), ledger=ledger, mind=mind)
        results.append((after, Outcome(thinking, i, lesson, one.slot, alerts=alerts)))
    return results


def _lived(group: list[_Ready]) -> list[Lived]:
    return [Lived(one.life, one.entry) for one in group]


def _states(group: list[_Ready]) -> list[BrainState]:
    return [one.life.state for one in group]


def _images(group: list[_Ready]) -> Tensor:
    return torch.cat([one.image for one in group])


_KINDS: dict[str, Callable[[BrainNetwork, list[_Ready]], list[tuple[Life, Outcome]]]] = {
    "stimulus": _stimuli,
    "lesson": _lessons,
    "reward": _rewards,
}


def _with_slot_for(network: BrainNetwork, life: Life, label: str) -> Life:
    """The same life with a slot for a label; it doubles its room when all slots are taken."""
    if label in life.labels:
        return life
    # A slot of training keeps its slow weights even when its class was forgotten, so that a new
    # class never moves in there.
    trained = network.readout.n_out
    if None not in life.labels[trained:]:
        slots = 2 * len(life.labels)
        extra = slots - len(life.labels)
        ledger = life.ledger
        life = replace(
            life,
            state=life.state._replace(readout=network.readout.grow(life.state.readout, slots)),
            labels=(*life.labels, *([None] * extra)),
            ledger=replace(ledger, coefficients=functional.pad(ledger.coefficients, (0, extra))),
        )
    slot = life.labels.index(None, trained)
    return replace(life, labels=(*life.labels[:slot], label, *life.labels[slot + 1 :]))
