"""Runs: progress, threads by size."""

from __future__ import annotations

import pytest

from neurallayers.circuits import running
from neurallayers.circuits.circuit import Circuit
from neurallayers.circuits.models import vogels_abbott
from neurallayers.circuits.running import thread_count
from neurallayers.circuits.sources import PoissonSpikes
from neurallayers.errors import InvalidInput, MissingExtra


def small() -> Circuit:
    circuit = Circuit(dt_ms=0.1)
    circuit.add_population("noise", PoissonSpikes(10, 10.0))
    return circuit


def test_progress_is_told_from_nothing_to_all() -> None:
    told: list[float] = []
    small().run(250.0, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) == 3


def test_a_bar_needs_a_package_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(package: str, *, extra: str) -> None:
        raise MissingExtra(f"{package} is not there.", extra)

    assert len(small().run(1.0, progress=True).spikes) == 1
    monkeypatch.setattr(running, "require", missing)
    with pytest.raises(MissingExtra):
        small().run(1.0, progress=True)


def test_small_circuits_have_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running.torch, "get_num_threads", lambda: 8)
    wiring = vogels_abbott("CUBA", cells=1000).wiring
    assert thread_count(wiring, None) == 1
    assert thread_count(wiring, 3) == 3
    assert thread_count(wiring, 100) == 4  # blocks
    monkeypatch.setattr(running, "CELLS_A_THREAD", 400)
    assert thread_count(wiring, None) == 3
    with pytest.raises(InvalidInput, match="threads"):
        thread_count(wiring, 0)
