"""When a server counts as recovered, and how memory grows."""

from __future__ import annotations

import pytest
from benchmarks.overload import recovery_seconds
from benchmarks.soak import slope_mb_per_minute
from benchmarks.tally import Tally


def after_overload(*seconds: tuple[float, int]) -> Tally:
    """Ten requests a second with this latency [ms] and status."""
    tally = Tally()
    for second, (latency_ms, status) in enumerate(seconds):
        for tenth in range(10):
            due = second + tenth / 10 + 0.01
            tally.add(due, due, due + latency_ms / 1e3, status)
    tally.ended = float(len(seconds))
    return tally


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ([(20.0, 200)] * 4, 0.0),
        ([(20.0, 200), (90.0, 200), (20.0, 200)], 2.0),
        ([(1.0, 503), (20.0, 200), (20.0, 200)], 1.0),
        ([(20.0, 200), (20.0, 200), (20.0, 500)], 3.0),
    ],
)
def test_recovery_ends_with_the_last_second_that_is_not_normal(
    seconds: list[tuple[float, int]], expected: float
) -> None:
    assert recovery_seconds(after_overload(*seconds), usual_p95_ms=20.0) == expected


def test_the_slope_leaves_the_warm_up_out() -> None:
    warming = [(second, 100.0 + second) for second in range(0, 60, 5)]
    steady = [(second, 160.0 + 0.5 * second / 60) for second in range(60, 600, 5)]
    assert slope_mb_per_minute([*warming, *steady]) == pytest.approx(0.5)
