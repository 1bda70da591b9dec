"""Thoughts, lessons and brains in the form in which callers get them."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from neurallayers.brain.life import Life
from neurallayers.brain.raster import Raster
from neurallayers.brain.remembering import Recollection
from neurallayers.brain.thought import Thought
from neurallayers.service.engine.activity import Event
from neurallayers.service.engine.resident import Model, Resident
from neurallayers.service.schemas import (
    AlertOut,
    BrainOut,
    BrainSummary,
    ConclusionOut,
    LessonOut,
    ModelOut,
    RasterOut,
    RecollectionOut,
    RegionOut,
    SnapshotOut,
    ThoughtOut,
    VitalsOut,
)
from neurallayers.service.store import BrainRecord, SnapshotRecord

encode = msgspec.json.Encoder().encode


def thought_out(thought: Thought, entry: int | None = None) -> ThoughtOut:
    """A thought without its spikes."""
    vitals = thought.vitals
    return ThoughtOut(
        thought.label,
        thought.confidence,
        thought.scores,
        VitalsOut(vitals.rates_hz, vitals.active_fraction, vitals.spikes, vitals.excitability),
        entry,
        [recollection_out(one) for one in thought.recalled],
        [
            ConclusionOut(one.statement, one.lower, one.upper, one.reading)
            for one in thought.conclusions
        ],
        [AlertOut(**vars(one)) for one in thought.alerts],
    )


def recollection_out(recollection: Recollection) -> RecollectionOut:
    """An episode that came to mind."""
    return RecollectionOut(**vars(recollection))


def raster_out(label: str | None, raster: Raster) -> RasterOut:
    """The spikes of a thought."""
    return RasterOut(
        label,
        raster.dt_ms,
        len(next(iter(raster.spikes.values()))),
        {name: spikes.shape[1] for name, spikes in raster.spikes.items()},
        {name: np.argwhere(spikes).tolist() for name, spikes in raster.spikes.items()},
    )


def brain_out(resident: Resident, life: Life | None = None) -> BrainOut:
    """A brain that is awake, as it is, or as it is with another life."""
    record, life = resident.record, resident.life if life is None else life
    return BrainOut(
        record.id,
        record.name,
        record.model,
        record.created_at,
        life.sequence,
        list(life.known_labels),
    )


def newborn_out(record: BrainRecord, model: Model) -> BrainOut:
    """A brain that was born just now and sleeps still."""
    labels = list(model.network.spec.readout.labels)
    return BrainOut(record.id, record.name, record.model, record.created_at, 0, labels)


def summary_out(record: BrainRecord) -> BrainSummary:
    """A brain in a list."""
    return BrainSummary(record.id, record.name, record.model, record.created_at, record.position)


def snapshot_out(record: SnapshotRecord) -> SnapshotOut:
    """A moment that was kept."""
    return SnapshotOut(record.id, record.name, record.sequence, record.created_at)


def model_out(model: Model, *, whole: bool = False) -> ModelOut:
    """A network, with its whole description or without."""
    spec = model.network.spec
    return ModelOut(
        model.name,
        model.fingerprint,
        list(spec.sense.shape),
        list(spec.readout.labels),
        [
            RegionOut(region.name, int(np.prod(region.shape)), region.neurons.kind)
            for region in spec.regions
        ],
        model.network.parameter_count(),
        spec.steps,
        spec.dt_ms,
        spec.to_dict() if whole else None,
    )


def thought_event(
    thought: Thought,
    sequence: int,
    *,
    entry: int | None = None,
    target: str | None = None,
    lesson: bool = False,
) -> Event:
    """What those who watch a brain get to know of a thought."""
    out = thought_out(thought, entry)
    data: dict[str, Any] = {
        "sequence": sequence,
        "label": out.label,
        "confidence": out.confidence,
        "scores": out.scores,
        "vitals": out.vitals,
        "raster": raster_out(thought.label, thought.raster),
        "recalled": out.recalled,
        "conclusions": out.conclusions,
        "alerts": out.alerts,
        "target": target,
        "entry": entry,
    }
    return Event("lesson" if lesson else "thought", encode(data))


def change_event(name: str, life: Life) -> Event:
    """What those who watch a brain get to know when it has become another."""
    return Event(name, encode({"sequence": life.sequence, "labels": list(life.known_labels)}))


def stored_answer(out: LessonOut | ThoughtOut) -> bytes:
    """An answer as it is kept for a request that comes again."""
    return encode(out)


def answer_again(kind: str, answer: bytes) -> LessonOut | ThoughtOut:
    """The answer that was kept."""
    if kind == "stimulus":
        return msgspec.json.decode(answer, type=ThoughtOut)
    return msgspec.json.decode(answer, type=LessonOut)
