from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.errors import InvalidInput
from neurallayers.logic.arithmetic import holds, is_built_in, is_solvable, solve
from neurallayers.logic.syntax import parse_formula
from neurallayers.logic.terms import Atom, Constant, Variable

NUMBERS = st.integers(-30, 30)


def atom(text: str) -> Atom:
    read = parse_formula(text)
    assert isinstance(read, Atom)
    return read


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("A = A", True),
        ("A = B", False),
        ("A != B", True),
        ("3 != 3", False),
        ("-1 < 0", True),
        ("2 <= 2", True),
        ("2 < 2", False),
        ("3 > 2", True),
        ("5 is 2 + 3", True),
        ("5 is 2 - 3", False),
        ("-1 is 2 - 3", True),
        ("6 is -2 * -3", True),
    ],
)
def test_the_terms_alone_decide(text: str, true: bool) -> None:
    assert holds(atom(text)) is true


@settings(deadline=None, derandomize=True, database=None, max_examples=50)
@given(
    st.sampled_from(["sum", "product", "="]), st.lists(NUMBERS, min_size=3, max_size=3), st.data()
)
def test_a_solution_makes_the_atom_true_and_is_the_only_one(
    predicate: str, numbers: list[int], data: st.DataObject
) -> None:
    arity = 2 if predicate == "=" else 3
    place = data.draw(st.integers(0, arity - 1))
    x = Variable("x")
    known = [Constant(number) for number in numbers[:arity]]

    def with_value(value: int) -> Atom:
        return Atom(predicate, (*known[:place], Constant(value), *known[place + 1 :]))

    true = [value for value in range(-901, 902) if holds(with_value(value))]
    asked = Atom(predicate, (*known[:place], x, *known[place + 1 :]))
    if len(true) > 1:
        with pytest.raises(InvalidInput, match="does not say what x is"):
            solve(asked)
    else:
        found = solve(asked)
        assert (None if found is None else found[x]) == (Constant(true[0]) if true else None)


def test_only_the_predicates_of_the_table_are_built_in() -> None:
    assert is_built_in(Atom("sum", (Constant(1), Constant(2), Constant(3))))
    assert not is_built_in(Atom("sum", (Constant(1), Constant(2))))
    assert not is_built_in(Atom("likes", (Constant("A"), Constant("B"))))


def test_what_is_solvable_depends_on_what_is_known() -> None:
    x, y = Variable("x"), Variable("y")
    assert is_solvable(atom("3 is x + y"), {x})
    assert not is_solvable(atom("3 is x + y"), set())
    assert not is_solvable(atom("x < y"), {x})
    assert is_solvable(atom("x < y"), {x, y})
    assert not is_solvable(atom("likes(x, A)"), {x})
    assert solve(atom("3 is 1 + 2")) == {}
    assert solve(atom("3 is 1 + 1")) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [("A < 3", "counts with A"), ("3 is A + 2", "counts with A"), ("x < 3", "cannot be decided"),
     ("likes(A, B)", "cannot be decided")],
)  # fmt: skip
def test_what_cannot_be_decided_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        holds(atom(text))
