"""The two back ends against each other, below autograd."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from neurallayers.dynamics.kernels.numba_sweeps import NumbaSweeps
from neurallayers.dynamics.kernels.sweeps import Drive, Loop, Received, SpikeOptions, Wanted
from neurallayers.dynamics.kernels.torch_sweeps import TorchSweeps
from neurallayers.dynamics.surrogate import surrogate_by_name

OPTIONS = SpikeOptions(
    threshold=1.0,
    zero_reset=False,
    reset_gradient=False,
    surrogate=surrogate_by_name("fast_sigmoid"),
    adaptation_rise=0.7,
    adaptation_decay=0.9,
)


def drive(adaptive: bool, steps: int, frames: int) -> Drive:
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator, dtype=torch.float64)

    adaptation = random(3, 5) if adaptive else None
    return Drive(4 * random(frames, 3, 5), steps, random(5), random(3, 5), adaptation, OPTIONS)


def alike(left: object, right: object) -> None:
    assert isinstance(left, tuple)
    assert isinstance(right, tuple)
    for a, b in zip(left, right, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            torch.testing.assert_close(a, b)


@pytest.mark.parametrize("frames", [8, 1])
@pytest.mark.parametrize("adaptive", [False, True])
def test_neurons_that_do_not_meet(adaptive: bool, frames: int) -> None:
    given = drive(adaptive, 8, frames)
    ours, theirs = TorchSweeps(), NumbaSweeps()
    outcome = ours.forward(given)
    alike(outcome, theirs.forward(given))
    received = Received(torch.randn_like(outcome.outputs), None, None)
    wanted = Wanted(frames=True, decay=True, summed=frames == 1)
    alike(ours.backward(given, received, wanted), theirs.backward(given, received, wanted))


@pytest.mark.parametrize("adaptive", [False, True])
def test_neurons_joined_all_to_all(adaptive: bool) -> None:
    given = drive(adaptive, 8, 8)
    loop = Loop(torch.randn(5, 5, dtype=torch.float64), torch.rand(3, 5, dtype=torch.float64))
    ours, theirs = TorchSweeps(), NumbaSweeps()
    outcome = ours.recurrent_forward(given, loop, keep=True)
    alike(outcome, theirs.recurrent_forward(given, loop, keep=True))
    received = Received(torch.randn_like(outcome.outputs), torch.ones(3, 5).double(), None)
    wanted = Wanted(frames=True, decay=True)
    alike(
        ours.recurrent_backward(given, loop, outcome, received, wanted),
        theirs.recurrent_backward(given, loop, outcome, received, wanted),
    )


def test_inputs_are_left_as_they_were() -> None:
    given = drive(True, 8, 8)
    before = [given.frames.clone(), given.potential.clone(), given.decay.clone()]
    for sweeps in (TorchSweeps(), NumbaSweeps()):
        outcome = sweeps.forward(given)
        last = torch.ones_like(given.potential)
        received = Received(torch.ones_like(outcome.outputs), last, last)
        sweeps.backward(given, received, Wanted(frames=True, decay=True))
        assert bool((last == 1).all())
    for kept, now in zip(before, (given.frames, given.potential, given.decay), strict=True):
        assert torch.equal(kept, now)
