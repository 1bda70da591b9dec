"""What is concluded from the runs of circuits, and who runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from benchmarks.simulators import Simulators

from benchmarks import circuits

HERE = Simulators(Path("ours"), Path("peers"), None)


def line(seconds: float, **results: Any) -> dict[str, Any]:
    return {
        "seconds_median": seconds,
        "seconds": [seconds],
        "peak_megabytes": 300.0,
        "results": {"rate_hz": 5.0, "spikes": 10, "bytes_per_synapse": 4.2, **results},
        "versions": {},
        "settings": {},
    }


def test_speedups_are_over_brian2_in_the_same_precision() -> None:
    table = {
        "CUBA": {
            "4000": {"neurallayers": line(0.05), "brian2": line(0.08), "brian2_float32": line(9.0)},
            "64000": {"neurallayers": line(1.25)},
        },
        "COBA": {"4000": {"neurallayers": line(0.08), "brian2": line(0.36)}},
    }
    found = circuits.conclusions(table)
    assert found["cuba_speedup_over_brian2"] == pytest.approx(1.6)
    assert found["coba_speedup_over_brian2"] == pytest.approx(4.5)
    assert (found["seconds_64k"], found["megabytes_64k"]) == (1.25, 300.0)
    assert circuits.short(table)["CUBA"]["64000"]["neurallayers"]["seconds"] == 1.25


def test_what_was_not_measured_is_none() -> None:
    table: dict[str, Any] = {"CUBA": {"4000": {"neurallayers": line(0.05)}}, "COBA": {"4000": {}}}
    found = circuits.conclusions(table)
    assert found["cuba_speedup_over_brian2"] is None
    assert found["coba_speedup_over_brian2"] is None
    assert found["seconds_64k"] is None


def test_a_silent_network_is_replaced_by_another_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(python: Path | None, module: str, options: dict[str, Any]) -> dict[str, Any] | None:
        if python is None:
            return None
        return line(1.0, spikes=0 if options["seed"] < 3 else 9, seed=options["seed"])

    monkeypatch.setattr(circuits, "asked", asked)
    lines = circuits.measured(HERE, {"network": "COBA", "cells": 4000, "repeats": 1})
    assert {one["results"]["seed"] for one in lines.values()} == {3}
    assert "brainpy" not in lines
    assert {"neurallayers", "brian2", "brian2_rk4", "nest"} <= set(lines)


def test_bits_decide_whether_threads_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(python: Path, module: str, options: dict[str, Any]) -> dict[str, Any]:
        changed = options["network"] == "COBA" and options["threads"] == broken
        return {"results": {"fingerprint": "other" if changed else options["network"]}}

    monkeypatch.setattr(circuits, "ask", ask)
    broken = 0
    assert circuits.invariance(HERE, cells=16)["thread_invariant"] is True
    broken = 2
    assert circuits.invariance(HERE, cells=16)["thread_invariant"] is False
