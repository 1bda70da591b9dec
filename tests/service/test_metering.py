"""What the engine tells becomes metrics."""

from __future__ import annotations

import inspect

from neurallayers.service.engine.observing import Observer
from neurallayers.service.metering import Metering
from neurallayers.service.telemetry import Telemetry


def test_everything_that_an_engine_tells_is_counted() -> None:
    telemetry = Telemetry()
    observer: Observer = Metering(telemetry)
    for _ in range(2):
        observer.batch(16)
        observer.thoughts("net", 3, {"a": 5, "b": 0}, {"a": 12.5, "b": 0.0})
        observer.lessons(4)
        observer.commit(0.003)
        observer.commit_failed()
        observer.replayed(7)
        observer.restored()
        observer.snapshot()
        observer.memory(9, 1000)
    lines = telemetry.render().decode().splitlines()
    for line in (
        "neurallayers_batch_size_sum 32.0",
        "neurallayers_thoughts_total 6.0",
        'neurallayers_spikes_total{model="net",region="a"} 10.0',
        'neurallayers_firing_rate_hz{model="net",region="a"} 12.5',
        "neurallayers_lessons_total 8.0",
        "neurallayers_store_commits_total 2.0",
        "neurallayers_store_commit_seconds_sum 0.006",
        "neurallayers_store_commit_failures_total 2.0",
        "neurallayers_replayed_entries_total 14.0",
        "neurallayers_restores_total 2.0",
        "neurallayers_snapshots_total 2.0",
        "neurallayers_brains_in_memory 9.0",
        "neurallayers_brain_state_bytes 1000.0",
    ):
        assert line in lines


def test_it_answers_to_all_that_an_engine_tells() -> None:
    for name, method in inspect.getmembers(Observer, inspect.isfunction):
        if not name.startswith("_"):
            assert inspect.signature(getattr(Metering, name)) == inspect.signature(method)
