"""The laws of states: what is taken apart can be put together again."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.state import (
    NoState,
    batch_size,
    clone,
    detach,
    from_named,
    gather,
    leaves,
    map_state,
    scatter,
    split,
    stack,
    tensors,
    to_device,
    to_named,
)

LAW = settings(max_examples=40, deadline=None, derandomize=True, database=None)


class Membrane(NamedTuple):
    potential: Tensor
    spikes: Tensor


class Nested(NamedTuple):
    membrane: Membrane
    parts: tuple[Any, ...]
    nothing: NoState


TRAILING = st.lists(st.integers(0, 3), max_size=3).map(tuple)
DTYPES = st.sampled_from([torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.bool])
LEAF = st.tuples(TRAILING, DTYPES)
# The structure of a state, with (trailing shape, dtype) in place of its tensors.
STRUCTURES = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: ("tuple", parts)),
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3).map(lambda m: ("dict", m)),
        st.tuples(inner, inner).map(lambda pair: ("named", pair)),
    ),
    max_leaves=6,
).filter(lambda structure: isinstance(structure[0], str))


def build(structure: Any, batch: int, seed: int) -> Any:
    generator = torch.Generator().manual_seed(seed)

    def grow(node: Any) -> Any:
        kind, content = node
        if kind == "tuple":
            return tuple(grow(part) for part in content)
        if kind == "dict":
            return {key: grow(part) for key, part in content.items()}
        if kind == "named":
            return Membrane(*(grow(part) for part in content))
        return torch.randint(0, 100, (batch, *kind), generator=generator).to(content)

    return grow(structure)


def same(a: Any, b: Any) -> bool:
    """Structure, classes, names, dtypes and bits."""
    if isinstance(a, Tensor):
        return isinstance(b, Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if type(a) is not type(b) or len(a) != len(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return all(same(x, y) for x, y in zip(a, b, strict=True))


def example(batch: int = 3, offset: float = 0.0) -> Nested:
    rows = torch.arange(batch, dtype=torch.float32)[:, None] + offset
    return Nested(
        Membrane(rows.expand(batch, 2).clone(), torch.arange(batch)),
        (rows.clone(), {"fast": rows[:, :, None].clone()}),
        NoState(),
    )


states = st.builds(build, STRUCTURES, st.integers(1, 5), st.integers(0, 99))


@given(state=states)
@LAW
def test_mapping_nothing_changes_nothing(state: Any) -> None:
    assert same(map_state(lambda tensor: tensor, state), state)


@given(state=states)
@LAW
def test_mapping_twice_is_mapping_once_with_both(state: Any) -> None:
    def double(tensor: Tensor) -> Tensor:
        return tensor.double() * 2

    def shift(tensor: Tensor) -> Tensor:
        return tensor - 1

    twice = map_state(shift, map_state(double, state))
    assert same(twice, map_state(lambda tensor: shift(double(tensor)), state))


@given(structure=STRUCTURES, sizes=st.lists(st.integers(1, 3), min_size=1, max_size=4))
@LAW
def test_what_is_stacked_can_be_gathered(structure: Any, sizes: list[int]) -> None:
    parts = [build(structure, size, seed) for seed, size in enumerate(sizes)]
    together = stack(parts)
    first = 0
    for part, size in zip(parts, sizes, strict=True):
        assert same(gather(together, list(range(first, first + size))), part)
        first += size


@given(state=states)
@LAW
def test_splitting_and_stacking_are_reverse(state: Any) -> None:
    rows = split(state)
    assert len(rows) == batch_size(state)
    if rows:
        assert all(batch_size(row) == 1 for row in rows)
        assert same(stack(rows), state)


@given(structure=STRUCTURES, batch=st.integers(1, 5), data=st.data())
@LAW
def test_scatter_puts_rows_where_gather_finds_them(
    structure: Any, batch: int, data: st.DataObject
) -> None:
    state, whole = build(structure, batch, 0), build(structure, batch, 1)
    rows = data.draw(st.permutations(range(batch)))[: data.draw(st.integers(0, batch))]
    others = [row for row in range(batch) if row not in rows]
    placed = scatter(whole, rows, gather(state, rows))
    assert same(gather(placed, rows), gather(state, rows))
    assert same(gather(placed, others), gather(whole, others))
    assert same(scatter(state, rows, gather(state, rows)), state)


@given(state=states)
@LAW
def test_a_state_survives_storage_bit_for_bit(state: Any) -> None:
    named = to_named(state)
    stored = safetensors.torch.load(safetensors.torch.save(named))
    assert same(from_named(map_state(torch.zeros_like, state), stored), state)
    assert list(named) == [name for name, _ in leaves(state)]


@given(state=states)
@LAW
def test_tensors_are_those_of_the_leaves_themselves_in_their_order(state: Any) -> None:
    found = tensors(state)
    expected = [tensor for _, tensor in leaves(state)]
    assert len(found) == len(expected)
    assert all(one is other for one, other in zip(found, expected, strict=True))


def test_tensors_of_states_of_one_structure_correspond() -> None:
    first, second = example(), example(offset=10.0)
    for one, other in zip(tensors(first), tensors(second), strict=True):
        assert one.shape == other.shape
    assert tensors(NoState()) == []
    assert tensors(first)[0] is first.membrane.potential


def test_names_are_paths() -> None:
    assert list(to_named(example())) == [
        "membrane.potential",
        "membrane.spikes",
        "parts.0",
        "parts.1.fast",
    ]


def test_stored_tensors_are_plain_even_where_the_state_is_a_view_with_a_graph() -> None:
    weight = torch.ones(4, 6, requires_grad=True)
    named = to_named({"view": (weight * 2).T})
    assert named["view"].is_contiguous()
    assert not named["view"].requires_grad


def test_many_states_are_mapped_leaf_by_leaf() -> None:
    total = map_state(lambda a, b, c: a + b + c, example(), example(), example(offset=10.0))
    assert same(total.membrane.potential, example().membrane.potential * 3 + 10)
    assert isinstance(total.membrane, Membrane)
    assert total.nothing == NoState()


@pytest.mark.parametrize(
    ("other", "path"),
    [
        (example()._replace(membrane=cast(Any, torch.zeros(3))), "state.membrane"),
        (example()._replace(nothing=cast(Any, ())), "state.nothing"),
        (example()._replace(parts=(torch.zeros(3, 1),)), "state.parts"),
        (example()._replace(parts=(torch.zeros(3, 1), torch.zeros(3))), "state.parts.1"),
    ],
)
def test_states_of_another_structure_are_not_combined(other: Nested, path: str) -> None:
    with pytest.raises(InvalidInput, match=path):
        map_state(torch.add, example(), other)


def test_dicts_with_other_keys_are_not_combined() -> None:
    with pytest.raises(InvalidInput, match=r"a dict of \['a'\] .* a dict of \['b'\]"):
        map_state(torch.add, {"a": torch.zeros(1)}, {"b": torch.zeros(1)})


@pytest.mark.parametrize("alien", [[torch.zeros(1)], 3.0, None, "text", {1}])
def test_what_is_no_tensor_tuple_or_dict_is_refused_with_its_path(alien: Any) -> None:
    state = (torch.zeros(1), {"deep": alien})
    with pytest.raises(InvalidInput, match=rf"1\.deep holds a {type(alien).__name__}"):
        map_state(torch.clone, state)
    with pytest.raises(InvalidInput, match=rf"1\.deep holds a {type(alien).__name__}"):
        to_named(state)
    with pytest.raises(InvalidInput, match=f"holds a {type(alien).__name__}"):
        tensors(state)


def test_the_batch_size_is_the_leading_axis_of_all() -> None:
    assert batch_size(example(4)) == 4
    assert batch_size(NoState()) == 0
    with pytest.raises(ShapeMismatch, match=r"'0': 2, '1': 3"):
        batch_size((torch.zeros(2), torch.zeros(3)))
    with pytest.raises(ShapeMismatch):
        batch_size((torch.zeros(2), torch.zeros(())))


def test_states_of_another_capacity_are_not_stacked() -> None:
    with pytest.raises(ShapeMismatch, match=r"\(3,\) and \(2,\)"):
        stack([(torch.zeros(1, 2),), (torch.zeros(1, 3),)])
    with pytest.raises(InvalidInput, match="no state"):
        stack([])


@pytest.mark.parametrize("rows", [[0, 0], [0], [0, 1, 2]])
def test_rows_that_do_not_fit_are_not_scattered(rows: list[int]) -> None:
    with pytest.raises(ShapeMismatch, match="cannot be placed"):
        scatter(example(3), rows, example(2))


def test_copies_share_no_memory() -> None:
    state = example()
    for copied in (clone(state), gather(state, [0, 1, 2]), stack([state])):
        copied.membrane.potential.fill_(-1.0)
    for row in split(state):
        row.parts[0].fill_(-1.0)
    scatter(state, [0], example(1)).membrane.potential.fill_(-1.0)
    assert same(state, example())


def test_detaching_cuts_the_graph_and_keeps_the_values() -> None:
    weight = torch.ones(2, 1, requires_grad=True)
    state = (weight * 3,)
    assert not detach(state)[0].requires_grad
    assert not clone(state)[0].requires_grad
    assert torch.equal(detach(state)[0], state[0])


def test_gradients_pass_through_stack_gather_and_scatter() -> None:
    a, b = torch.ones(1, 2, requires_grad=True), torch.ones(1, 2, requires_grad=True)
    together = stack([(a,), (b,)])
    moved = scatter(together, [0], gather(together, [1]))
    moved[0].sum().backward()
    assert a.grad is not None
    assert b.grad is not None
    assert a.grad.tolist() == [[0.0, 0.0]]
    assert b.grad.tolist() == [[2.0, 2.0]]


def test_rows_are_chosen_by_lists_and_by_tensors() -> None:
    state = example()
    assert same(gather(state, [2, 0]), gather(state, torch.tensor([2, 0])))
    assert gather(state, [2, 0, 2]).membrane.spikes.tolist() == [2, 0, 2]


def test_a_state_moves_to_a_device_whole() -> None:
    moved = to_device(example(), "meta")
    assert {tensor.device.type for _, tensor in leaves(moved)} == {"meta"}


def test_a_stored_state_of_another_network_is_refused() -> None:
    template = example()
    named = to_named(template)
    with pytest.raises(InvalidInput, match=r"lacks \['parts.0'\]"):
        from_named(template, {name: t for name, t in named.items() if name != "parts.0"})
    with pytest.raises(InvalidInput, match=r"in excess \['extra'\]"):
        from_named(template, {**named, "extra": torch.zeros(1)})
    with pytest.raises(InvalidInput, match=r"parts\.0 is torch\.float64, expected torch\.float32"):
        from_named(template, {**named, "parts.0": named["parts.0"].double()})
    with pytest.raises(ShapeMismatch, match=r"parts\.0 has shape \(3,\)"):
        from_named(template, {**named, "parts.0": torch.zeros(3)})


def test_a_state_that_grew_can_be_loaded_by_the_network_as_it_was_made() -> None:
    template = (torch.zeros(1, 2, 4),)
    grown = from_named(template, {"0": torch.ones(3, 5, 4)})
    assert grown[0].shape == (3, 5, 4)
