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


def exponential_mean(values: np.ndarray, rows: float) -> float:
    """The exponentially weighted mean with the plain one at its beginning."""
    mean = 0.0
    for row, value in enumerate(values):
        mean += max(1 / rows, 1 / (row + 1)) * (value - mean)
    return mean


def weighted_slope(values: np.ndarray, rows: float) -> float:
    """The slope of the exponentially weighted least-squares line, by the normal equations."""
    age = np.arange(len(values))[::-1]
    weight = (1 - 1 / rows) ** age
    time = -(age - (weight * age).sum() / weight.sum())
    return float((weight * time * values).sum() / (weight * time * time).sum())


def test_trend_is_the_slope_of_the_weighted_least_squares_line() -> None:
    """In units of three root mean squares of the slopes before; Brown's recursion gives both."""
    values = normal(400).cumsum()
    slopes = [weighted_slope(values[: row + 1], 8.0) for row in range(150, 400)]
    found = detect(values, settings=SHORT).components[:, 1]
    # 150 rows on, the first rows weigh less than 1e-8 in a slope, less than 1e-2 in their mean.
    usual = np.sqrt(exponential_mean(np.square(slopes[:-1]), 50.0))
    assert found[-1] == pytest.approx(1 - 2 ** (-abs(slopes[-1]) / (3 * usual)), abs=5e-3)


def test_the_slope_of_a_line_is_usual_and_its_end_is_not() -> None:
    line = np.concatenate([0.5 * np.arange(600.0), 300.0 - 4.0 * np.arange(12.0)])
    found = detect(line, settings=SHORT).components[:, 1]
    assert found[590] == pytest.approx(1 - 2 ** (-1 / 3), abs=1e-3)
    assert found[611] > 2 * found[590]


@pytest.mark.parametrize("mean", [0.0, 100.0])
@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_variation_is_one_half_where_the_spread_halves_or_doubles(
    mean: float, factor: float
) -> None:
    slow = SHORT.replace(baseline_rows=1e6, recent_rows=100.0)
    noise, changed = normal(20000, 1), factor * normal(1500, 2)
    found = detect(mean + np.concatenate([noise, changed]), settings=slow).components
    assert found[10000:20000, 2].mean() < 0.1
    # The spread of a hundred rows is itself uncertain by a fourteenth.
    assert found[-800:, 2].mean() == pytest.approx(0.5, abs=0.06)


def test_variation_is_relative_to_the_mean() -> None:
    """A load that doubles with its fluctuations varies as before; its level is what is unusual."""
    slow = SHORT.replace(baseline_rows=1e6, recent_rows=100.0)
    load = 100.0 + normal(21500, 1)
    load[20000:] *= 2
    found = detect(load, settings=slow).components
    # The jump itself was a large variation and is a seventh of the mean since.
    assert found[-500:, 2].mean() < 0.3
    assert found[20000:20010, 0].min() > 0.9


def test_a_slow_stream_varies_as_usual() -> None:
    """A walk that returns spreads far less in a short time than in a long one, always."""
    walk = np.zeros(5000)
    for row, push in enumerate(normal(4999, 6)):
        walk[row + 1] = 0.99 * walk[row] + push
    assert np.median(detect(walk + 50, settings=SHORT).components[500:, 2]) < 0.4


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
    stream = np.sin(np.arange(3000) * 2 * np.pi / 40) + noise
    for start in (1500, 2500):
        stream[start : start + 30] = np.sign(np.sin(np.arange(30) / 2.0)) + noise[:30]
    settings = SHORT.replace(memory_rows=2000, shape_rows=16, warm_rows=100, shape_limit=4.0)
    anomaly = detect(stream, settings=settings.replace(value_limit=1e30, mean_limit=1e30)).anomaly
    assert anomaly[1505:1535].max() > 0.9
    assert anomaly[1000:1500].max() < 0.5
    assert anomaly[2500:2530].max() < 0.5


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
