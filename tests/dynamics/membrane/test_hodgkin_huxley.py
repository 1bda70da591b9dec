"""The squid axon against scipy at tight tolerance, and against what is known of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import brentq
from tests.dynamics.membrane import squid_reference as reference
from torch import Tensor

from neurallayers import state as states
from neurallayers.circuits import Circuit, CurrentDrive, Record
from neurallayers.dynamics.membrane import HodgkinHuxley, HodgkinHuxleyState, crossings, peaks_mv
from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName

STAGGERED = "staggered_exponential_euler"


def held(cell: HodgkinHuxley, current: float | Tensor, duration_ms: float) -> tuple[Tensor, Any]:
    """A run in float64 with a constant current."""
    frame = torch.as_tensor(current, dtype=torch.float64).broadcast_to(1, 1, cell.n)
    return cell.run(frame, steps=round(duration_ms / cell.dt_ms))


def recorded(cell: HodgkinHuxley, current: float | Tensor, duration_ms: float) -> Tensor:
    """Potentials with the first one in front."""
    outputs, _ = held(cell, current, duration_ms)
    first = cell.initial_state(1).membrane_potential
    return torch.cat([first[None], outputs])


def axon(n: int = 1, **options: Any) -> HodgkinHuxley:
    return HodgkinHuxley(n, output="membrane_potential", **options).double()


def spike_error(dt_ms: float, solver: str = STAGGERED) -> float:
    """The largest error of a spike time of 10 uA/cm2 over 200 ms [ms]."""
    cell = axon(dt_ms=dt_ms, solver=solver)
    times = crossings(recorded(cell, 10.0, 200.0), dt_ms).time_ms.numpy()
    expected = reference.spike_times(10.0, 200.0)
    assert len(expected) == 14
    assert len(times) == 14
    return float(np.abs(times - expected).max())


# ------------------------------------------------------------------------------------ at rest


def test_the_resting_potential_is_where_currents_balance() -> None:
    def current(v: float) -> float:
        return reference.slope([v, *reference.steady(v)], 0.0)[0]

    expected = brentq(current, -80, -40, xtol=1e-12)
    assert HodgkinHuxley(1).resting_potential_mv().item() == pytest.approx(expected, abs=1e-9)
    outputs, _ = held(axon(dt_ms=0.025), 0.0, 300.0)
    assert outputs[-1].item() == pytest.approx(expected, abs=1e-3)


def test_each_patch_has_a_rest_of_its_own() -> None:
    leak = torch.tensor([-54.387, -60.0, -40.0])
    cell = HodgkinHuxley(3, leak_reversal_mv=leak)
    rest = cell.resting_potential_mv()
    for i, value in enumerate(leak.tolist()):
        alone = HodgkinHuxley(1, leak_reversal_mv=value).resting_potential_mv()
        assert rest[i].item() == pytest.approx(alone.item(), abs=1e-6)
    assert rest[1] < rest[0] < rest[2]


def test_no_rest_within_reach_is_said() -> None:
    with pytest.raises(InvalidInput, match="no rest"):
        HodgkinHuxley(1).resting_potential_mv(1e6)


def test_newborn_patches_have_steady_gates() -> None:
    state = HodgkinHuxley(2).initial_state(3)
    assert state.membrane_potential.unique().tolist() == [-65.0]
    for gate, expected in zip(state[1:], reference.steady(-65.0), strict=True):
        assert gate.shape == (3, 2)
        assert gate.double().numpy() == pytest.approx(expected, rel=1e-6)
    other = HodgkinHuxley(2).initial_state(1, membrane_potential_mv=torch.tensor([-70.0, -40.0]))
    assert other.sodium_activation[0, 1].item() == pytest.approx(reference.steady(-40.0)[0])


# ---------------------------------------------------------------------------- action potentials


def test_spike_times_at_a_hundredth_of_a_millisecond() -> None:
    assert spike_error(0.01) < 0.02


def test_spike_times_at_the_usual_step() -> None:
    assert spike_error(0.025) == pytest.approx(0.0613, abs=0.0005)


def test_single_precision_costs_no_accuracy() -> None:
    cell = HodgkinHuxley(1)
    found, state = cell.spike_times(torch.full((1, 1, 1), 10.0), steps=8_000)
    assert state.membrane_potential.dtype == torch.float32
    expected = reference.spike_times(10.0, 200.0)
    assert np.abs(found.of(0).numpy() - expected).max() < 0.07


def test_the_orders_are_as_claimed() -> None:
    """Potentials just before the first spike, at steps that are halved."""
    expected = reference.solved(10.0, 1.6).y[0, -1]
    for solver, order, step in (
        (STAGGERED, 2, 0.02),
        ("exponential_euler", 1, 0.01),
        ("rk4", 4, 0.04),
    ):
        errors = []
        for dt in (step, step / 2, step / 4):
            cell = axon(dt_ms=dt, solver=solver)
            errors.append(abs(held(cell, 10.0, 1.6)[0][-1].item() - expected))
        slopes = np.log2(errors[:-1]) - np.log2(errors[1:])
        assert slopes == pytest.approx([order, order], abs=0.1 * order), solver
        assert cell.solver.order == order


def test_the_adaptive_solver_is_the_reference() -> None:
    cell = axon(2, dt_ms=0.5, solver="adaptive")
    outputs, state = held(cell, torch.tensor([10.0, 3.0]), 40.0)
    for i, current in enumerate((10.0, 3.0)):
        expected = reference.solved(current, 40.0).sol(np.arange(1, 81) * 0.5)[0]
        # On the upstroke, 300 mV/ms, a thousandth of a millivolt is 3e-6 ms.
        assert outputs[:, 0, i].numpy() == pytest.approx(expected, abs=1e-3)
    frames = torch.full((3, 1, 2), 10.0, dtype=torch.float64)
    stepped, _ = cell.run_reference(frames, state)
    held_again, _ = cell.run(frames[:1], state, steps=3)
    assert stepped.numpy() == pytest.approx(held_again.numpy(), abs=1e-3)


def test_peaks_are_as_high_as_they_should_be() -> None:
    for dt in (0.01, 0.025):
        found = peaks_mv(recorded(axon(dt_ms=dt), 10.0, 200.0)).time_ms.numpy()
        assert found == pytest.approx(reference.peaks(10.0, 200.0), abs=0.05)


def test_rates_over_currents() -> None:
    """The f-I curve at 0 to 30 uA/cm2: numbers of spikes in 200 ms, and late intervals."""
    currents = torch.arange(0.0, 31.0, 5.0, dtype=torch.float64)
    cell = HodgkinHuxley(len(currents), dt_ms=0.025)
    found, _ = cell.spike_times(currents.reshape(1, 1, -1), steps=8_000)
    for i, current in enumerate(currents.tolist()):
        expected = reference.spike_times(current, 200.0, rtol=1e-8)
        times = found.of(i).numpy()
        assert len(times) == len(expected), current
        if len(expected) > 1:
            interval = np.diff(expected[expected > 100]).mean()
            assert np.diff(times[times > 100]).mean() == pytest.approx(interval, rel=1e-3)


def test_both_rheobases() -> None:
    """A step of current: the least for one spike (2.24), and the least for firing on (6.26)."""
    cell = HodgkinHuxley(1, dt_ms=0.025)

    def spikes(current: float) -> int:
        frame = torch.full((1, 1, 1), current, dtype=torch.float64)
        return len(cell.spike_times(frame, steps=12_000)[0].time_ms)

    for low, high, least in ((2.0, 3.0, 1), (6.0, 7.0, 16)):
        for _ in range(12):
            middle = 0.5 * (low + high)
            low, high = (low, middle) if spikes(middle) >= least else (middle, high)
        for current, enough in ((low - 0.005, False), (high + 0.005, True)):
            expected = len(reference.spike_times(current, 300.0, rtol=1e-8))
            assert (expected >= least) == enough, (least, low, high, expected)


def test_warmth_makes_it_faster() -> None:
    cell = axon(dt_ms=0.01, temperature_celsius=16.3)
    assert cell.rate_factor == pytest.approx(3.0)
    times = crossings(recorded(cell, 20.0, 50.0), 0.01).time_ms.numpy()
    expected = reference.spike_times(20.0, 50.0, q=3.0)
    assert len(times) == len(expected) > 3
    assert times == pytest.approx(expected, abs=0.01)


def test_other_constants_are_other_axons() -> None:
    p = (2.0, 100.0, 30.0, 0.4, 45.0, -80.0, -50.0)
    names = HodgkinHuxley(1).constants()._fields
    cell = axon(dt_ms=0.01, **dict(zip(names, p, strict=True)))
    potentials = recorded(cell, 12.0, 60.0)[:, 0, 0].numpy()
    solved = reference.solved(12.0, 60.0, p=p)
    times = crossings(torch.from_numpy(potentials).reshape(-1, 1, 1), 0.01).time_ms.numpy()
    assert len(times) == len(solved.t_events[0]) > 1
    assert times == pytest.approx(solved.t_events[0], abs=0.02)


def test_a_synaptic_conductance_pulls_to_its_reversal_potential() -> None:
    cell = axon(dt_ms=0.01, synaptic_input="conductance")
    frame = torch.tensor([[[[0.0], [0.2]]]], dtype=torch.float64)  # 0.2 mS/cm2 to 0 mV
    outputs, _ = cell.run(frame, steps=6_000)
    first = torch.full((1, 1, 1), -65.0, dtype=torch.float64)
    times = crossings(torch.cat([first, outputs]), 0.01).time_ms.numpy()
    expected = reference.spike_times(0.0, 60.0, g=0.2)
    assert len(times) == len(expected) > 2
    assert times == pytest.approx(expected, abs=0.02)


def test_an_axon_whose_channels_are_all_shut_still_integrates() -> None:
    """Conductance zero: the potential rises as I t / C, where a quotient D / G would be lost."""
    cell = axon(sodium_ms_cm2=0.0, potassium_ms_cm2=0.0, leak_ms_cm2=0.0, dt_ms=0.1)
    outputs, _ = held(cell, 2.0, 5.0)
    assert outputs[:, 0, 0].numpy() == pytest.approx(-65.0 + 0.2 * np.arange(1, 51), rel=1e-12)


# ------------------------------------------------------------------------------------- the cell


def test_a_spike_is_a_crossing() -> None:
    spikes, _ = held(HodgkinHuxley(1, dt_ms=0.01), 10.0, 100.0)
    assert set(spikes.unique().tolist()) == {0.0, 1.0}
    steps = spikes[:, 0, 0].nonzero()[:, 0].numpy()
    times = crossings(recorded(axon(dt_ms=0.01), 10.0, 100.0), 0.01).time_ms.numpy()
    assert (steps == np.floor(times / 0.01)).all()


def test_spike_times_of_a_fused_run_are_those_of_recorded_potentials() -> None:
    currents = torch.linspace(0.0, 40.0, 300, dtype=torch.float64).reshape(1, 2, 150)
    found, state = HodgkinHuxley(150).double().spike_times(currents, steps=2_000)
    potentials, after = axon(150).run(currents, steps=2_000)
    first = torch.full((1, 2, 150), -65.0, dtype=torch.float64)
    expected = crossings(torch.cat([first, potentials]), 0.025)
    assert torch.equal(found.row, expected.row)
    assert torch.equal(found.neuron, expected.neuron)
    assert found.time_ms.numpy() == pytest.approx(expected.time_ms.numpy(), abs=1e-9)
    for name, tensor in states.leaves(after):
        assert torch.equal(tensor, dict(states.leaves(state))[name])


def test_spike_times_with_changing_frames_and_more_spikes_than_usual() -> None:
    """Noise of a hundred microamperes crosses zero far more often than an action potential."""
    noise = torch.randn(1_200, 1, 3, generator=torch.Generator().manual_seed(5)).double() * 3_000
    cell = HodgkinHuxley(3)
    found, _ = cell.spike_times(noise)
    spikes, _ = cell.run(noise)
    assert len(found.time_ms) == int(spikes.sum()) > 300
    assert found.neuron.bincount().tolist() == spikes.sum((0, 1)).long().tolist()


def test_gates_at_the_time_of_the_potential() -> None:
    cell = axon(dt_ms=0.01)
    _, state = held(cell, 10.0, 17.0)
    expected = reference.solved(10.0, 200.0).sol(17.0)
    together = cell.synchronised(state)
    # It is on the upstroke, where 0.1 mV are 3e-4 ms.
    assert together.membrane_potential.item() == pytest.approx(expected[0], abs=0.1)
    assert [part.item() for part in together[1:]] == pytest.approx(expected[1:].tolist(), abs=2e-3)
    assert abs(state.sodium_activation.item() - expected[1]) > 5 * abs(
        together.sodium_activation.item() - expected[1]
    )
    again = cell.staggered(together)
    for one, other in zip(again, state, strict=True):
        assert one.item() == pytest.approx(other.item(), rel=1e-9)
    euler = HodgkinHuxley(1, solver="exponential_euler")
    assert euler.synchronised(state) is state


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    currents = torch.linspace(0.0, 40.0, 1_000, dtype=torch.float64).reshape(1, 1, -1)
    cell, results, threads = HodgkinHuxley(1_000), [], torch.get_num_threads()
    for count in (1, 2, 3):
        torch.set_num_threads(count)
        try:
            x = currents.clone().requires_grad_()
            spikes, state = cell.run(x, steps=400)
            state.membrane_potential.sum().backward()
            found, _ = cell.spike_times(currents, steps=400)
            results.append((spikes, *state, x.grad, *found))
        finally:
            torch.set_num_threads(threads)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_bfloat16_frames_leave_the_state_in_single_precision() -> None:
    frames = torch.full((200, 1, 2), 12.0, dtype=torch.bfloat16)
    spikes, state = HodgkinHuxley(2).run(frames)
    assert spikes.dtype == torch.bfloat16
    assert state.membrane_potential.dtype == torch.float32
    expected, _ = HodgkinHuxley(2).run(frames.float())
    assert torch.equal(spikes.float(), expected)


def test_a_population_takes_its_kernel_and_its_numbers() -> None:
    cell = HodgkinHuxley(3)
    assert cell.kernel_parameters().tolist() == [*reference.STANDARD, 1.0, 0.025, 0.0]
    other = HodgkinHuxley(3, leak_ms_cm2=torch.tensor([0.1, 0.2, 0.3]))
    assert other.kernel_parameters().shape == (10, 3)
    assert cell.kernel(False).address(torch.float64) != cell.kernel(True).address(torch.float64)
    with pytest.raises(InvalidInput, match="In circuits choose"):
        HodgkinHuxley(1, solver="adaptive").kernel(False)


def test_axons_in_a_circuit_fire_as_by_themselves() -> None:
    currents = torch.tensor([0.0, 7.0, 10.0, 20.0], dtype=torch.float64)
    circuit = Circuit(dt_ms=0.025, dtype=torch.float64)
    circuit.add_population("axons", HodgkinHuxley(4, synaptic_input="conductance").double())
    circuit.drive("axons", CurrentDrive(currents))
    found = circuit.run(60.0, record=Record(spikes=("axons",))).spikes["axons"]
    spikes, _ = held(HodgkinHuxley(4).double(), currents, 60.0)
    step, _, neuron = spikes.nonzero(as_tuple=True)
    expected = sorted(zip(((step.double() + 1) * 0.025).tolist(), neuron.tolist(), strict=True))
    times = [(float(t), int(i)) for t, i in zip(found.times_ms, found.senders, strict=True)]
    assert [i for _, i in times] == [i for _, i in expected]
    assert [t for t, _ in times] == pytest.approx([t for t, _ in expected], abs=1e-6)
    assert len(times) > 8


def test_bad_options_are_refused() -> None:
    for options, error in (
        ({"dt_ms": 0.0}, InvalidInput),
        ({"solver": "rk5"}, UnknownName),
        ({"output": "voltage"}, InvalidInput),
        ({"synaptic_input": "charge"}, InvalidInput),
        ({"sodium_ms_cm2": -1.0}, InvalidInput),
        ({"capacitance_uf_cm2": 0.0}, InvalidInput),
        ({"sodium": 1.0}, UnknownName),
        ({"learn": ("sodium",)}, UnknownName),
        ({"temperature_celsius": float("nan")}, InvalidInput),
    ):
        with pytest.raises(error):
            HodgkinHuxley(1, **options)
    with pytest.raises(InvalidInput, match="at least one"):
        HodgkinHuxley(0)


def test_states_of_other_shapes_are_refused() -> None:
    cell = HodgkinHuxley(3)
    with pytest.raises(ShapeMismatch, match="membrane_potential has shape"):
        cell.run(torch.zeros(2, 4, 3), cell.initial_state(2))
    state = HodgkinHuxleyState(*(part[:, :2] for part in cell.initial_state(4)))
    with pytest.raises(ShapeMismatch, match="expected"):
        cell.spike_times(torch.zeros(2, 4, 3), state)
    with pytest.raises(InvalidInput, match="crossings"):
        HodgkinHuxley(3, solver="adaptive").spike_times(torch.zeros(2, 4, 3))
