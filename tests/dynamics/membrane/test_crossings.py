"""Spike times and peaks of recorded potentials."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.dynamics.membrane import crossings, peaks_mv
from neurallayers.dynamics.membrane.crossings import sorted_crossings
from neurallayers.errors import InvalidInput, ShapeMismatch

LAW = settings(max_examples=40, deadline=None, derandomize=True, database=None)


@given(shift=st.floats(0.0, 1.0), threshold=st.floats(-0.9, 0.9))
@LAW
def test_a_sine_crosses_where_it_should(shift: float, threshold: float) -> None:
    dt = 0.001
    time = torch.arange(0, 3.0, dt, dtype=torch.float64)
    trace = torch.sin(2 * math.pi * (time - shift)).reshape(-1, 1, 1)
    found = crossings(trace, dt, threshold_mv=threshold).time_ms
    first = shift + math.asin(threshold) / (2 * math.pi)
    expected = [first + k for k in range(-2, 4) if dt < first + k < 3.0 - 2 * dt]
    inner = [t for t in found.tolist() if dt < t < 3.0 - 2 * dt]
    assert inner == pytest.approx(expected, abs=1e-5)


def test_crossings_are_ordered_by_row_neuron_and_time() -> None:
    trace = torch.full((6, 2, 2), -1.0)
    trace[2, 0, 1] = trace[4, 0, 1] = trace[1, 1, 0] = trace[5, 0, 0] = 1.0
    found = crossings(trace, 2.0)
    assert found.row.tolist() == [0, 0, 0, 1]
    assert found.neuron.tolist() == [0, 1, 1, 0]
    assert found.time_ms.tolist() == [9.0, 3.0, 7.0, 1.0]
    assert found.of(1).tolist() == [3.0, 7.0]
    assert found.of(0, row=1).tolist() == [1.0]


def test_touching_counts_and_staying_above_does_not() -> None:
    trace = torch.tensor([-1.0, 0.0, 1.0, 2.0, -1.0, -0.5]).reshape(-1, 1, 1)
    assert crossings(trace, 1.0).time_ms.tolist() == [1.0]


def test_a_spike_time_has_a_gradient() -> None:
    """Lifting a rising trace by a millivolt makes it cross earlier by dt / slope."""
    trace = torch.tensor([-3.0, 5.0], dtype=torch.float64, requires_grad=True)
    crossings(trace.reshape(2, 1, 1), 0.1).time_ms.sum().backward()
    assert trace.grad is not None
    assert trace.grad.sum().item() == pytest.approx(-0.1 / 8.0)


def test_peaks_lie_between_the_points() -> None:
    time = torch.arange(0, 2.0, 0.01, dtype=torch.float64)
    trace = 40 * torch.cos(2 * math.pi * (time - 0.5037)).reshape(-1, 1, 1)
    assert trace.max() < 39.999
    assert peaks_mv(trace).time_ms.tolist() == pytest.approx([40.0, 40.0], abs=1e-4)
    assert peaks_mv(trace, threshold_mv=41.0).time_ms.numel() == 0


def test_crossings_found_in_any_order_are_sorted() -> None:
    steps = torch.tensor([5.5, 1.25, 3.0, 0.5])
    found = sorted_crossings(steps, torch.tensor([4, 4, 0, 2]), 0.1, n=3)
    assert found.row.tolist() == [0, 0, 1, 1]
    assert found.neuron.tolist() == [0, 2, 1, 1]
    assert found.time_ms.tolist() == pytest.approx([0.3, 0.05, 0.125, 0.55])


def test_bad_traces_are_refused() -> None:
    with pytest.raises(ShapeMismatch, match="at least 2 points"):
        crossings(torch.zeros(1, 1, 1), 0.1)
    with pytest.raises(ShapeMismatch, match=r"\(5,\)"):
        peaks_mv(torch.zeros(5))
    with pytest.raises(InvalidInput, match="dt_ms"):
        crossings(torch.zeros(2, 1, 1), 0.0)
