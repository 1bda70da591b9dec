"""Brains that are awake: their lives in memory, as many as there is room for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from neurallayers.brain.life import Life
from neurallayers.brain.network import BrainNetwork
from neurallayers.brain.resting import Resting
from neurallayers.brain.thought import Thought
from neurallayers.service.store import BrainRecord, TableJournal
from neurallayers.state import tensors

#: What a brain costs beside its tensors: records, labels, the last thought.
OVERHEAD_BYTES = 24_000


@dataclass(frozen=True)
class Model:
    """A network that is served.

    Attributes:
        name: Its name.
        network: The network.
        fingerprint: Equal for equal networks.
        resting: What of its states survives rest.
    """

    name: str
    network: BrainNetwork
    fingerprint: str
    resting: Resting

    @classmethod
    def of(cls, name: str, network: BrainNetwork) -> Model:
        """A network under a name."""
        return cls(name, network, network.fingerprint(), Resting(network))


class Resident:
    """A brain that is awake; only the thread that computes touches it.

    Args:
        record: What it is called.
        model: Its network.
        journal: Its journal.
        life: Its life at the end of the journal.
        snapshot_at: The entry of the latest snapshot that there is; -1 for none.
    """

    def __init__(
        self,
        record: BrainRecord,
        model: Model,
        journal: TableJournal,
        life: Life,
        snapshot_at: int = -1,
    ) -> None:
        self.record, self.model, self.journal = record, model, journal
        self.snapshot_at = snapshot_at
        self.thought: Thought | None = None
        self.life = life

    @property
    def life(self) -> Life:
        """Its life."""
        return self._life

    @life.setter
    def life(self, life: Life) -> None:
        self._life = life
        self.lasting: tuple[Tensor, ...] = self.model.resting.lasting(life.state)
        held = [*tensors(life.state), *life.ledger.named().values()]
        if life.mind is not self.model.network.faculties.newborn():  # that one all share
            held += tensors(life.mind.state)
        self.bytes = OVERHEAD_BYTES + sum(tensor.nbytes for tensor in held)

    @property
    def dirty(self) -> bool:
        """Whether waking it again would mean to live through entries."""
        return self.life.sequence > max(self.snapshot_at, 0)


class Pool:
    """The brains that are awake, from the one used longest ago to the last.

    Args:
        bytes_at_most: What their states may take together.
    """

    def __init__(self, bytes_at_most: int) -> None:
        self.bytes_at_most = bytes_at_most
        self.bytes = 0
        self._residents: OrderedDict[str, Resident] = OrderedDict()

    def __len__(self) -> int:
        return len(self._residents)

    def __iter__(self) -> Iterator[Resident]:
        return iter(list(self._residents.values()))

    def get(self, brain_id: str) -> Resident | None:
        """A brain that is awake; it counts as used now."""
        resident = self._residents.get(brain_id)
        if resident is not None:
            self._residents.move_to_end(brain_id)
        return resident

    def put(self, resident: Resident) -> None:
        """Take a brain in."""
        self.drop(resident.record.id)
        self._residents[resident.record.id] = resident
        self.bytes += resident.bytes

    def live_on(self, resident: Resident, life: Life) -> None:
        """Give a brain its next life."""
        self.bytes -= resident.bytes
        resident.life = life
        self.bytes += resident.bytes

    def drop(self, brain_id: str) -> Resident | None:
        """Let a brain go; the store has all of it."""
        resident = self._residents.pop(brain_id, None)
        if resident is not None:
            self.bytes -= resident.bytes
        return resident

    def surplus(self, busy: Collection[Any]) -> list[Resident]:
        """Those to let go until the rest fits, used longest ago first; never a busy one."""
        chosen, left = [], self.bytes
        for brain_id, resident in self._residents.items():
            if left <= self.bytes_at_most:
                break
            if brain_id not in busy:
                chosen.append(resident)
                left -= resident.bytes
        return chosen
