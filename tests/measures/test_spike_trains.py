from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.measures import (
    crossing_times_ms,
    spike_train,
    trains_of_events,
    trains_of_raster,
)
from neurallayers.measures.spike_trains import inside


@pytest.mark.parametrize("times", [[1.0, 2.0], np.array([1, 2]), torch.tensor([1.0, 2.0])])
def test_a_train_may_come_from_anywhere(times: object) -> None:
    train = spike_train(times)  # type: ignore[arg-type]
    assert train.dtype == np.float64
    assert train.tolist() == [1.0, 2.0]


def test_a_train_of_bfloat16_with_gradients_is_read() -> None:
    times = torch.tensor([1.0, 2.5], dtype=torch.bfloat16, requires_grad=True)
    assert spike_train(times).tolist() == [1.0, 2.5]


def test_what_is_no_train_is_refused_with_what_is_wrong() -> None:
    with pytest.raises(ShapeMismatch, match=r"\(1, 2\)"):
        spike_train([[1.0, 2.0]])
    with pytest.raises(InvalidInput, match="back from 3 to 2 ms"):
        spike_train([1.0, 3.0, 2.0])
    with pytest.raises(InvalidInput, match="not finite"):
        spike_train([1.0, float("nan")])


def test_a_raster_of_a_run_gives_a_train_for_each_neuron() -> None:
    raster = torch.zeros(5, 3)
    raster[0, 0] = raster[4, 0] = raster[2, 2] = 1.0
    trains = trains_of_raster(raster, dt_ms=0.1, start_ms=100.0)
    assert [len(train) for train in trains] == [2, 0, 1]
    assert trains[0] == pytest.approx([100.1, 100.5])
    assert trains_of_raster(torch.zeros(0, 2), dt_ms=1.0)[1].size == 0
    assert trains_of_raster(torch.zeros(4, 0), dt_ms=1.0) == []


def test_a_raster_with_a_batch_or_without_time_is_refused() -> None:
    with pytest.raises(ShapeMismatch, match="time, neurons"):
        trains_of_raster(torch.zeros(5, 1, 3), dt_ms=0.1)
    with pytest.raises(InvalidInput, match="dt_ms is 0"):
        trains_of_raster(torch.zeros(5, 3), dt_ms=0.0)


@settings(deadline=None, derandomize=True, database=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 50)), unique=True))
def test_events_and_raster_of_the_same_spikes_give_the_same_trains(
    events: list[tuple[int, int]],
) -> None:
    raster = np.zeros((51, 5))
    for neuron, step in events:
        raster[step, neuron] = 1
    of_raster = trains_of_raster(raster, dt_ms=1.0)
    of_events = trains_of_events([s + 1.0 for _, s in events], [n for n, _ in events], count=5)
    for one, other in zip(of_raster, of_events, strict=True):
        assert one.tolist() == other.tolist()


def test_events_of_unknown_neurons_are_refused() -> None:
    with pytest.raises(InvalidInput, match="0 to 3 of 3"):
        trains_of_events([1.0, 2.0], [0, 3], count=3)
    with pytest.raises(ShapeMismatch, match="one neuron for each"):
        trains_of_events([1.0, 2.0], [0], count=3)
    assert trains_of_events([], [], count=0) == []


def test_crossings_of_a_sine_are_where_they_are_analytically() -> None:
    dt_ms = 0.01
    t = np.arange(0.0, 100.0, dt_ms)
    crossings = crossing_times_ms(20.0 * np.sin(2 * np.pi * (t - 3.0) / 20.0), dt_ms)
    assert crossings == pytest.approx([3.0, 23.0, 43.0, 63.0, 83.0], abs=1e-9)
    above = crossing_times_ms(20.0 * np.sin(2 * np.pi * (t - 3.0) / 20.0), dt_ms, threshold_mv=10.0)
    assert above == pytest.approx(np.array([3.0, 23.0, 43.0, 63.0, 83.0]) + 20 / 12, abs=1e-5)


def test_only_upward_crossings_count_and_a_trace_that_starts_above_has_none() -> None:
    assert crossing_times_ms([5.0, -5.0, -6.0], 0.1).size == 0
    assert crossing_times_ms([-5.0, 0.0, 5.0], 0.1).tolist() == [0.1]
    with pytest.raises(ShapeMismatch):
        crossing_times_ms([[1.0]], 0.1)


def test_a_window_includes_its_start_and_not_its_end() -> None:
    assert inside(np.array([1.0, 2.0, 3.0]), 1.0, 3.0).tolist() == [1.0, 2.0]
