"""Brunel's network against NEST, regime by regime."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurallayers.circuits import Spikes
from neurallayers.circuits.models import brunel
from neurallayers.circuits.models.brunel import REGIMES, Regime
from neurallayers.errors import InvalidInput

REFERENCES = Path(__file__).parents[2] / "references" / "brunel_nest.json"


def references() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(REFERENCES.read_text(encoding="utf-8"))
    return found


def mean_cv(spikes: Spikes) -> float:
    """Mean over the cells with at least three spikes of deviation over mean of their intervals."""
    intervals = [np.diff(train) for train in spikes.trains_ms() if train.size >= 3]
    return float(np.mean([each.std() / each.mean() for each in intervals]))


@pytest.mark.parametrize("weight_mv", [0.1, 0.25])
@pytest.mark.parametrize("regime", list(REGIMES))
def test_a_regime_is_that_of_nest(regime: str, weight_mv: float) -> None:
    reference = references()
    watched = reference["definition"]["regimes"][regime]
    assert watched["inhibition"] == REGIMES[regime].inhibition
    assert watched["drive"] == REGIMES[regime].drive
    expected = reference["results"][f"weight_{weight_mv}_mv"][regime]["nest"]["mean"]
    stop_ms = watched["transient_ms"] + watched["window_ms"]
    run = brunel(regime, weight_mv=weight_mv, seed=11).run(stop_ms)
    spikes = run.spikes["cells"].after(watched["transient_ms"])
    assert spikes.rate_hz == pytest.approx(expected["rate_hz"], rel=0.08)
    assert mean_cv(spikes) == pytest.approx(expected["cv"], abs=0.05)


def test_inputs_are_as_many_as_the_paper_says() -> None:
    circuit = brunel("AI", cells=1000)
    excitatory, inhibitory = circuit.synapses("excitatory"), circuit.synapses("inhibitory")
    assert set(np.bincount(excitatory.receivers)) == {80}
    assert set(np.bincount(inhibitory.receivers)) == {20}
    assert excitatory.senders.max() < 800 <= inhibitory.senders.min()
    assert inhibitory.weights / excitatory.weights == pytest.approx(-5.0)


def test_numbers_of_ones_own() -> None:
    quiet = brunel(Regime(5.0, 0.1), cells=500, weight_mv=0.1).run(50.0)
    assert len(quiet.spikes["cells"].after(20.0)) == 0
    with pytest.raises(InvalidInput, match="Did you mean 'SI_fast'"):
        brunel("SI_fats")
    with pytest.raises(InvalidInput, match="positive"):
        brunel("AI", weight_mv=-0.1)
