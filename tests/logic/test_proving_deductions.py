from __future__ import annotations

from neurallayers.logic.proving_deductions import Proof
from neurallayers.logic.proving_forward import derive
from neurallayers.logic.syntax import parse_program
from neurallayers.logic.terms import Atom

PROGRAM = "r1: b <- a. r2: c <- a & b. r3: d <- c & b. a"


def proof_of(name: str, program: str = PROGRAM) -> Proof:
    found = derive(parse_program(program)).proof(Atom(name))
    assert found is not None
    return found


def test_every_step_stands_once_after_its_premises() -> None:
    proof = proof_of("d")
    assert [str(step.conclusion) for step in proof.steps] == ["a", "b", "c", "d"]
    assert [rule.label for rule in proof.rules] == ["a", "r1", "r2", "r3"]
    assert proof.depth == 3
    assert proof.conclusion == Atom("d")


def test_a_proof_in_words_and_as_json() -> None:
    assert proof_of("c").words() == (
        "1. a is given.\n2. b follows from 1 by r1.\n3. c follows from 1 and 2 by r2."
    )
    assert proof_of("c").words(lambda literal: f"<{literal}>").startswith("1. <a> is given.")
    assert proof_of("b").to_dict() == [
        {"step": 1, "conclusion": "a", "kind": "given", "rule": None, "premises": []},
        {"step": 2, "conclusion": "b", "kind": "derived", "rule": "r1", "premises": [1]},
    ]


def test_a_proof_that_shares_steps_does_not_grow_with_its_tree() -> None:
    # As a tree, this proof has 2 to the power of 60 leaves.
    lines = [f"a{i + 1} <- a{i} & b{i}. b{i + 1} <- a{i} & b{i}" for i in range(60)]
    proof = proof_of("a60", "\n".join([*lines, "a0. b0"]))
    assert proof.depth == 60
    assert len(proof.steps) == 1 + 2 * 60
