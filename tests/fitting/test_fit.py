from __future__ import annotations

import numpy as np
import pytest
from tests.fitting.recordings import ADAPTING, neuron, recording

from neurallayers.data.patch_clamp import load_patch_clamp
from neurallayers.errors import DataUnavailable, InvalidInput, UnknownName
from neurallayers.fitting import FittedNeuron, Sweep, fit
from neurallayers.fitting.candidates import Target, Weights, losses

CELL = neuron("gif", ADAPTING)
SWEEPS = [recording(CELL, current) for current in (0.0, 130.0, 200.0)]
UNSEEN = recording(CELL, 165.0)
# All but three parameters are fixed, so that a short search must find those.
FREE = {"threshold_mv", "second_current_jump_pa", "leak_conductance_ns"}
PINNED = {name: (value, value) for name, value in ADAPTING.items() if name not in FREE}


def test_evolution_finds_the_neuron_that_made_the_recordings() -> None:
    pytest.importorskip("cmaes")
    told: list[int] = []
    found = fit(
        "gif", SWEEPS, budget=1600, bounds=PINNED, warm_up="rest", workers=2,
        progress=lambda tried, loss: told.append(tried),
    )  # fmt: skip
    assert found.gamma(UNSEEN) > 0.95
    for name in FREE:
        assert found.parameters[name] == pytest.approx(ADAPTING[name], rel=0.1)
    assert found.report["method"] == "evolution"
    assert found.report["gamma"] > 0.95
    assert told == sorted(told)
    assert told[-1] >= 1600
    again = fit("gif", SWEEPS, budget=1600, bounds=PINNED, warm_up="rest")
    assert again.parameters == found.parameters


def test_gradient_improves_a_neuron() -> None:
    off = {**ADAPTING, "leak_conductance_ns": 5.5, "threshold_mv": -40.0}
    start = FittedNeuron("gif", off, 0.1, "rest")
    short = recording(CELL, 200.0, duration_ms=90.0)
    found = fit(
        "gif",
        [short],
        method="gradient",
        budget=3,
        start=start,
        warm_up="rest",
        bounds=PINNED,
    )
    model = start.neuron_model
    values = np.array([[off[name]] for name in model.names])
    targets = [Target(short, model.step_ms, "rest")]
    before = float(losses(model, values, targets, Weights(1.0, 1.0, 0.2)).total[0])
    assert found.report["loss"] < 0.8 * before
    assert found.report["budget"] == 3
    assert found.parameters["capacitance_pf"] == ADAPTING["capacitance_pf"]


def test_nonsense_is_refused_before_anything_is_computed() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'gif'"):
        fit("gef", SWEEPS)
    with pytest.raises(UnknownName, match="Did you mean 'gradient'"):
        fit("gif", SWEEPS, method="gradients")
    with pytest.raises(InvalidInput, match="at least one"):
        fit("gif", SWEEPS, budget=0)
    with pytest.raises(InvalidInput, match="in which the cell fired"):
        fit("gif", SWEEPS[:1])
    with pytest.raises(InvalidInput, match="Every parameter is fixed"):
        fit("gif", SWEEPS, bounds={name: (value, value) for name, value in ADAPTING.items()})
    with pytest.raises(InvalidInput, match="Start a adex from a adex"):
        fit("adex", SWEEPS, start=CELL)


def test_a_short_search_already_follows_a_fast_spiking_interneuron() -> None:
    pytest.importorskip("cmaes")
    try:
        cell = load_patch_clamp("fsi_gain")
    except DataUnavailable as missing:
        pytest.skip(str(missing))
    # The first second of three sweeps: a step of 500 ms from rest.
    sweeps = [
        Sweep(cell.current_pa[k, :20_000], cell.membrane_potential_mv[k, :20_000], cell.dt_ms)
        for k in (8, 11, 13)
    ]
    found = fit("gif", [sweeps[0], sweeps[2]], budget=3000, seed=1)
    assert np.isfinite(found.report["loss"])
    assert found.report["gamma"] > 0.5
    assert found.gamma(sweeps[1]) > 0.3
