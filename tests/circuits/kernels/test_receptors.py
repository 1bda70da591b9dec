"""Compiled receptors against their equations, written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from neurallayers.circuits import AllToAll, Circuit, Record, RecordedSpikes
from neurallayers.dynamics.neurons.integrate_and_fire import LeakyIntegrateAndFire
from neurallayers.dynamics.synapses.kinetics import Alpha, Delta, Exponential, Kinetics
from neurallayers.dynamics.synapses.receptors import RECEPTORS, MagnesiumBlock, Receptor

TIMES_MS, WEIGHT = [1.0, 3.0, 3.5], 4.0


def recorded(
    receptors: dict[str, Receptor], *, conductances: bool = True, dtype: torch.dtype = torch.float64
) -> dict[str, np.ndarray]:
    """Spikes of weight 4 on every receptor of a neuron: what it receives in each step."""
    circuit = Circuit(dt_ms=0.1, dtype=dtype)
    circuit.add_population("in", RecordedSpikes(1, TIMES_MS, [0, 0, 0]))
    cell = LeakyIntegrateAndFire(
        1, dt_ms=0.1, capacitance_pf=200.0, leak_conductance_ns=10.0, threshold_mv=1e6,
        synaptic_input="conductance" if conductances else "current",
    )  # fmt: skip
    circuit.add_population("cell", cell, receptors=receptors)
    for name in receptors:
        circuit.connect("in", "cell", AllToAll(), receptor=name, weight=WEIGHT, delay_ms=0.1)
    names = ["drive", "conductance", "membrane_potential", *receptors]
    run = circuit.run(40.0, record=Record(variables={"cell": names}))
    return {name: values[:, 0] for name, values in run.variables["cell"].items()}


def answer(kinetics: Kinetics, dt_ms: float = 0.1, steps: int = 400) -> np.ndarray:
    """The mean over each step of the answer to the spikes, from its closed form."""
    fine = 200
    times = (np.arange(steps * fine) + 0.5) * dt_ms / fine
    total = np.zeros_like(times)
    for arrival in np.array(TIMES_MS) + 0.1:
        t = times - arrival
        on = t > 0.0
        if isinstance(kinetics, Exponential):
            total[on] += np.exp(-t[on] / kinetics.tau_ms)
        else:
            assert isinstance(kinetics, Alpha)
            total[on] += t[on] / kinetics.tau_ms * np.exp(1.0 - t[on] / kinetics.tau_ms)
    return WEIGHT * total.reshape(steps, fine).mean(axis=1)


@pytest.mark.parametrize("many", [1, 2, 3, 4, 6])
def test_any_number_of_receptors_adds_up(many: int) -> None:
    receptors = {
        f"r{k}": Receptor(Exponential(2.0 + k), None if k % 3 == 1 else -10.0 * k)
        for k in range(many)
    }
    found = recorded(receptors)
    outputs = [answer(Exponential(2.0 + k)) for k in range(many)]
    ohmic = [k for k in range(many) if k % 3 != 1]
    assert found["conductance"] == pytest.approx(sum(outputs[k] for k in ohmic), rel=1e-6)
    drive = sum(outputs[k] * (-10.0 * k if k in ohmic else 1.0) for k in range(many))
    assert found["drive"] == pytest.approx(drive, rel=1e-6, abs=1e-6)


def test_a_receptor_of_two_variables_beside_one_of_one() -> None:
    found = recorded({"slow": Receptor(Alpha(3.0), -80.0), "fast": Receptor(Exponential(2.0), 0.0)})
    slow, fast = answer(Alpha(3.0)), answer(Exponential(2.0))
    assert found["conductance"] == pytest.approx(slow + fast, rel=1e-5, abs=1e-9)
    assert found["drive"] == pytest.approx(-80.0 * slow, rel=1e-5, abs=1e-7)


def test_magnesium_blocks_by_the_potential_at_the_start_of_the_step() -> None:
    plain = Receptor(Alpha(3.0), 0.0)
    found = recorded({"nmda": Receptor(Alpha(3.0), 0.0, block=MagnesiumBlock(1.0))})
    unblocked = recorded({"nmda": plain})["conductance"]
    v = np.concatenate([[-65.0], found["membrane_potential"][:-1]])
    # Jahr & Stevens (1990), eq. 4.
    expected = unblocked / (1.0 + np.exp(-0.062 * v) / 3.57)
    assert found["conductance"] == pytest.approx(expected, rel=1e-9)
    assert found["conductance"].max() < 0.2 * unblocked.max()


@pytest.mark.parametrize("saturates", [False, True])
def test_a_second_messenger_opens_channels_by_its_fourth_power(saturates: bool) -> None:
    receptor = RECEPTORS.make("GABA_B", maximum_ns=7.0, saturates=saturates)
    found = recorded({"gaba_b": receptor})
    # Euler's method with a step a hundredth as long, of Destexhe & Sejnowski (1995), eq. 3 and 4.
    bound = -math.expm1(-0.52 * 0.5 * 0.3)
    r = s = 0.0
    expected, arrivals = [], [round((t + 0.1) / 0.1) for t in TIMES_MS]
    for step in range(400):
        if step in arrivals:
            r += (1.0 - r) * (1.0 - (1.0 - bound) ** WEIGHT) if saturates else WEIGHT * bound
        mean = 0.0
        for _ in range(100):
            mean += s / 100.0
            r, s = r - 0.001 * 0.0013 * r, s + 0.001 * (0.098 * r - 0.033 * s)
        expected.append(7.0 * mean**4 / (mean**4 + 100.0))
    assert found["conductance"] == pytest.approx(expected, rel=2e-3, abs=1e-9)


def test_a_jump_acts_in_one_step_only() -> None:
    found = recorded({"jump": Receptor(Delta(200.0))}, conductances=False)
    steps = np.flatnonzero(found["drive"])
    assert steps.tolist() == [round((t + 0.1) / 0.1) for t in TIMES_MS]
    v = found["membrane_potential"]
    # A jump by the weight [mV] at the start of a step, then its decay.
    assert v[11] + 65.0 == pytest.approx(WEIGHT * math.exp(-0.1 / 20.0), rel=1e-9)


def test_single_precision_is_close() -> None:
    receptors = {"nmda": RECEPTORS.make("NMDA"), "gaba_b": RECEPTORS.make("GABA_B")}
    double, single = (recorded(receptors, dtype=t) for t in (torch.float64, torch.float32))
    for name, values in double.items():
        assert single[name].dtype == np.float32
        assert single[name] == pytest.approx(values, rel=2e-4, abs=1e-5)
