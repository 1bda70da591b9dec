from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.logic.formulas import DEGREES

from neurallayers.errors import InvalidInput, UnknownName
from neurallayers.logic.semantics import Semantics, semantics_named

T_NORMS = ("product", "goedel", "lukasiewicz")
EVERY = (*T_NORMS, "cognitive")
quick = settings(deadline=None, derandomize=True, database=None, max_examples=30)

# Degrees that floats hold exactly, so that the tables of the textbook hold exactly too.
TABLES = {
    "product": {
        "conjunction": [(0.5, 0.5, 0.25), (0.75, 0.5, 0.375), (1.0, 0.25, 0.25), (0.0, 0.5, 0.0)],
        "disjunction": [(0.5, 0.5, 0.75), (0.75, 0.5, 0.875), (1.0, 0.25, 1.0), (0.0, 0.5, 0.5)],
        "implication": [(0.5, 0.25, 0.5), (0.25, 0.5, 1.0), (1.0, 0.25, 0.25), (0.0, 0.0, 1.0)],
        "equivalence": [(0.5, 0.25, 0.5), (0.5, 0.5, 1.0), (0.0, 0.5, 0.0)],
        "exclusion": [(0.5, 0.0, 0.5), (0.5, 0.5, 0.4375), (1.0, 0.0, 1.0), (1.0, 1.0, 0.0)],
    },
    "goedel": {
        "conjunction": [(0.5, 0.25, 0.25), (0.75, 0.5, 0.5), (1.0, 0.3, 0.3), (0.0, 0.5, 0.0)],
        "disjunction": [(0.5, 0.25, 0.5), (0.75, 0.5, 0.75), (1.0, 0.3, 1.0), (0.0, 0.3, 0.3)],
        "implication": [(0.5, 0.25, 0.25), (0.25, 0.5, 1.0), (0.3, 0.3, 1.0), (1.0, 0.0, 0.0)],
        "equivalence": [(0.5, 0.25, 0.25), (0.5, 0.5, 1.0), (0.0, 0.5, 0.0)],
        "exclusion": [(0.5, 0.25, 0.5), (0.25, 0.0, 0.25), (1.0, 0.0, 1.0), (1.0, 1.0, 0.0)],
    },
    "lukasiewicz": {
        "conjunction": [(0.5, 0.25, 0.0), (0.75, 0.5, 0.25), (1.0, 0.25, 0.25), (0.5, 0.5, 0.0)],
        "disjunction": [(0.5, 0.25, 0.75), (0.75, 0.5, 1.0), (0.0, 0.25, 0.25), (0.5, 0.5, 1.0)],
        "implication": [(0.5, 0.25, 0.75), (0.25, 0.5, 1.0), (1.0, 0.25, 0.25), (0.7, 0.7, 1.0)],
        "equivalence": [(0.5, 0.25, 0.75), (0.5, 0.5, 1.0), (1.0, 0.0, 0.0)],
        "exclusion": [(0.5, 0.25, 0.25), (0.5, 0.5, 0.0), (1.0, 0.0, 1.0)],
    },
}
ROWS = [
    (name, operation, *row)
    for name, operations in TABLES.items()
    for operation, rows in operations.items()
    for row in rows
]


@pytest.mark.parametrize(("name", "operation", "a", "b", "expected"), ROWS)
def test_the_tables_are_exact(
    name: str, operation: str, a: float, b: float, expected: float
) -> None:
    joined = getattr(semantics_named(name), operation)
    assert joined(a, b) == expected
    tensors = joined(torch.tensor([a], dtype=torch.float64), torch.tensor([b], dtype=torch.float64))
    assert tensors.tolist() == [expected]


@pytest.mark.parametrize("name", EVERY)
def test_at_true_and_false_every_semantics_is_classical_up_to_scale(name: str) -> None:
    semantics = semantics_named(name)
    full = semantics.conjunction(1.0, 1.0)
    for a in (0.0, 1.0):
        for b in (0.0, 1.0):
            assert semantics.conjunction(a, b) == full * (a and b)
            assert (semantics.disjunction(a, b) > 0.0) == bool(a or b)
            assert semantics.implication(a, b) == float(not a or bool(b))
    assert semantics.negation(0.0) == 1.0
    assert semantics.negation(1.0) == 0.0


@pytest.mark.parametrize("name", T_NORMS)
@quick
@given(a=DEGREES, b=DEGREES, c=DEGREES)
def test_the_laws_of_t_norms(name: str, a: float, b: float, c: float) -> None:
    semantics = semantics_named(name)
    conjoin, disjoin = semantics.conjunction, semantics.disjunction
    assert conjoin(a, b) == pytest.approx(conjoin(b, a), abs=1e-15)
    assert conjoin(a, conjoin(b, c)) == pytest.approx(conjoin(conjoin(a, b), c), abs=1e-12)
    assert conjoin(a, b, c) == pytest.approx(conjoin(conjoin(a, b), c), abs=1e-12)
    assert disjoin(a, b, c) == pytest.approx(disjoin(disjoin(a, b), c), abs=1e-12)
    assert conjoin(a, 1.0) == pytest.approx(a, abs=1e-15)
    assert disjoin(a, 0.0) == a
    assert conjoin(a, 0.0) == 0.0
    assert disjoin(a, 1.0) == 1.0
    # De Morgan, with the negation 1 - a.
    assert disjoin(a, b) == pytest.approx(1.0 - conjoin(1.0 - a, 1.0 - b), abs=1e-12)
    assert conjoin(min(a, c), b) <= conjoin(max(a, c), b) + 1e-15


@pytest.mark.parametrize("name", EVERY)
@quick
@given(a=DEGREES, b=DEGREES, c=DEGREES)
def test_implication_is_the_residuum_of_conjunction(
    name: str, a: float, b: float, c: float
) -> None:
    semantics = semantics_named(name)
    residuum = semantics.implication(a, c)
    if semantics.conjunction(a, b) <= c:
        assert b <= residuum + 1e-9
    if b <= residuum:
        assert semantics.conjunction(a, b) <= c + 1e-9
    assert semantics.residual_negation(a) == semantics.implication(a, 0.0)


@pytest.mark.parametrize("name", EVERY)
@quick
@given(whole=DEGREES, others=DEGREES, a=DEGREES)
def test_what_a_whole_says_of_its_parts_is_true_and_no_weaker_than_needed(
    name: str, whole: float, others: float, a: float
) -> None:
    semantics = semantics_named(name)
    cases = [
        (semantics.conjunction(a, others), semantics.conjunct_at_least, semantics.conjunct_at_most),
        (semantics.disjunction(a, others), semantics.disjunct_at_least, semantics.disjunct_at_most),
    ]
    for value, at_least, at_most in cases:
        if value >= whole:
            assert a >= at_least(whole, others) - 1e-9
        if value <= whole:
            assert a <= at_most(whole, others) + 1e-9
    if semantics.implication(a, others) >= whole:
        assert a <= semantics.premise_at_most(whole, others) + 1e-9
    if semantics.implication(others, a) >= whole:
        assert a >= semantics.conclusion_at_least(whole, others) - 1e-9
    if semantics.implication(a, others) <= whole < 1.0:
        assert a >= semantics.premise_at_least(whole, others) - 1e-9
    if semantics.implication(others, a) <= whole < 1.0:
        assert a <= semantics.conclusion_at_most(whole, others) + 1e-9


@pytest.mark.parametrize("name", EVERY)
@quick
@given(st.lists(st.tuples(DEGREES, st.floats(0.0, 3.0)), min_size=1, max_size=4))
def test_tensors_and_floats_agree(name: str, operands: list[tuple[float, float]]) -> None:
    semantics = semantics_named(name)
    degrees, weights = [a for a, _ in operands], [w for _, w in operands]
    tensors = [torch.tensor([a], dtype=torch.float64) for a in degrees]
    for chosen in (None, weights):
        for operation in ("conjunction", "disjunction"):
            join = getattr(semantics, operation)
            assert join(*tensors, weights=chosen).item() == pytest.approx(
                join(*degrees, weights=chosen), abs=1e-12
            )
    first, last = degrees[0], degrees[-1]
    for operation in ("implication", "equivalence", "exclusion", "conjunct_at_least",
                      "conclusion_at_most", "premise_at_least", "disjunct_at_most"):  # fmt: skip
        join = getattr(semantics, operation)
        assert join(tensors[0], tensors[-1]).item() == pytest.approx(join(first, last), abs=1e-12)


@pytest.mark.parametrize("name", T_NORMS)
@quick
@given(a=DEGREES, b=DEGREES)
def test_weight_one_changes_nothing_and_weight_zero_leaves_an_operand_out(
    name: str, a: float, b: float
) -> None:
    semantics = semantics_named(name)
    for join in (semantics.conjunction, semantics.disjunction):
        assert join(a, b, weights=[1.0, 1.0]) == pytest.approx(join(a, b), abs=1e-12)
        assert join(a, b, weights=[1.0, 0.0]) == pytest.approx(a, abs=1e-12)


def test_weighted_lukasiewicz_is_that_of_logical_neural_networks() -> None:
    # Equations 3 and 4 of Riegel et al. (2020) with bias 1, worked out by hand.
    lukasiewicz = semantics_named("lukasiewicz")
    assert lukasiewicz.conjunction(0.9, 0.6, weights=[2.0, 0.5]) == pytest.approx(0.6)
    assert lukasiewicz.disjunction(0.2, 0.4, weights=[2.0, 0.5]) == pytest.approx(0.6)
    assert lukasiewicz.conjunction(0.1, 0.1, weights=[2.0, 2.0]) == 0.0


@pytest.mark.parametrize("name", EVERY)
@quick
@given(whole=DEGREES, weight=st.floats(0.01, 3.0), a=DEGREES)
def test_a_weight_can_be_undone(name: str, whole: float, weight: float, a: float) -> None:
    semantics = semantics_named(name)
    weakened = semantics.weaken(a, weight)
    if weakened >= whole:
        assert a >= semantics.weakened_at_least(whole, weight) - 1e-7
    if weakened <= whole < 1.0:
        assert a <= semantics.weakened_at_most(whole, weight) + 1e-7


@pytest.mark.parametrize("name", EVERY)
def test_gradients_are_finite_at_the_corners(name: str) -> None:
    semantics = semantics_named(name)
    corners = torch.cartesian_prod(torch.tensor([0.0, 0.5, 1.0]), torch.tensor([0.0, 0.5, 1.0]))
    for operation in ("conjunction", "disjunction", "implication", "equivalence"):
        degrees = corners.double().requires_grad_()
        weights = torch.ones(2, dtype=torch.float64, requires_grad=True)
        join = getattr(semantics, operation)
        if operation in {"conjunction", "disjunction"}:
            value = join(degrees[:, 0], degrees[:, 1], weights=[weights[0], weights[1]])
        else:
            value = join(degrees[:, 0], degrees[:, 1])
        value.sum().backward()
        assert degrees.grad is not None
        assert torch.isfinite(degrees.grad).all()
        assert weights.grad is None or torch.isfinite(weights.grad).all()


def test_semantics_are_found_by_name_with_or_without_accents() -> None:
    assert semantics_named("Gödel").name == "goedel"
    assert semantics_named("Łukasiewicz").name == "lukasiewicz"
    own = semantics_named("product")
    assert semantics_named(own) is own
    assert isinstance(own, Semantics)
    with pytest.raises(UnknownName, match="Did you mean 'lukasiewicz'"):
        semantics_named("lukasiewics")


def test_of_nothing_everything_holds_and_nothing_does() -> None:
    semantics = semantics_named("product")
    assert (semantics.conjunction(), semantics.disjunction()) == (1.0, 0.0)


def test_each_operand_has_a_weight() -> None:
    with pytest.raises(InvalidInput, match="1 weights for 2 degrees"):
        semantics_named("goedel").conjunction(0.5, 0.5, weights=[1.0])
