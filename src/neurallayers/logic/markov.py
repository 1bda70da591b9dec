r"""Markov logic: formulas with weights, and the probability of worlds, of facts and of formulas.

A Markov logic network is a list of first-order formulas, each with a real weight. Over a finite
domain every world *x* (a truth value for each ground atom) gets

.. math:: P(x) = \frac{1}{Z} \exp\Big(\sum_i w_i \, n_i(x)\Big)

where :math:`n_i(x)` counts the true groundings of formula *i* (Richardson & Domingos 2006, eq. 3).
A formula without weight is hard: worlds that break it have probability zero. A rule ``head <-
body`` is read as the implication; free variables stand for every element of their domain.

Everything is exact: what evidence decides is simplified away, the rest is compiled to decision
diagrams (:mod:`neurallayers.logic.markov_ground`) and counted. The marginals of *all* atoms come
out of one gradient. This is for worlds whose atoms do not hang together too much (a few dozen
people with known friends, not a hundred with unknown ones): a limit says so instead of running on.

Source: Richardson & Domingos (2006), Markov logic networks, Machine Learning 62:107.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from neurallayers.errors import InvalidInput
from neurallayers.logic.arithmetic import is_built_in
from neurallayers.logic.diagrams import NODES_AT_MOST
from neurallayers.logic.markov_ground import GroundNetwork, instances, truth_of
from neurallayers.logic.probabilistic import Evidence, Marginals, Questions, formulas_of
from neurallayers.logic.rules import Program
from neurallayers.logic.syntax import parse_program
from neurallayers.logic.terms import (
    Atom,
    Constant,
    Exists,
    ForAll,
    Formula,
    Implies,
    Not,
    Variable,
    atoms,
    children,
    conjunction,
    disjunction,
    free_variables,
    substitute,
    with_children,
)

ANY = "any"
"""The domain of terms for which no signature names one."""


@dataclass(frozen=True)
class WeightedFormula:
    """A formula and how much a grounding of it adds to the logarithm of a world's weight.

    Attributes:
        label: How reports name it.
        formula: The formula; its free variables stand for every element.
        weight: A real number, or None for a formula that always holds.
    """

    label: str
    formula: Formula
    weight: float | None


class MarkovLogicNetwork:
    """Weighted formulas over finite domains.

    Args:
        program: Rules, facts and axioms with weights (``1.5 :: cancer(x) <- smokes(x)``), or their
            text. Its declarations say what the domains are (``domain person: Anna, Bob``) and where
            terms come from (``predicate friends(person, person)``); its evidence counts too.
        domains: More elements of each domain, by its name (``{"person": ["Anna", "Bob"]}``).

    Terms whose domain nothing names range over all constants of the program.

    Raises:
        InvalidInput: If the program has choices, which have no meaning here.

    >>> network = MarkovLogicNetwork(
    ...     '''
    ...     predicate smokes(person)
    ...     predicate cancer(person)
    ...     1.5 :: smokes(x) -> cancer(x)
    ...     ''',
    ...     domains={"person": ["Anna"]},
    ... )
    >>> found = network.marginals(["cancer(Anna)"], evidence=["smokes(Anna)"])
    >>> round(found["cancer(Anna)"], 4)  # 1 / (1 + exp(-1.5))
    0.8176
    """

    def __init__(
        self,
        program: Program | str,
        *,
        domains: Mapping[str, Iterable[str | int]] | None = None,
    ) -> None:
        program = parse_program(program) if isinstance(program, str) else program
        if program.choices:
            raise InvalidInput(
                f"'{program.choices[0].label}' is a choice between alternatives.",
                "Markov logic has weighted formulas only; write p xor q with a weight or none.",
            )
        more = {
            name: tuple(Constant(element) for element in elements)
            for name, elements in (domains or {}).items()
        }
        merged = {
            name: tuple(dict.fromkeys((*program.domains.get(name, ()), *more.get(name, ()))))
            for name in (*program.domains, *more)
        }
        self.program = replace(program, domains=merged)
        self.formulas: tuple[WeightedFormula, ...] = _formulas_of(program)

    @property
    def weights(self) -> tuple[float | None, ...]:
        """The weight of each formula, in their order."""
        return tuple(formula.weight for formula in self.formulas)

    def with_weights(self, weights: Sequence[float | None]) -> MarkovLogicNetwork:
        """The same formulas with other weights, in the order of :attr:`formulas`.

        Raises:
            InvalidInput: If their number differs or one is not finite.
        """
        if len(weights) != len(self.formulas):
            raise InvalidInput(
                f"{len(weights)} weights are given.", f"There are {len(self.formulas)} formulas."
            )
        if not all(weight is None or math.isfinite(weight) for weight in weights):
            raise InvalidInput(f"The weights are {list(weights)}.", "Give finite numbers or None.")
        other = MarkovLogicNetwork(self.program)
        other.formulas = tuple(
            replace(formula, weight=weight)
            for formula, weight in zip(self.formulas, weights, strict=True)
        )
        return other

    def domain(
        self, predicate: str, arity: int, place: int, extra: Program
    ) -> tuple[Constant, ...]:
        """The elements that a term of a predicate ranges over; ``extra`` may bring constants."""
        signature = self.program.signatures.get(predicate)
        if signature is not None and len(signature) != arity:
            raise InvalidInput(
                f"{predicate} has {arity} terms here and {len(signature)} in its declaration.",
                "Write it with as many terms as 'predicate ...' says.",
            )
        name = ANY if signature is None else signature[place]
        if name == ANY:
            found = (*self.program.constants(), *extra.constants())
        else:
            found = self.program.domains.get(name, ()) + self._of_domain(name, extra)
        return tuple(dict.fromkeys(found))

    def ground(
        self,
        evidence: Evidence = (),
        *,
        closed: Iterable[str] = (),
        queries: Sequence[Formula] = (),
        nodes_at_most: int = NODES_AT_MOST,
    ) -> GroundNetwork:
        """All ground atoms and formulas, simplified by the evidence.

        Args:
            evidence: What is known: literals or their texts, or a mapping to true and false.
            closed: Predicates of which everything that the evidence does not name is false.
            queries: Formulas that will be asked; their constants join the domains.
            nodes_at_most: Limit of the diagrams.
        """
        known = self._known(evidence)
        extra = Program(evidence=tuple(known), queries=tuple(queries))
        universe = self._atoms(extra)
        shut = _names_of(closed)
        unknown = shut - {atom.predicate for atom in universe}
        if unknown:
            raise InvalidInput(
                f"closed names {sorted(unknown)}.",
                f"The predicates are {sorted({atom.predicate for atom in universe})}.",
            )
        for atom in universe:
            if atom.predicate in shut:
                known.setdefault(atom, False)
        return GroundNetwork(
            universe,
            self._groundings(extra),
            self.weights,
            known,
            nodes_at_most=nodes_at_most,
        )

    def grounded_in(
        self, world: Evidence
    ) -> tuple[list[Atom], list[list[Formula]], dict[Atom, bool]]:
        """All ground atoms, the groundings of each formula, and the value of each atom in a world.

        Args:
            world: Literals; whatever they do not name is false.
        """
        known = self._known(world)
        extra = Program(evidence=tuple(known))
        universe = self._atoms(extra)
        return universe, self._groundings(extra), {a: known.get(a, False) for a in universe}

    def marginals(
        self,
        queries: Questions | None = None,
        evidence: Evidence = (),
        *,
        closed: Iterable[str] = (),
    ) -> Marginals:
        """The probability of each query given the evidence.

        Args:
            queries: Formulas or texts; an atom with variables is answered for every element of
                their domains. Without queries, those of the program, and if it has none, all atoms
                that the evidence leaves open.
            evidence: What is known: ``["smokes(Anna)", "!smokes(Bob)"]`` or a mapping.
            closed: Predicates of which everything that the evidence does not name is false.

        Raises:
            InvalidInput: If the evidence is impossible or the network too entangled.
        """
        asked = [] if queries is None else formulas_of(queries, self.program)
        asked = asked or list(self.program.queries)
        network = self.ground(evidence, closed=closed, queries=asked)
        found = network.marginals()
        if not asked:
            return Marginals(found)
        answers: dict[Formula, float] = {}
        extra = Program(evidence=tuple(network.known), queries=tuple(asked))
        for formula in asked:
            for binding in instances(self._ranges(formula, extra)):
                ground = substitute(self._written_out(formula, extra), binding)
                simple = isinstance(ground, Atom) and ground in found
                answers[ground] = found[ground] if simple else network.probability(ground)
        return Marginals(answers)

    def most_probable(
        self, evidence: Evidence = (), *, closed: Iterable[str] = ()
    ) -> tuple[dict[Atom, bool], float]:
        """The most probable world that agrees with the evidence, and its probability given it."""
        return self.ground(evidence, closed=closed).most_probable()

    def counts(self, world: Evidence) -> tuple[int, ...]:
        """How many groundings of each formula are true in a world.

        Args:
            world: Literals; whatever they do not name is false.
        """
        _, groundings, values = self.grounded_in(world)
        return tuple(
            sum(truth_of(formula, values) for formula in formulas) for formulas in groundings
        )

    def _groundings(self, extra: Program) -> list[list[Formula]]:
        """The instances of each formula, quantifiers written out."""
        found = []
        for formula in self.formulas:
            ranges = self._ranges(formula.formula, extra)
            plain = self._written_out(formula.formula, extra)
            found.append([substitute(plain, binding) for binding in instances(ranges)])
        return found

    def _written_out(self, formula: Formula, extra: Program) -> Formula:
        """The same with conjunctions and disjunctions for quantifiers."""
        if not isinstance(formula, ForAll | Exists):
            inside = tuple(self._written_out(child, extra) for child in children(formula))
            return with_children(formula, inside)
        body = self._written_out(formula.body, extra)
        ranges = self._ranges(formula.body, extra)
        chosen = {v: ranges[v] for v in formula.variables if v in ranges}
        parts = [substitute(body, binding) for binding in instances(chosen)]
        return conjunction(*parts) if isinstance(formula, ForAll) else disjunction(*parts)

    def _known(self, evidence: Evidence) -> dict[Atom, bool]:
        """Atoms that are known, with their values."""
        found: dict[Atom, bool] = {}
        pairs: list[tuple[Formula, bool]] = [(literal, True) for literal in self.program.evidence]
        if isinstance(evidence, Mapping):
            for question, truth in evidence.items():
                pairs += [(f, bool(truth)) for f in formulas_of(question, self.program)]
        else:
            pairs += [(formula, True) for formula in formulas_of(evidence, self.program)]
        for formula, truth in pairs:
            while isinstance(formula, Not):
                formula, truth = formula.operand, not truth
            if not isinstance(formula, Atom) or not formula.is_ground:
                raise InvalidInput(
                    f"The evidence '{formula}' is no ground atom.",
                    "Give literals without variables, such as !smokes(Anna).",
                )
            if found.setdefault(formula, truth) != truth:
                raise InvalidInput(
                    f"The evidence says that {formula} is true and that it is false.",
                    "Leave one of them out.",
                )
        return found

    def _of_domain(self, name: str, extra: Program) -> tuple[Constant, ...]:
        """Constants that stand in a place of this domain, in formulas and evidence."""
        found: dict[Constant, None] = {}
        for formula in (*self.program.formulas(), *extra.formulas()):
            for atom in atoms(formula):
                signature = self.program.signatures.get(atom.predicate, ())
                for term, of in zip(atom.terms, signature, strict=False):
                    if of == name and isinstance(term, Constant):
                        found[term] = None
        return tuple(found)

    def _ranges(self, formula: Formula, extra: Program) -> dict[Variable, tuple[Constant, ...]]:
        """The domain of each free variable: the first that a signature names where it stands."""
        ranges: dict[Variable, tuple[Constant, ...]] = {}
        named: set[Variable] = set()
        for atom in _open_atoms(formula):
            for place, term in enumerate(atom.terms):
                if isinstance(term, Variable) and term not in named:
                    ranges[term] = self.domain(atom.predicate, atom.arity, place, extra)
                    if atom.predicate in self.program.signatures:
                        named.add(term)
        free = free_variables(formula)
        loose = [variable.name for variable in free if variable not in ranges]
        if loose:
            raise InvalidInput(
                f"'{formula}': no predicate says what {', '.join(loose)} ranges over.",
                "Use each variable in an atom that is not built in.",
            )
        return {variable: ranges[variable] for variable in free}

    def _atoms(self, extra: Program) -> list[Atom]:
        """Every ground atom of every predicate, in the order of the predicates."""
        found: dict[Atom, None] = {}
        signatures = dict.fromkeys(
            (atom.predicate, atom.arity)
            for formula in (*self.program.formulas(), *extra.formulas())
            for atom in _open_atoms(formula)
        )
        for predicate, arity in signatures:
            places = [Variable(f"x{place}") for place in range(arity)]
            ranges = {
                variable: self.domain(predicate, arity, place, extra)
                for place, variable in enumerate(places)
            }
            for binding in instances(ranges):
                found[Atom(predicate, tuple(binding[variable] for variable in places))] = None
        return list(found)


def _formulas_of(program: Program) -> tuple[WeightedFormula, ...]:
    found = [WeightedFormula(a.label, a.formula, a.weight) for a in program.axioms]
    for rule in (*program.rules, *program.facts):
        formula = rule.head if rule.body is None else Implies(rule.body, rule.head)
        found.append(WeightedFormula(rule.label, formula, rule.weight))
    return tuple(found)


def _open_atoms(formula: Formula) -> list[Atom]:
    """Atoms whose truth the world decides."""
    return [atom for atom in atoms(formula) if not is_built_in(atom)]


def _names_of(closed: Iterable[str]) -> set[str]:
    return {closed} if isinstance(closed, str) else set(closed)
