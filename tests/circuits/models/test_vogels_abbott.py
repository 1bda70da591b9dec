"""The network of Vogels and Abbott against Brian2 and NEST."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neurallayers.circuits import Run
from neurallayers.circuits.models import vogels_abbott
from neurallayers.errors import InvalidInput
from neurallayers.state import leaves

REFERENCES = Path(__file__).parents[2] / "references" / "vogels_abbott.json"
NETWORKS = 4


def references() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(REFERENCES.read_text(encoding="utf-8"))
    return found


def figures(run: Run, start_ms: float) -> tuple[float, float]:
    """Mean rate [Hz] and mean CV of the intervals of cells with at least three spikes."""
    spikes = run.spikes["cells"].after(start_ms)
    intervals = [np.diff(train) for train in spikes.trains_ms() if train.size >= 3]
    return spikes.rate_hz, float(np.mean([each.std() / each.mean() for each in intervals]))


@pytest.mark.parametrize("kind", ["CUBA", "COBA"])
def test_activity_is_that_of_brian2_and_nest(kind: str) -> None:
    reference = references()
    start_ms, stop_ms = reference["definition"]["window_ms"]
    found: list[tuple[float, float]] = []
    for seed in range(1, 2 * NETWORKS + 1):
        if len(found) == NETWORKS:
            break
        run = vogels_abbott(kind, seed=seed).run(stop_ms)
        # Some networks do not survive their first volley, in any simulator: no references either.
        if run.spikes["cells"].times_ms[-1] > stop_ms - 50.0:
            found.append(figures(run, start_ms))
    assert len(found) == NETWORKS
    rate_hz, cv = np.mean(found, axis=0)
    simulators = reference["results"][kind]
    # Conductances held over a step inflate the rate by a tenth: that is not the reference.
    simulators.pop("brian2_exponential_euler", None)
    for name, other in simulators.items():
        mean, spread = other["mean"], other["standard_deviation"]
        error = np.sqrt(1.0 / NETWORKS + 1.0 / len(other["seeds"]))
        assert abs(rate_hz - mean["rate_hz"]) < 3.0 * spread["rate_hz"] * error, name
        assert abs(cv - mean["cv"]) < max(3.0 * spread["cv"] * error, 0.02), name


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    circuit = vogels_abbott("COBA")
    alone, together = (circuit.run(200.0, threads=threads) for threads in (1, 2))
    assert len(alone.spikes["cells"]) > 5000
    assert np.array_equal(alone.spikes["cells"].times_ms, together.spikes["cells"].times_ms)
    assert np.array_equal(alone.spikes["cells"].senders, together.spikes["cells"].senders)
    for (name, a), (_, b) in zip(leaves(alone.state), leaves(together.state), strict=True):
        assert torch.equal(a, b), name


def test_single_precision_has_the_same_statistics() -> None:
    single, double = (
        vogels_abbott("CUBA", dtype=dtype).run(1000.0).spikes["cells"].rate_hz
        for dtype in (torch.float32, torch.float64)
    )
    assert single == pytest.approx(double, rel=0.15)


def test_larger_networks_keep_the_inputs_of_a_cell() -> None:
    circuit = vogels_abbott("CUBA", cells=16_000)
    assert circuit.memory()["synapses"] / 16_000 == pytest.approx(80.0, rel=0.01)
    assert circuit.synapses("excitatory").senders.max() == 12_799


def test_what_is_not_possible_is_refused() -> None:
    with pytest.raises(InvalidInput, match="CUBA"):
        vogels_abbott("cuba")
    with pytest.raises(InvalidInput, match="80"):
        vogels_abbott("CUBA", cells=50)
