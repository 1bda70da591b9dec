"""What an engine has while it runs, and how it comes by it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neurallayers.brain.brain import Brain
from neurallayers.brain.pretrained import load_pretrained
from neurallayers.errors import InvalidInput
from neurallayers.service.engine.activity import Activity
from neurallayers.service.engine.errands import Errands
from neurallayers.service.engine.limits import Limits
from neurallayers.service.engine.observing import Observer
from neurallayers.service.engine.pulse import Pulse
from neurallayers.service.engine.resident import Model
from neurallayers.service.engine.stepper import Stepper
from neurallayers.service.failures import Conflict
from neurallayers.service.store import BrainRecord, Store

log = logging.getLogger(__name__)


@dataclass
class Opened:
    """What an engine has while it runs."""

    store: Store
    models: dict[str, Model]
    stepper: Stepper
    errands: Errands
    temporary: tempfile.TemporaryDirectory[str] | None
    pulse: Pulse = field(default_factory=lambda: Pulse(_no_beat))
    beating: asyncio.Task[None] | None = None

    def create(
        self,
        record: BrainRecord,
        genesis: dict[str, Any],
        request_key: str | None,
        limits: Limits,
    ) -> BrainRecord:
        """Keep a new brain, in the thread that computes."""
        before = self.store.brain_of_request(request_key) if request_key else None
        if before is not None:
            return before
        if self.store.count() >= limits.brains_at_most:
            raise Conflict(
                f"There are {limits.brains_at_most} brains already.",
                "Delete some, or raise brains_at_most.",
            )
        self.store.create(record, genesis, request_key)
        return record

    def close(self) -> None:
        """Finish what was taken, keep snapshots, and close the store."""
        self.stepper.batcher.stop()
        try:
            self.stepper.rest()
        finally:
            self.store.close()
            if self.temporary is not None:
                self.temporary.cleanup()


def load(
    folder: Path | None,
    wanted: Sequence[str | Path | Model],
    limits: Limits,
    activity: Activity,
    observer: Observer,
) -> Opened:
    """Everything that takes time at the beginning."""
    models: dict[str, Model] = {}
    for one in wanted:
        model = one if isinstance(one, Model) else _served(one)
        if model.name in models:
            raise InvalidInput(
                f"Two networks are called {model.name!r}.", "Give their folders other names."
            )
        models[model.name] = model
    temporary = tempfile.TemporaryDirectory(prefix="neurallayers-") if folder is None else None
    place = Path(temporary.name) if temporary is not None else folder
    assert place is not None
    with contextlib.ExitStack() as undo:
        if temporary is not None:
            undo.callback(temporary.cleanup)
        store = Store(place)
        undo.callback(store.close)
        stepper = Stepper(
            store,
            models.values(),
            activity,
            observer,
            queue_at_most=limits.queue_at_most,
            batch_at_most=limits.batch_at_most,
            bytes_at_most=limits.brains_in_memory_mib * 2**20,
            snapshot_every=limits.snapshot_every,
        )
        undo.pop_all()
    return Opened(store, models, stepper, Errands(stepper), temporary)


def _served(name_or_folder: str | Path) -> Model:
    """A network, compiled and found to give each row its own bits."""
    network = load_pretrained(name_or_folder)
    if not Brain(network).self_check():
        log.warning("network.batches_change_bits", extra={"network": str(name_or_folder)})
    # The folder "." has no name of its own.
    name = Path(name_or_folder).name or Path(name_or_folder).resolve().name
    return Model.of(name, network)


async def _no_beat() -> None:
    return None
