"""Amounts of ions, Nernst potentials and the pump, against values computed by hand."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.dynamics.membrane.ions import (
    MM_UM3_PER_MOLECULE,
    MM_UM_PER_UA_MS,
    cylinder,
    nernst_mv,
    pump_current,
    sphere,
    thermal_potential_mv,
)
from neurallayers.errors import InvalidInput

LAW = settings(max_examples=30, deadline=None, derandomize=True, database=None)
KAGER = {"pump_max_ua_cm2": 10.0, "half_sodium_mm": 10.0, "half_potassium_mm": 3.5}


def test_a_current_changes_a_concentration_by_faradays_law() -> None:
    # 1 uA/cm2 for 1 ms is 1e-9 C/cm2, in 1 um x 1 cm2 = 1e-7 l.
    moles = 1e-9 / 96485.33212
    assert pytest.approx(moles / 1e-7 * 1e3, rel=1e-12) == MM_UM_PER_UA_MS
    assert pytest.approx(1.0 / 6.02214076e23 / 1e-15 * 1e3, rel=1e-12) == MM_UM3_PER_MOLECULE


def test_potentials_of_the_textbook() -> None:
    """Kandel, Principles of Neural Science: RT/F at 37 C is 26.73 mV; potassium 140 in, 5 out."""
    thermal = thermal_potential_mv(37.0)
    assert thermal == pytest.approx(26.727, abs=1e-3)
    assert nernst_mv(5.0, 140.0, thermal) == pytest.approx(-89.06, abs=0.01)
    assert nernst_mv(2000.0, 0.05, thermal / 2.0) == pytest.approx(141.6, abs=0.1)


@given(inside=st.floats(0.01, 500.0), outside=st.floats(0.01, 500.0))
@LAW
def test_a_potential_turns_round_with_the_sides(inside: float, outside: float) -> None:
    there, back = nernst_mv(outside, inside, 25.0), nernst_mv(inside, outside, 25.0)
    assert there == pytest.approx(-back, abs=1e-9)


def test_sizes_of_cells() -> None:
    cell = sphere(12.0)
    assert cell.depth_um == pytest.approx(2.0)
    assert cell.volume_um3 / cell.area_um2 == pytest.approx(cell.depth_um)
    assert cell.area_um2 == pytest.approx(math.pi * 144.0)
    process = cylinder(2.0, 50.0)
    assert process.depth_um == pytest.approx(0.5)
    assert process.volume_um3 == pytest.approx(math.pi * 50.0)


def test_a_thin_shell_is_as_deep_as_thick_and_a_thick_one_is_all() -> None:
    for whole, thin, thick in (
        (sphere(20.0), sphere(20.0, 1e-6), sphere(20.0, 50.0)),
        (cylinder(2.0, 9.0), cylinder(2.0, 9.0, 1e-6), cylinder(2.0, 9.0, 50.0)),
    ):
        assert thin.depth_um == pytest.approx(1e-6, rel=1e-4)
        assert thin.area_um2 == whole.area_um2
        assert thick == whole


def test_the_pump_stops_without_sodium_potassium_or_atp() -> None:
    full = pump_current(1e9, 1e9, 1e9, half_atp_mm=0.5, **KAGER)
    assert full == pytest.approx(10.0, rel=1e-6)
    assert pump_current(0.0, 5.0, 2.0, half_atp_mm=0.5, **KAGER) == 0.0
    assert pump_current(20.0, 0.0, 2.0, half_atp_mm=0.5, **KAGER) == 0.0
    assert pump_current(20.0, 5.0, 0.0, half_atp_mm=0.5, **KAGER) == 0.0


def test_the_pump_at_its_half_saturations() -> None:
    found = pump_current(10.0, 3.5, 0.5, half_atp_mm=0.5, **KAGER)
    assert found == pytest.approx(10.0 * 0.5**3 * 0.5**2 * 0.5)


@given(sodium=st.floats(1.0, 100.0), potassium=st.floats(1.0, 80.0), atp=st.floats(0.01, 5.0))
@LAW
def test_the_pump_rises_with_each_of_them(sodium: float, potassium: float, atp: float) -> None:
    x = torch.tensor([sodium, potassium, atp], dtype=torch.float64, requires_grad=True)
    pump_current(x[0], x[1], x[2], half_atp_mm=0.5, **KAGER).backward()
    assert x.grad is not None
    assert bool((x.grad > 0).all())


@pytest.mark.parametrize("size", [0.0, -1.0, float("nan")])
def test_a_size_must_be_positive(size: float) -> None:
    with pytest.raises(InvalidInput, match="diameter_um"):
        sphere(size)
    with pytest.raises(InvalidInput, match="length_um"):
        cylinder(1.0, size)
    with pytest.raises(InvalidInput, match="shell_um"):
        sphere(1.0, size)
