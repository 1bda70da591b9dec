"""Decision diagrams against truth tables."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.errors import InvalidInput
from neurallayers.logic.diagrams import FALSE, TRUE, Diagrams

SIZES = (2, 3, 2, 4)
WORLDS = list(itertools.product(*map(range, SIZES)))

LITERALS = st.integers(0, len(SIZES) - 1).flatmap(
    lambda choice: st.tuples(st.just(choice), st.integers(0, SIZES[choice] - 1))
)
EXPRESSIONS = st.recursive(
    LITERALS,
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner),
        st.tuples(st.sampled_from(["and", "or", "same"]), inner, inner),
    ),
    max_leaves=12,
)
held = settings(deadline=None, derandomize=True, database=None, max_examples=60)


def fresh() -> Diagrams:
    diagrams = Diagrams()
    for size in SIZES:
        diagrams.add_choice(size)
    return diagrams


def built(diagrams: Diagrams, expression: tuple) -> int:  # type: ignore[type-arg]
    if isinstance(expression[0], int):
        return diagrams.alternative(*expression)
    parts = [built(diagrams, part) for part in expression[1:]]
    operations: dict[str, Callable[..., int]] = {
        "not": diagrams.negated,
        "and": diagrams.both,
        "or": diagrams.either,
        "same": diagrams.same,
    }
    return operations[expression[0]](*parts)


def true_in(expression: tuple, world: tuple[int, ...]) -> bool:  # type: ignore[type-arg]
    if isinstance(expression[0], int):
        return world[expression[0]] == expression[1]
    parts = [true_in(part, world) for part in expression[1:]]
    return {
        "not": lambda: not parts[0],
        "and": lambda: all(parts),
        "or": lambda: any(parts),
        "same": lambda: parts[0] == parts[1],
    }[expression[0]]()


@held
@given(EXPRESSIONS)
def test_a_diagram_is_true_where_its_formula_is(expression: tuple) -> None:  # type: ignore[type-arg]
    diagrams = fresh()
    node = built(diagrams, expression)
    assert [diagrams.holds(node, world) for world in WORLDS] == [
        true_in(expression, world) for world in WORLDS
    ]


@held
@given(EXPRESSIONS, EXPRESSIONS)
def test_equal_formulas_have_the_same_node(a: tuple, b: tuple) -> None:  # type: ignore[type-arg]
    diagrams = fresh()
    same_truth = all(true_in(a, world) == true_in(b, world) for world in WORLDS)
    assert (built(diagrams, a) == built(diagrams, b)) == same_truth


def test_ends() -> None:
    diagrams = fresh()
    red = diagrams.alternative(1, 0)
    assert diagrams.both(red, diagrams.negated(red)) == FALSE
    assert diagrams.any_of(diagrams.alternative(1, value) for value in range(3)) == TRUE
    assert diagrams.all_of([]) == TRUE
    assert diagrams.any_of([]) == FALSE
    assert diagrams.both(diagrams.alternative(1, 0), diagrams.alternative(1, 2)) == FALSE


def test_thousands_of_choices_do_not_overflow_the_stack() -> None:
    diagrams = Diagrams()
    every = [diagrams.alternative(diagrams.add_choice(2), 1) for _ in range(3000)]
    node = diagrams.all_of(every)
    assert diagrams.holds(node, [1] * 3000)
    assert not diagrams.holds(diagrams.negated(node), [1] * 3000)
    assert len(diagrams.below([node])) == 3002


def test_a_limit_stops_what_grows_too_large() -> None:
    diagrams = Diagrams(nodes_at_most=50)
    first = [diagrams.add_choice(2) for _ in range(8)]
    second = [diagrams.add_choice(2) for _ in range(8)]
    pairs = [
        diagrams.both(diagrams.alternative(a, 1), diagrams.alternative(b, 1))
        for a, b in zip(first, second, strict=True)
    ]
    with pytest.raises(InvalidInput, match="more than 50 nodes"):
        diagrams.any_of(pairs)


def test_refusals() -> None:
    diagrams = fresh()
    with pytest.raises(InvalidInput, match="1 alternatives"):
        diagrams.add_choice(1)
    for choice, value in ((9, 0), (-1, 0), (0, 2), (0, -1)):
        with pytest.raises(InvalidInput, match="does not exist"):
            diagrams.alternative(choice, value)
