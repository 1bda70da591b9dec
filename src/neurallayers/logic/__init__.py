"""Explicit reasoning: terms, rules, degrees of truth, inference, proofs.

A program is read by :func:`parse_program`; what its rules and weights mean depends on who reads it:
:class:`KnowledgeBase` and :class:`LogicalNetwork` (degrees of truth), :func:`marginals` and
:class:`NeuralProgram` (probabilities), :class:`MarkovLogicNetwork` (log weights), :func:`prove` and
:func:`find_conflict` (truth alone). The operators of :mod:`~neurallayers.logic.operators` and the
finite problems of :mod:`~neurallayers.logic.finite` have modules of their own.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

# Who only needs rules does not wait for solvers: a name brings its module when it is asked for.
_NAMES = {
    "conflicts": ("Conflict", "find_conflict"),
    "conflicts_rules": ("check_rules",),
    "english": ("read_english",),
    "finite_sudoku": ("solve_sudoku",),
    "knowledge": ("Conclusions", "KnowledgeBase"),
    "learning": ("fit_rules", "logic_loss"),
    "markov": ("MarkovLogicNetwork",),
    "network": ("BatchConclusions", "LogicalNetwork"),
    "neural": ("NeuralPredicate", "NeuralProgram"),
    "operators": ("cognitive_product", "fibonacci_weights", "phi_activation"),
    "probabilistic": ("compile_program", "marginals", "most_probable"),
    "proofs": ("Contradiction", "Proof"),
    "proving": ("Verdict", "prove"),
    "rules": ("Axiom", "Choice", "Position", "Program", "Rule"),
    "semantics": ("SEMANTICS", "Semantics", "semantics_named"),
    "syntax": ("parse_formula", "parse_program", "parse_rule"),
    "terms": (
        "And",
        "Atom",
        "Constant",
        "Exists",
        "Falsum",
        "ForAll",
        "Formula",
        "Iff",
        "Implies",
        "Literal",
        "Not",
        "Or",
        "Term",
        "Variable",
        "Verum",
        "Xor",
    ),
    "truth": ("Bounds", "FALSE", "Reading", "TRUE", "UNKNOWN"),
}
_HOMES = {name: f"{__name__}.{module}" for module, names in _NAMES.items() for name in names}

__all__ = [
    "FALSE",
    "SEMANTICS",
    "TRUE",
    "UNKNOWN",
    "And",
    "Atom",
    "Axiom",
    "BatchConclusions",
    "Bounds",
    "Choice",
    "Conclusions",
    "Conflict",
    "Constant",
    "Contradiction",
    "Exists",
    "Falsum",
    "ForAll",
    "Formula",
    "Iff",
    "Implies",
    "KnowledgeBase",
    "Literal",
    "LogicalNetwork",
    "MarkovLogicNetwork",
    "NeuralPredicate",
    "NeuralProgram",
    "Not",
    "Or",
    "Position",
    "Program",
    "Proof",
    "Reading",
    "Rule",
    "Semantics",
    "Term",
    "Variable",
    "Verdict",
    "Verum",
    "Xor",
    "check_rules",
    "cognitive_product",
    "compile_program",
    "fibonacci_weights",
    "find_conflict",
    "fit_rules",
    "logic_loss",
    "marginals",
    "most_probable",
    "parse_formula",
    "parse_program",
    "parse_rule",
    "phi_activation",
    "prove",
    "read_english",
    "semantics_named",
    "solve_sudoku",
]

if TYPE_CHECKING:
    from neurallayers.logic.conflicts import Conflict, find_conflict
    from neurallayers.logic.conflicts_rules import check_rules
    from neurallayers.logic.english import read_english
    from neurallayers.logic.finite_sudoku import solve_sudoku
    from neurallayers.logic.knowledge import Conclusions, KnowledgeBase
    from neurallayers.logic.learning import fit_rules, logic_loss
    from neurallayers.logic.markov import MarkovLogicNetwork
    from neurallayers.logic.network import BatchConclusions, LogicalNetwork
    from neurallayers.logic.neural import NeuralPredicate, NeuralProgram
    from neurallayers.logic.operators import cognitive_product, fibonacci_weights, phi_activation
    from neurallayers.logic.probabilistic import compile_program, marginals, most_probable
    from neurallayers.logic.proofs import Contradiction, Proof
    from neurallayers.logic.proving import Verdict, prove
    from neurallayers.logic.rules import Axiom, Choice, Position, Program, Rule
    from neurallayers.logic.semantics import SEMANTICS, Semantics, semantics_named
    from neurallayers.logic.syntax import parse_formula, parse_program, parse_rule
    from neurallayers.logic.terms import (
        And,
        Atom,
        Constant,
        Exists,
        Falsum,
        ForAll,
        Formula,
        Iff,
        Implies,
        Literal,
        Not,
        Or,
        Term,
        Variable,
        Verum,
        Xor,
    )
    from neurallayers.logic.truth import FALSE, TRUE, UNKNOWN, Bounds, Reading


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
