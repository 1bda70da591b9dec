from __future__ import annotations

import json
import random

import pytest
from tests.logic.test_propagation import random_formula

from neurallayers.logic.intervals import Connective
from neurallayers.logic.knowledge import KnowledgeBase
from neurallayers.logic.proofs import Proof

ZOO = """
parity: even(x) <- digit(x, 2) | digit(x, 4)
odd: !even(x) <- odd(x)
small: 0.9 :: small(x) <- digit(x, 2) & !digit(x, 9)
seen: odd(Other)
"""


@pytest.fixture(scope="module")
def knowledge() -> KnowledgeBase:
    return KnowledgeBase(ZOO, constants=["Img"])


def test_a_conclusion_is_told_with_its_rule_and_premises(knowledge: KnowledgeBase) -> None:
    proof = knowledge.infer({"digit(Img, 4)": 0.93}).proof("even(Img)")
    assert str(proof) == (
        "even(Img) is at least 0.93, by rule parity: even(Img) <- digit(Img, 2) | digit(Img, 4)\n"
        "  because digit(Img, 4) is 0.93 (given)"
    )
    assert proof.rules() == ("parity",)
    assert [str(each) for each in proof.given()] == ["digit(Img, 4)"]
    assert proof.depth == 1


def test_a_weight_and_a_negation_are_told(knowledge: KnowledgeBase) -> None:
    conclusions = knowledge.infer({"digit(Img, 2)": 1.0, "digit(Img, 9)": 0.25})
    proof = conclusions.proof("small(Img)")
    assert proof.bounds.lower == pytest.approx(0.65)
    assert "0.9 :: small(Img) <- digit(Img, 2) & !digit(Img, 9)" in str(proof)
    assert "because digit(Img, 9) is 0.25 (given)" in str(proof)


def test_facts_and_negative_conclusions_are_told(knowledge: KnowledgeBase) -> None:
    proof = knowledge.infer().proof("even(Other)")
    assert str(proof) == (
        "even(Other) is false, by rule odd: !even(Other) <- odd(Other)\n"
        "  because odd(Other) is true (fact seen)"
    )


def test_a_contradiction_names_all_that_takes_part(knowledge: KnowledgeBase) -> None:
    conclusions = knowledge.infer({"digit(Img, 4)": 0.9, "odd(Img)": 0.8})
    (clash,) = conclusions.contradictions
    assert str(clash.formula) == "even(Img)"
    assert clash.rules == ("parity", "odd")
    assert [str(each) for each in clash.given] == ["digit(Img, 4)", "odd(Img)"]
    assert "even(Img) is contradicted by parity, odd" in str(clash)
    assert clash.bounds.contradiction == pytest.approx(0.7)
    # It stays where it is.
    assert [str(atom) for atom in conclusions.contradicted] == ["even(Img)"]
    assert json.loads(json.dumps(clash.to_dict()))["rules"] == ["parity", "odd"]


def test_what_nobody_said_is_unknown(knowledge: KnowledgeBase) -> None:
    proof = knowledge.infer().proof("small(Img)")
    assert (proof.kind, proof.degree, proof.premises) == ("unknown", "unknown", ())


def test_a_closed_world_says_what_support_there_was() -> None:
    text = "happy(x) <- rich(x)\nhappy(x) <- loved(x)\nrich(Ann)\n0.4 :: loved(Bob)"
    conclusions = KnowledgeBase(text, semantics="goedel", world="closed").infer()
    proof = conclusions.proof("happy(Bob)")
    assert proof.bounds.upper == 0.4
    assert "closed world" in str(proof)
    assert "loved(Bob)" in str(proof)
    assert conclusions.proof("rich(Bob)").kind == "closed world"


def test_a_formula_is_proved_by_its_atoms(knowledge: KnowledgeBase) -> None:
    conclusions = knowledge.infer({"digit(Img, 4)": 0.9})
    proof = conclusions.proof("even(Img) & digit(Img, 4)")
    assert proof.bounds == conclusions.bounds("even(Img) & digit(Img, 4)")
    assert [str(premise.conclusion) for premise in proof.premises] == ["even(Img)", "digit(Img, 4)"]


def test_shared_and_deep_proofs_stay_small() -> None:
    """Each level uses the one below twice: as a tree it would have 2 ** 300 leaves."""
    depth = 300
    text = "\n".join(f"a{n + 1} <- a{n} & b{n}\nb{n + 1} <- a{n} & b{n}" for n in range(depth))
    conclusions = KnowledgeBase(text, semantics="goedel").infer({"a0": 1.0, "b0": 0.9})
    proof = conclusions.proof(f"a{depth}")
    assert proof.depth == depth
    assert len(list(proof)) <= 2 * depth + 4
    assert len(str(proof).split("\n")) < 5 * depth
    assert json.dumps(flattened(proof.to_dict()))
    assert len(proof.rules()) == 2 * depth - 1


def flattened(data: dict[str, object]) -> list[object]:
    found, waiting = [], [data]
    while waiting:
        current = waiting.pop()
        found.append(current["conclusion"])
        waiting.extend(current.get("premises", ()))  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("semantics", ["product", "goedel", "lukasiewicz"])
def test_every_proof_is_enough_to_prove_its_conclusion_again(semantics: str) -> None:
    """What a proof names, alone and nothing else, gives the same bound or a better one."""
    drawn = random.Random(f"{semantics} proofs")
    names = ["a", "b", "c", "d", "e", "f"]
    proved = 0
    for _ in range(60):
        lines = [
            f"r{number}: 0.9 :: {drawn.choice(names)} <- {random_formula(drawn, names, 1)}"
            for number in range(5)
        ]
        lines.append(f"s: true -> {random_formula(drawn, names)}")
        given = {name: round(drawn.random(), 2) for name in drawn.sample(names, 2)}
        whole = KnowledgeBase("\n".join(lines), semantics=semantics, observed=names).infer(given)
        if whole.contradicted:
            continue
        for atom, bounds in whole.items():
            proof = whole.proof(atom)
            used = [line for line in lines if line.split(":")[0] in proof.rules()]
            observed = {str(atom): given[str(atom)] for atom in proof.given()}
            again = KnowledgeBase("\n".join(used), semantics=semantics, observed=names)
            found = again.infer(observed).bounds(atom)
            assert found.lower >= bounds.lower - 1e-7
            assert found.upper <= bounds.upper + 1e-7
            proved += proof.depth > 0
    assert proved > 20


def test_every_connective_can_be_explained() -> None:
    text = """
    either: 0.9 :: a xor b
    same: c <-> d
    all: forall x: p(x) & q(x)
    some: exists x: r(x)
    impossible: !(e & f)
    last: g | h
    p(A)
    r2: !r(B)
    """
    conclusions = KnowledgeBase(text).infer({"a": 0.0, "c": 0.75, "e": 1.0, "g": 0.0})
    told = {
        str(atom): str(conclusions.proof(atom)) for atom in ("b", "d", "q(A)", "r(A)", "f", "h")
        for atom in [conclusions.knowledge.read(atom)]
    }  # fmt: skip
    assert told["b"].startswith("b is at least 0.9, by rule either")
    assert "because a is false (given)" in told["b"]
    assert "by rule same" in told["d"]
    assert "because c is 0.75 (given)" in told["d"]
    assert "all" in told["q(A)"]
    assert "by rule some" in told["r(A)"]
    assert "because r(B) is false" in told["r(A)"]
    assert told["f"].startswith("f is false, by rule impossible")
    assert told["h"].startswith("h is true, by rule last")
    assert len(Connective) == 8


def test_bounds_are_told_in_words() -> None:
    from neurallayers.logic.syntax import parse_formula
    from neurallayers.logic.truth import Bounds

    rain = parse_formula("rain")
    said = {
        (0.0, 0.0): "false", (1.0, 1.0): "true", (0.5, 0.5): "0.5", (0.0, 1.0): "unknown",
        (0.2, 1.0): "at least 0.2", (0.0, 0.7): "at most 0.7",
        (0.2, 0.7): "at least 0.2 and at most 0.7",
        (0.9, 0.1): "at least 0.9 and at most 0.1, which is a contradiction",
    }  # fmt: skip
    for bounds, words in said.items():
        assert Proof(rain, Bounds(*bounds), "given").degree == words
