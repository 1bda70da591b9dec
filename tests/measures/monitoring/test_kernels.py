"""The compiled step against its specification in torch and against brute force."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurallayers.measures.monitoring import MonitorSettings, UnifiedMonitoringIndex
from neurallayers.measures.monitoring.kernels import first_shapes, nearest, nearest_shape

SHORT = MonitorSettings(
    memory_rows=40, shape_rows=5, gap_rows=3, warm_rows=10, baseline_rows=30.0, recent_rows=8.0
)


def stream(seed: int, offset: float) -> torch.Tensor:
    """Three rows of two streams that wander and jump, with values missing."""
    generator = torch.Generator().manual_seed(seed)
    xs = torch.randn(160, 3, 2, dtype=torch.float64, generator=generator).cumsum(0) + offset
    xs[100:104] += 30
    xs[70, 1, 0], xs[0, 2, 1], xs[71, 1, 0] = torch.nan, torch.inf, -torch.inf
    return xs


@pytest.mark.parametrize("shape_rows", [0, 5])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_compiled_and_stepped_agree(shape_rows: int, offset: float) -> None:
    cell = UnifiedMonitoringIndex(2, settings=SHORT.replace(shape_rows=shape_rows)).double()
    xs = stream(3, offset)
    with torch.no_grad():
        compiled, after = cell.run(xs)
        stepped, reference = cell.run_reference(xs)
    tolerance = 1e-9 * (1 + offset * 1e-3)
    assert torch.allclose(compiled, stepped, rtol=0, atol=tolerance, equal_nan=True)
    assert torch.equal(after.memory, reference.memory)
    assert torch.allclose(after.statistics, reference.statistics, rtol=1e-9, atol=tolerance)
    assert int(compiled.isnan().sum()) == 3


def test_the_nearest_value() -> None:
    values = np.array([5.0, 1.0, 9.0, 2.0])
    assert nearest(values, 2.5, 0, 3) == 1.5
    assert nearest(values, 2.5, 0, 4) == 0.5
    assert nearest(values, 2.5, 2, 2) == np.inf


def test_distances_of_shapes_stay_those_of_brute_force() -> None:
    """From the first whole pair of pieces on, and when the memory is full."""
    rows, lags = 6, 30
    values = np.random.default_rng(0).normal(size=400).cumsum()
    values[:40] = values[40]
    squares = np.zeros(lags)
    first_shapes(values, 39, rows, squares)
    for now in range(40, 400):
        past = now - 40
        oldest = min(past - rows + 1, lags)
        if oldest < rows:
            continue
        least = nearest_shape(values, now, rows, squares, oldest, past - rows + 1 <= lags)
        piece = values[now - rows + 1 : now + 1]
        brute = [
            np.sum((piece - values[now - lag - rows + 1 : now - lag + 1]) ** 2)
            for lag in range(oldest, rows - 1, -1)
        ]
        assert np.allclose(squares[lags - oldest : lags - rows + 1], brute, rtol=1e-9, atol=1e-9)
        assert least == pytest.approx(min(brute), rel=1e-9, abs=1e-9)
