from __future__ import annotations

import pytest

from neurallayers.errors import InvalidInput, UnknownName
from neurallayers.logic.conflicts_ground import Domain, RuleShape, is_universal, shape_of
from neurallayers.logic.proving_smt import Vocabulary
from neurallayers.logic.syntax import parse_formula, parse_program
from neurallayers.logic.terms import Constant, Variable, atoms

ANN, BOB, REX = map(Constant, ("Ann", "Bob", "Rex"))


def test_instances_name_every_thing_in_every_place() -> None:
    shape = shape_of(parse_formula("likes(x, y) -> !hates(x, y)"))
    domain = Domain([ANN, BOB])
    vocabulary = Vocabulary(propositional=True)
    texts = list(shape.texts(domain, vocabulary))
    assert shape.instances(domain) == len(texts) == 4
    assert texts[0] == "(=> a0 (not a1))"
    assert len(set(texts)) == 4
    assert ("likes", (ANN, BOB)) in vocabulary.atoms


def test_comparisons_are_decided_where_they_stand() -> None:
    shape = shape_of(parse_formula("p(x) & x != Ann"))
    vocabulary = Vocabulary(propositional=True)
    assert list(shape.texts(Domain([ANN, BOB]), vocabulary)) == ["(and a0 false)", "(and a1 true)"]


def test_quantifiers_inside_are_written_out() -> None:
    formula = parse_formula("!(exists y: likes(x, y))")
    assert shape_of(formula).quantified
    written = shape_of(formula, Domain([ANN, BOB]))
    assert [str(atom) for atom in written.atoms] == ["likes(x, Ann)", "likes(x, Bob)"]
    assert str(Domain([ANN]).written_out(parse_formula("forall x: p(x)"))) == "p(Ann)"


def test_declarations_limit_variables() -> None:
    program = parse_program(
        "domain person: ann, bob\ndomain pet: rex\n"
        "predicate owns(person, pet)\nowns(x, y) <- p(x, y)"
    )
    domain = Domain.of_program(program)
    rule = program.rules[0]
    inside = [*atoms(rule.head)]
    assert domain.of(Variable("y"), inside) == (Constant("rex"),)
    assert len(domain.of(Variable("x"), inside)) == 2
    with pytest.raises(UnknownName, match="no domain 'animal'"):
        Domain([ANN], {}, {"owns": ("animal", "animal")}).of(Variable("x"), inside)


@pytest.mark.parametrize(
    ("text", "universal"),
    [
        ("p(x) -> q(x)", True),
        ("forall x: p(x) -> q(x)", True),
        ("(exists x: p(x)) -> rain", True),
        ("forall x: exists y: likes(x, y)", False),
        ("!(forall x: p(x))", False),
        ("rain <-> (forall x: p(x))", False),
        ("rain xor snow", True),
    ],
)
def test_what_says_that_there_is_something_is_not_universal(text: str, universal: bool) -> None:
    assert is_universal(parse_formula(text)) is universal


def test_too_many_instances_are_refused_before_they_are_made() -> None:
    many = Domain([Constant(i) for i in range(100)])
    with pytest.raises(InvalidInput, match="more than"):
        next(shape_of(parse_formula("f(x, y, z)")).texts(many, Vocabulary(propositional=True)))
    with pytest.raises(InvalidInput, match="more than"):
        many.written_out(parse_formula("forall x, y, z: f(x, y, z)"))


def test_a_rule_shares_its_variables_between_body_and_head() -> None:
    shape = RuleShape.of(parse_formula("q(x, y)"), parse_formula("!p(y)"), Domain([ANN, REX]))
    assert not shape.positive
    assert shape.of_body == 1
    keys = list(shape.whole.keys(Domain([ANN, REX])))
    assert keys[1] == (("q", (ANN, REX)), ("p", (REX,)))
    vocabulary = Vocabulary(propositional=True)
    assert shape.whole.text(keys[1], vocabulary) == "(=> a0 (not a1))"
    assert shape.body.text(keys[1], vocabulary) == "a0"
