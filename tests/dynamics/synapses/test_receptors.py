"""Receptors as values: block, Hill function, presets, JSON; the same equations compiled."""

from __future__ import annotations

import json
import math
from typing import Any

import numba
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.dynamics.kernels.equations import OPTIONS
from neurallayers.dynamics.synapses.kinetics import (
    DoubleExponential,
    Exponential,
    SecondMessenger,
)
from neurallayers.dynamics.synapses.receptors import (
    RECEPTORS,
    Hill,
    MagnesiumBlock,
    Receptor,
    hill_of_four,
    receptor_from,
    unblocked,
)
from neurallayers.errors import InvalidInput, UnknownName

LAW = settings(max_examples=50, deadline=None, derandomize=True, database=None)


@pytest.mark.parametrize(
    ("potential", "magnesium", "expected"),
    [
        # 1 / (1 + [Mg] / 3.57 exp(-0.062 v)) by a desk calculator (bc) with 20 digits
        (-80.0, 1.0, 0.02442465302773),
        (-65.0, 1.0, 0.05966815356120),
        (-40.0, 1.0, 0.23015531834348),
        (0.0, 1.0, 0.78118161925602),
        (40.0, 1.0, 0.97708015576858),
        (-65.0, 0.0, 1.0),
        (-65.0, 2.0, 0.03075151998907),
        (0.0, 3.57, 0.5),
    ],
)
def test_the_block_has_the_values_of_jahr_and_stevens(
    potential: float, magnesium: float, expected: float
) -> None:
    block = MagnesiumBlock(magnesium)
    assert block.open_fraction(potential) == pytest.approx(expected, rel=1e-12)
    as_tensor = block.open_fraction(torch.tensor(potential, dtype=torch.float64))
    assert as_tensor.item() == pytest.approx(expected, rel=1e-12)


def test_half_is_blocked_where_it_is_known_to_be() -> None:
    """At 1 mM near -20 mV: -ln(3.57) / 0.062."""
    assert MagnesiumBlock().open_fraction(-20.527) == pytest.approx(0.5, abs=1e-4)


@given(potential=st.floats(-120, 60), magnesium=st.floats(0.01, 10))
@LAW
def test_depolarisation_opens_and_magnesium_closes(potential: float, magnesium: float) -> None:
    opened = MagnesiumBlock(magnesium).open_fraction(potential)
    assert 0.0 < opened < 1.0
    assert MagnesiumBlock(magnesium).open_fraction(potential + 1.0) > opened
    assert MagnesiumBlock(magnesium * 1.1).open_fraction(potential) < opened


@given(concentration=st.floats(0.0, 100.0))
@LAW
def test_four_sites_open_a_channel(concentration: float) -> None:
    expected = concentration**4 / (concentration**4 + 100.0)
    assert hill_of_four(concentration, 100.0) == pytest.approx(expected, rel=1e-14)
    assert Hill(100.0, 3.0).conductance_ns(concentration) == pytest.approx(3 * expected, rel=1e-14)
    assert Hill().conductance_ns(100.0**0.25) == pytest.approx(0.5)


def test_compiled_the_equations_are_the_same() -> None:
    @numba.njit(**OPTIONS)  # type: ignore[untyped-decorator]
    def both(potentials: Any, found: Any) -> None:
        for i in range(potentials.size):
            found[0, i] = unblocked(potentials[i], 1.0, 3.57, 0.062)
            found[1, i] = hill_of_four(potentials[i], 100.0)

    potentials = np.linspace(-100.0, 60.0, 161)
    found = np.zeros((2, 161))
    both(potentials, found)
    tensor = torch.from_numpy(potentials)
    np.testing.assert_allclose(found[0], unblocked(tensor, 1.0, 3.57, 0.062), rtol=1e-14)
    np.testing.assert_allclose(found[1], hill_of_four(tensor, 100.0), rtol=1e-14)


def test_the_presets_are_what_their_papers_say() -> None:
    assert list(RECEPTORS) == ["AMPA", "GABA_A", "GABA_B", "NMDA"]
    assert RECEPTORS.make("AMPA") == Receptor(Exponential(2.0), 0.0)
    assert RECEPTORS.make("GABA_A") == Receptor(Exponential(10.0), -70.0)
    nmda = RECEPTORS.make("NMDA", magnesium_mm=2.0)
    assert nmda == Receptor(DoubleExponential(2.0, 100.0), 0.0, MagnesiumBlock(2.0))
    slow = RECEPTORS.make("GABA_B", maximum_ns=5.0, saturates=True)
    assert slow == Receptor(SecondMessenger(), -95.0, hill=Hill(100.0, 5.0), saturates=True)


@pytest.mark.parametrize("name", list(RECEPTORS))
def test_receptors_are_json_and_back(name: str) -> None:
    receptor = RECEPTORS.make(name)
    assert receptor_from(json.loads(json.dumps(receptor.to_dict()))) == receptor
    assert receptor_from(name) == receptor_from(receptor) == receptor


def test_block_and_hill_function_apply_in_their_order() -> None:
    receptor = Receptor(SecondMessenger(), -90.0, MagnesiumBlock(), Hill(maximum_ns=2.0))
    expected = 2.0 * 16.0 / 116.0 / (1 + math.exp(0.062 * 50) / 3.57)
    assert receptor.acting(2.0, -50.0) == pytest.approx(expected)
    assert Receptor(Exponential(1.0)).acting(2.0) == 2.0


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(InvalidInput, match="reversal_mv"):
        Receptor(Exponential(1.0), block=MagnesiumBlock())
    with pytest.raises(InvalidInput, match="reversal_mv is nan"):
        Receptor(Exponential(1.0), math.nan)
    with pytest.raises(InvalidInput, match="do not saturate"):
        Receptor(Exponential(1.0), 0.0, saturates=True)
    with pytest.raises(InvalidInput, match="magnesium_mm is -1"):
        MagnesiumBlock(-1.0)
    with pytest.raises(InvalidInput, match="half_block_mm is 0"):
        MagnesiumBlock(1.0, 0.0)
    with pytest.raises(InvalidInput, match="maximum_ns is 0"):
        Hill(maximum_ns=0.0)
    with pytest.raises(UnknownName, match="Did you mean 'GABA_A'"):
        receptor_from("GABA-A")
    with pytest.raises(InvalidInput, match="A receptor takes"):
        receptor_from({"kinetics": {"kind": "Alpha", "tau_ms": 1.0}, "reversal": 0.0})
