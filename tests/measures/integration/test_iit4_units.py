from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.measures.integration.iit4_units import logistic_substrate


def test_units_are_on_with_a_logistic_probability() -> None:
    substrate = logistic_substrate([[0.5, -1.0], [0.25, 0.0]], 3.0, labels=["x", "y"])
    on = substrate.tpm[substrate.row((1, 0))]
    assert on[0] == pytest.approx(1.0 / (1.0 + math.exp(-3.0 * (0.5 - 0.25))))
    assert on[1] == pytest.approx(1.0 / (1.0 + math.exp(3.0)))
    assert substrate.connectivity.tolist() == [[1, 1], [1, 0]]
    assert substrate.labels == ("x", "y")


def test_steep_slopes_become_gates_without_overflow() -> None:
    tpm = logistic_substrate([[0.0, 1.0], [1.0, 0.0]], 1e5).tpm
    assert tpm.tolist() == [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]


@pytest.mark.parametrize(
    ("weights", "slope", "error"),
    [
        ([[1.0, 2.0]], 1.0, ShapeMismatch),
        ([], 1.0, ShapeMismatch),
        ([[np.nan]], 1.0, InvalidInput),
        ([[1.0]], 0.0, InvalidInput),
        ([[1.0]], np.inf, InvalidInput),
        ([["a"]], 1.0, InvalidInput),
        ([[1.0]], None, InvalidInput),
    ],
    ids=["oblong", "empty", "nan", "flat", "infinite", "words", "nothing"],
)
def test_weights_that_make_no_sense_are_refused(
    weights: Any, slope: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        logistic_substrate(weights, slope)
