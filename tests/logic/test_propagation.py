from __future__ import annotations

import itertools
import random

import pytest

from neurallayers.logic.knowledge import KnowledgeBase
from neurallayers.logic.semantics import semantics_named
from neurallayers.logic.syntax import parse_formula
from neurallayers.logic.terms import And, Atom, Formula, Iff, Implies, Not, Or, Xor

SEMANTICS = ("product", "goedel", "lukasiewicz")


def random_formula(drawn: random.Random, names: list[str], depth: int = 2) -> str:
    if depth == 0 or drawn.random() < 0.35:
        return drawn.choice(["", "", "!"]) + drawn.choice(names)
    operator = drawn.choice(["&", "|", "->", "<->", "xor", "&", "|"])
    left, right = (random_formula(drawn, names, depth - 1) for _ in range(2))
    return f"({left} {operator} {right})"


def degree(formula: Formula, world: dict[str, float], name: str) -> float:
    """The degree of a propositional formula in one world, by recursion."""
    semantics = semantics_named(name)
    if isinstance(formula, Atom):
        return world[formula.predicate]
    match formula:
        case Not(operand):
            return 1.0 - degree(operand, world, name)
        case And(operands):
            return float(semantics.conjunction(*(degree(o, world, name) for o in operands)))
        case Or(operands):
            return float(semantics.disjunction(*(degree(o, world, name) for o in operands)))
        case Implies(left, right):
            return float(semantics.implication(*(degree(o, world, name) for o in (left, right))))
        case Iff(left, right):
            return float(semantics.equivalence(*(degree(o, world, name) for o in (left, right))))
        case Xor(left, right):
            return float(semantics.exclusion(*(degree(o, world, name) for o in (left, right))))
    raise AssertionError(formula)


@pytest.mark.parametrize("name", SEMANTICS)
def test_no_world_in_which_all_statements_hold_is_excluded(name: str) -> None:
    """Bounds against every world of a grid of degrees, by brute force over random programs."""
    drawn = random.Random(f"{name} worlds")
    names, steps = ["a", "b", "c", "d"], [0.0, 0.25, 0.5, 0.75, 1.0]
    admitted = 0
    for _ in range(50):
        weights = [drawn.choice([0.5, 0.75, 1.0]) for _ in range(3)]
        formulas = [parse_formula(random_formula(drawn, names)) for _ in weights]
        # Each formula is asserted as the conclusion of what is always true.
        text = "\n".join(f"{w} :: true -> {f}" for w, f in zip(weights, formulas, strict=True))
        conclusions = KnowledgeBase(text, semantics=name, observed=names).infer({"a": 0.75})
        for degrees in itertools.product(steps, repeat=len(names)):
            world = dict(zip(names, degrees, strict=True))
            holds = all(degree(f, world, name) >= w for f, w in zip(formulas, weights, strict=True))
            if holds and world["a"] == 0.75:
                admitted += 1
                for atom, bounds in conclusions.items():
                    value = world[atom.predicate]
                    assert bounds.lower - 1e-8 <= value <= bounds.upper + 1e-8
    assert admitted > 100


@pytest.mark.parametrize("name", SEMANTICS)
def test_definite_rules_give_their_least_model(name: str) -> None:
    """At degrees 0 and 1 a closed world of Horn rules is the least set closed under the rules."""
    drawn = random.Random(f"{name} horn")
    names = [f"p{number}" for number in range(12)]
    for _ in range(10):
        rules = [(drawn.choice(names), drawn.sample(names, drawn.randint(1, 3))) for _ in range(20)]
        facts = drawn.sample(names, 2)
        model = set(facts)
        while more := {h for h, body in rules if model.issuperset(body)} - model:
            model |= more
        text = "\n".join([f"{h} <- {' & '.join(body)}" for h, body in rules] + facts)
        conclusions = KnowledgeBase(text, semantics=name, world="closed").infer()
        assert conclusions.complete
        for atom, bounds in conclusions.items():
            expected = float(atom.predicate in model)
            assert (bounds.lower, bounds.upper) == (expected, expected)


def well_founded(
    rules: list[tuple[str, list[str], list[str]]], names: list[str]
) -> tuple[set[str], set[str]]:
    """True atoms and possible atoms, by the alternating fixed point of Van Gelder (1993)."""

    def least(assumed: set[str]) -> set[str]:
        model: set[str] = set()
        while True:
            more = {
                head
                for head, positive, negative in rules
                if model.issuperset(positive) and assumed.isdisjoint(negative)
            }
            if more <= model:
                return model
            model |= more

    true: set[str] = set()
    while True:
        possible = least(true)
        following = least(possible)
        if following == true:
            return true, possible
        true = following


def test_negation_in_a_closed_world_is_well_founded() -> None:
    drawn = random.Random("well founded")
    names = [f"p{number}" for number in range(8)]
    undefined = 0
    for _ in range(40):
        rules = []
        for _ in range(12):
            body = drawn.sample(names, drawn.randint(0, 3))
            cut = drawn.randint(0, len(body))
            rules.append((drawn.choice(names), body[:cut], body[cut:]))
        true, possible = well_founded(rules, names)
        text = "\n".join(
            f"{head} <- {' & '.join([*positive, *(f'!{n}' for n in negative)]) or 'true'}"
            for head, positive, negative in rules
        )
        # Upwards only: the well-founded semantics does not reason from conclusions to premises.
        conclusions = KnowledgeBase(
            text, semantics="goedel", world="closed", backward=False
        ).infer()
        for name in names:
            if any(atom.predicate == name for atom in conclusions.knowledge.atoms):
                bounds = conclusions.bounds(name)
                assert (bounds.lower, bounds.upper) == (
                    float(name in true),
                    float(name in possible),
                )
                undefined += name in possible - true
    assert undefined > 5


def test_what_is_proved_does_not_depend_on_the_order_of_the_statements() -> None:
    drawn = random.Random("order")
    names = ["a", "b", "c", "d", "e"]
    for _ in range(20):
        lines = [f"0.9 :: {drawn.choice(names)} <- {random_formula(drawn, names)}" for _ in "1234"]
        shuffled = drawn.sample(lines, len(lines))
        first, second = (
            KnowledgeBase("\n".join(each), semantics="goedel", observed=names).infer({"a": 0.7})
            for each in (lines, shuffled)
        )
        if not first.contradicted and not second.contradicted:
            assert dict(first.items()) == dict(second.items())


def test_a_circle_that_creeps_is_stopped_and_says_so() -> None:
    # Each round lifts a by 0.001 of what it lacks of 1: a -> b, b and a half-truth -> a.
    text = "b <- a\na <- b | c"
    knowledge = KnowledgeBase(text, semantics="lukasiewicz", most_steps=20)
    conclusions = knowledge.infer({"c": (0.001, 1.0)})
    assert not conclusions.complete
    assert 0.0 < conclusions.bounds("a").lower < 1.0
    patient = KnowledgeBase(text, semantics="lukasiewicz").infer({"c": (0.01, 1.0)})
    assert patient.complete
    assert patient.bounds("a").lower == pytest.approx(1.0)


def test_long_chains_take_one_step_for_each_rule() -> None:
    count = 500
    text = "\n".join(f"a{n + 1} <- a{n}" for n in reversed(range(count)))
    conclusions = KnowledgeBase(text, semantics="product").infer({"a0": 0.5})
    assert conclusions.bounds(f"a{count}").lower == 0.5
    assert conclusions.steps <= 6 * count


def test_forward_inference_alone_draws_no_inverse_conclusions() -> None:
    text = "wet <- rain\nforall x: p(x)\np(A)"
    both = KnowledgeBase(text).infer({"wet": 0.25})
    forward = KnowledgeBase(text, backward=False).infer({"wet": 0.25})
    assert both.bounds("rain").upper == 0.25
    assert forward.bounds("rain").upper == 1.0
    assert forward.bounds("p(A)").lower == 1.0
    assert KnowledgeBase("!dry <- rain", backward=False).infer({"rain": 1}).bounds("dry").upper == 0
