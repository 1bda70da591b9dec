"""The folder that a brain lives in: its network, its journal and its snapshots.

```text
folder/
  .lock                   held while a process has the brain open
  network.safetensors     the network, written once
  journal                 every entry, in order
  snapshots/000000000100  the life after entry 100
```

A snapshot names the chain digest of the journal at its entry, so that it only ever continues the
very history that it was taken from: after entries were forgotten, snapshots that still hold them do
not match any more and are removed.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from neurallayers.brain.exactness import numeric_platform
from neurallayers.brain.files import FolderLock
from neurallayers.brain.journal import Entry, FileJournal
from neurallayers.brain.life import Life
from neurallayers.brain.network import BrainNetwork
from neurallayers.brain.pretrained import network_from
from neurallayers.brain.replay import Replay
from neurallayers.brain.snapshot import read_manifest, read_snapshot, write_snapshot
from neurallayers.brain.spec import BrainSpec
from neurallayers.brain.stored_life import life_from, life_manifest, life_parts, same_life
from neurallayers.errors import InvalidInput, JournalError, NeuralLayersError, SnapshotError
from neurallayers.state import to_named

log = logging.getLogger(__name__)

SNAPSHOTS_KEPT = 3


class Home:
    """An open folder; made by :meth:`open`.

    Args:
        folder: The folder.
        lock: Its lock, held.
        network: The network of the brain that lives there.
        journal: Its journal.
        snapshot_every: Entries between snapshots.
    """

    def __init__(
        self,
        folder: Path,
        lock: FolderLock,
        network: BrainNetwork,
        journal: FileJournal,
        snapshot_every: int,
    ) -> None:
        self.folder, self.network, self.journal = folder, network, journal
        self._lock, self._every = lock, snapshot_every

    @classmethod
    def open(
        cls, folder: str | Path, network: BrainNetwork | None, *, seed: int, snapshot_every: int
    ) -> Home:
        """Open a folder, or make it a home if it is empty.

        Raises:
            JournalError: If it is in use, damaged, not empty and not a home, or of another network.
            SnapshotError: If its network file is damaged.
        """
        if snapshot_every < 1:
            raise InvalidInput(f"snapshot_every is {snapshot_every}.", "It must be at least 1.")
        folder = Path(folder)
        _check_folder(folder, network)
        lock = FolderLock(folder)
        try:
            if not (folder / "journal").exists():
                network = _settle(folder, network, seed)
            else:
                network = _resident(folder, network)
            journal = FileJournal.open(folder / "journal")
            home = cls(folder, lock, network, journal, snapshot_every)
            home._check_genesis()
            home._remove_strange_snapshots()
        except BaseException:
            lock.release()
            raise
        return home

    def _check_genesis(self) -> None:
        genesis = self.journal.genesis
        if genesis.get("network") != self.network.fingerprint():
            self.journal.close()
            raise JournalError(
                f"The journal in {self.folder} belongs to another network.",
                "Restore network.safetensors from a backup.",
            )
        if genesis.get("platform") != numeric_platform():
            log.warning(
                "journal.other_platform",
                extra={"written_on": genesis.get("platform"), "here": numeric_platform()},
            )

    def _remove_strange_snapshots(self) -> None:
        """Remove snapshots that still hold what was forgotten when a crash came in between."""
        for path in self._snapshot_files():
            with contextlib.suppress(NeuralLayersError, OSError):
                if read_manifest(path, "life").get("chain") != self.journal.digest_at(
                    int(path.name)
                ):
                    path.unlink()

    # -- writing ------------------------------------------------------------------------------

    def record(self, entry: Entry, life: Life) -> None:
        """Make an entry durable; from time to time take a snapshot as well.

        Args:
            entry: What happened.
            life: The life afterwards.

        Raises:
            JournalError: If the entry could not be written.
        """
        self.journal.append([entry])
        if entry.sequence % self._every == 0:
            self._try_snapshot(life)

    def _try_snapshot(self, life: Life) -> None:
        try:
            self.snapshot(life)
        except (SnapshotError, OSError) as error:
            # The journal alone is enough to restore; only the next start takes longer.
            log.warning("snapshot.failed", extra={"error": str(error)})

    def snapshot(self, life: Life) -> Path:
        """Write the life at the end of the journal.

        Raises:
            SnapshotError: If it cannot be written.
        """
        path = self._snapshots / f"{life.sequence:012d}"
        path.parent.mkdir(exist_ok=True)
        write_snapshot(
            path,
            kind="life",
            manifest={"chain": self.journal.digest_at(life.sequence), **life_manifest(life)},
            parts=life_parts(life),
        )
        for old in self._snapshot_files()[SNAPSHOTS_KEPT:]:
            old.unlink(missing_ok=True)
        return path

    def rollback(self, to: int, number: int, *, expected: Life | None = None) -> Life:
        """Return to the life after entry ``to`` and record that as entry ``number``.

        Args:
            to: The entry to return to; 0 for birth.
            number: Number of the rollback's own entry.
            expected: The life that whoever asks believes to return to.

        Raises:
            InvalidInput: If there was no such entry, it was forgotten, or the life after it is not
                the expected one.
            JournalError: If it could not be recorded.
        """
        if to != 0 and all(entry.sequence != to for entry in self.journal.read()):
            raise InvalidInput(
                f"There is no entry {to} to return to.", "It never was, or was forgotten."
            )
        life = self.restore(upto=to)
        if expected is not None and not same_life(life, expected):
            raise InvalidInput(
                f"The checkpoint at entry {to} is not of this brain's history.",
                "Pass one that this brain took itself, or the number of an entry.",
            )
        entry = Entry(number, "rollback", {"to": to}, {})
        life = replace(life, sequence=number)
        self.record(entry, life)
        return life

    def forget(self, numbers: Iterable[int]) -> Life:
        """Rewrite the journal without these entries and live it again.

        Raises:
            JournalError: If one of them is not there.
        """
        wanted = sorted(set(numbers))
        present = {entry.sequence: entry.kind for entry in self.journal.read()}
        missing = [number for number in wanted if present.get(number, "rollback") == "rollback"]
        if missing or not wanted:
            raise JournalError(
                f"There is no lesson or stimulus with the numbers {missing}.",
                "Use the number that learn() returned.",
            )
        self.journal.rewrite_without(wanted)
        for path in self._snapshot_files():
            if int(path.name) >= wanted[0]:
                path.unlink(missing_ok=True)
        life = self.restore()
        self._try_snapshot(life)
        return life

    # -- reading ------------------------------------------------------------------------------

    def restore(self, upto: int | None = None) -> Life:
        """The life at the end of the journal, or after entry ``upto``.

        Raises:
            JournalError: If an entry cannot be lived through.
        """
        return Replay(self.network, self.journal, self._nearest_snapshot, upto).run()

    def _nearest_snapshot(self, lineage: set[int]) -> Life | None:
        for path in self._snapshot_files():
            if int(path.name) in lineage:
                life = self._read_snapshot(path)
                if life is not None:
                    return life
        return None

    def _read_snapshot(self, path: Path) -> Life | None:
        """The life in a snapshot, or none if it does not continue this very journal."""
        try:
            snapshot = read_snapshot(path, kind="life")
            if snapshot.manifest["chain"] != self.journal.digest_at(int(path.name)):
                raise SnapshotError(f"{path.name} is of another history.", "It is not used.")
            return life_from(self.network, snapshot.manifest, snapshot.parts)
        except (NeuralLayersError, OSError, KeyError, TypeError, ValueError) as error:
            # An older snapshot or the journal alone gives the same life, only later.
            log.warning("snapshot.skipped", extra={"snapshot": path.name, "error": str(error)})
            return None

    @property
    def _snapshots(self) -> Path:
        return self.folder / "snapshots"

    def _snapshot_files(self) -> list[Path]:
        """Snapshots, the latest first."""
        if not self._snapshots.is_dir():
            return []
        return sorted(
            (path for path in self._snapshots.iterdir() if path.name.isdigit()), reverse=True
        )

    def close(self) -> None:
        """Close the journal and give the folder free."""
        self.journal.close()
        self._lock.release()


def _check_folder(folder: Path, network: BrainNetwork | None) -> None:
    """Refuse a folder before anything is left in it."""
    if (folder / "journal").exists():
        return
    # A crash while settling leaves a network file without a journal; that is an empty home.
    ours = ("network.safetensors", "snapshots")
    try:
        strangers = sorted(
            path.name
            for path in (folder.iterdir() if folder.exists() else ())
            if path.name not in ours and not path.name.startswith(".")
        )
        if strangers:
            raise JournalError(
                f"{folder} is no home of a brain: it holds {', '.join(strangers[:3])}.",
                "Choose an empty or a new folder.",
            )
        if network is None:
            raise JournalError(
                f"No brain lives in {folder}.",
                "Say which network a new one has: open(folder, network).",
            )
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise JournalError(
            f"{folder} cannot be a home: {error.strerror or error}.",
            "Name a folder that you may write to.",
        ) from error


def _settle(folder: Path, network: BrainNetwork | None, seed: int) -> BrainNetwork:
    """Make an empty folder the home of a new brain."""
    if network is None:
        raise JournalError(f"The brain that lived in {folder} is gone.", "Open it again.")
    write_snapshot(
        folder / "network.safetensors",
        kind="network",
        manifest={"spec": network.spec.to_dict(), "seed": network.seed},
        parts={"network": to_named(dict(network.state_dict()))},
    )
    genesis: dict[str, Any] = {
        "network": network.fingerprint(),
        "platform": numeric_platform(),
        "seed": seed,
    }
    FileJournal.create(folder / "journal", genesis).close()
    return network


def _resident(folder: Path, network: BrainNetwork | None) -> BrainNetwork:
    """The network of the brain that lives in a folder."""
    path = folder / "network.safetensors"
    snapshot = read_snapshot(path, kind="network")
    try:
        spec = BrainSpec.from_dict(snapshot.manifest["spec"])
        weights, seed = snapshot.parts["network"], int(snapshot.manifest["seed"])
    except (KeyError, TypeError, ValueError) as error:
        raise SnapshotError(f"{path} holds no network ({error}).", "Restore a backup.") from error
    resident = network_from(spec, weights, str(path), seed=seed)
    if network is not None and network.fingerprint() != resident.fingerprint():
        raise JournalError(
            f"The brain in {folder} has another network than the one given.",
            "Leave the network out, or choose another folder.",
        )
    return resident
