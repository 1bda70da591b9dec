"""Weighted rules and worlds of relational learning: Markov logic files, smokers and friends.

An ``.mln`` file declares predicates and lists weighted formulas, a ``.db`` file the facts of a
world (the formats of Alchemy and pracmln). Of the syntax, what these share is read: ``!``, ``^``,
``v``, ``=>``, ``<=>``, a weight before a formula or a full stop after a hard one, ``//`` comments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from neurallayers.data.folders import find_file
from neurallayers.errors import DataUnavailable, LogicSyntaxError
from neurallayers.logic.rules import Axiom, Program
from neurallayers.logic.syntax import parse_formula
from neurallayers.logic.terms import Atom, Literal, Not

_DECLARATION = re.compile(r"(\w+)\s*\(\s*([a-z]\w*!?(?:\s*,\s*[a-z]\w*!?)*)\s*\)\Z")
_WEIGHTED = re.compile(r"([-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)\s+(.+)\Z")
_SIGNS = (("<=>", "<->"), ("=>", "->"), ("^", "&"))


@dataclass(frozen=True)
class RelationalData:
    """Formulas and two worlds: one to learn weights from, one to predict.

    Attributes:
        program: Declarations and weighted formulas, for
            :class:`~neurallayers.logic.markov.MarkovLogicNetwork`.
        train: What holds in the world to learn from.
        test: What is known of the other world.
        published_weights: Weights that its authors report to have learned, formula by formula.
        source: Who made it.
        licence: Under which licence.
    """

    program: Program
    train: tuple[Literal, ...]
    test: tuple[Literal, ...]
    published_weights: tuple[float, ...]
    source: str
    licence: str


def load_smokers(folder: str | Path | None = None) -> RelationalData:
    """Smokers and friends: two rules, a world of eight people and one of six.

    Args:
        folder: Where ``smoking.mln`` is; otherwise ``$NEURALLAYERS_DATA/smokers_mln``,
            ``../shared/data/smokers_mln`` or the cache.

    Raises:
        DataUnavailable: If a file is nowhere or cannot be read.
    """
    program, train, test = (
        find_file("smokers_mln", name, folder)
        for name in ("smoking.mln", "smoking-train.db", "smoking-test.db")
    )
    return RelationalData(
        program=read_mln(program),
        train=read_world(train),
        test=read_world(test),
        published_weights=(0.65, 1.52),
        source="D. Nyga, pracmln, examples/smokers; M. Richardson & P. Domingos, Markov logic "
        "networks, Machine Learning 62:107, 2006",
        licence="BSD-2-Clause",
    )


def read_mln(path: str | Path) -> Program:
    """Declarations and weighted formulas of an ``.mln`` file.

    Raises:
        DataUnavailable: If it cannot be read; says which line.
    """
    signatures: dict[str, tuple[str, ...]] = {}
    axioms: list[Axiom] = []
    for number, line in _lines(path):
        if declared := _DECLARATION.match(line):
            kinds = tuple(kind.strip().rstrip("!") for kind in declared[2].split(","))
            # A unit clause over variables looks the same; the first mention declares.
            if declared[1] not in signatures:
                signatures[declared[1]] = kinds
                continue
        axioms.append(_axiom(line, path, number))
    return Program(axioms=tuple(axioms), signatures=signatures)


def read_world(path: str | Path) -> tuple[Literal, ...]:
    """The facts of a ``.db`` file; ``!`` before those that do not hold.

    Raises:
        DataUnavailable: If it cannot be read; says which line.
    """
    found: list[Literal] = []
    for number, line in _lines(path):
        formula = _axiom(line, path, number).formula
        literal = formula.operand if isinstance(formula, Not) else formula
        if not isinstance(literal, Atom) or not literal.is_ground:
            raise DataUnavailable(
                f"{path}, line {number}: '{line}' is no fact.",
                "A world lists ground atoms, such as Friends(Anna, Bob).",
            )
        found.append(Not(literal) if isinstance(formula, Not) else literal)
    return tuple(found)


def _lines(path: str | Path) -> list[tuple[int, str]]:
    """Lines that say something, with their numbers."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataUnavailable(f"{path} cannot be read ({error}).", "Fetch it again.") from error
    lines = enumerate((line.partition("//")[0].strip() for line in text.splitlines()), start=1)
    return [(number, line) for number, line in lines if line]


def _axiom(line: str, path: str | Path, number: int) -> Axiom:
    weighted = _WEIGHTED.match(line)
    weight = float(weighted[1]) if weighted else None
    said = (weighted[2] if weighted else line).rstrip(".")
    for theirs, ours in _SIGNS:
        said = said.replace(theirs, ours)
    said = re.sub(r"(?<=[)\s])v(?=[\s!(])", "|", said)
    try:
        return Axiom("", parse_formula(said), weight)
    except LogicSyntaxError as error:
        raise DataUnavailable(
            f"{path}, line {number}: {error.problem}", "Correct the line, or leave it out."
        ) from error
