"""Dense synapses: a matrix product, seeded weights, checked sizes."""

from __future__ import annotations

import pytest
import torch

from neurallayers.dynamics.synapses.dense import Linear, random_weights
from neurallayers.errors import InvalidInput


def test_each_receiver_weighs_each_sender() -> None:
    cell = Linear(3, 2)
    with torch.no_grad():
        cell.weight.copy_(torch.tensor([[1.0, 2.0, 3.0], [0.0, -1.0, 0.0]]))
        assert cell.bias is not None
        cell.bias.copy_(torch.tensor([10.0, 20.0]))
    outputs, _ = cell.run(torch.eye(3)[:, None, :])
    assert outputs[:, 0].tolist() == [[11, 20], [12, 19], [13, 20]]


def test_the_bias_can_be_left_out() -> None:
    cell = Linear(3, 2, bias=False)
    assert [name for name, _ in cell.named_parameters()] == ["weight"]
    assert not cell.run(torch.zeros(1, 1, 3))[0].any()


def test_weights_follow_the_seed_and_nothing_else() -> None:
    torch.manual_seed(0)
    first = Linear(20, 30, seed=5).weight
    torch.manual_seed(1)
    assert torch.equal(Linear(20, 30, seed=5).weight, first)
    assert not torch.equal(Linear(20, 30, seed=6).weight, first)


@pytest.mark.parametrize("gain", [0.5, 1.0, 3.0])
def test_the_spread_of_weights_is_gain_over_root_fan_in(gain: float) -> None:
    """A unit-variance input gives currents of standard deviation ``gain``."""
    weights = random_weights((200, 400), 400, gain, seed=1)
    assert weights.std().item() == pytest.approx(gain / 20, rel=0.02)
    assert weights.mean().item() == pytest.approx(0, abs=5 * gain / 20 / 80_000**0.5)
    assert weights.requires_grad


@pytest.mark.parametrize("sizes", [(0, 2), (3, 0), (-1, 2)])
def test_a_size_below_one_is_refused(sizes: tuple[int, int]) -> None:
    with pytest.raises(InvalidInput, match=rf"Linear\({sizes[0]}, {sizes[1]}\)"):
        Linear(*sizes)
