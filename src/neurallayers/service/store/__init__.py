"""What is kept: brains, their journals and snapshots, in one SQLite file."""

from neurallayers.service.store.database import Database
from neurallayers.service.store.store import BrainRecord, SnapshotRecord, Store
from neurallayers.service.store.table_journal import TableJournal

__all__ = ["BrainRecord", "Database", "SnapshotRecord", "Store", "TableJournal"]
