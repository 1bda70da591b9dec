"""What is concluded from the runs of the plastic circuit, and who runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from benchmarks.simulators import Simulators

from benchmarks import plastic_circuit


def line(cost_ns: float) -> dict[str, Any]:
    results = dict.fromkeys(plastic_circuit.FIGURES, 1.0) | {"ns_per_event": cost_ns}
    return {
        "results": results,
        "seconds": [1.0],
        "peak_megabytes": 10.0,
        "settings": {},
        "versions": {},
    }


def test_the_speedup_is_over_brian2_in_the_same_order() -> None:
    found = plastic_circuit.conclusions(
        {
            "neurallayers": line(2.0),
            "brian2": line(18.0),
            "brian2_update_then_transmit": line(99.0),
        }
    )
    assert found["ns_per_event"] == 2.0
    assert found["speedup_over_brian2"] == pytest.approx(9.0)
    assert found["speedup_over_nest"] is None
    assert found["cell_spikes_apart_from_brian2"] == 0.0
    assert set(found["simulators"]["brian2"]) >= set(plastic_circuit.FIGURES)


def test_without_brian2_nothing_is_compared_with_it() -> None:
    found = plastic_circuit.conclusions({"neurallayers": line(2.0)})
    assert found["speedup_over_brian2"] is None
    assert found["mean_weight_apart_from_brian2_mv"] is None


def test_both_orders_are_run_by_us_and_by_brian2() -> None:
    simulators = Simulators(Path("ours"), Path("peers"), None)
    every = plastic_circuit.contenders(simulators, {"repeats": 1})
    orders = {name: own.get("order") for name, (_, __, own) in every.items()}
    assert orders["neurallayers"] == orders["brian2"] == "transmit_then_update"
    assert orders["neurallayers_update_then_transmit"] == "update_then_transmit"
    assert orders["brian2_update_then_transmit"] == "update_then_transmit"
