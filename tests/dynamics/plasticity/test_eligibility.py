"""E-prop against backpropagation through time."""

from __future__ import annotations

import math
import statistics
from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from neurallayers.dynamics.plasticity import EProp, PlasticSynapses, eprop_gradient
from neurallayers.errors import InvalidInput, ShapeMismatch

LAW = settings(max_examples=10, deadline=None, derandomize=True, database=None)
N_IN, N_OUT, N_READ, STEPS, BATCH = 5, 4, 3, 40, 2


class Triangle(torch.autograd.Function):
    """A step whose derivative is gamma / threshold max(0, 1 - |u| / threshold)."""

    @staticmethod
    def forward(ctx: Any, u: Tensor, threshold: float, gamma: float) -> Tensor:
        ctx.save_for_backward(u)
        ctx.numbers = threshold, gamma
        return (u >= 0).to(u.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (u,), (threshold, gamma) = ctx.saved_tensors, ctx.numbers
        return grad * gamma / threshold * (1 - u.abs() / threshold).clamp(min=0), None, None


class Lived(NamedTuple):
    inputs: Tensor
    potentials: Tensor
    spikes: Tensor
    signals: Tensor
    loss: Tensor


class Task(NamedTuple):
    """Senders, a read-out and what it should say."""

    inputs: Tensor
    weight: Tensor
    readout: Tensor
    target: Tensor
    recurrent: Tensor

    @classmethod
    def drawn(cls, seed: int, recurrent: float = 0.0) -> Task:
        draw = torch.Generator().manual_seed(seed)

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=draw).double()

        inputs = (torch.rand(STEPS, BATCH, N_IN, generator=draw) < 0.25).double()
        return cls(
            inputs,
            (0.5 * normal(N_OUT, N_IN)).abs().requires_grad_(),
            normal(N_READ, N_OUT),
            normal(STEPS, BATCH, N_READ),
            (recurrent * normal(N_OUT, N_OUT)).requires_grad_(),
        )

    def live(self, rule: EProp, dt_ms: float = 1.0) -> Lived:
        """Equations of the paper, step by step, with autograd through all but the reset."""
        alpha = math.exp(-dt_ms / rule.tau_membrane_ms)
        rho = math.exp(-dt_ms / rule.tau_adaptation_ms)
        kappa = math.exp(-dt_ms / rule.tau_readout_ms) if rule.tau_readout_ms else 0.0
        v = a = z = self.inputs.new_zeros(BATCH, N_OUT)
        y = self.inputs.new_zeros(BATCH, N_READ)
        seen: list[tuple[Tensor, Tensor, Tensor]] = []
        loss = torch.zeros(()).double()
        for x, target in zip(self.inputs, self.target, strict=True):
            current = functional.linear(x, self.weight) + functional.linear(z, self.recurrent)
            a = rho * a + z
            v = alpha * v + rule.input_gain * current - z.detach() * rule.threshold
            level = rule.threshold + rule.beta * a
            z = Triangle.apply(v - level, rule.threshold, rule.dampening)
            y = kappa * y + functional.linear(z, self.readout)
            loss = loss + 0.5 * ((y - target) ** 2).sum()
            seen.append((v.detach(), z.detach(), ((y - target) @ self.readout).detach()))
        potentials, spikes, signals = (torch.stack(part) for part in zip(*seen, strict=True))
        return Lived(self.inputs, potentials, spikes, signals, loss)


RULES = {
    "LIF": EProp(),
    "LIF, no read-out memory": EProp(tau_readout_ms=0.0, dampening=1.0),
    "ALIF": EProp(beta=0.4, tau_adaptation_ms=50.0, dampening=0.8),
    "ALIF, other units": EProp(
        beta=3.0, threshold=15.0, input_gain=9.0, tau_membrane_ms=12.0, dampening=0.7
    ),
}


@pytest.mark.parametrize("name", RULES)
@given(seed=st.integers(0, 999))
@LAW
def test_without_recurrence_it_is_backpropagation_through_time(name: str, seed: int) -> None:
    task = Task.drawn(seed)
    lived = task.live(RULES[name])
    (expected,) = torch.autograd.grad(lived.loss, task.weight)
    found = eprop_gradient(RULES[name], *lived[:4], dt_ms=1.0)
    assert torch.allclose(found, expected, rtol=1e-10, atol=1e-12)
    assert bool(expected.abs().sum() > 0)


def agreement(rule: EProp, strength: float) -> list[float]:
    """Cosines between e-prop and backpropagation, for the input and the recurrent weights."""
    cosines = []
    for seed in range(8):
        task = Task.drawn(seed, recurrent=strength)
        lived = task.live(rule)
        exact = torch.autograd.grad(lived.loss, [task.weight, task.recurrent])
        delayed = functional.pad(lived.spikes, (0, 0, 0, 0, 1, 0))[:-1]
        for expected, senders in zip(exact, (task.inputs, delayed), strict=True):
            found = eprop_gradient(rule, senders, *lived[1:4], dt_ms=1.0)
            cosine = functional.cosine_similarity(found.flatten(), expected.flatten(), dim=0)
            cosines.append(float(cosine))
    return cosines


@pytest.mark.parametrize(("name", "typical"), [("LIF", 0.9), ("ALIF", 0.75)])
def test_with_recurrence_it_points_the_same_way(name: str, typical: float) -> None:
    """It leaves out how a spike acts on others later; the weaker the loop, the less that is."""
    weak, strong = (agreement(RULES[name], strength) for strength in (0.02, 0.3))
    assert 0.99 < min(weak) < 1.0
    assert typical < statistics.median(strong) < statistics.median(weak)
    assert min(strong) > 0.0


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("dt_ms", [1.0, 0.5])
def test_the_rule_learns_that_gradient_on_line(name: str, dt_ms: float) -> None:
    """The synapses are met one grid point after their spikes acted, with the learning signal."""
    slow = {**RULES[name].describe(), "learning_rate": 1e-6}
    rule = EProp(**{k: v for k, v in slow.items() if k not in ("rule", "w_min", "w_max")})
    task = Task.drawn(3)
    lived = task.live(rule, dt_ms)
    expected = eprop_gradient(rule, *lived[:4], dt_ms=dt_ms)
    cell = PlasticSynapses(N_IN, N_OUT, rule=rule, dt_ms=dt_ms, initial_weight=0.0).double()
    state, silence = cell.initial_state(BATCH), torch.zeros(1, BATCH, N_IN).double()
    arriving = torch.cat([lived.inputs, silence])
    for t in range(STEPS):
        # First the senders' spikes of this step; then, at its end, what the receivers made of it.
        if t == 0:
            nothing = torch.zeros(BATCH, N_OUT).double()
            _, state = cell(cell.frame(arriving[0], nothing, nothing), state)
        state = state._replace(modulator=lived.signals[t])
        frame = cell.frame(arriving[t + 1], lived.spikes[t], lived.potentials[t])
        _, state = cell(frame, state)
    found = -state.weight.sum(0) / rule.learning_rate
    assert torch.allclose(found, expected, rtol=1e-8, atol=1e-10)


def test_shapes_that_do_not_belong_together_are_refused() -> None:
    ones = torch.ones(4, 1, 2)
    with pytest.raises(ShapeMismatch, match="Inputs, potentials, spikes and signals have"):
        eprop_gradient(EProp(), ones, ones, ones[:3], ones, dt_ms=1.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 0.0}, "threshold is 0.0"),
        ({"beta": -1.0}, "beta is -1.0"),
        ({"tau_membrane_ms": math.nan}, "tau_membrane_ms is nan"),
        ({"resting": math.inf}, "resting is inf"),
    ],
)
def test_bad_numbers_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        EProp(**options)
