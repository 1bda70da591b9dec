"""The places that keep journals, behind one interface for the tests of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from neurallayers.brain.journal import FileJournal, Journal
from neurallayers.service.store import BrainRecord, Store


class Keeper(Protocol):
    """A place for journals by name."""

    def create(self, name: str, genesis: Mapping[str, Any]) -> Journal:
        """A new journal, open."""
        ...

    def open_again(self, name: str) -> Journal:
        """The journal as another process would find it; what was open before is closed."""
        ...

    def stored(self) -> bytes:
        """Every byte that is kept, of whatever journal."""
        ...

    def close(self) -> None:
        """Close everything."""
        ...


class FileKeeper:
    """Journals in files of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: list[FileJournal] = []

    def create(self, name: str, genesis: Mapping[str, Any]) -> Journal:
        self._open.append(FileJournal.create(self.folder / name, genesis))
        return self._open[-1]

    def open_again(self, name: str) -> Journal:
        self.close()
        self._open.append(FileJournal.open(self.folder / name))
        return self._open[-1]

    def stored(self) -> bytes:
        return b"".join(path.read_bytes() for path in sorted(self.folder.iterdir()))

    def close(self) -> None:
        for journal in self._open:
            journal.close()
        self._open.clear()


class TableKeeper:
    """Journals in the tables of one database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder)

    def create(self, name: str, genesis: Mapping[str, Any]) -> Journal:
        self.store.create(record(name), genesis)
        return self.store.journal(name)

    def open_again(self, name: str) -> Journal:
        self.close()
        self.store = Store(self.folder)
        return self.store.journal(name)

    def stored(self) -> bytes:
        return b"".join(path.read_bytes() for path in sorted(self.folder.iterdir()))

    def close(self) -> None:
        self.store.close()


KEEPERS: dict[str, type[FileKeeper] | type[TableKeeper]] = {
    "file": FileKeeper,
    "table": TableKeeper,
}


def record(brain_id: str, **changes: Any) -> BrainRecord:
    """A brain to be kept under this id."""
    fields: dict[str, Any] = {
        "id": brain_id,
        "name": f"called {brain_id}",
        "model": "small",
        "fingerprint": "f1",
        "created_at": "2026-01-01T00:00:00Z",
        "position": 0,
        "number": 0,
    }
    return BrainRecord(**{**fields, **changes})
