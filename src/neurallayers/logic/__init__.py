"""Explicit reasoning: terms, rules, degrees of truth, inference, proofs.

A program is read by :func:`parse_program`; what its rules and weights mean depends on who reads it.
"""

from neurallayers.logic.knowledge import Conclusions, KnowledgeBase
from neurallayers.logic.learning import fit_rules, logic_loss
from neurallayers.logic.network import BatchConclusions, LogicalNetwork
from neurallayers.logic.operators import cognitive_product, fibonacci_weights, phi_activation
from neurallayers.logic.proofs import Contradiction, Proof
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
    "Verum",
    "Xor",
    "cognitive_product",
    "fibonacci_weights",
    "fit_rules",
    "logic_loss",
    "parse_formula",
    "parse_program",
    "parse_rule",
    "phi_activation",
    "semantics_named",
]
