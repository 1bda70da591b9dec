"""The rest of a living neuron."""

from __future__ import annotations

import pytest
import torch

from neurallayers.dynamics.membrane.biophysics import BiophysicalConstants, MembraneConstants
from neurallayers.dynamics.membrane.calcium import CalciumConstants
from neurallayers.dynamics.membrane.resting import at_rest, membrane_at, resting_potential
from neurallayers.errors import InvalidInput


def doubled(**membrane: float) -> BiophysicalConstants:
    part = MembraneConstants(**membrane)
    return BiophysicalConstants(
        membrane=MembraneConstants(*(torch.as_tensor(v, dtype=torch.float64) for v in part))
    )


def test_gates_at_rest_are_those_of_hodgkin_and_huxley() -> None:
    """At -65 mV: m 0.0529, h 0.5961, n 0.3177."""
    membrane = membrane_at(torch.tensor(-65.0, dtype=torch.float64))
    assert membrane.sodium_activation.item() == pytest.approx(0.0529325, abs=1e-6)
    assert membrane.sodium_inactivation.item() == pytest.approx(0.5961208, abs=1e-6)
    assert membrane.potassium_activation.item() == pytest.approx(0.3176769, abs=1e-6)


def test_the_pump_hyperpolarises() -> None:
    """Without a pump currents cancel near -65 mV; with 3 Na for 2 K it is some mV lower."""
    potential = resting_potential(doubled()).item()
    assert -70.0 < potential < -65.0


def test_a_leakier_membrane_needs_a_stronger_pump_and_more_atp() -> None:
    usual, _ = at_rest(BiophysicalConstants())
    leaky, _ = at_rest(BiophysicalConstants(membrane=MembraneConstants(sodium_leak_ms_cm2=0.08)))
    assert leaky.membrane.pump_max_ua_cm2 > usual.membrane.pump_max_ua_cm2
    assert leaky.energy.oxidative_max_mm_per_ms > usual.energy.oxidative_max_mm_per_ms


def test_each_neuron_has_its_own_rest() -> None:
    leaks = torch.tensor([0.03, 0.06], dtype=torch.float64)
    both, state = at_rest(
        BiophysicalConstants(membrane=MembraneConstants(sodium_leak_ms_cm2=leaks))
    )
    for i, leak in enumerate(leaks.tolist()):
        alone, single = at_rest(
            BiophysicalConstants(membrane=MembraneConstants(sodium_leak_ms_cm2=leak))
        )
        assert both.membrane.pump_max_ua_cm2[i].item() == pytest.approx(
            alone.membrane.pump_max_ua_cm2, rel=1e-12
        )
        assert state.membrane.membrane_potential[i].item() == pytest.approx(
            single.membrane.membrane_potential.item(), rel=1e-12
        )


def test_what_has_no_rest_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no rest between -100 and -40"):
        at_rest(BiophysicalConstants(membrane=MembraneConstants(sodium_leak_ms_cm2=20.0)))
    with pytest.raises(InvalidInput, match="potassium_outside_mm is -1"):
        at_rest(BiophysicalConstants(membrane=MembraneConstants(potassium_outside_mm=-1.0)))
    with pytest.raises(InvalidInput, match="Lower the influx at rest"):
        at_rest(
            BiophysicalConstants(
                membrane=MembraneConstants(calcium_ms_cm2=50.0),
                calcium=CalciumConstants(pump_max_ua_cm2=0.1),
            )
        )
