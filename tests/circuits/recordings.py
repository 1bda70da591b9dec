"""A small circuit, recorded in every way, and when two recordings are equal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurallayers.circuits import Circuit, PoissonDrive, Record
from neurallayers.circuits.models import vogels_abbott

EVERYTHING = Record(
    spikes="all",
    variables={"cells": ["membrane_potential", "excitation"]},
    every_ms=0.5,
    cells=[7, 2, 150],
    rates="all",
    rate_bin_ms=2.0,
)


def recorded_circuit() -> Circuit:
    """Conductance-based cells that noise keeps awake."""
    found = vogels_abbott("COBA", cells=200, seed=4)
    found.drive("cells", PoissonDrive(1000.0, weight=6.0, receptor="excitation"))
    return found


def equal(first: Any, second: Any) -> None:
    """Every array of two recordings is the same, bit for bit."""
    assert first.spikes.keys() == second.spikes.keys()
    for name, spikes in first.spikes.items():
        other = second.spikes[name]
        np.testing.assert_array_equal(spikes.times_ms, other.times_ms)
        np.testing.assert_array_equal(spikes.senders, other.senders)
        assert spikes.senders.dtype == other.senders.dtype
        assert (spikes.n, spikes.start_ms) == (other.n, other.start_ms)
        assert spikes.stop_ms == pytest.approx(other.stop_ms)
    assert first.variables.keys() == second.variables.keys()
    for name, by_name in first.variables.items():
        np.testing.assert_array_equal(first.cells[name], second.cells[name])
        assert by_name.keys() == second.variables[name].keys()
        for variable, samples in by_name.items():
            np.testing.assert_array_equal(samples, second.variables[name][variable])
            assert samples.dtype == second.variables[name][variable].dtype
    for field in ("rates_hz", "weights"):
        ours, theirs = getattr(first, field), getattr(second, field)
        assert ours.keys() == theirs.keys()
        for name, values in ours.items():
            np.testing.assert_array_equal(values, theirs[name])
    for field in ("times_ms", "rate_times_ms", "weight_times_ms"):
        np.testing.assert_array_equal(getattr(first, field), getattr(second, field))
