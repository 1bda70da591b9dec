"""What all point neurons share, shown on every model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.dynamics.living_cells import assert_same
from torch import Tensor

from neurallayers import state as states
from neurallayers.dynamics.neurons import (
    AdEx,
    ExponentialIntegrateAndFire,
    GeneralizedIntegrateAndFire,
    Izhikevich,
    LeakyIntegrateAndFire,
    PointNeuron,
    QuadraticIntegrateAndFire,
)
from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName

Maker = Callable[..., PointNeuron[Any]]

# A current that makes each fire, and a parameter with three values.
MODELS: dict[str, tuple[Maker, float, str, list[float]]] = {
    "leaky": (LeakyIntegrateAndFire, 600.0, "threshold_mv", [-52.0, -50.0, -48.0]),
    "generalized": (
        lambda n, **options: GeneralizedIntegrateAndFire(
            n, current_slow_pa=-20.0, threshold_fast_mv=3.0, **options
        ),
        600.0,
        "current_fast_pa",
        [-30.0, 0.0, 20.0],
    ),
    "adex": (AdEx, 1200.0, "adaptation_increment_pa", [10.0, 80.0, 150.0]),
    "exponential": (ExponentialIntegrateAndFire, 200.0, "threshold_mv", [-61.0, -59.9, -57.0]),
    "quadratic": (QuadraticIntegrateAndFire, 300.0, "reset_mv", [-65.0, -60.0, -55.0]),
    "izhikevich": (Izhikevich, 15.0, "d", [2.0, 6.0, 10.0]),
    "izhikevich, published": (
        lambda n, **options: Izhikevich(n, scheme="published", **options),
        15.0,
        "d",
        [2.0, 6.0, 10.0],
    ),
}
every_model = pytest.mark.parametrize("name", MODELS)


def input_of(neurons: PointNeuron[Any], current: float, steps: int, seed: int = 0) -> Tensor:
    """A noisy current for two individuals."""
    noise = torch.rand(
        steps, 2, neurons.n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )
    return current * (0.5 + noise)


@every_model
def test_parameters_of_each_neuron_are_those_of_single_ones(name: str) -> None:
    make, current, parameter, values = MODELS[name]
    together = make(3, **{parameter: torch.tensor(values, dtype=torch.float64)})
    xs = input_of(together, current, 500)
    spikes, state = together.run(xs)
    assert spikes.sum() > 10
    for i, value in enumerate(values):
        alone = make(1, **{parameter: value})
        own, own_state = alone.run(xs[:, :, i : i + 1])
        assert torch.equal(spikes[:, :, i], own[:, :, 0])
        for whole, part in zip(state, own_state, strict=True):
            assert torch.allclose(whole[:, i], part[:, 0], rtol=0, atol=1e-7)


@every_model
def test_the_compiled_loop_is_the_loop_of_steps(name: str) -> None:
    make, current, parameter, values = MODELS[name]
    for neurons in (make(3), make(3, **{parameter: torch.tensor(values, dtype=torch.float64)})):
        xs = input_of(neurons, current, 300)
        with torch.no_grad():
            assert_same(neurons.run(xs), neurons.run_reference(xs), 1e-7)


@every_model
def test_a_conductance_of_zero_is_none(name: str) -> None:
    make, current, _, _ = MODELS[name]
    plain, paired = make(2), make(2, synaptic_input="conductance")
    assert paired.in_shape == (2, 2)
    xs = input_of(plain, current, 400)
    pairs = torch.stack([xs, torch.zeros_like(xs)], dim=2)
    assert_same(paired.run(pairs), plain.run(xs), 1e-7)
    with torch.no_grad():
        assert_same(paired.run(pairs), paired.run_reference(pairs), 1e-7)


@every_model
def test_what_is_recorded_is_what_the_steps_go_through(name: str) -> None:
    make, current, _, _ = MODELS[name]
    neurons = make(2)
    xs = input_of(neurons, current, 50)
    fields = neurons.state_type._fields
    _, last, traces = neurons.fused_run(xs, record=fields)
    state = neurons.initial_state(2, torch.float64)
    for step, x in enumerate(xs):
        _, state = neurons(x, state)
        for field in fields:
            assert torch.allclose(traces[field][step], getattr(state, field), atol=1e-9)
    for field in fields:
        assert torch.equal(traces[field][-1], getattr(last, field))


@every_model
def test_more_neurons_than_a_block_and_more_threads_change_nothing(name: str) -> None:
    """700 x 2 neurons lie in six blocks, the last of them not full."""
    make, current, _, _ = MODELS[name]
    neurons = make(700)
    xs = input_of(neurons, current, 100)
    threads = torch.get_num_threads()
    found = []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            found.append(neurons.run(xs))
    finally:
        torch.set_num_threads(threads)
    assert_same(*found)
    few = make(3)
    alone = few.run(xs[:, :, -3:].contiguous())
    assert torch.equal(alone[0], found[0][0][:, :, -3:])


@every_model
def test_a_learned_parameter_begins_as_given_and_receives_gradients(name: str) -> None:
    make, current, parameter, values = MODELS[name]
    neurons = make(3, **{parameter: values[0]}, learn=parameter)
    learned = neurons.get_parameter(parameter)
    assert torch.equal(learned.detach(), torch.full((3,), values[0]))
    # Without a spike the parameter of a reset has no effect.
    xs = input_of(neurons, 2.0 * current, 300).float()
    spikes, state = neurons.run(xs)
    assert spikes.sum() > 0
    (spikes.sum() + state.membrane_potential.sum()).backward()
    assert learned.grad is not None
    assert bool(learned.grad.isfinite().all())


@every_model
def test_long_silence_leads_to_rest(name: str) -> None:
    """Under no input, what a neuron has lived is forgotten."""
    make, current, _, _ = MODELS[name]
    neurons = make(2)
    _, lived = neurons.run(input_of(neurons, current, 200))
    silence = torch.zeros(1, 2, 2, dtype=torch.float64)
    _, after = neurons.run(silence, lived, steps=30_000)
    _, never = neurons.run(silence, steps=30_000)
    assert torch.allclose(after.membrane_potential, never.membrane_potential, atol=1e-5)


def test_numbers_keep_their_digits_in_double_precision() -> None:
    neurons = AdEx(1).double()
    assert neurons.initial_state().membrane_potential.item() == -70.6
    assert neurons.initial_state().membrane_potential.dtype == torch.float64
    assert AdEx(1).initial_state().membrane_potential.dtype == torch.float32
    assert AdEx(1).kernel_parameters()[2].item() == -70.6


def test_half_precision_input_keeps_a_state_in_single() -> None:
    neurons = LeakyIntegrateAndFire(2)
    spikes, state = neurons.run(torch.full((20, 1, 2), 900.0, dtype=torch.bfloat16))
    assert spikes.dtype == torch.bfloat16
    assert state.membrane_potential.dtype == torch.float32


def test_a_held_frame_is_not_copied_and_counts_as_many() -> None:
    neurons = Izhikevich(3)
    x = torch.full((1, 2, 3), 12.0, dtype=torch.float64)
    held = neurons.fused_run(x, steps=40)
    assert_same(held[:2], neurons.fused_run(x.expand(40, 2, 3).contiguous())[:2])


def test_spike_times_are_ends_of_steps_or_better() -> None:
    leaky = LeakyIntegrateAndFire(2, dt_ms=0.1)
    x = torch.tensor([[[700.0, 0.0]]], dtype=torch.float64)
    (times,) = leaky.spike_times_ms(x, steps=200)
    assert len(times[1]) == 0
    steps = times[0] / 0.1
    assert torch.allclose(steps, steps.round(), atol=1e-9)
    exact = QuadraticIntegrateAndFire(1, dt_ms=0.1).spike_times_ms(x[..., :1], steps=300)[0][0]
    assert len(exact) > 2
    assert not torch.allclose(exact / 0.1, (exact / 0.1).round(), atol=1e-3)


def test_the_reference_back_end_is_served_too(monkeypatch: pytest.MonkeyPatch) -> None:
    neurons = AdEx(2)
    xs = input_of(neurons, 1200.0, 50)
    compiled = neurons.run(xs)
    monkeypatch.setenv("NEURALLAYERS_KERNELS", "reference")
    with torch.no_grad():
        assert_same(neurons.run(xs), compiled, 1e-9)


def test_wrong_states_never_reach_the_compiled_loop() -> None:
    neurons = LeakyIntegrateAndFire(3)
    xs = torch.zeros(4, 2, 3)
    with pytest.raises(ShapeMismatch, match=r"membrane_potential has shape \(5, 3\)"):
        neurons.run(xs, neurons.initial_state(5))
    with pytest.raises(ShapeMismatch, match=r"\.run received"):
        neurons.run(xs[..., :2])
    with pytest.raises(UnknownName, match="Did you mean 'membrane_potential'"):
        neurons.fused_run(xs, record=["membrane_potentials"])


def test_bad_options_are_refused() -> None:
    for options, message in (
        ({"n": 0}, "n is 0"),
        ({"n": 2.5}, "n is 2.5"),
        ({"n": True}, "n is True"),
        ({"synaptic_input": "voltage"}, "synaptic_input is 'voltage'"),
        ({"resting_mv": torch.tensor([True, False])}, "resting_mv"),
    ):
        with pytest.raises(InvalidInput, match=message):
            LeakyIntegrateAndFire(**{"n": 2, **options})  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match="Did you mean 'threshold_mv'"):
        LeakyIntegrateAndFire(2, learn=("threshold",))
    with pytest.raises(UnknownName, match="'refractory_ms' to learn"):
        LeakyIntegrateAndFire(2, learn=("refractory_ms",))
    with pytest.raises(UnknownName, match="surrogate"):
        LeakyIntegrateAndFire(2, surrogate="fast")
    with pytest.raises(ShapeMismatch, match="2, one for each"):
        AdEx(2, capacitance_pf=torch.ones(2, 1))


def test_a_state_is_a_value() -> None:
    neurons = AdEx(3)
    xs = input_of(neurons, 1500.0, 60)
    _, state = neurons.run(xs[:30])
    kept = states.clone(state)
    first = neurons.run(xs[30:], state)
    assert_same(state, kept)
    assert_same(neurons.run(xs[30:], kept), first)
    assert_same(neurons.run(xs)[1], first[1])


def test_an_integer_tensor_is_a_parameter_too() -> None:
    neurons = LeakyIntegrateAndFire(2, resting_mv=torch.tensor([-70, -65]))
    assert neurons.initial_state().membrane_potential.tolist() == [[-70.0, -65.0]]
    assert "threshold_mv" not in neurons.state_dict()
    assert "resting_mv" in neurons.state_dict()
    assert "2, dt_ms=0.1" in repr(neurons)
