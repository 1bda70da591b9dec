r"""Programs whose facts and choices have probabilities, and the exact probability of what follows.

Facts, rules and choices carry probabilities in the syntax of
:func:`~neurallayers.logic.syntax.parse_program`::

    0.1 :: burglary                              # a fact that is true with probability 0.1
    0.3 :: red(Ball) ; 0.7 :: blue(Ball)         # one of several
    0.9 :: alarm <- burglary                     # a rule that works with probability 0.9
    reach(x, y) <- edge(x, z) & reach(z, y)      # a rule that always works; it may be recursive

Each probabilistic statement is a choice of its own for every binding of its variables, and all
choices are independent. A *world* fixes every choice; what holds in it is the least model of the
rules (negation: what is not proved, without loops through it). The probability of a formula is that
of the worlds in which it holds (the distribution semantics of Sato 1995):

.. math:: P(q \mid e) = \frac{\sum_{\omega \models q \wedge e} \prod_c w_{c,\omega(c)}}
                             {\sum_{\omega \models e} \prod_c w_{c,\omega(c)}}

It is computed exactly: the program is grounded as far as the question reaches, compiled to decision
diagrams, and counted by an arithmetic circuit in torch, in float64 unless told otherwise, with
gradients towards every probability. This is the scheme of ProbLog2 (Fierens et al. 2015), with
forward compilation of loops (:mod:`neurallayers.logic.probabilistic_compilation`).

Sources: Sato (1995), A statistical learning method for logic programs with distribution semantics,
ICLP, 715-729; Fierens et al. (2015), Inference and learning in probabilistic logic programs using
weighted Boolean formulas, Theory and Practice of Logic Programming 15:358.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName
from neurallayers.logic.arithmetic import is_built_in
from neurallayers.logic.circuits import ArithmeticCircuit
from neurallayers.logic.diagrams import NODES_AT_MOST
from neurallayers.logic.probabilistic_clauses import ClauseReader
from neurallayers.logic.probabilistic_compilation import Compiler, GroundChoice
from neurallayers.logic.probabilistic_grounding import (
    INSTANCES_AT_MOST,
    GroundAtom,
    atom_of,
    ground,
    key_of,
)
from neurallayers.logic.rules import Program
from neurallayers.logic.syntax import parse_formula, parse_program
from neurallayers.logic.terms import (
    Atom,
    Constant,
    Formula,
    Not,
    Variable,
    free_variables,
    substitute,
)
from neurallayers.registry import nearest_name

Question: TypeAlias = Formula | str
Questions: TypeAlias = Question | Iterable[Question]
Evidence: TypeAlias = Mapping[Formula, bool] | Mapping[str, bool] | Iterable[Question]

IMPOSSIBLE_EVIDENCE = (
    "The evidence has probability zero.",
    "Check it against the rules: it contradicts them, or itself, or a fact of probability 0 or 1.",
)


class Marginals(Mapping[Formula, float]):
    """The probability of each answer, by its formula or by its text.

    >>> found = Marginals({Atom("alarm"): 0.25})
    >>> found["alarm"] == found[Atom("alarm")] == 0.25
    True
    """

    def __init__(self, probabilities: Mapping[Formula, float]) -> None:
        self._by_formula = dict(probabilities)
        self._by_text = {str(formula): value for formula, value in probabilities.items()}
        # Where a name in lower case is a constant, its quotes may be left out.
        self._loosely = {text.replace('"', ""): value for text, value in self._by_text.items()}

    def __getitem__(self, question: Formula | str) -> float:
        text = str(parse_formula(question)) if isinstance(question, str) else str(question)
        for known in (self._by_text, self._loosely):
            if text in known:
                return known[text]
        raise UnknownName(
            f"{text!r} is no answer to what was asked.", nearest_name(text, list(self._by_text))
        )

    def __contains__(self, question: object) -> bool:
        return question in self._by_formula or question in self._by_text

    def __iter__(self) -> Iterator[Formula]:
        return iter(self._by_formula)

    def __len__(self) -> int:
        return len(self._by_formula)

    def __repr__(self) -> str:
        inside = ", ".join(f"{text}: {value:.6g}" for text, value in self._by_text.items())
        return f"Marginals({{{inside}}})"


@dataclass(frozen=True)
class MostProbable:
    """The most probable world that agrees with the evidence.

    Attributes:
        happened: For each choice that matters, the atom that happened, or None for none of them.
        answers: Whether each query holds in that world.
        probability: Of the choices together, given the evidence.
    """

    happened: tuple[tuple[GroundChoice, Atom | None], ...]
    answers: Mapping[Formula, bool]
    probability: float


class CompiledProgram:
    """A program and questions as one circuit, to be weighted as often as one likes.

    Made by :func:`compile_program`.

    Attributes:
        queries: The answers, in the order of the columns: ground formulas.
        choices: What the program leaves open, in the order of the weights.
        circuit: The arithmetic circuit; its roots are each query with the evidence, and the
            evidence.
    """

    def __init__(self, compiler: Compiler, answers: Mapping[Formula, int], evidence: int) -> None:
        self.queries: tuple[Formula, ...] = tuple(answers)
        self.choices: tuple[GroundChoice, ...] = tuple(compiler.choices)
        self._compiler = compiler
        self._nodes = tuple(answers.values())
        both = [compiler.diagrams.both(node, evidence) for node in self._nodes]
        self.circuit = ArithmeticCircuit(compiler.diagrams, [*both, evidence])

    def log_weights(
        self,
        distributions: Mapping[int, Tensor] | None = None,
        *,
        dtype: torch.dtype = torch.float64,
    ) -> Tensor:
        """The logarithms of all probabilities, ``[batch, weight_count]``.

        Args:
            distributions: For some choices (by their places in :attr:`choices`) the *logarithm* of
                a distribution for each row, ``[batch, alternatives]``; the others keep what the
                program says.
            dtype: Working precision of what the program says; that of the distributions wins.

        Raises:
            ShapeMismatch: If a distribution has another shape or rows differ in number.
        """
        given = dict(distributions or {})
        rows = {tensor.shape[0] for tensor in given.values() if tensor.ndim == 2}
        batch = max(rows, default=1)
        for place, tensor in given.items():
            if not 0 <= place < len(self.choices):
                raise InvalidInput(
                    f"There is no choice {place}.", f"There are {len(self.choices)}, from 0."
                )
            if tensor.shape != (batch, self.choices[place].size):
                raise ShapeMismatch(
                    f"The distribution of choice {place} is {tuple(tensor.shape)}.",
                    f"Give [{batch}, {self.choices[place].size}]: rows, then alternatives.",
                )
            dtype = tensor.dtype
        if not self.choices:
            return torch.zeros(batch, 0, dtype=dtype)
        parts = []
        for place, choice in enumerate(self.choices):
            if place in given:
                parts.append(given[place])
            else:
                said = torch.tensor(choice.distribution, dtype=torch.float64).log().to(dtype)
                parts.append(said.expand(batch, -1))
        return torch.cat(parts, dim=1)

    def log_probabilities(self, log_weights: Tensor | None = None) -> Tensor:
        """The logarithm of each query's probability given the evidence, ``[batch, queries]``.

        Args:
            log_weights: From :meth:`log_weights`; without them what the program says.

        Raises:
            InvalidInput: If the evidence is impossible in some row.
        """
        values = self.circuit(self.log_weights() if log_weights is None else log_weights)
        evidence = values[:, -1:]
        if bool(evidence.isneginf().any()):
            raise InvalidInput(*IMPOSSIBLE_EVIDENCE)
        return values[:, :-1] - evidence

    def log_evidence(self, log_weights: Tensor | None = None) -> Tensor:
        """The logarithm of the probability of the evidence, ``[batch]``."""
        return self.circuit(self.log_weights() if log_weights is None else log_weights)[:, -1]

    def marginals(self) -> Marginals:
        """The probability of each query as the program says it."""
        # A rounding error of the division must not make a probability of 1.0000000000000002.
        values = self.log_probabilities().exp().clamp(max=1.0)[0].tolist()
        return Marginals(dict(zip(self.queries, values, strict=True)))

    def most_probable(self) -> MostProbable:
        """The most probable world, given the evidence (most probable explanation).

        Raises:
            InvalidInput: If the evidence is impossible.
        """
        weights = self.log_weights()
        evidence = float(self.log_evidence(weights)[0])
        if evidence == -math.inf:
            raise InvalidInput(*IMPOSSIBLE_EVIDENCE)
        values, total = self.circuit.most_probable(weights[0], len(self._nodes))
        happened = tuple(
            (choice, choice.heads[value] if value < len(choice.heads) else None)
            for choice, value in zip(self.choices, values, strict=True)
        )
        holds = self._compiler.diagrams.holds
        answers = {q: holds(n, values) for q, n in zip(self.queries, self._nodes, strict=True)}
        return MostProbable(happened, answers, math.exp(total - evidence))


def compile_program(
    program: Program | str,
    queries: Questions | None = None,
    evidence: Evidence = (),
    *,
    instances_at_most: int = INSTANCES_AT_MOST,
    nodes_at_most: int = NODES_AT_MOST,
) -> CompiledProgram:
    """Ground and compile what a question about a program needs; arguments as in :func:`marginals`.

    Raises:
        InvalidInput: If the program has no meaning as probabilities, or is too large.
    """
    if isinstance(program, str):
        program = parse_program(program)
    asked = list(program.queries) if queries is None else formulas_of(queries, program)
    if not asked:
        raise InvalidInput(
            "Nothing is asked.", "Name queries, or write 'query p(x)' in the program."
        )
    observed = [(formula, True) for formula in program.evidence] + _observed(evidence, program)
    reader = ClauseReader()
    reader.read(program)
    heads = _Heads(reader)
    question_heads = [heads.head(formula) for formula in asked]
    evidence_heads = [_closed(heads, formula, truth) for formula, truth in observed]
    wanted = [(a.predicate, a.arity) for a in (*question_heads, *(a for a, _ in evidence_heads))]
    atoms, instances = ground(reader.clauses, wanted, instances_at_most=instances_at_most)
    answers: dict[Formula, GroundAtom] = {}
    for formula, head in zip(asked, question_heads, strict=True):
        for key in _answers(head, atoms):
            answers[substitute(formula, _binding(head, key))] = key
    roots = [*answers.values(), *(key_of(atom) for atom, _ in evidence_heads)]
    compiler = Compiler(reader.clauses, instances, roots, nodes_at_most=nodes_at_most)
    diagrams = compiler.diagrams
    seen = [
        node if truth else diagrams.negated(node)
        for node, truth in ((compiler.node(key_of(a)), truth) for a, truth in evidence_heads)
    ]
    nodes = {formula: compiler.node(key) for formula, key in answers.items()}
    return CompiledProgram(compiler, nodes, diagrams.all_of(seen))


def marginals(
    program: Program | str,
    queries: Questions | None = None,
    evidence: Evidence = (),
) -> Marginals:
    """The exact probability of each query, given the evidence.

    Args:
        program: A program or its text.
        queries: Formulas or their texts; a query with variables is answered for every binding that
            can be true. Without queries, those that the program holds (``query p(x)``).
        evidence: What was observed, beside what the program says: formulas without variables
            (``["alarm", "!calls(Mary)"]``) or a mapping to true and false (``{"alarm": True}``).

    Returns:
        The probability of each answer, by formula or text. What cannot be true has probability 0.

    Raises:
        InvalidInput: If the program has no meaning as probabilities, nothing is asked, the
            evidence is impossible, or the program is too large to be counted exactly.
        LogicSyntaxError: If a text cannot be read.

    >>> found = marginals('''
    ...     0.1 :: burglary
    ...     0.2 :: earthquake
    ...     0.9 :: alarm <- burglary
    ...     0.4 :: alarm <- earthquake
    ... ''', ["burglary", "alarm"], evidence=["alarm"])
    >>> round(found["burglary"], 6)  # 0.0908 / 0.1628
    0.55774
    """
    return compile_program(program, queries, evidence).marginals()


def most_probable(
    program: Program | str,
    queries: Questions | None = None,
    evidence: Evidence = (),
) -> MostProbable:
    """The most probable world given the evidence, as far as the queries and evidence reach.

    Arguments and errors as in :func:`marginals`.

    >>> world = most_probable("0.4 :: rain. 0.9 :: wet <- rain. 0.1 :: wet", "rain", ["wet"])
    >>> world.answers[Atom("rain")]
    True
    """
    return compile_program(program, queries, evidence).most_probable()


class _Heads:
    """An atom for every formula that is asked; formulas that are none get a rule of their own."""

    def __init__(self, reader: ClauseReader) -> None:
        self._reader = reader
        self._numbers = itertools.count(1)

    def head(self, formula: Formula) -> Atom:
        if isinstance(formula, Atom) and not is_built_in(formula):
            return formula
        head = Atom(f"asked {next(self._numbers)}", free_variables(formula))
        self._reader.add_clause(((1.0, head),), formula, str(formula))
        return head


def formulas_of(questions: Questions, program: Program) -> list[Formula]:
    """Questions as formulas; a name that is a constant of the program is one in a text too."""
    names = tuple(str(c.name) for c in program.constants() if isinstance(c.name, str))
    if isinstance(questions, str) or not isinstance(questions, Iterable):
        questions = [questions]
    return [parse_formula(q, constants=names) if isinstance(q, str) else q for q in questions]


def _observed(evidence: Evidence, program: Program) -> list[tuple[Formula, bool]]:
    if isinstance(evidence, Mapping):
        return [
            (formula, bool(truth))
            for question, truth in evidence.items()
            for formula in formulas_of(question, program)
        ]
    return [(formula, True) for formula in formulas_of(evidence, program)]


def _closed(heads: _Heads, formula: Formula, truth: bool) -> tuple[Atom, bool]:
    """The atom of an observation and whether it holds."""
    while isinstance(formula, Not):
        formula, truth = formula.operand, not truth
    if free := free_variables(formula):
        raise InvalidInput(
            f"The evidence '{formula}' has the variable {free[0]}.",
            "Observe ground formulas: names with a capital and quoted names are constants.",
        )
    return heads.head(formula), truth


def _answers(head: Atom, atoms: Iterable[GroundAtom]) -> list[GroundAtom]:
    """The ground atoms that a query stands for."""
    if head.is_ground:
        return [key_of(head)]
    found = []
    for key in atoms:
        if key[0] == head.predicate and len(key[1]) == head.arity:
            binding = _binding(head, key)
            if substitute(head, binding) == atom_of(key):
                found.append(key)
    return found


def _binding(head: Atom, key: GroundAtom) -> dict[Variable, Constant]:
    return {
        term: Constant(name)
        for term, name in zip(head.terms, key[1], strict=True)
        if isinstance(term, Variable)
    }
