"""Bounds of the vitals, and books that find what is missing."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.dynamics.membrane.biophysical import BiophysicalNeuron
from neurallayers.dynamics.membrane.biophysics import BiophysicalConstants, BiophysicalState
from neurallayers.dynamics.membrane.energy import EnergyConstants
from neurallayers.dynamics.membrane.ions import cylinder
from neurallayers.dynamics.membrane.vitals import (
    VITALS,
    Residuals,
    Vitals,
    bounds_of,
    residuals,
    vitals_of,
)
from neurallayers.state import map_state

LAW = settings(max_examples=4, deadline=None, derandomize=True, database=None)
CELL = BiophysicalNeuron(2, dt_ms=0.05, geometry=cylinder(2.0, 50.0), input="conductance")
# What rounding leaves of sums over some hundred steps, in the unit of each book.
ROUNDING = Residuals(1e-9, 1e-12, 1e-12, 1e-10, 1e-12, 1e-12, 1e-12, 1e-9)  # type: ignore[arg-type]


def newborn() -> BiophysicalState:
    return map_state(lambda t: t.double() if t.is_floating_point() else t, CELL.initial_state())


def test_every_vital_has_a_bound_and_a_reason() -> None:
    assert set(VITALS) == set(Vitals._fields)
    for bound in VITALS.values():
        low, high = bound.usual
        assert bound.physical[0] <= low < high <= bound.physical[1]
        assert bound.reason
        assert bound.unit in {"mV", "mM", "uM"}


def test_vitals_are_read_from_the_state() -> None:
    state = newborn()
    vitals = vitals_of(state)
    assert vitals.membrane_potential_mv is state.membrane.membrane_potential
    assert vitals.atp_mm is state.energy.atp
    assert vitals.atp_mm[0, 0].item() == pytest.approx(2.2)


def test_a_newborn_is_within_the_usual_ranges() -> None:
    for name, value in vitals_of(newborn())._asdict().items():
        low, high = VITALS[name].usual
        assert bool(((value >= low) & (value <= high)).all()), name


def test_bounds_follow_the_constants() -> None:
    own = BiophysicalConstants(
        energy=EnergyConstants(adenylates_mm=torch.tensor([3.0, 4.0]), critical_atp_mm=1.0)
    )
    bounds = bounds_of(own)
    assert bounds["atp_mm"].physical == (0.0, 4.0)
    assert bounds["atp_mm"].usual == (1.0, 4.0)
    assert math.isfinite(bounds["transmitter_mm"].physical[1])
    assert bounds["membrane_potential_mv"] == VITALS["membrane_potential_mv"]


@given(
    drive=st.lists(st.floats(-5.0, 20.0), min_size=40, max_size=40),
    conductance=st.floats(0.0, 0.3),
    supply=st.sampled_from([0.0, 0.3, 1.0]),
)
@LAW
def test_the_books_balance_whatever_happens(
    drive: list[float], conductance: float, supply: float
) -> None:
    """Charge, ions, calcium, energy and transmitter, over a run with any input."""
    xs = torch.zeros(40, 1, 2, 2, dtype=torch.float64)
    xs[:, 0, 0] = torch.tensor(drive, dtype=torch.float64)[:, None]
    xs[:, 0, 1] = conductance
    state = CELL.with_supply(newborn(), oxygen=supply, glucose=supply)
    with torch.no_grad():
        _, _, left = CELL.audit(xs, state)
    for name, value in left._asdict().items():
        assert value.abs().max().item() < getattr(ROUNDING, name), name


def test_books_show_what_is_missing() -> None:
    """Each book is moved by a theft from its own pool, so that none is zero by construction."""
    xs = torch.full((1, 2, 2), 1.0, dtype=torch.float64)
    state = newborn()
    with torch.no_grad():
        _, after, ledger = CELL.audited(xs[0:1], state)
    thefts = {
        "charge": after._replace(
            membrane=after.membrane._replace(
                membrane_potential=after.membrane.membrane_potential - 1e-3
            )
        ),
        "sodium": after._replace(
            ions=after.ions._replace(sodium_outside=after.ions.sodium_outside - 1e-3)
        ),
        "potassium": after._replace(
            ions=after.ions._replace(potassium_outside=after.ions.potassium_outside - 1e-3)
        ),
        "calcium": after._replace(calcium=after.calcium._replace(bound=after.calcium.bound - 1e-3)),
        "energy": after._replace(energy=after.energy._replace(atp=after.energy.atp - 1e-3)),
        "adenylates": after._replace(energy=after.energy._replace(amp=after.energy.amp - 1e-3)),
        "transmitter": after._replace(
            transmitter=after.transmitter._replace(reserve=after.transmitter.reserve - 1e-3)
        ),
        "stoichiometry": after._replace(
            ions=after.ions._replace(sodium_inside=after.ions.sodium_inside - 1e-3)
        ),
    }
    assert set(thefts) == set(Residuals._fields)
    for name, robbed in thefts.items():
        left = getattr(residuals(state, robbed, ledger, CELL.constants), name)
        assert left.abs().max().item() > 1e-5, name
