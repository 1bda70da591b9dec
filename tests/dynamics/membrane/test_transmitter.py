"""Vesicle pools and the cleft, against scipy and the law of mass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from neurallayers.dynamics.membrane.transmitter import (
    TransmitterConstants,
    TransmitterRelease,
    TransmitterState,
    release_rate,
    resting_pools,
    transmitted,
    transmitter_vesicles,
)
from neurallayers.errors import InvalidInput

LAW = settings(max_examples=40, deadline=None, derandomize=True, database=None)
VESICLE_MM = 4000.0 / 6.02214076e23 / (0.02e-15) * 1e3  # 4,000 molecules in 0.02 um3


def published(calcium_um: float, start: list[float], duration_ms: float) -> Any:
    """The four pools at constant calcium, the equations written anew."""
    k_rel = 0.5 * calcium_um**4 / (calcium_um**4 + 20.0**4)

    def law(_: float, y: Any) -> list[float]:
        reserve, docked, cleft, recycling = y
        uptake = 0.04 * cleft / (cleft + 0.02)
        docking = 1e-4 * reserve - 2e-3 * docked
        return [
            1e-3 * recycling - docking,
            docking - k_rel * docked,
            VESICLE_MM * k_rel * docked - uptake,
            uptake / VESICLE_MM - 1e-3 * recycling,
        ]

    solution = solve_ivp(law, (0.0, duration_ms), start, method="LSODA", rtol=1e-11, atol=1e-13)
    return solution.y[:, -1]


def simulated(calcium_um: float, duration_ms: float, dt_ms: float) -> list[float]:
    """The pools from rest; the equations run on numbers as they do on tensors."""
    p = TransmitterConstants()
    pools: tuple[float, ...] = tuple(resting())
    for _ in range(round(duration_ms / dt_ms)):
        pools = transmitted(*pools, calcium_um, 1.0, 1.0, p, dt_ms)[:4]
    return list(pools)


def resting() -> list[float]:
    return [pool.item() for pool in resting_pools(TransmitterConstants(), 0.05)]


@pytest.mark.parametrize(("calcium_um", "duration_ms"), [(30.0, 2.0), (10.0, 40.0), (1.0, 300.0)])
def test_pools_follow_the_equations(calcium_um: float, duration_ms: float) -> None:
    expected = published(calcium_um, resting(), duration_ms)
    found = simulated(calcium_um, duration_ms, duration_ms / 2000)
    assert found == pytest.approx(list(expected), rel=1e-4)


def test_the_cell_runs_the_same_equations() -> None:
    cell = TransmitterRelease(2).double()
    one = torch.ones(1, 2, dtype=torch.float64)
    start = TransmitterState(*(pool * one for pool in resting()))
    x = torch.full((1, 1, 2), 20.0, dtype=torch.float64)
    cleft, after = cell.run(x, start, steps=10)
    expected = simulated(20.0, 1.0, 0.1)
    for pool, value in zip(after, expected, strict=True):
        assert pool[0].tolist() == pytest.approx([value] * 2, rel=1e-12)
    assert torch.equal(cleft[-1], after.cleft)


def test_the_error_falls_with_the_square_of_the_step() -> None:
    expected = published(20.0, resting(), 4.0)
    errors = []
    for dt_ms in (0.02, 0.01, 0.005):
        errors.append(np.abs(np.array(simulated(20.0, 4.0, dt_ms)) - expected).max())
    assert np.log2(np.array(errors[:-1]) / errors[1:]) == pytest.approx(2.0, abs=0.1)


def test_the_newborn_is_in_balance() -> None:
    assert simulated(0.05, 2000.0, 1.0) == pytest.approx(resting(), rel=1e-4)
    assert sum(resting()[:2]) == pytest.approx(200.0, rel=1e-4)
    assert 5.0 < resting()[1] < 15.0  # docked vesicles of a hippocampal bouton


def test_release_goes_with_the_fourth_power_of_little_calcium() -> None:
    """Dodge & Rahamimoff (1967): the slope of log release against log calcium is four."""
    p = TransmitterConstants()
    rates = [release_rate(calcium, 1.0, p) for calcium in (0.5, 1.0)]
    assert np.log2(rates[1] / rates[0]) == pytest.approx(4.0, abs=1e-4)
    assert release_rate(20.0, 1.0, p) == pytest.approx(0.25)
    assert release_rate(20.0, 0.1, p) == pytest.approx(0.025)


pools = st.tuples(
    st.floats(0.0, 200.0), st.floats(0.0, 50.0), st.floats(0.0, 10.0), st.floats(0.0, 50.0)
)


@given(
    start=pools,
    calcium_um=st.floats(0.0, 1e3),
    modulation=st.floats(0.0, 3.0),
    supply=st.floats(0.0, 1.2),
    dt_ms=st.floats(1e-3, 1e4),
)
@LAW
def test_transmitter_is_conserved_and_no_pool_is_negative(
    start: tuple[float, ...], calcium_um: float, modulation: float, supply: float, dt_ms: float
) -> None:
    """Whatever the step and however little ATP there is."""
    p = TransmitterConstants()
    state = TransmitterState(*(torch.tensor(v, dtype=torch.float64) for v in start))
    calcium = torch.tensor(calcium_um, dtype=torch.float64)
    *after, recycled = transmitted(*state, calcium, modulation, supply, p, dt_ms)
    assert all(pool.item() >= -1e-12 for pool in after)
    assert recycled.item() >= 0.0
    before = transmitter_vesicles(state, p).item()
    total = transmitter_vesicles(TransmitterState(*after), p).item()
    assert total == pytest.approx(before, rel=1e-12, abs=1e-12)


def test_without_atp_nothing_is_taken_up_or_made_again() -> None:
    p = TransmitterConstants()
    state = [torch.tensor(v, dtype=torch.float64) for v in (100.0, 5.0, 1.0, 10.0)]
    reserve, docked, cleft, recycling, recycled = transmitted(
        *state, torch.tensor(20.0, dtype=torch.float64), 1.0, 0.0, p, 1.0
    )
    assert cleft.item() > 1.0
    assert recycling.item() == 10.0
    assert recycled.item() == 0.0
    assert (reserve + docked).item() < 105.0


def test_a_train_depresses_and_a_pause_restores() -> None:
    p = TransmitterConstants()
    pools: tuple[float, ...] = tuple(resting())
    peaks = []
    for pause_ms in (20.0, 20.0, 20.0, 1000.0, 20.0):
        cleft = []
        for calcium_um, duration_ms in ((25.0, 1.0), (0.05, pause_ms)):
            for _ in range(round(duration_ms / 0.1)):
                pools = transmitted(*pools, calcium_um, 1.0, 1.0, p, 0.1)[:4]
                cleft.append(pools[2])
        peaks.append(max(cleft))
    assert peaks[0] > peaks[1] > peaks[2] > peaks[3]
    assert peaks[4] > 1.5 * peaks[3]


def test_bad_constants_are_refused() -> None:
    with pytest.raises(InvalidInput, match="vesicles is 0"):
        TransmitterRelease(1, constants=TransmitterConstants(vesicles=0.0))
    with pytest.raises(InvalidInput, match="resting_calcium_um"):
        TransmitterRelease(1, resting_calcium_um=0.0)
