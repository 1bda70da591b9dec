"""Recorded streams: what is found, and that nothing looks ahead."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.measures.monitoring import THOROUGH, MonitorSettings, detect

LAW = settings(deadline=None, derandomize=True, database=None, max_examples=15)
SHORT = MonitorSettings(
    memory_rows=60, shape_rows=5, gap_rows=3, warm_rows=10, baseline_rows=50.0, recent_rows=8.0
)


def day(rows: int = 5000, seed: int = 0) -> np.ndarray:
    """A daily rhythm of 288 rows with noise."""
    noise = np.random.default_rng(seed).normal(size=rows)
    return 20 + 5 * np.sin(2 * np.pi * np.arange(rows) / 288) + 0.3 * noise


def spike(values: np.ndarray) -> None:
    values[3500] += 8


def level(values: np.ndarray) -> None:
    values[3500:3700] += 12


def flat(values: np.ndarray) -> None:
    values[3500:3650] = values[3500]


def rattle(values: np.ndarray) -> None:
    values[3500:3650] += 2.5 * (-1.0) ** np.arange(150)


@pytest.mark.parametrize("change", [spike, level, flat, rattle])
def test_what_was_planted_is_found_soon(change: Any) -> None:
    values = day()
    change(values)
    rows = detect(values).alarm_rows
    assert any(3500 <= row < 3600 for row in rows), rows
    assert sum(not 3500 <= row < 3750 for row in rows if row >= 750) <= 1, rows


def test_a_quiet_stream_rarely_alarms() -> None:
    alarms = sum(int(detect(day(5000, seed)).alarms[750:].sum()) for seed in range(5))
    assert alarms <= 5  # 22,000 rows


@given(st.integers(1, 299), st.integers(0, 99))
@LAW
def test_nothing_looks_ahead(cut: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=300)
    whole, part = detect(values, settings=SHORT), detect(values[:cut], settings=SHORT)
    assert np.array_equal(whole.index[:cut], part.index)
    assert np.array_equal(whole.alarms[:cut], part.alarms)
    assert np.array_equal(whole.levels[:cut], part.levels)


def test_missing_values_are_skipped() -> None:
    values = np.random.default_rng(1).normal(size=200)
    gapped = np.insert(values, [50, 120], [np.nan, np.inf])
    found = detect(gapped, settings=SHORT)
    kept = np.isfinite(gapped)
    assert np.array_equal(found.index[kept], detect(values, settings=SHORT).index)
    assert np.isnan(found.components[~kept]).all()
    assert not found.alarms[~kept].any()


def test_kinds_of_input() -> None:
    values = [1, 2, 3, 2, 1] * 40
    expected = detect(values, settings=SHORT).index
    for same in (np.array(values, dtype=np.int16), tuple(values), np.array(values)[::-1][::-1]):
        assert np.array_equal(detect(same, settings=SHORT).index, expected)
    assert detect([4.0]).index.tolist() == [0.0]
    assert THOROUGH.memory_rows > len(values)


@pytest.mark.parametrize("values", [[], [[1.0, 2.0]], np.zeros((2, 2))])
def test_one_stream_at_a_time(values: Any) -> None:
    with pytest.raises(ShapeMismatch, match="Give one stream"):
        detect(values)


@pytest.mark.parametrize("values", [["a"], [1j], [None, 1.0], [[1.0], [2.0, 3.0]]])
def test_values_are_real_numbers(values: Any) -> None:
    with pytest.raises(InvalidInput, match="real numbers"):
        detect(values)
