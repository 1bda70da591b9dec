"""Homeostasis: neurons reach the rate that they hold."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.dynamics.plasticity import (
    IntrinsicThreshold,
    PlasticSynapses,
    Receiver,
    Sender,
    Synapse,
    SynapticScaling,
)
from neurallayers.errors import InvalidInput

LAW = settings(max_examples=20, deadline=None, derandomize=True, database=None)


def scale(rule: SynapticScaling, rate_over_goal: float, synapse: Synapse) -> Synapse:
    on_interval = rule.equations().on_interval
    assert on_interval is not None
    receiver = Receiver(trace_1=rate_over_goal)
    return on_interval(synapse, Sender(), receiver, 0.0, rule.numbers(1000.0))


@given(error=st.floats(-0.9, 0.9), seconds=st.integers(1, 50))
@LAW
def test_a_constant_error_scales_as_the_closed_form_says(error: float, seconds: int) -> None:
    """w exp(beta e t + gamma e t² / 2), in any number of intervals."""
    rule = SynapticScaling(gain_per_s=0.02, integral_gain_per_s2=1e-3, update_ms=1000.0)
    synapse = Synapse(0.3)
    for _ in range(seconds):
        synapse = scale(rule, 1.0 - error, synapse)
    exponent = 0.02 * error * seconds + 0.5e-3 * error * seconds**2
    assert synapse.weight == pytest.approx(0.3 * math.exp(exponent), rel=1e-12)
    assert synapse.variable_1 == pytest.approx(error * seconds, rel=1e-12)


@pytest.mark.parametrize("drive", [0.2, 5.0])
@pytest.mark.parametrize("integral", [0.0, 2e-3])
def test_scaling_reaches_the_goal_and_keeps_the_ratios(drive: float, integral: float) -> None:
    """A neuron whose rate is proportional to its weights, driven far too weakly or strongly."""
    rule = SynapticScaling(
        goal_hz=5.0, gain_per_s=0.1, integral_gain_per_s2=integral, update_ms=1000.0
    )
    weights = torch.tensor([0.1, 0.2, 0.7]).double()
    synapse = Synapse(weights, torch.zeros_like(weights))
    for _ in range(800):
        synapse = scale(rule, float(drive * synapse.weight.sum()), synapse)
    assert float(drive * synapse.weight.sum()) == pytest.approx(1.0, rel=1e-6)
    ratios = synapse.weight / synapse.weight.sum()
    assert torch.allclose(ratios, weights, rtol=1e-12)


def test_only_the_integral_removes_the_error_that_another_rule_keeps_up() -> None:
    """Something takes 1 % of the weight in each second."""
    rates = []
    for integral in (0.0, 2e-3):
        rule = SynapticScaling(gain_per_s=0.1, integral_gain_per_s2=integral, update_ms=1000.0)
        synapse = Synapse(1.0)
        for _ in range(1500):
            synapse = scale(rule, synapse.weight, synapse)
            synapse = synapse._replace(weight=0.99 * synapse.weight)
        rates.append(synapse.weight)
    assert rates[0] == pytest.approx(1.0 + math.log(0.99) / 0.1, rel=1e-9)
    assert rates[1] == pytest.approx(1.0, rel=1e-6)


def test_the_rate_is_counted_in_units_of_the_goal() -> None:
    """A silent neuron grows its synapses, one at twice its goal shrinks them."""
    rule = SynapticScaling(goal_hz=20.0, tau_rate_ms=200.0, gain_per_s=1.0)
    cell = PlasticSynapses(2, 2, rule=rule, initial_weight=0.5).double()
    fired = torch.stack([torch.zeros(1000), (torch.arange(1000) % 25 == 0).float()], 1).double()
    frames = cell.frame(torch.zeros(1000, 1, 2).double(), fired[:, None])
    _, state = cell.run(frames)
    assert state.postsynaptic_traces[0, 0].tolist() == pytest.approx([0.0, 2.0], abs=0.15)
    assert bool((state.weight[0, 0] > 0.5).all())
    assert bool((state.weight[0, 1] < 0.5).all())
    assert state.weight[0, 0, 0] == state.weight[0, 0, 1]


def test_weights_stay_within_the_bounds() -> None:
    rule = SynapticScaling(gain_per_s=1.0, w_min=0.1, w_max=0.8)
    weights = torch.tensor([0.2, 0.7])
    grown = shrunk = Synapse(weights, torch.zeros(2))
    for _ in range(20):
        grown, shrunk = scale(rule, 0.0, grown), scale(rule, 3.0, shrunk)
    assert grown.weight.tolist() == pytest.approx([0.8, 0.8])
    assert shrunk.weight.tolist() == pytest.approx([0.1, 0.1])


# ------------------------------------------------------------------------- intrinsic threshold


def test_the_threshold_follows_its_equation() -> None:
    """A silent neuron's threshold falls by eta r_goal a second; a spike adds eta, spread."""
    cell = IntrinsicThreshold(2, goal_hz=10.0, tau_rate_ms=100.0, gain_mv_per_spike=0.05).double()
    spikes = torch.zeros(3000, 1, 2).double()
    spikes[0, 0, 1] = 1.0
    thresholds, state = cell.run(spikes)
    falling = -0.05 * 10.0 * 3.0
    assert float(thresholds[-1, 0, 0]) == pytest.approx(falling, rel=1e-12)
    # The sum of the rate over the steps: 1 / tau / (1 - exp(-dt / tau)) of a spike.
    spread = 0.01 / -math.expm1(-0.01)
    assert float(thresholds[-1, 0, 1]) == pytest.approx(falling + 0.05 * spread, rel=1e-10)
    assert torch.equal(state.threshold, thresholds[-1])


@pytest.mark.parametrize("drive_mv", [12.0, 40.0])
def test_a_neuron_reaches_the_rate_that_it_holds(drive_mv: float) -> None:
    """A leaky integrate-and-fire neuron that would be silent, or fire at 85 Hz."""
    goal, steps = 25.0, 12_000
    cell = IntrinsicThreshold(1, goal_hz=goal, tau_rate_ms=200.0, gain_mv_per_spike=0.3)
    state = cell.initial_state()
    decay, v, fired = math.exp(-1.0 / 20.0), 0.0, []
    shift = 0.0
    with torch.no_grad():
        for _ in range(steps):
            v = decay * v + (1 - decay) * drive_mv
            spike = v >= 15.0 + shift
            v = 0.0 if spike else v
            fired.append(spike)
            output, state = cell(torch.full((1, 1), float(spike)), state)
            shift = float(output)
    assert sum(fired[-4000:]) / 4.0 == pytest.approx(goal, abs=1.0)


def test_the_threshold_keeps_its_bounds_and_outlasts_activity() -> None:
    cell = IntrinsicThreshold(2, gain_mv_per_spike=50.0, smallest_mv=-1.0, largest_mv=2.0)
    spikes = torch.zeros(500, 1, 2)
    spikes[:, 0, 1] = 1.0
    thresholds, state = cell.run(spikes)
    assert thresholds[-1].tolist() == [[-1.0, 2.0]]
    rested = cell.rest(state)
    assert torch.equal(rested.threshold, state.threshold)
    assert not rested.rate.any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: IntrinsicThreshold(0), "n is 0"),
        (lambda: IntrinsicThreshold(1, goal_hz=0.0), "goal_hz is 0.0"),
        (lambda: IntrinsicThreshold(1, tau_rate_ms=-1.0), "tau_rate_ms is -1.0"),
        (lambda: IntrinsicThreshold(1, smallest_mv=3.0, largest_mv=3.0), "smallest_mv is 3.0"),
        (lambda: SynapticScaling(goal_hz=math.nan), "goal_hz is nan"),
        (lambda: SynapticScaling(gain_per_s=-1.0), "gain_per_s is -1.0"),
    ],
)
def test_bad_numbers_are_refused(make: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        make()
