"""Recordings made by a model with known parameters, which a fit should find again."""

from __future__ import annotations

import numpy as np

from neurallayers.fitting import FittedNeuron, Sweep

LEAKY = {
    "capacitance_pf": 80.0,
    "leak_conductance_ns": 4.0,
    "leak_potential_mv": -65.0,
    "reset_potential_mv": -58.0,
    "refractory_ms": 2.0,
    "threshold_mv": -45.0,
    "first_threshold_jump_mv": 0.0,
    "first_threshold_tau_ms": 10.0,
    "second_threshold_jump_mv": 0.0,
    "second_threshold_tau_ms": 100.0,
    "first_current_jump_pa": 0.0,
    "first_current_tau_ms": 10.0,
    "second_current_jump_pa": 0.0,
    "second_current_tau_ms": 100.0,
    "first_coupling_ns": 0.0,
    "second_coupling_ns": 0.0,
    "threshold_coupling": 0.0,
    "threshold_coupling_tau_ms": 50.0,
}
ADAPTING = {**LEAKY, "second_current_jump_pa": 12.0, "first_threshold_jump_mv": 4.0}
EXPONENTIAL = {
    "capacitance_pf": 281.0,  # Brette & Gerstner (2005), page 3638
    "leak_conductance_ns": 30.0,
    "resting_mv": -70.6,
    "threshold_mv": -50.4,
    "slope_factor_mv": 2.0,
    "adaptation_conductance_ns": 4.0,
    "tau_adaptation_ms": 144.0,
    "adaptation_increment_pa": 80.5,
    "reset_mv": -70.6,
    "refractory_ms": 0.5,
}
CORTICAL = {
    "capacitance_pf": 100.0,
    "leak_conductance_ns": 5.0,
    "leak_potential_mv": -68.0,
    "sodium_conductance_ns": 5000.0,
    "potassium_conductance_ns": 800.0,
    "rate_offset_mv": -58.0,
    "rate_factor": 1.3,
    "potassium_potential_mv": -90.0,
    "slow_conductance_ns": 6.0,
    "slow_half_mv": -35.0,
    "slow_tau_ms": 600.0,
    "delay_conductance_ns": 8.0,
    "delay_half_mv": -70.0,
    "delay_tau_ms": 150.0,
}


def neuron(model: str, parameters: dict[str, float]) -> FittedNeuron:
    step_ms = 0.05 if model == "hodgkin_huxley" else 0.1
    return FittedNeuron(model, parameters, step_ms, warm_up="rest")


def step_current(
    amplitude_pa: float, *, dt_ms: float = 0.1, duration_ms: float = 400.0
) -> np.ndarray:
    """Nothing for 20 ms, then a step that lasts to 50 ms before the end."""
    time = np.arange(round(duration_ms / dt_ms)) * dt_ms
    return np.where((time >= 20.0) & (time < duration_ms - 50.0), amplitude_pa, 0.0)


def recording(
    made_by: FittedNeuron, amplitude_pa: float, *, dt_ms: float = 0.1, duration_ms: float = 400.0
) -> Sweep:
    """A sweep as an amplifier would give it: the model's potential, with a spike drawn in."""
    current = step_current(amplitude_pa, dt_ms=dt_ms, duration_ms=duration_ms)
    made = made_by.simulate(current, dt_ms)
    potential = made.membrane_potential_mv.copy()
    for spike in made.spike_times_ms:
        place = min(round(spike / dt_ms), potential.size - 1)
        potential[max(0, place - 1)], potential[place] = -1.0, 30.0
    return Sweep(current, potential, dt_ms, f"{amplitude_pa:g} pA")
