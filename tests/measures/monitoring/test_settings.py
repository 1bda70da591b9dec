"""How a stream is watched."""

from __future__ import annotations

from typing import Any

import pytest

from neurallayers.errors import InvalidInput
from neurallayers.measures.monitoring import LIGHT, THOROUGH, MonitorSettings


def test_the_weights_are_those_of_the_project() -> None:
    assert LIGHT.weights == THOROUGH.weights == (0.4, 0.3, 0.2, 0.1)


def test_a_change_is_a_new_value() -> None:
    changed = LIGHT.replace(memory_rows=600)
    assert (changed.memory_rows, LIGHT.memory_rows) == (600, 512)
    assert changed == LIGHT.replace(memory_rows=600)
    with pytest.raises(InvalidInput, match="no setting memory"):
        LIGHT.replace(memory=3)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"weights": (0.5, 0.5, 0.5, -0.5)}, "not negative"),
        ({"weights": (0.4, 0.3, 0.2)}, "4 finite numbers"),
        ({"weights": "all"}, "4 numbers"),
        ({"weights": (0.4, 0.3, 0.2, float("nan"))}, "4 finite numbers"),
        ({"rise": (0.5, 0.4, 0.6)}, "go up"),
        ({"fall": (0.25, 0.4, 0.7)}, "below its rise"),
        ({"baseline_rows": 0.5}, "1 or more"),
        ({"deviation_limit": 0.0}, "positive"),
        ({"value_limit": float("inf")}, "positive"),
        ({"memory_rows": 10}, "or more"),
        ({"memory_rows": 300.5}, "whole number"),
        ({"shape_rows": 1}, "two rows"),
        ({"gap_rows": 0}, "1 or more"),
        ({"dwell_rows": -1}, "whole number"),
        ({"quiet_share": -0.1}, "0 or more"),
    ],
)
def test_settings_out_of_range_are_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        MonitorSettings(**changes)
