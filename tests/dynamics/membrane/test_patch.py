"""A patch of membrane as a solver looks at it."""

from __future__ import annotations

import pytest

from neurallayers.dynamics.membrane.channels import Leak, SquidSodium
from neurallayers.dynamics.membrane.patch import (
    CalciumShell,
    ChannelConstants,
    Patch,
    named_channels,
)
from neurallayers.errors import InvalidInput


def patch(shell: CalciumShell | None = None, **names: float) -> Patch:
    channels = named_channels(list(names))
    constants = tuple(
        ChannelConstants(conductance, channel.reversal_mv)
        for conductance, channel in zip(names.values(), channels.values(), strict=True)
    )
    return Patch(channels, constants, 1.0, shell)


def test_drive_and_conductance_are_the_sum_of_the_currents() -> None:
    membrane = patch(SquidSodium=100.0, SquidPotassium=30.0, Leak=0.3)
    values = membrane.steady(-50.0)
    drive, conductance = membrane.balance(values)
    total = sum(membrane.currents(values).values())
    assert conductance * -50.0 - drive == pytest.approx(total, rel=1e-12)
    assert membrane.gate_names() == ["SquidSodium.m", "SquidSodium.h", "SquidPotassium.n"]


def test_held_patches_stand_still() -> None:
    membrane = patch(CalciumShell(rest_um=0.1), LTypeCalcium=0.5, AHP=2.0, Leak=0.1)
    values = membrane.steady(-20.0)
    moved = membrane.moved(values, 7.0)
    assert moved.gates == pytest.approx(values.gates, rel=1e-12)
    assert moved.concentrations == pytest.approx(values.concentrations, rel=1e-12)
    shell = CalciumShell(rest_um=0.1)
    current = membrane.calcium_current(values)
    assert current < 0
    inflow = -shell.influx_um_cm2_per_ua_ms * current * shell.decay_ms
    assert values.concentrations[0] == pytest.approx(0.1 + inflow, rel=1e-12)


def test_the_reference_of_a_patch_reaches_its_steady_state() -> None:
    membrane = patch(Leak=0.5)
    found = membrane.solved([-80.0], 2.0, 0.5, 50.0, 2)
    # Leak and a conductance of 0.5 to 2 / 0.5 = 4 mV halve the way from -54.387.
    assert found[-1, 0] == pytest.approx((0.5 * -54.387 + 2.0) / 1.0, rel=1e-6)


def test_channels_by_name_by_hand_and_by_options() -> None:
    found = named_channels({"a": "Leak", "Leak": {"reversal_mv": -70.0}, "c": SquidSodium()})
    assert [type(channel).__name__ for channel in found.values()] == ["Leak", "Leak", "SquidSodium"]
    assert found["Leak"].reversal_mv == -70.0
    assert list(named_channels("Leak")) == ["Leak"]
    assert list(named_channels([Leak(), "AHP"])) == ["Leak", "AHP"]
    for bad in (["Leak", Leak()], {"a.b": "Leak"}):
        with pytest.raises(InvalidInput, match="hold no dot"):
            named_channels(bad)
    with pytest.raises(InvalidInput, match="no channel"):
        named_channels({})
