"""Holding a service's data against itself: is every brain what its whole history says?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neurallayers.brain.life import Life
from neurallayers.brain.network import BrainNetwork
from neurallayers.brain.pretrained import load_pretrained
from neurallayers.brain.replay import Replay
from neurallayers.brain.stored_life import same_life
from neurallayers.errors import UnknownName
from neurallayers.service.store import Store, TableJournal

PAGE = 500


def differing(
    folder: str | Path, models: Sequence[str | Path] = ("hasn-nano-digits",)
) -> list[str]:
    """The brains whose restored life is not, bit for bit, that of an uninterrupted one.

    Each brain is restored as the service does it, from its latest snapshot, and lived again from
    birth through its whole journal. Every entry is held against the chain of digests on the way.

    Args:
        folder: The data folder of a service that is not running.
        models: The networks of its brains.

    Raises:
        JournalError: If the store is in use or damaged.
        UnknownName: If a brain has a network that is not among the models.
    """
    networks = {}
    for model in models:
        network = load_pretrained(model)
        networks[network.fingerprint()] = network
    store, found, after = Store(Path(folder)), [], 0
    try:
        while page := store.brains(PAGE, after):
            for record in page:
                if record.fingerprint not in networks:
                    raise UnknownName(
                        f"Brain {record.id} has the network {record.model!r}.",
                        "Name that network among the models.",
                    )
                if not _whole(store, networks[record.fingerprint], store.journal(record.id)):
                    found.append(record.id)
            after = page[-1].number
    finally:
        store.close()
    return found


def verify(folder: str | Path, models: Sequence[str | Path] = ("hasn-nano-digits",)) -> bool:
    """Whether every brain is what its whole history says; see :func:`differing`.

    Raises:
        JournalError: If the store is in use or damaged.
        UnknownName: If a brain has a network that is not among the models.
    """
    return not differing(folder, models)


def _whole(store: Store, network: BrainNetwork, journal: TableJournal) -> bool:
    def latest(lineage: set[int]) -> Life | None:
        lives = store.lives(network, journal, lineage)
        return next((life for life in lives if isinstance(life, Life)), None)

    restored = Replay(network, journal, latest).run()
    lived = Replay(network, journal, lambda _: None).run()
    return same_life(restored, lived)
