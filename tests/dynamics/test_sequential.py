"""Cells in a row behave as the row does step by step, and neighbours must fit."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from neurallayers.dynamics.cell import Cell, MemorylessCell
from neurallayers.dynamics.neurons import LIF, LeakyIntegrator, LIFState
from neurallayers.dynamics.plasticity import PlasticLinear
from neurallayers.dynamics.sequential import Sequential
from neurallayers.dynamics.synapses import Linear
from neurallayers.errors import InvalidInput, ShapeMismatch


class Counting(MemorylessCell):
    """Passes everything on and notes how many rows it saw."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.in_shape = self.out_shape = (n,)
        self.rows: list[int] = []

    def map_frames(self, frames: Tensor) -> Tensor:
        self.rows.append(frames.shape[0])
        return frames


def net() -> Sequential:
    return Sequential(
        Linear(4, 6, gain=4.0, seed=1),
        LIF(6, tau_ms=5.0),
        Linear(6, 3, seed=2),
        LeakyIntegrator(3, tau_ms=5.0),
    )


def test_it_is_its_cells_one_after_the_other() -> None:
    sequence = net()
    xs = torch.rand(10, 2, 4, generator=torch.Generator().manual_seed(0))
    ys = xs
    for cell in sequence.cells:
        assert isinstance(cell, Cell)
        ys, _ = cell.run(ys)
    outputs, _ = sequence.run(xs)
    assert torch.equal(outputs, ys)
    assert outputs.any()


def test_shapes_and_step_are_those_of_the_ends() -> None:
    sequence = Sequential(Linear(4, 6), LIF(6, dt_ms=0.5), Linear(6, 3))
    assert sequence.in_shape == (4,)
    assert sequence.out_shape == (3,)
    assert sequence.dt_ms == 0.5
    assert Sequential(Linear(4, 6)).dt_ms == 1.0


def test_each_cell_has_its_entry_in_the_state() -> None:
    state = net().initial_state(5)
    assert [type(part).__name__ for part in state.cells] == [
        "NoState",
        "LIFState",
        "NoState",
        "LeakyIntegratorState",
    ]
    assert state.cells[1].membrane_potential.shape == (5, 6)


def test_rest_is_the_rest_of_each_cell() -> None:
    sequence = Sequential(PlasticLinear(4, 3, learning_rate=0.5), LIF(3))
    state = sequence.initial_state(1)
    synapses = state.cells[0]._replace(modulator=torch.ones(1))
    _, state = sequence.run(torch.ones(5, 1, 4), state._replace(cells=(synapses, state.cells[1])))
    rested = sequence.rest(state)
    assert torch.equal(rested.cells[0].fast_weight, state.cells[0].fast_weight)
    assert rested.cells[0].fast_weight.any()
    assert rested.cells[1] == LIFState(rested.cells[1].membrane_potential)
    assert not rested.cells[1].membrane_potential.any()


def test_a_held_frame_stays_one_frame_up_to_the_first_memory() -> None:
    before, after = Counting(3), Counting(3)
    sequence = Sequential(before, LeakyIntegrator(3), after)
    outputs, _ = sequence.run(torch.ones(1, 2, 3), steps=7)
    assert before.rows == [2]
    assert after.rows == [14]
    assert outputs.shape == (7, 2, 3)


def test_a_held_frame_through_cells_without_memory_is_shown_for_all_steps() -> None:
    cell = Counting(3)
    outputs, _ = Sequential(cell).run(torch.ones(1, 2, 3), steps=7)
    assert outputs.shape == (7, 2, 3)
    assert cell.rows == [2]


def test_sequences_nest() -> None:
    inner = Sequential(LIF(6, tau_ms=5.0), Linear(6, 3, seed=2))
    outer = Sequential(Linear(4, 6, gain=4.0, seed=1), inner, LeakyIntegrator(3, tau_ms=5.0))
    xs = torch.rand(10, 2, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(outer.run(xs)[0], net().run(xs)[0])


def test_neighbours_that_do_not_fit_are_named() -> None:
    with pytest.raises(
        ShapeMismatch, match=r"Cell 1 \(LIF\) gives \(6,\), cell 2 \(Linear\) takes \(5,\)"
    ):
        Sequential(Linear(4, 6), LIF(6), Linear(5, 2))


def test_steps_of_several_lengths_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"dt_ms differ: \[0.5, 1.0\]"):
        Sequential(LIF(3, dt_ms=0.5), Linear(3, 3), LIF(3, dt_ms=1.0))


def test_an_empty_row_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no cell"):
        Sequential()
