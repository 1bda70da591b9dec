"""Living a journal again, wherever it is kept: which entries count, and from which snapshot.

A rollback is an entry too: the entries between it and the moment that it returned to stay in the
journal, but did not lead to the present life. Those that did are the *lineage*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from neurallayers.brain.entry import Entry
from neurallayers.brain.journal import Journal
from neurallayers.brain.life import Life
from neurallayers.brain.living import live
from neurallayers.brain.network import BrainNetwork
from neurallayers.errors import JournalError


def lineage(rollbacks: Mapping[int, int], last: int) -> set[int]:
    """The entries that led to the life after ``last``, without those that were rolled back.

    Args:
        rollbacks: For each rollback the entry that it returned to; 0 is birth.
        last: Number of an entry.

    Raises:
        JournalError: If a rollback does not return to something before it.

    >>> sorted(lineage({3: 1}, 4))
    [1, 3, 4]
    """
    found: set[int] = set()
    while last > 0:
        found.add(last)
        before = rollbacks.get(last, last - 1)
        if not 0 <= before < last:
            raise JournalError(
                f"Entry {last} returns to {before}, which is not before it.",
                "Restore the journal from a backup.",
            )
        last = before
    return found


class Replay:
    """A life on the way through its journal, an entry at a time.

    Args:
        network: The individual's network.
        journal: Its journal.
        snapshot: Gives the latest snapshot that it has at one of these entries, or none.
        upto: The entry to end with; the last when left out.

    Raises:
        JournalError: If the journal has no such entry, or is damaged.
    """

    def __init__(
        self,
        network: BrainNetwork,
        journal: Journal,
        snapshot: Callable[[set[int]], Life | None],
        upto: int | None = None,
    ) -> None:
        self.network = network
        self.last = journal.position if upto is None else upto
        if not 0 <= self.last <= journal.position:
            raise JournalError(
                f"The journal ends at {journal.position} and has no entry {self.last}.",
                "Name an entry that it has, or 0 for birth.",
            )
        self._lineage = lineage(journal.rollbacks(), self.last)
        life = snapshot(self._lineage)
        if life is None:
            life = Life.begin(network, int(journal.genesis.get("seed", 0)))
        self.life = life
        self._entries = self._pending(journal)

    def _pending(self, journal: Journal) -> Iterator[Entry]:
        for entry in journal.read(after=self.life.sequence):
            if entry.sequence > self.last:
                return
            if entry.sequence in self._lineage and entry.kind != "rollback":
                yield entry

    def next_entry(self) -> Entry | None:
        """The entry to live through next; none at the end, where the life is whole."""
        entry = next(self._entries, None)
        if entry is None:
            self.life = replace(self.life, sequence=self.last)
        return entry

    def run(self) -> Life:
        """Live through what is left.

        Raises:
            JournalError: If an entry cannot be lived through.
        """
        while (entry := self.next_entry()) is not None:
            self.life, _ = live(self.network, self.life, entry)
        return self.life
