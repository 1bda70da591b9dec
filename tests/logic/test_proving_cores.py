from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.logic.proving_cores import check_theory, is_minimal, minimal_cores, shrink
from neurallayers.logic.proving_smt import SmtTheory, Solver

pytest.importorskip("z3", reason="the extra logic is not installed")

CLAUSES = st.lists(
    st.sets(st.integers(1, 4).flatmap(lambda v: st.sampled_from([v, -v])), min_size=1, max_size=3),
    min_size=1,
    max_size=7,
)


def theory_of(clauses: list[set[int]]) -> SmtTheory:
    parts = [
        f"(or {' '.join(f'v{each}' if each > 0 else f'(not v{-each})' for each in sorted(clause))})"
        for clause in clauses
    ]
    highest = max(abs(each) for clause in clauses for each in clause)
    return SmtTheory(
        parts, "\n".join(f"(declare-const v{i} Bool)" for i in range(1, highest + 1)), logic="QF_FD"
    )


def holds(clauses: list[set[int]]) -> bool:
    return any(
        all(any(values[abs(each) - 1] == (each > 0) for each in clause) for clause in clauses)
        for values in itertools.product((False, True), repeat=4)
    )


def every_minimal(clauses: list[set[int]]) -> set[frozenset[int]]:
    """By the definition: no subset of a smaller size is inside."""
    found: list[frozenset[int]] = []
    for size in range(1, len(clauses) + 1):
        for chosen in itertools.combinations(range(len(clauses)), size):
            inside = any(each <= set(chosen) for each in found)
            if not inside and not holds([clauses[i] for i in chosen]):
                found.append(frozenset(chosen))
    return set(found)


@settings(deadline=None, derandomize=True, database=None, max_examples=60)
@given(CLAUSES)
def test_all_minimal_cores_are_found_and_nothing_else(clauses: list[set[int]]) -> None:
    theory = theory_of(clauses)
    found = [(frozenset(core), exact) for core, exact in minimal_cores(Solver(theory))]
    assert all(exact for _, exact in found)
    assert len(found) == len(set(found))
    assert {core for core, _ in found} == every_minimal(clauses)
    answer, solver, core = check_theory(theory)
    assert answer is holds(clauses)
    if not answer:
        small, exact = shrink(solver, core)
        assert exact
        assert frozenset(small) in every_minimal(clauses)
        assert is_minimal(solver, small)


def test_many_parts_are_first_looked_at_in_blocks() -> None:
    # A chain of implications among a thousand others, spread over the whole.
    clauses = [{i + 10} for i in range(1000)]
    for place, clause in zip(
        (3, 250, 251, 700, 999), ({1}, {-1, 2}, {-2, 3}, {-3, 4}, {-4}), strict=True
    ):
        clauses[place] = clause
    answer, solver, core = check_theory(theory_of(clauses))
    assert answer is False
    assert len(solver) < 500
    assert shrink(solver, core) == ([3, 250, 251, 700, 999], True)
    held, _, nothing = check_theory(theory_of(clauses[:999]))
    assert held is True
    assert nothing == []


def test_minimal_is_what_the_definition_says() -> None:
    solver = Solver(theory_of([{1}, {-1}, {2}]))
    assert is_minimal(solver, [0, 1])
    assert not is_minimal(solver, [0, 1, 2])
    assert not is_minimal(solver, [0, 2])
