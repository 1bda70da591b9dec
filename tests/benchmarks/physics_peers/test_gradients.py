"""The workload of gradients, and the words in which its figures are told."""

from __future__ import annotations

import argparse
import json

import pytest

from benchmarks.physics_peers import gradients


def test_every_cell_is_above_the_rheobase() -> None:
    # Hodgkin-Huxley cells fire repetitively from 6.2 uA/cm2 on.
    currents = gradients.currents_ua_per_cm2(gradients.CELLS)
    assert currents.size == 100
    assert (currents.min(), currents.max()) == (10.0, 20.0)
    assert gradients.conductances() == (120.0, 36.0, 0.3)


def test_the_line_has_both_times_and_the_gradient(capsys: pytest.CaptureFixture[str]) -> None:
    gradients.reported(
        "nobody",
        ["numpy"],
        argparse.Namespace(cells=2, duration_ms=1.0, precision="float64"),
        "exponential Euler",
        first=3.0,
        forward_seconds=[0.1, 0.3, 0.2],
        seconds=[1.0, 0.5],
        found=gradients.check(-57.0, [1.0, 2.0, 3.0]),
    )
    line = json.loads(capsys.readouterr().out)
    assert line["seconds_median"] == 0.75
    assert line["build_seconds"] == 2.5
    assert line["results"] == {
        "forward_seconds": 0.2,
        "loss_mv": -57.0,
        "gradient_sodium": 1.0,
        "gradient_potassium": 2.0,
        "gradient_leak": 3.0,
    }
