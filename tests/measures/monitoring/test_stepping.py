"""Each component against what it is defined to be."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.measures.monitoring import MonitorSettings, UnifiedMonitoringIndex, detect
from neurallayers.measures.monitoring.stepping import advance

LAW = settings(deadline=None, derandomize=True, database=None, max_examples=15)
SHORT = MonitorSettings(
    memory_rows=60, shape_rows=5, gap_rows=3, warm_rows=10, baseline_rows=50.0, recent_rows=8.0
)


def normal(rows: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=rows)


def test_deviation_is_one_half_at_three_standard_deviations() -> None:
    """With a baseline that is the plain mean and variance of the past (before T rows)."""
    past = normal(40)
    for distance, expected in ((3.0, 0.5), (6.0, 0.75), (0.0, 0.0)):
        value = past.mean() + distance * past.std()
        found = detect([*past, value], settings=SHORT).components[-1, 0]
        assert found == pytest.approx(expected, abs=1e-6)


def test_the_slope_of_a_line_is_found() -> None:
    """On a line Brown's estimate is exact; the trend is its slope in the units of the limit."""
    slope, rows = 0.25, 400
    line = slope * np.arange(rows) + 0.01 * normal(rows)
    mean = variance = 0.0
    for row, value in enumerate(line[:-1]):
        rate = max(1 / 50, 1 / (row + 1))
        away = value - mean
        mean += rate * away
        variance = (1 - rate) * (variance + rate * away * away)
    alpha = 1 / 8
    unit = 4.0 * np.sqrt(variance) * np.sqrt(2 * alpha**3 / (2 - alpha) ** 3)
    found = detect(line, settings=SHORT).components[-1, 1]
    assert found == pytest.approx(1 - 2 ** (-slope / unit), abs=2e-3)


def test_variation_is_one_half_where_the_spread_halves_or_doubles() -> None:
    """Noise of zero mean has a relative spread of one at any scale; a mean makes it visible."""
    slow = SHORT.replace(baseline_rows=2000.0, recent_rows=200.0)
    noise = 100.0 + 1.0 * normal(8000, 1)
    for factor in (0.5, 2.0):
        changed = 100.0 + factor * normal(600, 2)
        found = detect([*noise, *changed], settings=slow).components
        assert found[7000:8000, 2].mean() < 0.12
        # The baseline has moved a quarter of the way (in variance) after 600 of 2,000 rows.
        assert 0.2 < found[-1, 2] < 0.5


def test_novelty_is_the_distance_to_the_nearest_in_memory() -> None:
    """Anomaly by brute force from its definition, view by view."""
    values = normal(150, 4)
    means = np.array([np.nan] * 3 + [values[t - 3 : t + 1].mean() for t in range(3, 150)])
    for view, start, series in (("value_limit", 0, values), ("mean_limit", 3, means)):
        others = {"value_limit", "mean_limit", "shape_limit"} - {view}
        only = SHORT.replace(shape_rows=0, **dict.fromkeys(others, 1e30), **{view: 5.0})
        found = detect(values, settings=only).components[:, 3]
        past: list[float] = []
        for t in range(start + 3, 150):
            first = max(start, t - 59 + start)
            distance = np.abs(series[first : t - 2] - series[t]).min()
            if t >= 10 and past:
                expected = 1 - 2 ** (-distance / (np.mean(past) * 5.0))
                assert found[t] == pytest.approx(expected, abs=1e-6), (view, t)
            past.append(distance)


def test_a_shape_is_new_once() -> None:
    """A wave of values that were all seen before, in an order that was not."""
    noise = 0.05 * normal(3000, 3)
    stream = np.sin(np.arange(3000) / 7.0) + noise
    for start in (1500, 2500):
        stream[start : start + 30] = np.sign(np.sin(np.arange(30) / 2.0)) + noise[:30]
    settings = SHORT.replace(memory_rows=2000, shape_rows=16, warm_rows=100, shape_limit=4.0)
    anomaly = detect(stream, settings=settings.replace(value_limit=1e30, mean_limit=1e30)).anomaly
    assert anomaly[1505:1535].max() > 0.9
    assert anomaly[1000:1500].max() < 0.5
    assert anomaly[2505:2530].max() < 0.1


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(0, 99))
@LAW
def test_the_anomaly_does_not_depend_on_units(shift: float, scale: float, seed: int) -> None:
    values = normal(150, seed)
    values[120] += 8
    plain = detect(values, settings=SHORT).anomaly
    moved = detect(shift + scale * values, settings=SHORT).anomaly
    assert np.allclose(plain, moved, atol=1e-3 + 1e-8 * abs(shift) / scale)


@given(
    st.lists(
        st.one_of(st.floats(allow_nan=True, allow_infinity=True, width=32), st.just(3.0)),
        min_size=1,
        max_size=120,
    )
)
@LAW
def test_everything_stays_between_zero_and_one(values: list[float]) -> None:
    found = detect(values, settings=SHORT)
    seen = np.isfinite(values)
    assert np.isfinite(found.index[seen]).all()
    assert np.isnan(found.index[~seen]).all()
    for numbers in (found.index[seen], found.components[seen]):
        assert (numbers >= 0).all()
        assert (numbers <= 1).all()


def test_a_step_is_differentiable_in_the_stream_and_the_weights() -> None:
    cell = UnifiedMonitoringIndex(2, settings=SHORT).double()
    past = torch.randn(80, 1, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    _, state = cell.run(past)
    x = torch.tensor([[1.3, -2.1]], dtype=torch.float64, requires_grad=True)

    def index(x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        return advance(x, state.memory, state.statistics, SHORT, weights)[0].index

    assert torch.autograd.gradcheck(index, (x, cell.weights.detach().requires_grad_()))
