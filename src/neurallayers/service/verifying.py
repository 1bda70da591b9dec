"""Holding a service's data against itself: is every brain what its whole history says?"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from neurallayers.brain.life import Life
from neurallayers.brain.network import BrainNetwork
from neurallayers.brain.pretrained import load_pretrained
from neurallayers.brain.replay import Replay
from neurallayers.brain.stored_life import same_life
from neurallayers.errors import JournalError, NeuralLayersError, UnknownName
from neurallayers.service.store import BrainRecord, Store
from neurallayers.service.store.store import FILE

log = logging.getLogger(__name__)

PAGE = 500


def differing(
    folder: str | Path, models: Sequence[str | Path] = ("hasn-nano-digits",)
) -> list[str]:
    """The brains whose restored life is not, bit for bit, that of an uninterrupted one.

    Each brain is restored as the service does it, from its latest snapshot, and lived again from
    birth through its whole journal. Every entry is held against the chain of digests on the way; a
    brain whose journal is damaged counts as differing, and the log says what is wrong with it.

    Args:
        folder: The data folder of a service that is not running.
        models: The networks of its brains.

    Raises:
        JournalError: If there is no store, or it is in use or damaged.
        UnknownName: If a brain has a network that is not among the models.
    """
    if not (Path(folder) / FILE).is_file():
        raise JournalError(
            f"There is no {FILE} in {str(folder)!r}.", "Name the data folder of a service."
        )
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
                if not _whole(store, networks[record.fingerprint], record):
                    found.append(record.id)
            after = page[-1].number
    finally:
        store.close()
    return found


def verify(folder: str | Path, models: Sequence[str | Path] = ("hasn-nano-digits",)) -> bool:
    """Whether every brain is what its whole history says; see :func:`differing`.

    Raises:
        JournalError: If there is no store, or it is in use or damaged.
        UnknownName: If a brain has a network that is not among the models.
    """
    return not differing(folder, models)


def _whole(store: Store, network: BrainNetwork, record: BrainRecord) -> bool:
    try:
        journal = store.journal(record.id)

        def latest(lineage: set[int]) -> Life | None:
            lives = store.lives(network, journal, lineage)
            return next((life for life in lives if isinstance(life, Life)), None)

        lived = Replay(network, journal, lambda _: None).run()
        restored = Replay(network, journal, latest).run()
    except NeuralLayersError as error:
        log.error("brain.damaged", extra={"brain": record.id, "error": str(error)})
        return False
    return same_life(restored, lived)
