"""The workload of the plastic circuit is the same for everybody."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.physics_peers import plasticity


def test_sources_fire_as_they_are_told_to() -> None:
    steps, sources = plasticity.source_spikes(10_000.0, seed=1)
    again = plasticity.source_spikes(10_000.0, seed=1)
    assert np.array_equal(steps, again[0])
    assert np.array_equal(sources, again[1])
    rate_hz = steps.size / plasticity.SOURCES / 10.0
    assert rate_hz == pytest.approx(plasticity.SOURCE_RATE_HZ, rel=0.01)
    assert steps.min() >= 1
    assert steps.max() <= 100_000 - 2
    assert np.array_equal(np.lexsort((sources, steps)), np.arange(steps.size))


def test_a_source_fires_once_a_step_at_most() -> None:
    steps, sources = plasticity.source_spikes(2_000.0, seed=3)
    assert np.unique(steps * plasticity.SOURCES + sources).size == steps.size


def test_another_seed_gives_other_spikes_and_weights() -> None:
    assert not np.array_equal(
        plasticity.source_spikes(500.0, seed=1)[1][:100],
        plasticity.source_spikes(500.0, seed=2)[1][:100],
    )
    weights = plasticity.first_weights_mv(1)
    assert weights.shape == (plasticity.SOURCES, plasticity.CELLS)
    assert 0.0 <= weights.min() < weights.max() <= plasticity.LARGEST_WEIGHT_MV
    assert not np.array_equal(weights, plasticity.first_weights_mv(2))


def test_an_event_is_a_visit_of_a_synapse() -> None:
    # A source reaches every cell, a cell every source.
    assert plasticity.events(source_spikes=3, cell_spikes=2) == 3 * 100 + 2 * 1000
    found = plasticity.figures([0.2, 0.1, 0.3], 1000, 100, np.array([1.0, 3.0]))
    assert found["events"] == 200_000
    assert found["ns_per_event"] == pytest.approx(1000.0)
    assert found["mean_weight_mv"] == 2.0
    assert found["weight_standard_deviation_mv"] == 1.0
