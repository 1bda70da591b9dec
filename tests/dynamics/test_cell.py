"""What a new cell gets from the contract's base: runs, rest, checks."""

from __future__ import annotations

import math
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from neurallayers.dynamics.cell import (
    CELLS,
    Cell,
    MemorylessCell,
    check_frames,
    initial_state_like,
    positive,
)
from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName
from neurallayers.state import NoState


class SumState(NamedTuple):
    total: Tensor
    steps: Tensor


class RunningSum(Cell[SumState]):
    """The smallest cell with a memory: what somebody writes who adds one."""

    def __init__(self, n: int = 2) -> None:
        super().__init__()
        self.in_shape = self.out_shape = (n,)

    def initial_state(self, batch: int = 1) -> SumState:
        return SumState(torch.zeros(batch, *self.in_shape), torch.zeros(batch, dtype=torch.int64))

    def forward(self, x: Tensor, state: SumState) -> tuple[Tensor, SumState]:
        total = state.total + x
        return total, SumState(total, state.steps + 1)


class Halve(MemorylessCell):
    def __init__(self) -> None:
        super().__init__()
        self.in_shape, self.out_shape = (2,), (2,)
        self.calls: list[tuple[int, ...]] = []

    def map_frames(self, frames: Tensor) -> Tensor:
        self.calls.append(tuple(frames.shape))
        return frames / 2


def test_a_cell_needs_a_state_and_a_step() -> None:
    class Half(Cell[NoState]):
        def initial_state(self, batch: int = 1) -> NoState:
            return NoState()

    with pytest.raises(TypeError, match="forward"):
        Half()  # type: ignore[abstract]


def test_a_cell_runs_by_its_step_alone() -> None:
    outputs, state = RunningSum().run(torch.ones(4, 3, 2))
    assert outputs[:, 0, 0].tolist() == [1, 2, 3, 4]
    assert torch.equal(state.total, torch.full((3, 2), 4.0))
    assert state.steps.tolist() == [4, 4, 4]


def test_a_run_goes_on_from_a_state() -> None:
    cell = RunningSum()
    _, state = cell.run(torch.ones(4, 1, 2))
    outputs, state = cell.run(torch.ones(1, 1, 2), state, steps=3)
    assert outputs[:, 0, 0].tolist() == [5, 6, 7]
    assert state.steps.item() == 7


def test_rest_of_a_cell_that_learns_nothing_is_its_beginning() -> None:
    cell = RunningSum()
    _, state = cell.run(torch.ones(4, 3, 2).double())
    rested = cell.rest(state)
    assert rested.total.dtype == torch.float64
    assert rested.steps.dtype == torch.int64
    assert not rested.total.any()
    assert rested.steps.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("frames", "state"),
    [
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
        (torch.bfloat16, torch.float32),
        (torch.float16, torch.float32),
    ],
)
def test_a_state_is_as_wide_as_its_frames_but_never_half(
    frames: torch.dtype, state: torch.dtype
) -> None:
    """What is added up over many steps is lost in eight bits of mantissa."""
    made = initial_state_like(RunningSum(), torch.ones(1, 5, 2, dtype=frames))
    assert made.total.dtype == state
    assert made.total.shape == (5, 2)
    assert made.steps.dtype == torch.int64


def test_a_state_is_made_where_its_frames_are() -> None:
    made = initial_state_like(RunningSum(), torch.ones(1, 5, 2, device="meta"))
    assert {tensor.device.type for tensor in made} == {"meta"}


@pytest.mark.parametrize(
    ("shape", "problem"),
    [
        ((4, 2), r"received \(4, 2\), expected \[time, batch, 2\]"),
        ((4, 1, 3), r"received \(4, 1, 3\), expected \[time, batch, 2\]"),
        ((4, 1, 2, 1), r"received \(4, 1, 2, 1\)"),
        ((2,), r"received \(2,\)"),
        ((0, 1, 2), "no time step"),
    ],
)
def test_frames_of_another_shape_are_refused(shape: tuple[int, ...], problem: str) -> None:
    with pytest.raises(ShapeMismatch, match=problem):
        check_frames(RunningSum(), torch.zeros(shape), None)


@pytest.mark.parametrize(("time", "steps"), [(2, 2), (1, 0), (1, -1)])
def test_only_one_frame_can_be_held_and_for_some_time(time: int, steps: int) -> None:
    with pytest.raises(ShapeMismatch, match=f"steps={steps} with {time} frames"):
        check_frames(RunningSum(), torch.zeros(time, 1, 2), steps)


def test_a_batch_may_be_empty() -> None:
    outputs, state = RunningSum().run(torch.zeros(3, 0, 2))
    assert outputs.shape == (3, 0, 2)
    assert state.total.shape == (0, 2)


def test_a_memoryless_cell_maps_all_steps_in_one_call() -> None:
    cell = Halve()
    outputs, state = cell.run(torch.ones(4, 3, 2))
    assert outputs.shape == (4, 3, 2)
    assert outputs.unique().tolist() == [0.5]
    assert state == NoState()
    assert cell.calls == [(12, 2)]
    assert cell.memoryless
    assert not RunningSum.memoryless


def test_a_memoryless_cell_maps_a_held_frame_once() -> None:
    cell = Halve()
    outputs, _ = cell.run(torch.ones(1, 3, 2), steps=100)
    assert outputs.shape == (100, 3, 2)
    assert cell.calls == [(3, 2)]
    assert outputs.untyped_storage().nbytes() == 3 * 2 * 4


def test_a_cell_shows_its_shapes() -> None:
    assert repr(RunningSum()) == "RunningSum((2,) -> (2,), dt_ms=1.0)"


@pytest.mark.parametrize("value", [0.0, -1.0, math.inf, math.nan])
def test_a_quantity_that_must_be_positive_is_named(value: float) -> None:
    assert positive("tau_ms", 20, "10 to 30 ms") == 20.0
    with pytest.raises(InvalidInput, match=rf"tau_ms is {value}\. .*10 to 30 ms"):
        positive("tau_ms", value, "10 to 30 ms")


def test_cells_are_made_by_name() -> None:
    import neurallayers.dynamics  # noqa: F401 - its cells register themselves

    assert CELLS.make("LIF", 3).out_shape == (3,)
    with pytest.raises(UnknownName, match="Did you mean 'AdaptiveLIF'"):
        CELLS.make("AdaptivLIF", 3)
