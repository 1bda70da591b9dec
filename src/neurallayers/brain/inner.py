"""What happens to an individual without a stimulus: it sleeps, forgets, takes on rules.

Nothing of it is computed in a batch; each kind of entry is a function of a life.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from neurallayers.brain.entry import Entry
from neurallayers.brain.life import Ledger, Life
from neurallayers.brain.network import BrainNetwork
from neurallayers.brain.outcome import Outcome
from neurallayers.brain.remembering import Selection, forget
from neurallayers.brain.sleeping import sleep
from neurallayers.brain.thinking import think
from neurallayers.dynamics import LessonTrace
from neurallayers.errors import JournalError
from neurallayers.senses import as_images


def said(entry: Entry, said: Mapping[str, Any], name: str) -> Any:
    """What an entry says under a name.

    Raises:
        JournalError: If it says nothing there.
    """
    if name not in said:
        raise JournalError(
            f"Entry {entry.sequence}, a {entry.kind}, has no {name}.",
            "Nothing that a brain keeps is like that; restore its journal from a backup.",
        )
    return said[name]


def without_class(network: BrainNetwork, life: Life, label: str) -> Life:
    """Free the slot and take back what its lessons did to rival classes.

    When the lessons that introduced the class were themselves forgotten, nothing is left to do.
    """
    if label not in life.labels:
        return life
    slot = life.slot(label)
    mind, _ = forget(network.faculties, life.mind, Selection(what=label))
    readout, ledger = life.state.readout, life.ledger
    own = ledger.taught == slot
    undone = ledger.coefficients.clone()
    undone[:, slot] = 0
    for row in own.nonzero()[:, 0].tolist():
        readout, _ = network.readout.write(
            readout,
            LessonTrace(
                ledger.keys[row : row + 1],
                -undone[row : row + 1],
                ledger.offsets[row : row + 1],
            ),
        )
    kept = ~own
    return replace(
        life,
        state=life.state._replace(readout=network.readout.forget(readout, slot)),
        labels=(*life.labels[:slot], None, *life.labels[slot + 1 :]),
        ledger=Ledger(
            ledger.entries[kept],
            ledger.taught[kept],
            ledger.keys[kept],
            undone[kept],
            ledger.offsets[kept],
        ),
        mind=mind,
    )


def selection(network: BrainNetwork, life: Life, entry: Entry) -> Selection:
    """Which episodes an entry means."""
    content = entry.content
    key = None
    if "stimulus" in entry.tensors:
        image = as_images(entry.tensors["stimulus"], network.spec.sense.shape)
        key = network.faculties.keys(network, think(network, life.state, image).features)
    return Selection(
        what=content.get("what"),
        where=content.get("where"),
        who=content.get("who"),
        first=content.get("first"),
        last=content.get("last"),
        clock=str(content.get("clock", "when")),
        key=key,
        likeness=float(content.get("likeness", 0.9)),
    )


def _forget_class(network: BrainNetwork, life: Life, entry: Entry) -> tuple[Life, Outcome]:
    label = str(said(entry, entry.content, "label"))
    return without_class(network, life, label), Outcome()


def _sleep(network: BrainNetwork, life: Life, entry: Entry) -> tuple[Life, Outcome]:
    after, night = sleep(network, life, said(entry, entry.content, "cycles"), entry.sequence)
    return after, Outcome(sleep=night)


def _forget_memories(network: BrainNetwork, life: Life, entry: Entry) -> tuple[Life, Outcome]:
    mind, gone = forget(network.faculties, life.mind, selection(network, life, entry))
    return replace(life, mind=mind), Outcome(forgotten=gone)


def _rules(network: BrainNetwork, life: Life, entry: Entry) -> tuple[Life, Outcome]:
    rules = tuple(str(rule) for rule in said(entry, entry.content, "rules"))
    return replace(life, mind=replace(life.mind, rules=rules)), Outcome()


INNER: dict[str, Callable[[BrainNetwork, Life, Entry], tuple[Life, Outcome]]] = {
    "forget_class": _forget_class,
    "forget_memories": _forget_memories,
    "rules": _rules,
    "sleep": _sleep,
}
