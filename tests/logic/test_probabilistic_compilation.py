"""Ground programs as diagrams, loops included."""

from __future__ import annotations

import pytest

from neurallayers.errors import InvalidInput
from neurallayers.logic.diagrams import FALSE, TRUE
from neurallayers.logic.probabilistic_clauses import ClauseReader
from neurallayers.logic.probabilistic_compilation import Compiler
from neurallayers.logic.probabilistic_grounding import ground, key_of
from neurallayers.logic.syntax import parse_program
from neurallayers.logic.terms import Atom


def compiled(text: str, *names: str) -> Compiler:
    reader = ClauseReader()
    reader.read(parse_program(text))
    _, instances = ground(reader.clauses, [(name, 0) for name in names])
    return Compiler(reader.clauses, instances, [key_of(Atom(name)) for name in names])


def test_certain_and_impossible_atoms_are_the_ends() -> None:
    compiler = compiled("a. b <- !c. d <- a & !a", "a", "b", "c", "d")
    nodes = [compiler.node(key_of(Atom(name))) for name in "abcd"]
    assert nodes == [TRUE, TRUE, FALSE, FALSE]
    assert compiler.choices == []


def test_a_loop_has_its_least_fixed_point() -> None:
    compiler = compiled("0.5 :: s. a <- b. b <- a. b <- s. c <- d. d <- c", "a", "b", "c", "s")
    a, b, c, s = (compiler.node(key_of(Atom(name))) for name in "abcs")
    assert a == b == s
    assert c == FALSE


def test_choices_say_what_they_choose_from() -> None:
    compiler = compiled("0.2 :: r ; 0.8 :: b\n0.3 :: f\nq <- r & f", "q", "b")
    by_size = {choice.heads: choice for choice in compiler.choices}
    colour, fact = by_size[Atom("r"), Atom("b")], by_size[(Atom("f"),)]
    assert (colour.size, colour.has_none, colour.distribution) == (2, False, (0.2, 0.8))
    assert (fact.size, fact.has_none) == (2, True)
    assert fact.distribution == pytest.approx((0.3, 0.7))


def test_negation_in_a_loop_is_refused_only_where_it_is_one() -> None:
    with pytest.raises(InvalidInput, match="depends on its own negation"):
        compiled("a <- !b. b <- c. c <- a", "a")
    reader = ClauseReader()
    # By names the rule contradicts itself, by atoms it does not: positions of a game.
    reader.read(parse_program("move(1, 2). move(2, 3). win(x) <- move(x, y) & !win(y)"))
    atoms, instances = ground(reader.clauses, [("win", 1)])
    compiler = Compiler(reader.clauses, instances, list(atoms))
    assert compiler.node(("win", (2,))) == TRUE
    assert compiler.node(("win", (1,))) == FALSE
