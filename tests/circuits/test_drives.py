"""Drives: the distribution of Poisson events, currents over time, recorded spikes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from neurallayers.circuits import Circuit, CurrentDrive, PoissonDrive, Record, SpikeDrive
from neurallayers.circuits.drives import Drive, poisson_thresholds
from neurallayers.dynamics.neurons.integrate_and_fire import LeakyIntegrateAndFire
from neurallayers.dynamics.synapses.kinetics import Delta, Exponential
from neurallayers.dynamics.synapses.receptors import Receptor
from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName


def driven(*drives: Drive, n: int = 300, seed: int = 1) -> Circuit:
    """Silent neurons whose drive [pA] is 10 times the sum of the weights that arrive in a step."""
    circuit = Circuit(dt_ms=0.1, seed=seed)
    cell = LeakyIntegrateAndFire(
        n, dt_ms=0.1, tau_ms=20.0, resistance_mohm=1e-6, threshold_mv=1e6, reset_mv=-65.0
    )
    circuit.add_population(
        "cells", cell, receptors={"in": Receptor(Delta()), "slow": Receptor(Exponential(5.0))}
    )
    circuit.drive("cells", *drives)
    return circuit


def drive_pa(circuit: Circuit, duration_ms: float) -> np.ndarray:
    run = circuit.run(duration_ms, record=Record(variables={"cells": ["drive"]}))
    return run.variables["cells"]["drive"]


def unit_pa() -> float:
    """What one event of weight one is in a step."""
    return float(Delta().coefficients(0.1, 20.0).output_y)


@settings(deadline=None, derandomize=True, database=None, max_examples=40)
@given(st.floats(1e-6, 900.0))
def test_the_table_is_the_distribution(mean: float) -> None:
    least, table = poisson_thresholds(np.array([mean]))
    numbers = least + np.arange(len(table))
    # A word lies above a threshold with the probability of more events.
    more = 1.0 - (table[:, 0].astype(np.float64) + 1.0) / 2.0**32
    assert np.abs(more - stats.poisson.sf(numbers, mean)).max() < 4e-10
    assert least + more.sum() == pytest.approx(mean, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("rate_hz", [400.0, 20_000.0, 250_000.0])
def test_events_are_poisson(rate_hz: float) -> None:
    counts = drive_pa(driven(PoissonDrive(rate_hz, 1.0, "in")), 100.0) / unit_pa()
    assert counts == pytest.approx(np.rint(counts), abs=1e-6)
    mean = rate_hz * 1e-4
    error = 4.0 * np.sqrt(mean / counts.size)
    assert counts.mean() == pytest.approx(mean, abs=error)
    assert counts.var() == pytest.approx(mean, rel=0.03)
    # Neither neighbours nor successive steps know of each other.
    for a, b in ((counts[:, 1:], counts[:, :-1]), (counts[1:], counts[:-1])):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 4.0 / np.sqrt(a.size)


def test_rates_and_weights_of_each_cell() -> None:
    rates = np.repeat([0.0, 1000.0, 30_000.0], 100)
    weights = np.linspace(1.0, 2.0, 300)
    drive = drive_pa(driven(PoissonDrive(rates, weights, "in")), 200.0) / unit_pa()
    counts = drive / weights
    assert counts[:, :100].max() == 0.0
    assert counts[:, 100:200].mean() == pytest.approx(0.1, rel=0.02)
    assert counts[:, 200:].mean() == pytest.approx(3.0, rel=0.02)


def test_rates_may_change_and_return() -> None:
    drive = PoissonDrive([0.0, 50_000.0], 1.0, "in", phase_ms=10.0)
    counts = drive_pa(driven(drive), 40.0) / unit_pa()
    phases = counts.reshape(4, 100, 300).mean(axis=(1, 2))
    assert phases == pytest.approx([0.0, 5.0, 0.0, 5.0], rel=0.02)
    cells = np.stack([np.zeros(300), np.linspace(0.0, 50_000.0, 300)])
    counts = drive_pa(driven(PoissonDrive(cells, 1.0, "in", phase_ms=10.0)), 20.0) / unit_pa()
    assert counts[:100].max() == 0.0
    assert np.corrcoef(counts[100:].mean(axis=0), cells[1])[0, 1] > 0.95


def test_two_drives_are_independent() -> None:
    two = driven(PoissonDrive(5000.0, 1.0, "in"), PoissonDrive(5000.0, 1000.0, "in"))
    drive = drive_pa(two, 50.0) / unit_pa()
    first, second = np.rint(drive) % 1000, np.rint(drive) // 1000
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 4.0 / np.sqrt(first.size)


def test_currents_flow_when_they_are_told_to() -> None:
    cells = np.arange(300.0)
    drive = drive_pa(
        driven(
            CurrentDrive(7.0),
            CurrentDrive(cells),
            CurrentDrive([100.0, 200.0], every_ms=0.2, start_ms=0.1),
            CurrentDrive(np.stack([cells, 2.0 * cells]), every_ms=0.1, start_ms=0.4),
        ),
        0.7,
    )
    expected = 7.0 + cells + np.array([0.0, 100.0, 100.0, 200.0, 200.0, 0.0, 0.0])[:, None]
    expected[4] += cells
    expected[5] += 2.0 * cells
    assert np.abs(drive - expected).max() < 1e-9


def test_recorded_spikes_act_from_their_time_on() -> None:
    drive = drive_pa(
        driven(SpikeDrive([0.2, 0.2, 0.4], [290, 290, 3], weight=[1.0, 2.0, 5.0], receptor="in")),
        0.6,
    )
    expected = np.zeros((6, 300))
    expected[2, 290], expected[4, 3] = 3.0, 5.0
    assert np.abs(drive / unit_pa() - expected).max() < 1e-12


@pytest.mark.parametrize(
    ("drive", "error", "what"),
    [
        (PoissonDrive(-1.0, 1.0, "in"), InvalidInput, "zero or more"),
        (PoissonDrive(1.0, 1.0), InvalidInput, "names no receptor"),
        (PoissonDrive(1.0, 1.0, "inn"), UnknownName, "Did you mean 'in'"),
        (PoissonDrive([1.0, 2.0], 1.0, "in"), ShapeMismatch, "rate_hz"),
        (CurrentDrive([1.0, 2.0]), ShapeMismatch, "current_pa"),
        (CurrentDrive(float("nan")), InvalidInput, "not finite"),
        (SpikeDrive([1.0], [300], 1.0, "in"), InvalidInput, "0 to 299"),
        (SpikeDrive([1.0], [0], [1.0, 2.0], "in"), ShapeMismatch, "weight"),
    ],
)
def test_impossible_drives_are_refused(drive: Drive, error: type[Exception], what: str) -> None:
    with pytest.raises(error, match=what):
        driven(drive)


def test_too_many_events_are_refused() -> None:
    with pytest.raises(InvalidInput, match="events a step"):
        driven(PoissonDrive(1e9, 1.0, "in")).run(1.0)


def test_a_drive_of_a_conductance_is_not_negative() -> None:
    circuit = Circuit(dt_ms=0.1)
    cell = LeakyIntegrateAndFire(
        2, dt_ms=0.1, tau_ms=20.0, resistance_mohm=100.0, synaptic_input="conductance"
    )
    circuit.add_population("cells", cell, receptors={"ampa": "AMPA"})
    for drive in (PoissonDrive(1.0, [1.0, -1.0]), SpikeDrive([1.0], [0], -1.0)):
        with pytest.raises(InvalidInput, match="conductance"):
            circuit.drive("cells", drive)
    with pytest.raises(ShapeMismatch, match="weight of a PoissonDrive"):
        circuit.drive("cells", PoissonDrive(1.0, [1.0, 1.0, 1.0]))
