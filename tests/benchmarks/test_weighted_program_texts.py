"""Programs for the comparison with ProbLog, and how they are translated."""

from __future__ import annotations

import itertools
import random

import pytest
from benchmarks.weighted_program_texts import BLOOD, CLASSICS, as_problog, random_program

from neurallayers.logic.probabilistic import marginals
from neurallayers.logic.syntax import parse_program

GENES = {"A": 0.27, "B": 0.06, "O": 0.67}


def blood_type(pair: tuple[str, str]) -> str:
    """What two genes come to."""
    return "".join(sorted(set(pair) - {"O"})) or "O"


def test_blood_types_are_those_of_mendel() -> None:
    """Three generations by going through all genes; ProbLog gives this program up."""
    pairs = list(itertools.product(GENES, repeat=2))
    eve = dict.fromkeys(("A", "B", "AB", "O"), 0.0)
    for ann, bob, carl in itertools.product(pairs, repeat=3):
        if blood_type(bob) != "O":
            continue
        chance = 1.0
        for gene in (*ann, *bob, *carl):
            chance *= GENES[gene]
        for dora in itertools.product(ann, bob):
            if blood_type(dora) == "A":
                for child in itertools.product(dora, carl):
                    eve[blood_type(child)] += chance / 16
    total = sum(eve.values())
    found = marginals(BLOOD)
    for kind, chance in eve.items():
        assert found[f"blood(Eve, {kind})"] == pytest.approx(chance / total)


def test_a_program_is_translated() -> None:
    text = """
    0.3 :: a(Anna) ; 0.2 :: b(1)
    0.5 :: c(x) <- a(x) & !b(y) & d(y) & (a(x) | x != Anna)
    z(n) <- b(m) & n is m + 1 & m < 3
    evidence !a(Anna)
    query z(n)
    """
    assert as_problog(text).splitlines() == [
        "0.5::c(V_x) :- (a(V_x), \\+(b(V_y)), d(V_y), (a(V_x); V_x \\= 'Anna')).",
        "z(V_n) :- (b(V_m), V_n is V_m + 1, V_m < 3).",
        "0.3::a('Anna'); 0.2::b(1).",
        "d('none') :- fail.",
        "evidence(\\+(a('Anna'))).",
        "query(z(V_n)).",
    ]


def test_random_programs_are_the_same_in_every_process() -> None:
    first, again = (random_program(random.Random(3)) for _ in range(2))
    assert first == again
    assert parse_program(first).queries
    assert all(parse_program(text).queries for text in CLASSICS.values())
