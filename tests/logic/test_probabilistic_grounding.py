"""Which instances of clauses there are."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.errors import InvalidInput
from neurallayers.logic.probabilistic_clauses import ClauseReader
from neurallayers.logic.probabilistic_grounding import Instance, atom_of, ground, key_of
from neurallayers.logic.syntax import parse_program
from neurallayers.logic.terms import Atom, Constant


def grounded(text: str, *wanted: tuple[str, int]) -> tuple[set[str], list[Instance]]:
    reader = ClauseReader()
    reader.read(parse_program(text))
    atoms, found = ground(reader.clauses, wanted)
    return {str(atom_of(key)) for key in atoms}, found


@settings(deadline=None, derandomize=True, database=None, max_examples=40)
@given(st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_a_transitive_closure_is_found(edges: set[tuple[int, int]]) -> None:
    lines = [f"edge({a}, {b})" for a, b in sorted(edges)]
    rules = ["path(x, y) <- edge(x, y)", "path(x, z) <- path(x, y) & path(y, z)"]
    atoms, _ = grounded("\n".join([*lines, *rules]), ("path", 2))
    closure = set(edges)
    for middle, start, end in itertools.product(range(6), repeat=3):
        if (start, middle) in closure and (middle, end) in closure:
            closure.add((start, end))
    assert {a for a in atoms if a.startswith("path")} == {f"path({a}, {b})" for a, b in closure}


def test_only_what_matters_is_made() -> None:
    atoms, _ = grounded("a(X). b(x) <- a(x). c(x) <- a(x)", ("b", 1))
    assert atoms == {"a(X)", "b(X)"}


def test_predicates_of_one_name_differ_by_their_terms() -> None:
    atoms, _ = grounded("p(A). p(A, B). q(x) <- p(x). r(x, y) <- p(x, y)", ("q", 1), ("r", 2))
    assert atoms == {"p(A)", "p(A, B)", "q(A)", "r(A, B)"}


def test_a_number_is_not_its_digits() -> None:
    atoms, _ = grounded('p(1). p("1"). q(x) <- p(x) & x = 1', ("q", 1))
    assert "q(1)" in atoms
    assert 'q("1")' not in atoms


def test_instances_share_a_choice_where_only_quantified_variables_differ() -> None:
    text = "p(A). p(B). 0.5 :: some <- exists x: p(x)\n0.5 :: each <- p(x)"
    _, found = grounded(text, ("some", 0), ("each", 0))
    some = {i.binding for i in found if i.heads == (("some", ()),)}
    each = {i.binding for i in found if i.heads == (("each", ()),)}
    assert some == {()}
    assert each == {(("x", "A"),), (("x", "B"),)}


def test_joins_use_what_is_bound() -> None:
    facts = "\n".join(f"r({i}, {i + 1})" for i in range(300))
    _, found = grounded(facts + "\ns(x, z) <- r(x, y) & r(y, z)", ("s", 2))
    assert sum(instance.heads[0][0] == "s" for instance in found) == 299


def test_a_limit_stops_the_rounds() -> None:
    reader = ClauseReader()
    reader.read(parse_program("n(0). n(y) <- n(x) & y is x + 1"))
    with pytest.raises(InvalidInput, match="more than 100 ground instances"):
        ground(reader.clauses, [("n", 1)], instances_at_most=100)


def test_keys_and_atoms() -> None:
    atom = Atom("p", (Constant("A"), Constant(3)))
    assert atom_of(key_of(atom)) == atom
