from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.fitting.recordings import (
    ADAPTING,
    CORTICAL,
    EXPONENTIAL,
    neuron,
    recording,
    step_current,
)

from neurallayers.errors import DataUnavailable, InvalidInput, ShapeMismatch, UnknownName
from neurallayers.fitting import FittedNeuron

CELL = neuron("gif", ADAPTING)


@pytest.mark.parametrize(
    ("model", "parameters"),
    [("gif", ADAPTING), ("adex", EXPONENTIAL), ("hodgkin_huxley", CORTICAL)],
)
def test_a_saved_neuron_fires_as_before(
    model: str, parameters: dict[str, float], tmp_path: Path
) -> None:
    cell = neuron(model, parameters)
    path = cell.save(tmp_path / "cells" / "cell.json")
    again = FittedNeuron.load(path)
    assert again == cell
    current = step_current(300.0)
    one, other = cell.simulate(current, 0.1), again.simulate(current, 0.1)
    assert np.array_equal(one.spike_times_ms, other.spike_times_ms)
    assert np.array_equal(one.membrane_potential_mv, other.membrane_potential_mv)
    assert [file.name for file in path.parent.iterdir()] == ["cell.json"]


def test_how_finely_a_current_is_sampled_hardly_matters() -> None:
    spikes = [
        CELL.simulate(step_current(200.0, dt_ms=dt_ms), dt_ms).spike_times_ms
        for dt_ms in (0.05, 0.1, 0.2)
    ]
    assert spikes[0].tolist() == pytest.approx(spikes[1].tolist())
    assert spikes[2].tolist() == pytest.approx(spikes[1].tolist())
    assert CELL.simulate(step_current(0.0, dt_ms=0.05), 0.05).membrane_potential_mv.size == 8000


def test_it_agrees_with_its_own_recording_and_not_with_another() -> None:
    assert CELL.gamma(recording(CELL, 200.0)) == pytest.approx(1.0)
    assert CELL.gamma(recording(neuron("gif", {**ADAPTING, "threshold_mv": -40.0}), 200.0)) < 0.5
    assert CELL.mean_gamma([recording(CELL, 150.0), recording(CELL, 200.0)]) == pytest.approx(1.0)
    assert np.isnan(CELL.mean_gamma([]))


def test_where_it_starts_can_be_said() -> None:
    made = CELL.simulate(np.zeros(10), 0.1, membrane_potential_mv=-50.0)
    assert made.membrane_potential_mv[0] == pytest.approx(-65 + 15 * np.exp(-0.1 / 20), abs=1e-6)
    warm = FittedNeuron("gif", ADAPTING, 0.1, "repeat")
    current = step_current(200.0)[:3000]
    assert warm.simulate(current, 0.1, warm_up="rest").spike_times_ms.tolist() == (
        CELL.simulate(current, 0.1).spike_times_ms.tolist()
    )
    assert (
        warm.simulate(current, 0.1).spike_times_ms[0]
        != (CELL.simulate(current, 0.1).spike_times_ms[0])
    )


def test_currents_that_cannot_be_injected_are_refused() -> None:
    with pytest.raises(ShapeMismatch, match=r"Pass \[time\]"):
        CELL.simulate(np.zeros((2, 2)), 0.1)
    with pytest.raises(InvalidInput, match="not finite"):
        CELL.simulate([float("inf")], 0.1)
    with pytest.raises(InvalidInput, match="dt_ms is -1"):
        CELL.simulate([0.0], -1.0)


def test_parameters_are_complete_and_finite() -> None:
    with pytest.raises(InvalidInput, match="differ in refractory_ms"):
        FittedNeuron("gif", {k: v for k, v in ADAPTING.items() if k != "refractory_ms"}, 0.1)
    with pytest.raises(InvalidInput, match="threshold_mv is nan"):
        FittedNeuron("gif", {**ADAPTING, "threshold_mv": float("nan")}, 0.1)
    with pytest.raises(UnknownName, match="neuron model"):
        FittedNeuron("gi", ADAPTING, 0.1)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "no json", json.dumps({"format": 99, "parameters": {}}),
             json.dumps({"format": 1, "parameters": {"a": "b"}}),
             json.dumps({"format": 1, "parameters": {}, "strange": 1})],
)  # fmt: skip
def test_what_is_no_fitted_neuron_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "cell.json"
    path.write_text(text)
    with pytest.raises(DataUnavailable, match="no fitted neuron"):
        FittedNeuron.load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataUnavailable, match=r"nowhere\.json"):
        FittedNeuron.load(tmp_path / "nowhere.json")
