"""Delays: what goes in comes out as it was, a while later, and so do gradients backwards."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.dynamics.synapses.delays import Delay, delay_steps
from neurallayers.errors import InvalidInput, ShapeMismatch

LAW = settings(max_examples=25, deadline=None, derandomize=True, database=None)
some_delays = st.lists(st.integers(0, 9), min_size=1, max_size=5)


@given(delays=some_delays, steps=st.integers(1, 25), cut=st.integers(0, 25))
@LAW
def test_each_line_gives_its_past(delays: list[int], steps: int, cut: int) -> None:
    """Stepped and run, whole and in two parts."""
    cell = Delay(len(delays), [0.1 * d for d in delays], dt_ms=0.1)
    xs = torch.rand(steps, 2, len(delays), generator=torch.Generator().manual_seed(steps))
    expected = torch.zeros_like(xs)
    for line, delay in enumerate(delays):
        expected[delay:, :, line] = xs[: max(steps - delay, 0), :, line]
    assert torch.equal(cell.run_reference(xs)[0], expected)
    assert torch.equal(cell.run(xs)[0], expected)
    if 0 < cut < steps:
        first, state = cell.run(xs[:cut])
        assert torch.equal(torch.cat([first, cell.run(xs[cut:], state)[0]]), expected)


@given(delays=some_delays)
@LAW
def test_gradients_flow_back_along_the_lines(delays: list[int]) -> None:
    """What arrives at the last step was sent by each line its delay ago."""
    cell = Delay(len(delays), [float(d) for d in delays])
    xs = torch.ones(12, 1, len(delays), requires_grad=True)
    for run in (cell.run, cell.run_reference):
        (gradient,) = torch.autograd.grad(run(xs)[0][-1].sum(), xs)
        for line, delay in enumerate(delays):
            expected = torch.zeros(12)
            expected[11 - delay] = 1.0
            assert torch.equal(gradient[:, 0, line], expected)


def test_nothing_is_lost_on_the_way() -> None:
    """What was sent has come out or is in flight."""
    delays = torch.tensor([0.0, 1.0, 4.0])
    cell = Delay(3, delays)
    xs = torch.rand(7, 2, 3, generator=torch.Generator().manual_seed(0))
    outputs, state = cell.run(xs)
    under_way = torch.stack([state.in_flight[:, : int(d), i].sum(1) for i, d in enumerate(delays)])
    torch.testing.assert_close(outputs.sum(0).T + under_way, xs.sum(0).T)


def test_delays_are_counted_in_steps() -> None:
    assert delay_steps(1.5, 0.1, 3).tolist() == [15, 15, 15]
    assert delay_steps([0.1, 0.3], 0.1, 2).tolist() == [1, 3]
    assert delay_steps(torch.tensor([0.7], dtype=torch.float64), 0.7, 1).tolist() == [1]


@pytest.mark.parametrize("wrong", [-1.0, 0.25, float("nan"), float("inf"), [1.0, 0.55]])
def test_a_delay_off_the_grid_is_refused(wrong: float | list[float]) -> None:
    with pytest.raises(InvalidInput, match="round it to the grid"):
        Delay(2, wrong, dt_ms=0.1)


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(InvalidInput, match=r"Delay\(0\)"):
        Delay(0)
    with pytest.raises(ShapeMismatch, match=r"shape \(2,\) for 3 lines"):
        Delay(3, [1.0, 2.0])
