from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.fitting.sweep import Sweep, resampled


def test_spikes_are_upward_crossings_of_the_threshold() -> None:
    potential = torch.tensor([-60.0, -20.0, 20.0, -60.0, -10.0, -60.0])
    sweep = Sweep(torch.zeros(6), potential, dt_ms=0.1)
    assert sweep.spike_times_ms == pytest.approx([0.15])
    lower = Sweep(torch.zeros(6), potential, dt_ms=0.1, threshold_mv=-15.0)
    assert lower.spike_times_ms.size == 2
    assert sweep.duration_ms == pytest.approx(0.6)


def test_what_is_no_recording_is_refused() -> None:
    with pytest.raises(ShapeMismatch, match="one number for each sample"):
        Sweep([0.0, 0.0], [-60.0], dt_ms=0.1, name="first")
    with pytest.raises(InvalidInput, match="'first' holds a number that is not finite"):
        Sweep([0.0], [float("nan")], dt_ms=0.1, name="first")
    with pytest.raises(InvalidInput, match="dt_ms is 0"):
        Sweep([0.0], [-60.0], dt_ms=0.0)


@settings(deadline=None, derandomize=True, database=None)
@given(
    st.lists(st.floats(-1e3, 1e3), min_size=20, max_size=200),
    st.sampled_from([0.02, 0.05, 0.1, 0.13]),
    st.sampled_from([0.05, 0.1, 0.2, 0.07]),
)
def test_no_charge_is_lost(signal: list[float], dt_ms: float, step_ms: float) -> None:
    current = np.array(signal)
    steps = resampled(current, dt_ms, step_ms)
    whole = int(current.size * dt_ms / step_ms + 1e-9)
    samples = whole * step_ms / dt_ms
    integral = np.interp(samples, np.arange(current.size + 1), np.append(0.0, current.cumsum()))
    assert steps[:whole].sum() * step_ms == pytest.approx(integral * dt_ms, rel=1e-6, abs=1e-3)
    assert steps.min() >= current.min() - 1e-6
    assert steps.max() <= current.max() + 1e-6


def test_a_finer_grid_repeats_and_an_equal_one_is_the_same() -> None:
    signal = np.array([1.0, -2.0, 4.0])
    assert resampled(signal, 0.1, 0.05) == pytest.approx([1.0, 1.0, -2.0, -2.0, 4.0, 4.0])
    assert resampled(signal, 0.1, 0.1) is signal
