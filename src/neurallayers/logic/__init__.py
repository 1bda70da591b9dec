"""Explicit reasoning: terms, rules, degrees of truth, inference, proofs.

A program is read by :func:`parse_program`; what its rules and weights mean depends on who reads it.
"""

from neurallayers.logic.knowledge import Conclusions, KnowledgeBase
from neurallayers.logic.proofs import Contradiction, Proof
from neurallayers.logic.rules import Axiom, Choice, Position, Program, Rule
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

__all__ = [
    "FALSE",
    "TRUE",
    "UNKNOWN",
    "And",
    "Atom",
    "Axiom",
    "Bounds",
    "Choice",
    "Conclusions",
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
    "Not",
    "Or",
    "Position",
    "Program",
    "Proof",
    "Reading",
    "Rule",
    "Term",
    "Variable",
    "Verum",
    "Xor",
    "parse_formula",
    "parse_program",
    "parse_rule",
]
