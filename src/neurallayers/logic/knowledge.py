"""A knowledge base: a program over a finite domain, in which truth is inferred by degrees.

>>> from neurallayers.logic import KnowledgeBase, parse_program
>>> knowledge = KnowledgeBase(parse_program('''
...     flying: 0.9 :: flies(x) <- bird(x) & !penguin(x)
...     penguins: bird(x) <- penguin(x)
...     bird(Tweety)
... '''))
>>> conclusions = knowledge.infer({"penguin(Tweety)": 0.2})
>>> print(conclusions.bounds("flies(Tweety)"))
[0.7, 1]
>>> print(conclusions.proof("flies(Tweety)"))
flies(Tweety) is at least 0.7, by rule flying: 0.9 :: flies(Tweety) <- bird(Tweety) & \
!penguin(Tweety)
  because bird(Tweety) is true (fact)
  because penguin(Tweety) is 0.2 (given)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from neurallayers.errors import InvalidInput, UnknownName
from neurallayers.logic.arithmetic import BUILT_IN, is_built_in
from neurallayers.logic.graph import GroundGraph
from neurallayers.logic.grounding import Domain, Further, Grounding
from neurallayers.logic.intervals import upward
from neurallayers.logic.operators import premise_weights_named
from neurallayers.logic.proofs import Contradiction, Proof, ProofReader
from neurallayers.logic.propagation import Beliefs, Propagation
from neurallayers.logic.rules import Program
from neurallayers.logic.semantics import Semantics, semantics_named
from neurallayers.logic.syntax import parse_formula, parse_program
from neurallayers.logic.terms import Atom, Formula
from neurallayers.logic.truth import FALSE, UNKNOWN, Bounds, Truth, bounds_of
from neurallayers.registry import nearest_name

Asked: TypeAlias = Formula | str
World: TypeAlias = str | Mapping[str, str]


class KnowledgeBase:
    """Rules, facts and axioms over a finite domain, ready to infer.

    A rule ``0.9 :: head <- body`` says that the implication holds at least to degree 0.9, so that
    the head is at least as true as the conjunction of 0.9 and the body. A fact ``0.7 :: p(A)`` says
    that p(A) is at least 0.7 true. Nothing changes a knowledge base; each inference begins anew.

    Args:
        program: What is known; a text is parsed.
        constants: Constants beyond those that the program mentions: a list, or lists by the names
            of domains.
        semantics: "lukasiewicz", "goedel", "product" or a :class:`Semantics`.
        world: "open" (what nobody says is unknown) or "closed" (it is false); or which by
            predicate, the others being open.
        observed: Predicates that no statement may mention, or that are closed, and whose truths
            come with each case.
        backward: Whether conclusions also bound their premises (modus tollens, inverse inference).
        spread: Whether anything is concluded from what is contradicted, as in logical neural
            networks; otherwise a contradiction stays where it is.
        premise_weights: How much each premise of a conjunction matters: None for all alike,
            "fibonacci", or a function from their number to their weights.
        quantifiers: "minimum" ("for all" is as true as its least true instance) or "strong" (it is
            the conjunction of the semantics).
        most_instances: Refuse to make more instances of the statements than this.
        most_steps: Use at most so many instances in one inference.

    Raises:
        LogicSyntaxError: If the text of the program cannot be read.
        InvalidInput: If a weight is no degree, a variable has no constant, there are choices, or
            there are too many instances.
        UnknownName: If the semantics is not known.
    """

    def __init__(
        self,
        program: Program | str,
        constants: Further = (),
        *,
        semantics: str | Semantics = "lukasiewicz",
        world: World = "open",
        observed: Iterable[str] = (),
        backward: bool = True,
        spread: bool = False,
        premise_weights: str | Callable[[int], Sequence[float]] | None = None,
        quantifiers: str = "minimum",
        most_instances: int = 1_000_000,
        most_steps: int | None = None,
    ) -> None:
        self.program = parse_program(program) if isinstance(program, str) else program
        _check_program(self.program)
        self.semantics = semantics_named(semantics)
        self.observed = frozenset([observed] if isinstance(observed, str) else observed)
        ordinary = set(self.program.predicates()) - BUILT_IN
        self._known = {name for name, _ in ordinary} | self.observed
        self.closed = _closed_predicates(world, self._known)
        self.domain = Domain.of(self.program, constants)
        if quantifiers not in {"minimum", "strong"}:
            raise UnknownName(
                f"There are no quantifiers called {quantifiers!r}.",
                nearest_name(str(quantifiers), ["minimum", "strong"]),
            )
        self.grounding = Grounding(
            self.program,
            self.domain,
            closed=self.closed,
            observed=self.observed,
            most_instances=most_instances,
        )
        self.graph = GroundGraph(
            self.grounding,
            premise_weights_named(premise_weights),
            strong_quantifiers=quantifiers == "strong",
        )
        self.propagation = Propagation(
            self.graph,
            self.semantics,
            closed=[atom for atom in self.graph.atoms if atom.predicate in self.closed],
            backward=backward,
            spread=spread,
            most_steps=most_steps,
        )
        self._beginning, self._begun = self.propagation.start()
        self._atoms_by_text: dict[str, Atom] = {str(atom): atom for atom in self.graph.atoms}
        self._constants = frozenset(self.domain.constants)

    @property
    def atoms(self) -> tuple[Atom, ...]:
        """The ground atoms that some instance mentions, in a fixed order."""
        return tuple(self.graph.atoms)

    def infer(self, truths: Mapping[Atom | str, Truth] | None = None) -> Conclusions:
        """What follows from the statements and from what is observed.

        Args:
            truths: Degree or bounds of ground atoms (or of their text).

        Returns:
            Bounds, proofs and contradictions of everything, the same bit for bit each time.

        Raises:
            InvalidInput: If a truth is no degree, or an atom is not ground or of no known constant.
            UnknownName: If an atom has a predicate that nothing is known about.
        """
        beliefs = self._beginning.copy()
        given: dict[int, Bounds] = {}
        beside: dict[Atom, Bounds] = {}
        for key, truth in ({} if truths is None else truths).items():
            atom = self._atom(key)
            node = self.graph.atoms.get(atom)
            if node is None:
                beside[atom] = bounds_of(truth)
            else:
                given[node] = bounds_of(truth)
        complete = self.propagation.infer(beliefs, given) and self._begun
        return Conclusions(self, beliefs, beside, complete)

    def _atom(self, asked: Atom | str) -> Atom:
        """The ground atom that is meant."""
        if isinstance(asked, str):
            if asked not in self._atoms_by_text:
                formula = self.read(asked)
                if not isinstance(formula, Atom):
                    raise InvalidInput(f"'{asked}' is no atom.", "Give the truth of atoms: 'p(A)'.")
                asked = formula
            else:
                return self._atoms_by_text[asked]
        if not isinstance(asked, Atom):
            raise InvalidInput(f"{asked!r} is no atom.", "Use Atom('p', ...) or its text 'p(A)'.")
        if asked not in self.graph.atoms:
            self.check_atom(asked)
        return asked

    def read(self, text: str) -> Formula:
        """A formula of a text, in which lower-case names of the domain are constants."""
        names = [each.name for each in self.domain.constants if isinstance(each.name, str)]
        return parse_formula(text, constants=names)

    def check_atom(self, atom: Atom) -> None:
        """Refuse an atom about which nothing could be known.

        Raises:
            InvalidInput: If it has variables, is decided by its terms, or has an unknown constant.
            UnknownName: If its predicate is unknown.
        """
        if not atom.is_ground or is_built_in(atom):
            raise InvalidInput(
                f"'{atom}' is no fact that could be observed.",
                "Use a predicate of the program with constants in place of all variables.",
            )
        if atom.predicate not in self._known:
            raise UnknownName(
                f"Nothing is known about a predicate {atom.predicate!r}.",
                f"{nearest_name(atom.predicate, sorted(self._known))} "
                "Name it in observed=(...) if it should stand for itself.",
            )
        for constant in atom.terms:
            if constant not in self._constants:
                raise InvalidInput(
                    f"{constant} in '{atom}' is not in the domain of {len(self._constants)} "
                    "constants.",
                    "Give the knowledge base all constants: KnowledgeBase(program, constants=...).",
                )

    def __repr__(self) -> str:
        return (
            f"KnowledgeBase({len(self.program.rules)} rules, {len(self.graph.roots)} instances, "
            f"{len(self.graph.atoms)} atoms, semantics={self.semantics.name!r})"
        )


class Conclusions:
    """What an inference has found; it does not change.

    Args:
        knowledge: The knowledge base that was asked.
        beliefs: The bounds and records that it left.
        beside: Given atoms that no statement mentions.
        complete: Whether the fixed point was reached.
    """

    def __init__(
        self,
        knowledge: KnowledgeBase,
        beliefs: Beliefs,
        beside: Mapping[Atom, Bounds],
        complete: bool,
    ) -> None:
        self.knowledge = knowledge
        self.complete = complete
        self._beliefs = beliefs
        self._beside = dict(beside)
        self._proofs = ProofReader(knowledge.propagation, beliefs)

    @property
    def steps(self) -> int:
        """How many times a bound was tightened."""
        return self._beliefs.time

    @property
    def contradictions(self) -> tuple[Contradiction, ...]:
        """What is contradicted first-hand, in the order found.

        A contradiction that only follows from another is not listed; :attr:`contradicted` is all.
        """
        first_hand = [node for node, follows in self._beliefs.crossed.items() if not follows]
        return tuple(self._proofs.contradiction(node) for node in first_hand)

    @property
    def contradicted(self) -> tuple[Atom, ...]:
        """Every atom whose bounds cross."""
        return tuple(
            atom
            for atom, node in self.knowledge.graph.atoms.items()
            if self._beliefs.of(node).is_contradictory
        )

    def bounds(self, asked: Asked) -> Bounds:
        """The bounds of an atom, or of any formula over the domain.

        Raises:
            InvalidInput: If the formula has a free variable or an unknown constant.
            UnknownName: If a predicate is unknown.
        """
        formula = self.knowledge.read(asked) if isinstance(asked, str) else asked
        if not isinstance(formula, Atom) or is_built_in(formula):
            return self._of_formula(formula)
        node = self.knowledge.graph.atoms.get(formula)
        return self._of_absent(formula) if node is None else self._beliefs.of(node)

    def proof(self, asked: Asked) -> Proof:
        """Why an atom (or a formula that is part of a statement) has its bounds.

        Raises:
            InvalidInput: If the formula has a free variable or an unknown constant.
            UnknownName: If a predicate is unknown.
        """
        formula = self.knowledge.read(asked) if isinstance(asked, str) else asked
        if isinstance(formula, Atom) and not is_built_in(formula):
            node = self.knowledge.graph.atoms.get(formula)
            if node is not None:
                return self._proofs.proof(node)
            kind = "given" if formula in self._beside else "unknown"
            bounds = self._of_absent(formula)
            return Proof(formula, bounds, "closed world" if bounds == FALSE else kind)
        parts = [self.proof(atom) for atom in _ground_atoms(self.knowledge, formula)]
        return Proof(formula, self.bounds(formula), "follows", None, tuple(parts))

    def items(self) -> Iterator[tuple[Atom, Bounds]]:
        """Every ground atom with its bounds."""
        for atom, node in self.knowledge.graph.atoms.items():
            yield atom, self._beliefs.of(node)
        yield from self._beside.items()

    def to_dict(self) -> dict[str, Any]:
        """Bounds of all atoms and the contradictions, as plain data for JSON."""
        return {
            "atoms": {str(atom): [b.lower, b.upper] for atom, b in self.items()},
            "contradictions": [each.to_dict() for each in self.contradictions],
            "complete": self.complete,
        }

    def _of_absent(self, atom: Atom) -> Bounds:
        """The bounds of an atom that no instance mentions."""
        if atom in self._beside:
            return self._beside[atom]
        self.knowledge.check_atom(atom)
        return FALSE if atom.predicate in self.knowledge.closed else UNKNOWN

    def _of_formula(self, formula: Formula) -> Bounds:
        graph = GroundGraph.apart(self.knowledge.graph)
        node = graph.add(formula)
        lower = [1.0] + [0.0] * (len(graph.nodes) - 1)
        upper = [1.0] * len(graph.nodes)
        for atom, place in graph.atoms.items():
            bounds = self.bounds(atom)
            lower[place], upper[place] = bounds.lower, bounds.upper
        for place in graph.inside(node):
            joined = graph.nodes[place]
            assert joined.connective is not None
            lower[place], upper[place] = upward(
                joined.connective,
                self.knowledge.semantics,
                [lower[each] for each in joined.operands],
                [upper[each] for each in joined.operands],
                joined.weights,
            )
        return Bounds(lower[node], upper[node])


def _ground_atoms(knowledge: KnowledgeBase, formula: Formula) -> tuple[Atom, ...]:
    graph = GroundGraph.apart(knowledge.graph)
    graph.add(formula)
    return tuple(graph.atoms)


def _closed_predicates(world: World, known: set[str]) -> frozenset[str]:
    """The predicates of a closed world."""
    by_name = dict.fromkeys(known, world) if isinstance(world, str) else dict(world)
    for name, kind in by_name.items():
        if kind not in ("open", "closed"):
            raise UnknownName(
                f"There is no world called {kind!r}.", nearest_name(str(kind), ["open", "closed"])
            )
        if name not in known:
            raise UnknownName(
                f"The world of a predicate {name!r} is given, which nothing mentions.",
                nearest_name(name, sorted(known)),
            )
    return frozenset(name for name, kind in by_name.items() if kind == "closed")


def _check_program(program: Program) -> None:
    if not isinstance(program, Program):
        raise InvalidInput(f"{program!r} is no program.", "Use parse_program(text) or the text.")
    if program.choices:
        raise InvalidInput(
            f"'{program.choices[0].label}' is a choice between alternatives by probability.",
            "Degrees of truth know no choices; ask neurallayers.logic.probabilistic.",
        )
