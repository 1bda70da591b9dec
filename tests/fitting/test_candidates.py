from __future__ import annotations

import numpy as np
import pytest
from tests.fitting.recordings import ADAPTING, neuron, recording

from neurallayers.errors import InvalidInput
from neurallayers.fitting.candidates import (
    PRECISION_MS,
    Target,
    Weights,
    epoch_ends_ms,
    lived_before,
    losses,
    simulate_lanes,
)
from neurallayers.fitting.model import LANES, MODELS
from neurallayers.measures import coincidence_factor, van_rossum_distance

MODEL = MODELS.make("gif")
SWEEPS = [recording(neuron("gif", ADAPTING), current) for current in (120.0, 200.0)]
TARGETS = [Target(sweep, MODEL.step_ms, "rest") for sweep in SWEEPS]
TRUE = np.array([[ADAPTING[name]] for name in MODEL.names])


def drawn(count: int) -> np.ndarray:
    return MODEL.values(np.random.default_rng(1).uniform(size=(len(MODEL.parameters), count)))


def test_the_parameters_that_made_a_recording_lose_nothing() -> None:
    found = losses(MODEL, TRUE, TARGETS, Weights())
    assert found.gamma[0] == pytest.approx(1.0)
    # Crossings of drawn spikes are interpolated, so that they lie within a step of the true ones.
    assert found.spikes[0] < 0.02
    assert found.potential[0] < 1e-9
    assert (losses(MODEL, drawn(40), TARGETS, Weights()).total > found.total[0]).all()


def test_scores_are_the_measures_of_each_candidate() -> None:
    values, target = drawn(LANES), TARGETS[1]
    found = losses(MODEL, values, [target], Weights())
    made = simulate_lanes(MODEL, values, target.current)
    assert made.counts.max() > 10
    for lane in range(LANES):
        times = made.spike_times_ms[lane, : made.counts[lane]]
        gamma = coincidence_factor(
            target.spikes, times, duration_ms=target.duration_ms, precision_ms=PRECISION_MS
        )
        assert found.gamma[lane] == pytest.approx(np.nan_to_num(gamma))
        distances = [
            van_rossum_distance(target.spikes, times, tau_ms=tau) ** 2 for tau in (8.0, 40.0)
        ]
        distances.append(paired(target.spikes, times, [20.0, 350.0, np.inf]))
        relative = [min(5.0, distance / target.spikes.size) for distance in distances]
        assert found.spikes[lane] == pytest.approx(np.mean(relative), abs=1e-9)


def paired(data: np.ndarray, model: np.ndarray, edges_ms: list[float]) -> float:
    """The k-th spike of each epoch against the k-th, 40 ms or no partner being 1."""
    distance, start = 0.0, 0.0
    for edge in edges_ms:
        a, b = (train[(train >= start) & (train < edge)] for train in (data, model))
        both = min(a.size, b.size)
        distance += np.minimum(1.0, np.abs(a[:both] - b[:both]) / 40.0).sum()
        distance += max(a.size, b.size) - both
        start = edge
    return distance


def test_epochs_end_where_a_current_jumps_and_a_ramp_is_one() -> None:
    assert epoch_ends_ms(TARGETS[0].current, 0.1).tolist() == pytest.approx([20.0, 350.0, np.inf])
    assert epoch_ends_ms(np.linspace(0.0, 50.0, 1000), 0.1).tolist() == [np.inf]
    assert epoch_ends_ms(np.zeros(10), 0.1).tolist() == [np.inf]
    noise = np.random.default_rng(0).normal(size=1000)
    assert epoch_ends_ms(noise, 0.1).tolist() == [np.inf]


@pytest.mark.parametrize("name", list(MODELS))
def test_a_candidate_does_not_depend_on_its_place_or_neighbours(name: str) -> None:
    model = MODELS.make(name)
    values = model.values(np.random.default_rng(2).uniform(size=(len(model.parameters), LANES)))
    current = TARGETS[1].current[:1000]
    together = simulate_lanes(model, values, current)
    turned = simulate_lanes(model, values[:, ::-1], current)
    alone = simulate_lanes(model, values[:, 3:4], current)
    assert np.array_equal(together.potential_mv, turned.potential_mv[:, ::-1])
    assert np.array_equal(together.potential_mv[:, 3], alone.potential_mv[:, 0])
    assert together.counts[3] == alone.counts[0]


def test_the_number_of_workers_changes_nothing() -> None:
    values = drawn(70)
    one, two = (losses(MODEL, values, TARGETS, Weights(), workers) for workers in (1, 2))
    assert np.array_equal(one.total, two.total)


def test_warming_up_is_living_through_the_second_half_first() -> None:
    current = np.concatenate([np.zeros(1000), np.full(1000, 200.0)])
    twice = np.concatenate([current[1000:], current])
    warmed = simulate_lanes(MODEL, TRUE, current, before=lived_before(current, "repeat"))
    whole = simulate_lanes(MODEL, TRUE, twice)
    assert np.array_equal(warmed.potential_mv, whole.potential_mv[1000:])
    later = whole.spike_times_ms[0, : whole.counts[0]]
    expected = later[later > 100.0] - 100.0
    assert warmed.spike_times_ms[0, : warmed.counts[0]] == pytest.approx(expected)
    assert lived_before(current, "rest").size == 0
    with pytest.raises(InvalidInput, match="warm_up is 'cold'"):
        lived_before(current, "cold")


def test_one_that_fires_without_end_is_counted_but_not_followed() -> None:
    wild = TRUE.copy()
    wild[MODEL.names.index("leak_potential_mv")] = 500.0
    wild[MODEL.names.index("refractory_ms")] = 0.05
    made = simulate_lanes(MODEL, wild, TARGETS[0].current)
    assert made.counts[0] > made.spike_times_ms.shape[1]
    assert losses(MODEL, wild, TARGETS, Weights()).gamma[0] <= 0.0
