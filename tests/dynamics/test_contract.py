"""The laws of the cells, for every cell that is registered and for those that are built of them.

A new cell joins by its registration alone; it needs one line in ``EXAMPLES``.
"""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dynamics.living_cells import (
    EXAMPLES,
    assert_same,
    example_of,
    frames,
    lived,
    made,
    to_double,
)
from torch import Tensor, nn

from neurallayers import state as states
from neurallayers.dynamics import (
    CELLS,
    Cell,
)
from neurallayers.errors import ShapeMismatch

LAW = settings(max_examples=5, deadline=None, derandomize=True, database=None)
every_cell = pytest.mark.parametrize("name", EXAMPLES)
lives = st.tuples(st.integers(1, 4), st.integers(0, 999))  # batch, seed


def test_every_registered_cell_has_an_example() -> None:
    missing = set(CELLS) - set(EXAMPLES)
    assert not missing, f"Add to EXAMPLES, so that the laws hold for them too: {sorted(missing)}"


# ------------------------------------------------------------------------------ nothing hidden


@every_cell
@given(life=lives)
@LAW
def test_the_same_input_and_state_give_the_same_bits(name: str, life: tuple[int, int]) -> None:
    cell, xs, state = example_of(name, 3, *life)
    assert_same(cell(xs[0], state), cell(xs[0], state))
    assert_same(cell.run(xs, state), cell.run(xs, state))
    assert_same(cell.run(xs, state), EXAMPLES[name].make().double().run(xs, state))


@every_cell
def test_what_is_handed_in_is_not_touched(name: str) -> None:
    cell, xs, state = example_of(name, 3, 2, 0)
    xs_before, state_before = xs.clone(), states.clone(state)
    cell(xs[0], state)
    cell.run(xs, state)
    cell.run(xs[:1], state, steps=3)
    cell.rest(state)
    assert torch.equal(xs, xs_before)
    assert_same(state, state_before)


@every_cell
def test_a_cell_keeps_nothing(name: str) -> None:
    """No attribute, buffer or parameter changes, nor are there new ones."""
    cell, xs, state = example_of(name, 3, 2, 0)

    def attributes() -> list[dict[str, int]]:
        return [{key: id(value) for key, value in vars(m).items()} for m in cell.modules()]

    before, tensors = attributes(), {k: t.clone() for k, t in cell.state_dict().items()}
    cell.run(xs, state)
    cell.run(xs)
    cell(xs[0], state)
    assert attributes() == before
    assert_same(dict(cell.state_dict()), tensors)


@every_cell
def test_no_reset_is_needed_between_two_stimuli(name: str) -> None:
    cell, xs, _ = example_of(name, 5, 2, 0)
    first, _ = cell.run(xs)
    cell.run(torch.flip(xs, [0]) * 2)
    assert torch.equal(cell.run(xs)[0], first)


@every_cell
def test_two_individuals_share_a_module_without_mixing(name: str) -> None:
    """Their steps alternate; each lives as if it were alone."""
    cell = made(name)
    inputs = [frames(cell, 6, 1, seed) for seed in (1, 2)]
    newborn = [to_double(cell.initial_state(1)) for _ in inputs]
    alone = []
    for xs, state in zip(inputs, newborn, strict=True):
        for x in xs:
            _, state = cell(x, state)
        alone.append(state)
    together = list(newborn)
    for step in range(6):
        for i, xs in enumerate(inputs):
            _, together[i] = cell(xs[step], together[i])
    assert_same(tuple(together), tuple(alone))


# ---------------------------------------------------------------------------- rows never meet


@every_cell
@given(seed=st.integers(0, 999), row=st.integers(0, 3))
@LAW
def test_a_row_does_not_see_its_neighbours(name: str, seed: int, row: int) -> None:
    """Whatever the others receive and have lived, its bits are the same."""
    cell, xs, state = example_of(name, 4, 4, seed)
    others = [other for other in range(4) if other != row]
    changed_xs = xs.clone()
    changed_xs[:, others] = frames(cell, 4, 3, seed + 1) * 5
    changed = states.scatter(state, others, lived(name, cell, 3, seed + 1))
    outputs, after = cell.run(xs, state)
    changed_outputs, changed_after = cell.run(changed_xs, changed)
    assert torch.equal(changed_outputs[:, row], outputs[:, row])
    assert_same(states.gather(changed_after, [row]), states.gather(after, [row]))


@every_cell
@given(life=lives, data=st.data())
@LAW
def test_a_row_alone_lives_as_in_a_batch(
    name: str, life: tuple[int, int], data: st.DataObject
) -> None:
    cell, xs, state = example_of(name, 4, *life)
    row = data.draw(st.integers(0, life[0] - 1))
    outputs, after = cell.run(xs, state)
    alone, alone_after = cell.run(xs[:, row : row + 1], states.gather(state, [row]))
    assert torch.allclose(alone[:, 0], outputs[:, row], rtol=1e-9, atol=1e-9)
    assert_same(alone_after, states.gather(after, [row]), 1e-9)


# ------------------------------------------------------------------------- runs and their steps


def leaves_of(
    cell: Cell[Any], runner: Callable[..., Any], xs: Tensor, state: Any, seed: int
) -> dict[str, Tensor]:
    """Outputs, states and every gradient of a random projection of both."""
    xs = xs.clone().requires_grad_()
    state = states.map_state(
        lambda t: t.clone().requires_grad_() if t.is_floating_point() else t, state
    )
    inputs = {"xs": xs, **{f"state.{k}": t for k, t in states.leaves(state)}}
    inputs |= dict(cell.named_parameters())
    inputs = {k: t for k, t in inputs.items() if t.requires_grad}
    outputs, after = runner(xs, state)
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros(())
    for tensor in (outputs, *(t for _, t in states.leaves(after))):
        if tensor.requires_grad:
            total = total + (tensor * torch.randn(tensor.shape, generator=generator)).sum()
    grads: tuple[Tensor | None, ...] = torch.autograd.grad(
        total, list(inputs.values()), allow_unused=True
    )
    found = {"outputs": outputs.detach(), **states.to_named(after)}
    for (key, tensor), grad in zip(inputs.items(), grads, strict=True):
        found[f"gradient of {key}"] = torch.zeros_like(tensor) if grad is None else grad
    return found


@every_cell
@given(life=lives, steps=st.integers(1, 8))
@LAW
def test_a_run_is_a_loop_of_steps(name: str, life: tuple[int, int], steps: int) -> None:
    """Values and gradients, exactly but for the order of additions."""
    cell, xs, state = example_of(name, steps, *life)
    fused = leaves_of(cell, cell.run, xs, state, life[1])
    stepped = leaves_of(cell, cell.run_reference, xs, state, life[1])
    assert_same(fused, stepped, 1e-9)


@every_cell
@pytest.mark.parametrize("seed", [0, 1])
def test_a_run_is_a_loop_of_steps_in_single_precision(name: str, seed: int) -> None:
    cell, xs, state = example_of(name, 12, 3, seed)
    cell, xs = cell.float(), xs.float()
    state = states.map_state(lambda t: t.float() if t.is_floating_point() else t, state)
    fused = leaves_of(cell, cell.run, xs, state, seed)
    stepped = leaves_of(cell, cell.run_reference, xs, state, seed)
    for key, tensor in fused.items():
        scale = 1 + stepped[key].abs().max().item() if tensor.numel() else 1.0
        assert torch.allclose(tensor, stepped[key], rtol=1e-5, atol=1e-5 * scale), key


@every_cell
@given(life=lives, first=st.integers(1, 5), second=st.integers(1, 5))
@LAW
def test_two_runs_join(name: str, life: tuple[int, int], first: int, second: int) -> None:
    cell, xs, state = example_of(name, first + second, *life)
    outputs, after = cell.run(xs, state)
    begin, between = cell.run(xs[:first], state)
    end, joined = cell.run(xs[first:], between)
    assert torch.allclose(torch.cat([begin, end]), outputs, rtol=1e-9, atol=1e-9)
    assert_same(joined, after, 1e-9)


@every_cell
@given(life=lives, steps=st.integers(1, 6))
@LAW
def test_a_held_frame_is_as_many_copies(name: str, life: tuple[int, int], steps: int) -> None:
    cell, xs, state = example_of(name, 1, *life)
    copies = xs.expand(steps, *xs.shape[1:]).contiguous()
    assert_same(cell.run(xs, state, steps=steps), cell.run(copies, state), 1e-9)
    assert_same(cell.run(xs, steps=steps), cell.run(copies), 1e-9)


@every_cell
def test_without_a_state_a_run_starts_from_the_initial_one(name: str) -> None:
    cell, xs, _ = example_of(name, 4, 3, 0)
    assert_same(cell.run(xs), cell.run(xs, to_double(cell.initial_state(3))), 1e-9)


@every_cell
def test_frames_may_lie_in_memory_as_they_like(name: str) -> None:
    cell, xs, state = example_of(name, 4, 3, 0)
    batch_first = xs.transpose(0, 1).contiguous().transpose(0, 1)
    assert not batch_first.is_contiguous()
    assert_same(cell.run(batch_first, state), cell.run(xs, state), 1e-9)


@every_cell
def test_shapes_are_as_declared_and_others_are_refused(name: str) -> None:
    cell, xs, state = example_of(name, 4, 3, 0)
    outputs, after = cell.run(xs, state)
    assert outputs.shape == (4, 3, *cell.out_shape)
    assert cell(xs[0], state)[0].shape == (3, *cell.out_shape)
    assert states.batch_size(after) == states.batch_size(cell.initial_state(3))
    for wrong in (xs[0], xs[:, :, :-1], xs[..., None], xs[:0]):
        with pytest.raises(ShapeMismatch, match=rf"{type(cell).__name__}\.run received"):
            cell.run(wrong, state)
    with pytest.raises(ShapeMismatch, match="Hold exactly one frame"):
        cell.run(xs, state, steps=4)


# ---------------------------------------------------------------------- states, stored and kept


@every_cell
@given(life=lives)
@LAW
def test_a_state_is_stored_and_life_goes_on_bit_for_bit(name: str, life: tuple[int, int]) -> None:
    cell, xs, state = example_of(name, 3, *life)
    data = safetensors.torch.save(states.to_named(state))
    template = to_double(cell.initial_state(life[0]))
    loaded = states.from_named(template, safetensors.torch.load(data))
    assert type(loaded) is type(state)
    assert_same(loaded, state)
    assert_same(cell.run(xs, loaded), cell.run(xs, state))


@every_cell
def test_rest_ends_activity_and_only_what_was_learned_stays(name: str) -> None:
    cell, _, state = example_of(name, 1, 3, 0)
    rested = cell.rest(state)
    assert_same(cell.rest(rested), rested)
    newborn = to_double(cell.initial_state(3))
    if EXAMPLES[name].learns:
        with pytest.raises(AssertionError):
            assert_same(rested, newborn)
    else:
        assert_same(rested, newborn)


@every_cell
def test_a_state_holds_its_own_numbers_and_no_more_memory(name: str) -> None:
    """A view would keep all steps of a run alive as long as the state."""
    cell, xs, state = example_of(name, 40, 2, 0)
    with torch.no_grad():
        _, after = cell.run(xs, state)
    for leaf, tensor in states.leaves(after):
        assert tensor.untyped_storage().nbytes() == tensor.numel() * tensor.itemsize, leaf


@every_cell
def test_without_gradients_a_long_life_keeps_no_past(name: str) -> None:
    cell, xs, state = example_of(name, 4, 2, 0)
    state, past = states.clone(state), []
    with torch.no_grad():
        for step in range(40):
            output, after = cell.run(xs, state) if step % 2 else cell(xs[0], state)
            kept = {id(t) for _, t in states.leaves(after)}
            gone = [t for _, t in states.leaves(state) if id(t) not in kept]
            past += [weakref.ref(t) for t in (output, *gone)]
            state = after
            del output, after, gone
    assert all(tensor.grad_fn is None for _, tensor in states.leaves(state))
    assert not [reference for reference in past if reference() is not None]


# --------------------------------------------------------------------------------- gradients


@every_cell
def test_gradients_reach_every_parameter(name: str) -> None:
    cell, xs, state = example_of(name, 12, 3, 0)
    outputs, _ = cell.run(xs, state)
    parameters = dict(cell.named_parameters())
    if parameters:
        weights = torch.randn(outputs.shape, generator=torch.Generator().manual_seed(0))
        (outputs * weights).sum().backward()
    missed = [k for k, p in parameters.items() if p.grad is None or not bool(p.grad.any())]
    assert not missed


@every_cell
def test_training_takes_a_second_step_and_a_copy(name: str) -> None:
    """Where state hides in a module, the second backward and deepcopy fail."""
    cell, xs, state = example_of(name, 3, 2, 0)
    xs.requires_grad_()
    total = torch.zeros(())
    for _ in range(2):
        outputs, after = cell.run(xs, state)
        outputs.sum().backward()
        copied = copy.deepcopy(cell)
        assert_same(copied.run(xs, state), (outputs, after))
        state, total = states.detach(after), total + outputs.detach().sum()
    assert xs.grad is not None
    assert total.isfinite()


@every_cell
def test_a_graph_may_be_gone_through_twice(name: str) -> None:
    cell, xs, state = example_of(name, 3, 2, 0)
    xs.requires_grad_()
    outputs, _ = cell.run(xs, state)
    (first,) = torch.autograd.grad(outputs.sum(), xs, retain_graph=True)
    (second,) = torch.autograd.grad(outputs.sum(), xs)
    assert torch.equal(first, second)


# --------------------------------------------------------------------------- transformations


@every_cell
def test_a_step_works_under_vmap(name: str) -> None:
    cell, xs, _ = example_of(name, 3, 2, 0)
    groups = [lived(name, cell, 2, seed) for seed in range(3)]
    stacked = states.map_state(lambda *tensors: torch.stack(tensors), groups[0], *groups[1:])
    outputs, after = torch.func.vmap(cell)(xs, stacked)
    for i, group in enumerate(groups):
        mapped = states.map_state(lambda tensor, i=i: tensor[i], (outputs, after))
        assert_same(mapped, cell(xs[i], group), 1e-9)


@every_cell
def test_networks_of_several_weights_are_stepped_at_once(name: str) -> None:
    """An ensemble: the same step under vmap over the parameters."""
    cell, xs, state = example_of(name, 1, 2, 0)
    cells = [cell, copy.deepcopy(cell)]
    with torch.no_grad():
        for parameter in cells[1].parameters():
            parameter.mul_(1.5)
    parameters, buffers = torch.func.stack_module_state([cast_module(c) for c in cells])

    def step(parameters: Any, buffers: Any) -> Any:
        return torch.func.functional_call(cell, (parameters, buffers), (xs[0], state))

    if list(cell.parameters()):
        both = torch.func.vmap(step)(parameters, buffers)
        for i, each in enumerate(cells):
            mapped = states.map_state(lambda tensor, i=i: tensor[i], both)
            assert_same(mapped, each(xs[0], state), 1e-9)


def cast_module(cell: Cell[Any]) -> nn.Module:
    return cell


@every_cell
def test_a_step_is_exported(name: str) -> None:
    cell, xs, state = example_of(name, 2, 2, 0)
    program = torch.export.export(cell, (xs[0], state), strict=False)
    assert_same(program.module()(xs[1], state), cell(xs[1], state), 1e-9)


@pytest.mark.compile
# torch's own tracer instantiates autograd functions.
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@every_cell
def test_a_step_is_compiled_as_one_graph(name: str) -> None:
    cell, xs, state = example_of(name, 2, 2, 0)
    try:
        compiled = torch.compile(cell, fullgraph=True, backend="aot_eager")
        found = leaves_of(cell, compiled, xs[0], state, 0)
    finally:
        torch.compiler.reset()
    assert_same(found, leaves_of(cell, cell, xs[0], state, 0), 1e-9)
