"""Working memory: capacity, decay, rehearsal, displacement."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.memory import WorkingMemory, WorkingMemoryState

LAW = settings(max_examples=25, deadline=None, derandomize=True, database=None)


def letters(count: int) -> Tensor:
    """Items without any likeness."""
    return torch.eye(count)


def held(state: WorkingMemoryState) -> list[int]:
    """Which letters are in mind, strongest first."""
    order = state.strength[0].argsort(descending=True, stable=True)
    return [int(state.items[0, k].argmax()) for k in order if state.strength[0, k] > 0]


def after(memory: WorkingMemory, items: Tensor, elapsed_ms: float = 100.0) -> WorkingMemoryState:
    """What is in mind after items that come one every so often."""
    state = memory.initial_state()
    for item in items:
        state = memory.put(memory.decay(state, elapsed_ms), item[None])
    return state


@pytest.mark.parametrize("capacity", [1, 4, 7])
@pytest.mark.parametrize("count", [1, 4, 9])
def test_the_last_items_up_to_the_capacity_are_held(capacity: int, count: int) -> None:
    state = after(WorkingMemory(10, capacity), letters(10)[:count])
    assert held(state) == list(range(count))[::-1][:capacity]


def test_seven_is_the_usual_capacity() -> None:
    assert WorkingMemory(3).capacity == 7


@given(
    elapsed_ms=st.floats(0.0, 20_000.0), strength=st.floats(0.1, 1.0), tau_ms=st.floats(100.0, 1e4)
)
@LAW
def test_strength_decays_exponentially_until_the_item_is_gone(
    elapsed_ms: float, strength: float, tau_ms: float
) -> None:
    memory = WorkingMemory(2, decay_ms=tau_ms, forgotten=0.05)
    state = memory.put(memory.initial_state(), torch.tensor([[1.0, 2.0]]), strength)
    later = memory.decay(state, elapsed_ms).strength[0, 0].item()
    expected = strength * math.exp(-elapsed_ms / tau_ms)
    assert later == (pytest.approx(expected, rel=1e-5) if expected > 0.0500001 else 0.0)


def test_what_is_forgotten_leaves_no_trace() -> None:
    memory = WorkingMemory(2, decay_ms=1000.0, forgotten=0.1)
    state = memory.put(memory.initial_state(), torch.ones(1, 2))
    span = memory.span_ms()
    assert span == pytest.approx(1000.0 * math.log(10.0))
    assert bool(memory.decay(state, span - 1.0).items.any())
    assert not bool(memory.decay(state, span + 1.0).items.any())
    assert memory.span_ms(0.05) == 0.0
    assert WorkingMemory(2, forgotten=0.0).span_ms() == math.inf


def test_steps_decay_as_time_does() -> None:
    memory = WorkingMemory(2, decay_ms=50.0, dt_ms=2.0)
    state = memory.put(memory.initial_state(), torch.ones(1, 2))
    _, stepped = memory.run(torch.zeros(1, 1, 3), state, steps=10)
    assert torch.allclose(stepped.strength, memory.decay(state, 20.0).strength)


def test_peterson_and_peterson_is_the_default_decay() -> None:
    """Recall of about 0.8 after 3 s and 0.1 after 18 s (1959): their ratio is what decay tells."""
    memory = WorkingMemory(2)
    state = memory.put(memory.initial_state(), torch.ones(1, 2))
    early, late = (memory.decay(state, 1000.0 * t).strength[0, 0] for t in (3.0, 18.0))
    assert float(late / early) == pytest.approx(0.1 / 0.8, rel=0.01)


def test_rehearsal_keeps_an_item_from_decay_and_displacement() -> None:
    memory, items = WorkingMemory(5, capacity=3), letters(5)
    state = after(memory, items[:3])
    state = memory.refresh(state, items[:1])
    state = memory.put(state, items[3][None])
    assert sorted(held(state)) == [0, 2, 3]


def test_a_cue_that_matches_nothing_refreshes_nothing() -> None:
    memory, items = WorkingMemory(5, capacity=3), letters(5)
    state = memory.decay(after(memory, items[:3]), 500.0)
    refreshed = memory.refresh(state, items[4:])
    assert torch.equal(refreshed.strength, state.strength)


def test_an_item_that_is_known_takes_no_second_slot() -> None:
    memory = WorkingMemory(3, match=0.9)
    state = memory.put(memory.initial_state(), torch.tensor([[1.0, 0.0, 0.0]]), 0.5)
    state = memory.put(state, torch.tensor([[1.0, 0.2, 0.0]]), 0.4)
    assert int((state.strength > 0).sum()) == 1
    assert state.strength[0, 0] == 0.5
    # The content moves as far as the gate is open.
    assert torch.allclose(state.items[0, 0], torch.tensor([1.0, 0.08, 0.0]))


def test_a_closed_gate_lets_nothing_in_and_an_open_one_all() -> None:
    memory = WorkingMemory(2, dt_ms=1.0)
    state = memory.initial_state(3)
    x = torch.tensor([[1.0, 2.0, 0.0], [1.0, 2.0, 1.0], [1.0, 2.0, 9.0]])
    _, state = memory(x, state)
    assert (state.strength[:, 0]).tolist() == [0.0, 1.0, 1.0]
    answer, _ = memory(torch.tensor([[1.0, 1.9, 0.0]]).expand(3, -1), state)
    assert torch.allclose(answer, torch.tensor([[0.0, 0.0], [1.0, 2.0], [1.0, 2.0]]))


def test_reading_prefers_the_like_and_the_strong() -> None:
    memory = WorkingMemory(2, sharpness=4.0)
    state = memory.put(memory.initial_state(), torch.tensor([[1.0, 0.0]]), 1.0)
    state = memory.put(state, torch.tensor([[0.0, 1.0]]), 0.25)
    reading = memory.read(state, torch.tensor([[1.0, 0.0]]))
    # The weights go as strength times exp(sharpness * cosine).
    odds = math.exp(4.0) / 0.25
    assert reading.weights[0, 0].item() == pytest.approx(odds / (1 + odds), rel=1e-5)
    assert reading.similarity[0, :2].tolist() == [1.0, 0.0]
    equal = memory.read(state, torch.tensor([[1.0, 1.0]]))
    assert equal.weights[0, :2].tolist() == pytest.approx([0.8, 0.2])


def test_an_empty_mind_answers_nothing() -> None:
    memory = WorkingMemory(2, sharpness=1000.0)
    reading = memory.read(memory.initial_state(), torch.ones(1, 2))
    assert reading.pattern.tolist() == [[0.0, 0.0]]
    assert reading.weights.sum() == 0.0
    # However sharp, and however unlike the only item is, that one is the answer.
    state = memory.put(memory.initial_state(), torch.tensor([[1.0, 0.0]]))
    assert memory.read(state, torch.tensor([[-1.0, 0.0]])).pattern.tolist() == [[1.0, 0.0]]


def test_forgetting_empties_slots_and_rest_keeps_them() -> None:
    memory, items = WorkingMemory(3), letters(3)
    state = after(memory, items)
    assert torch.equal(memory.rest(state).items, state.items)
    mask = torch.zeros(1, 7, dtype=torch.bool)
    mask[0, 1] = True
    assert held(memory.forget(state, mask)) == [2, 0]
    with pytest.raises(InvalidInput, match="bool"):
        memory.forget(state, mask.float())


@given(seed=st.integers(0, 999))
@LAW
def test_strengths_stay_in_range_whatever_comes(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    memory = WorkingMemory(3, capacity=3, decay_ms=5.0)
    _, state = memory.run(5 * torch.randn(30, 2, 4, generator=generator))
    assert bool(((state.strength >= 0) & (state.strength <= 1)).all())
    free = state.strength == 0
    assert not bool(state.items[free].any())


@pytest.mark.parametrize(
    "options",
    [
        {"size": 0},
        {"size": 3, "capacity": 0},
        {"size": 3, "decay_ms": 0.0},
        {"size": 3, "dt_ms": -1.0},
        {"size": 3, "match": 1.5},
        {"size": 3, "forgotten": -0.1},
        {"size": 3, "sharpness": float("nan")},
    ],
    ids=lambda options: list(options)[-1],
)
def test_options_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(InvalidInput, match=list(options)[-1]):
        WorkingMemory(**options)  # type: ignore[arg-type]


def test_bad_items_and_strengths_are_refused() -> None:
    memory = WorkingMemory(2)
    state = memory.initial_state(2)
    with pytest.raises(ShapeMismatch, match="item"):
        memory.put(state, torch.ones(1, 2))
    with pytest.raises(InvalidInput, match="nan"):
        memory.put(state, torch.full((2, 2), float("nan")))
    with pytest.raises(InvalidInput, match="strength"):
        memory.put(state, torch.ones(2, 2), 1.5)
    with pytest.raises(InvalidInput, match="strength"):
        memory.put(state, torch.ones(2, 2), torch.tensor([0.5, -1.0]))
    with pytest.raises(InvalidInput, match="elapsed_ms"):
        memory.decay(state, -1.0)
    with pytest.raises(ShapeMismatch, match="cue"):
        memory.read(state, torch.ones(2, 3))
