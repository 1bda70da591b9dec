"""Receptors of a layer: pairs, currents, blocks, and runs by impulse response."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from torch import Tensor

from neurallayers.dynamics.neurons.integrate_and_fire import LeakyIntegrateAndFire
from neurallayers.dynamics.sequential import Sequential
from neurallayers.dynamics.synapses.dense import Linear
from neurallayers.dynamics.synapses.kinetics import (
    Alpha,
    Delta,
    DoubleExponential,
    Exponential,
    Kinetics,
    SecondMessenger,
)
from neurallayers.dynamics.synapses.receptor_cells import CHUNK, Receptors
from neurallayers.dynamics.synapses.receptors import Hill, Receptor
from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName

LAW = settings(max_examples=15, deadline=None, derandomize=True, database=None)


def impulse(steps: int, *rows: float) -> Tensor:
    """One arrival in the first step: ``[steps, 1, rows..., 1]`` in double precision."""
    xs = torch.zeros(steps, 1, len(rows), 1, dtype=torch.float64)
    xs[0, 0, :, 0] = torch.tensor(rows, dtype=torch.float64)
    return xs[:, :, 0] if len(rows) == 1 else xs


def test_a_conductance_gives_drive_and_conductance() -> None:
    cell = Receptors(1, Receptor(Exponential(5.0), -70.0), dt_ms=0.1).double()
    outputs, state = cell.run(impulse(50, 3.0))
    conductance = outputs[:, 0, 1, 0]
    edges = 3.0 * np.exp(-np.arange(51) * 0.1 / 5.0)
    means = -np.diff(edges) * 5.0 / 0.1  # the area of each step over its length
    np.testing.assert_allclose(conductance, means, rtol=1e-11)
    np.testing.assert_allclose(outputs[:, 0, 0, 0], -70.0 * means, rtol=1e-11)
    assert state.acting.item() == pytest.approx(edges[-1], rel=1e-12)


def test_receptors_add_up() -> None:
    """A pair is the sum of the pairs of each; a current joins the drive."""
    kinds = {
        "fast": Receptor(Exponential(2.0), 0.0),
        "slow": Receptor(Alpha(5.0), -80.0),
        "injected": Receptor(DoubleExponential(1.0, 3.0)),
    }
    xs = torch.rand(20, 2, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    together = Receptors(4, kinds).double().run(xs)[0]
    alone = [
        Receptors(4, kind).double().run(xs[:, :, i])[0] for i, kind in enumerate(kinds.values())
    ]
    expected = alone[0] + alone[1]
    expected[:, :, 0] += alone[2]
    torch.testing.assert_close(together, expected, rtol=1e-12, atol=1e-12)


def test_only_currents_give_a_current() -> None:
    cell = Receptors(2, [Receptor(Delta()), Receptor(Exponential(1.0))], dt_ms=0.5)
    assert cell.out_shape == (2,)
    assert list(cell.receptors) == ["receptor0", "receptor1"]
    arrivals = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])
    assert cell(arrivals, cell.initial_state(1))[0].tolist() == [[2.0, 0.0]]


def test_a_membrane_fed_with_the_current_is_exact() -> None:
    """Spikes at four times on a grid of 1 ms; potential against the differential equation."""
    tau_ms, capacitance_pf, kinetics = 10.0, 200.0, Alpha(3.0)
    cell = Receptors(1, Receptor(kinetics), dt_ms=1.0, tau_membrane_ms=tau_ms).double()
    xs = torch.zeros(40, 1, 1, dtype=torch.float64)
    weights = {0: 50.0, 4: -30.0, 5: 80.0, 20: 10.0}
    for step, weight in weights.items():
        xs[step] = weight
    neuron = LeakyIntegrateAndFire(
        1,
        dt_ms=1.0,
        capacitance_pf=capacitance_pf,
        leak_conductance_ns=20.0,
        resting_mv=0.0,
        reset_mv=0.0,
        threshold_mv=1000.0,
    ).double()
    v = neuron.run(cell.run(xs)[0])[1].membrane_potential.item()

    def right_hand_side(_: float, z: np.ndarray[Any, Any]) -> list[float]:
        return [-z[0] / 3.0, z[0] - z[1] / 3.0, -z[2] / tau_ms + z[1] / capacitance_pf]

    state, times = np.zeros(3), [*weights, 40]
    for begin, end in pairwise(times):
        state[0] += weights[begin] * np.e / 3.0
        found = solve_ivp(right_hand_side, (begin, end), state, "DOP853", rtol=1e-12, atol=1e-14)
        state = found.y[:, -1]
    assert v == pytest.approx(state[2], rel=1e-10)


# V_m [mV] of iaf_psc_alpha (tau_syn 2 ms) and iaf_psc_exp (5 ms), NEST 3.10: tau_m 20 ms,
# C_m 250 pF, weight 100 pA, spikes that arrive at 2, 5 and 6.5 ms, on a grid of 0.1 ms.
NEST_TIMES_MS = [3.0, 5.0, 7.5, 10.0, 30.0]
NEST_ALPHA_MV = [
    0.19265562153151675,
    0.9030121497296824,
    2.3702262649058916,
    4.000456468197339,
    2.2599257137268824,
]
NEST_EXPONENTIAL_MV = [
    0.3533297904606191,
    0.8317235742160834,
    2.2271092101908865,
    3.2592442317833155,
    2.1930390737934706,
]


@pytest.mark.parametrize(
    ("kinetics", "expected"),
    [(Alpha(2.0), NEST_ALPHA_MV), (Exponential(5.0), NEST_EXPONENTIAL_MV)],
)
def test_nest_has_the_same_potentials(kinetics: Kinetics, expected: list[float]) -> None:
    cell = Receptors(1, Receptor(kinetics), dt_ms=0.1, tau_membrane_ms=20.0).double()
    neuron = LeakyIntegrateAndFire(
        1,
        dt_ms=0.1,
        capacitance_pf=250.0,
        leak_conductance_ns=12.5,
        resting_mv=0.0,
        reset_mv=0.0,
        threshold_mv=1000.0,
    ).double()
    xs = torch.zeros(300, 1, 1, dtype=torch.float64)
    xs[[20, 50, 65]] = 100.0
    currents = cell.run(xs)[0]
    found = [
        neuron.run(currents[: round(time / 0.1)])[1].membrane_potential.item()
        for time in NEST_TIMES_MS
    ]
    assert found == pytest.approx(expected, rel=1e-12)


def conductance_error(dt_ms: float) -> float:
    """Error of the potential [mV] after excitation at 0 ms and inhibition at 4 ms."""
    kinds = {"in": Receptor(Exponential(3.0), -75.0), "ex": Receptor(Alpha(2.0), 0.0)}
    cell = Receptors(1, kinds, dt_ms=dt_ms).double()
    neuron = LeakyIntegrateAndFire(
        1,
        dt_ms=dt_ms,
        capacitance_pf=200.0,
        leak_conductance_ns=10.0,
        resting_mv=-65.0,
        threshold_mv=0.0,
        synaptic_input="conductance",
    ).double()
    xs = torch.zeros(round(10.0 / dt_ms), 1, 2, 1, dtype=torch.float64)
    xs[0, 0, 1], xs[round(4.0 / dt_ms), 0, 0] = 20.0, 30.0
    v = neuron.run(cell.run(xs)[0])[1].membrane_potential.item()

    def right_hand_side(_: float, z: np.ndarray[Any, Any]) -> list[float]:
        i, x, e, v = z
        current = -10.0 * (v + 65.0) - i * (v + 75.0) - e * v
        return [-i / 3.0, -x / 2.0, (x - e) / 2.0, current / 200.0]

    state = np.array([0.0, 20.0 * np.e, 0.0, -65.0])
    for span, inhibition in (((0.0, 4.0), 30.0), ((4.0, 10.0), 0.0)):
        state = solve_ivp(right_hand_side, span, state, "DOP853", rtol=1e-12, atol=1e-12).y[:, -1]
        state[0] += inhibition
    return abs(v - float(state[3]))


def test_a_mean_conductance_makes_an_error_of_second_order() -> None:
    """Frozen at the beginning of a step it would be of first order: 0.05 mV at 0.1 ms."""
    errors = [conductance_error(dt_ms) for dt_ms in (0.4, 0.2, 0.1)]
    assert errors[2] < 5e-5
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.1)
    assert errors[1] / errors[2] == pytest.approx(4.0, rel=0.1)


def test_nmda_is_blocked_by_the_potential_it_is_given() -> None:
    cell = Receptors(1, "NMDA").double()
    assert cell.in_shape == (2, 1)
    potentials = torch.tensor([-80.0, -65.0, -20.0, 40.0], dtype=torch.float64)
    rows = torch.stack([torch.ones(4, dtype=torch.float64), potentials], -1)[..., None]
    outputs, _ = cell(rows, cell.initial_state(4))
    opened = 1.0 / (1.0 + np.exp(-0.062 * potentials.numpy()) / 3.57)
    unblocked = DoubleExponential(2.0, 100.0).coefficients(1.0)
    mean = unblocked.output_x * unblocked.jump_x
    np.testing.assert_allclose(outputs[:, 1, 0], opened * mean, rtol=1e-12)
    assert outputs[:, 0].eq(0.0).all()  # its reversal potential is 0 mV


def gaba_b_reference(count: int, interval_ms: float, duration_ms: float) -> float:
    """Peak part of open channels by the published equations with pulses of 0.3 ms."""

    def right_hand_side(transmitter: float) -> Any:
        def rates(_: float, z: np.ndarray[Any, Any]) -> list[float]:
            return [0.52 * transmitter * (1 - z[0]) - 0.0013 * z[0], 0.098 * z[0] - 0.033 * z[1]]

        return rates

    state, peak = np.zeros(2), 0.0
    for i in range(count):
        gap = (interval_ms if i < count - 1 else duration_ms) - 0.3
        for transmitter, span in ((0.5, 0.3), (0.0, gap)):
            found = solve_ivp(
                right_hand_side(transmitter),
                (0.0, span),
                state,
                "DOP853",
                rtol=1e-11,
                atol=1e-14,
                max_step=1.0,
            )
            state = found.y[:, -1]
            peak = max(peak, float((found.y[1] ** 4 / (found.y[1] ** 4 + 100.0)).max()))
    return peak


def gaba_b_peak(count: int, saturates: bool) -> float:
    kind = Receptor(SecondMessenger(), -95.0, hill=Hill(), saturates=saturates)
    cell = Receptors(1, kind, dt_ms=0.5).double()
    xs = torch.zeros(800, 1, 1, dtype=torch.float64)
    xs[: count * 10 : 10] = 1.0  # every 5 ms
    return float(cell.run(xs)[0][:, 0, 1].max())


@pytest.mark.parametrize("count", [1, 10])
def test_gaba_b_follows_the_published_equations(count: int) -> None:
    """The reference has pulses of 0.3 ms, the cell a grid of 0.5 ms and pulses at once."""
    expected = gaba_b_reference(count, 5.0, 300.0)
    assert gaba_b_peak(count, saturates=True) == pytest.approx(expected, rel=2e-4)


def test_gaba_b_answers_bursts_more_than_spikes() -> None:
    """Ten spikes do far more than ten times one; without saturation more still."""
    one, ten = gaba_b_peak(1, True), gaba_b_peak(10, True)
    assert ten > 500 * one
    assert gaba_b_peak(10, False) > 1.5 * ten
    assert gaba_b_peak(1, False) == pytest.approx(one, rel=1e-12)


@given(steps=st.integers(CHUNK - 2, 2 * CHUNK + 3), seed=st.integers(0, 99))
@LAW
def test_runs_longer_than_a_chunk_are_loops_of_steps(steps: int, seed: int) -> None:
    cell = Receptors(3, ["AMPA", "NMDA", "GABA_A", "GABA_B"], dt_ms=0.5).double()
    generator = torch.Generator().manual_seed(seed)
    xs = torch.rand(steps, 2, 5, 3, dtype=torch.float64, generator=generator) - 0.5
    found, reference = cell.run(xs), cell.run_reference(xs)
    torch.testing.assert_close(found[0], reference[0], rtol=1e-11, atol=1e-12)
    for a, b in zip(found[1], reference[1], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-12)


def test_a_layer_is_weights_receptors_and_neurons() -> None:
    """From spikes to spikes; gradients of the weights pass through all three."""
    layer = Sequential(
        Linear(4, 3, bias=False),
        Receptors(3, "AMPA", dt_ms=1.0),
        LeakyIntegrateAndFire(3, dt_ms=1.0, synaptic_input="conductance"),
    )
    weights = layer.get_parameter("cells.0.weight")
    with torch.no_grad():
        weights.fill_(10.0)
    spikes, _ = layer.run(torch.ones(50, 1, 4))
    assert spikes.sum().item() > 3 * 5
    spikes.sum().backward()  # type: ignore[no-untyped-call]
    assert weights.grad is not None
    assert bool((weights.grad > 0).all())


def test_time_constants_are_learned() -> None:
    """The decay of a target current is found again."""
    xs = impulse(60, 1.0)
    target = Receptors(1, Receptor(DoubleExponential(1.0, 8.0))).double().run(xs)[0]
    cell = Receptors(
        1, Receptor(DoubleExponential(1.5, 4.0)), learn=("tau_rise_ms", "tau_decay_ms")
    ).double()
    optimiser = torch.optim.LBFGS(cell.parameters(), line_search_fn="strong_wolfe", max_iter=100)

    def loss() -> Tensor:
        optimiser.zero_grad()
        error = (cell.run(xs)[0] - target).square().sum()
        error.backward()  # type: ignore[no-untyped-call]
        return error

    optimiser.step(loss)
    found = {name: parameter.exp().item() for name, parameter in cell.learned.items()}
    assert found["receptor0_tau_rise_ms"] == pytest.approx(1.0, rel=1e-3)
    assert found["receptor0_tau_decay_ms"] == pytest.approx(8.0, rel=1e-3)


def test_double_precision_is_not_lost_to_stored_numbers() -> None:
    outputs, _ = Receptors(1, Receptor(Exponential(3.0)), dt_ms=0.1).double().run(impulse(1, 1.0))
    assert outputs.item() == pytest.approx(-np.expm1(-0.1 / 3.0) / (0.1 / 3.0), rel=1e-14)


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(InvalidInput, match=r"Receptors\(0\)"):
        Receptors(0)
    with pytest.raises(InvalidInput, match="tau_membrane_ms is 0"):
        Receptors(1, "AMPA", tau_membrane_ms=0.0)
    with pytest.raises(InvalidInput, match="There is no receptor"):
        Receptors(1, [])
    with pytest.raises(InvalidInput, match="stands twice"):
        Receptors(1, ["AMPA", "AMPA"])
    with pytest.raises(UnknownName, match="Did you mean 'NMDA'"):
        Receptors(1, {"slow": "NMDAR"})
    with pytest.raises(InvalidInput, match="'tau_rise_ms' to learn"):
        Receptors(1, "AMPA", learn=("tau_rise_ms",))
    with pytest.raises(ShapeMismatch, match="run received"):
        Receptors(3, "NMDA").run(torch.zeros(5, 1, 3))
