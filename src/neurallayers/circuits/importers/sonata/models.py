"""NEST's point neurons, as SONATA's ``model_template`` names them, as ours.

Parameters have NEST's names, units (pF, nS, pA, ms, mV) and default values (NEST 3.10).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from neurallayers.dynamics import neurons
from neurallayers.dynamics.neurons.point import PointNeuron
from neurallayers.dynamics.synapses.kinetics import Alpha, Delta, Exponential, Kinetics
from neurallayers.dynamics.synapses.receptors import Receptor

Numbers = Mapping[str, NDArray[np.float64]]

_LEAKY = {
    "C_m": 250.0,
    "E_L": -70.0,
    "V_th": -55.0,
    "V_reset": -70.0,
    "t_ref": 2.0,
    "I_e": 0.0,
}
_CURRENT = {**_LEAKY, "tau_m": 10.0, "tau_syn_ex": 2.0, "tau_syn_in": 2.0}
_SYNAPSES = {"tau_syn_ex": 0.2, "tau_syn_in": 2.0, "E_ex": 0.0, "E_in": -85.0}
_CONDUCTANCE = {**_LEAKY, **_SYNAPSES, "g_L": 16.6667, "V_reset": -60.0}
_ADEX = {
    **_CONDUCTANCE,
    "C_m": 281.0,
    "g_L": 30.0,
    "E_L": -70.6,
    "V_th": -50.4,
    "t_ref": 0.0,
    "V_peak": 0.0,
    "Delta_T": 2.0,
    "a": 4.0,
    "b": 80.5,
    "tau_w": 144.0,
}
_IZHIKEVICH = {"a": 0.02, "b": 0.2, "c": -65.0, "d": 8.0, "V_th": 30.0, "I_e": 0.0}


def _leaky(n: int, dt_ms: float, p: Numbers, synaptic_input: str) -> PointNeuron[Any]:
    leak = p["g_L"] if "g_L" in p else p["C_m"] / p["tau_m"]
    return neurons.LeakyIntegrateAndFire(
        n,
        dt_ms=dt_ms,
        capacitance_pf=value(p["C_m"]),
        leak_conductance_ns=value(leak),
        resting_mv=value(p["E_L"]),
        threshold_mv=value(p["V_th"]),
        reset_mv=value(p["V_reset"]),
        refractory_ms=value(p["t_ref"]),
        synaptic_input=synaptic_input,
    )


def _adex(n: int, dt_ms: float, p: Numbers, synaptic_input: str) -> PointNeuron[Any]:
    return neurons.AdEx(
        n,
        dt_ms=dt_ms,
        capacitance_pf=value(p["C_m"]),
        leak_conductance_ns=value(p["g_L"]),
        resting_mv=value(p["E_L"]),
        threshold_mv=value(p["V_th"]),
        slope_factor_mv=value(p["Delta_T"]),
        adaptation_conductance_ns=value(p["a"]),
        tau_adaptation_ms=value(p["tau_w"]),
        adaptation_increment_pa=value(p["b"]),
        reset_mv=value(p["V_reset"]),
        peak_mv=value(p["V_peak"]),
        refractory_ms=value(p["t_ref"]),
        synaptic_input=synaptic_input,
    )


def _izhikevich(n: int, dt_ms: float, p: Numbers, synaptic_input: str) -> PointNeuron[Any]:
    names = {"a": "a", "b": "b", "c": "c", "d": "d", "peak_mv": "V_th"}
    given: dict[str, Any] = {ours: value(p[theirs]) for ours, theirs in names.items()}
    return neurons.Izhikevich(n, dt_ms=dt_ms, **given)


def value(numbers: NDArray[np.float64]) -> Any:
    """One number where all cells have the same, else a tensor of them."""
    if (numbers == numbers[0]).all():
        return float(numbers[0])
    return torch.from_numpy(np.ascontiguousarray(numbers))


@dataclass(frozen=True)
class Template:
    """A model of NEST.

    Attributes:
        defaults: Its parameters.
        neurons: What makes our neurons.
        kinetics: Of its synapses.
        conductances: Whether they are conductances.
        shared: Parameters that are alike for all cells of a population: those of receptors.
    """

    defaults: Mapping[str, float]
    neurons: Callable[[int, float, Numbers, str], PointNeuron[Any]]
    kinetics: type[Kinetics]
    conductances: bool = False
    shared: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        names = ["tau_syn_ex", "tau_syn_in", "E_ex", "E_in"]
        if self.kinetics is Delta and "C_m" in self.defaults:
            names.append("C_m")
        object.__setattr__(self, "shared", tuple(n for n in names if n in self.defaults))

    def made(self, n: int, dt_ms: float, p: Numbers) -> PointNeuron[Any]:
        """The neurons."""
        return self.neurons(n, dt_ms, p, "conductance" if self.conductances else "current")

    def receptors(self, p: Numbers) -> dict[str, Receptor]:
        """One for excitation and one for inhibition."""
        found = {}
        for name, end in (("excitation", "ex"), ("inhibition", "in")):
            if self.kinetics is Delta:
                # Izhikevich's neurons are 1 pF here; NEST adds jumps at the end of a step.
                capacitance = float(p["C_m"][0]) if "C_m" in p else 1.0
                kinetics: Kinetics = Delta(capacitance, at_end="C_m" in p)
            else:
                made: Any = self.kinetics
                kinetics = made(float(p[f"tau_syn_{end}"][0]))
            reversal = float(p[f"E_{end}"][0]) if self.conductances else None
            found[name] = Receptor(kinetics, reversal)
        return found


TEMPLATES: dict[str, Template] = {
    "nest:iaf_psc_exp": Template(_CURRENT, _leaky, Exponential),
    "nest:iaf_psc_alpha": Template(_CURRENT, _leaky, Alpha),
    "nest:iaf_psc_delta": Template({**_LEAKY, "tau_m": 10.0}, _leaky, Delta),
    "nest:iaf_cond_exp": Template(_CONDUCTANCE, _leaky, Exponential, True),
    "nest:iaf_cond_alpha": Template(_CONDUCTANCE, _leaky, Alpha, True),
    "nest:aeif_cond_exp": Template(_ADEX, _adex, Exponential, True),
    "nest:aeif_cond_alpha": Template(_ADEX, _adex, Alpha, True),
    "nest:izhikevich": Template(_IZHIKEVICH, _izhikevich, Delta),
}
"""The models that can be read."""

INITIAL = {"V_m": "membrane_potential", "w": "adaptation_current", "U_m": "recovery"}
"""NEST's variables that may have initial values among the parameters, and ours."""
