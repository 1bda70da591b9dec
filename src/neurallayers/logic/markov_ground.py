r"""A Markov network of ground atoms: simplified by what is known, compiled, counted.

Each grounding with weight *w* gets a choice of its own that says whether it is true, with the
weights :math:`\sigma(w)` for true and :math:`\sigma(-w)` for false: their ratio is :math:`e^w`, and
as they add up to one, the circuits of :mod:`neurallayers.logic.circuits` count as they do for
probabilities. What this scales the sum by is put back into the partition function.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from scipy.sparse import csr_array
from scipy.sparse.csgraph import reverse_cuthill_mckee
from torch import Tensor
from torch.nn import functional

from neurallayers.errors import InvalidInput
from neurallayers.logic.arithmetic import holds, is_built_in
from neurallayers.logic.circuits import ArithmeticCircuit
from neurallayers.logic.diagrams import FALSE, TRUE, Diagrams
from neurallayers.logic.terms import (
    And,
    Atom,
    Constant,
    Falsum,
    Formula,
    Iff,
    Implies,
    Not,
    Or,
    Variable,
    Verum,
    Xor,
    atoms,
    conjunction,
    disjunction,
    negation,
)

IMPOSSIBLE = (
    "The evidence breaks a formula that always holds.",
    "Give that formula a weight, or correct the evidence.",
)


def instances(
    ranges: Mapping[Variable, Sequence[Constant]],
) -> Iterator[dict[Variable, Constant]]:
    """Every way to put an element in the place of each variable."""
    for elements in itertools.product(*ranges.values()):
        yield dict(zip(ranges, elements, strict=True))


def simplified(formula: Formula, known: Mapping[Atom, bool]) -> Formula:
    """A ground formula without quantifiers, after what is known: true, false or what stays open."""
    match formula:
        case Atom():
            if is_built_in(formula):
                return Verum() if holds(formula) else Falsum()
            truth = known.get(formula)
            return formula if truth is None else (Verum() if truth else Falsum())
        case Not(operand):
            return _opposite(simplified(operand, known))
        case And(operands):
            return _all([simplified(operand, known) for operand in operands])
        case Or(operands):
            return _opposite(_all([_opposite(simplified(o, known)) for o in operands]))
        case Implies(premise, conclusion):
            broken = _all([simplified(premise, known), _opposite(simplified(conclusion, known))])
            return _opposite(broken)
        case Iff(left, right):
            return _same(simplified(left, known), simplified(right, known))
        case Xor(left, right):
            return _opposite(_same(simplified(left, known), simplified(right, known)))
    return formula


def truth_of(formula: Formula, world: Mapping[Atom, bool]) -> bool:
    """Whether a ground formula is true where every atom of it has a value.

    Raises:
        InvalidInput: If the world leaves it open.
    """
    left = simplified(formula, world)
    if not isinstance(left, Verum | Falsum):
        raise InvalidInput(
            f"The world does not say whether {next(atoms(left))} holds.",
            "Name it, or close its predicate.",
        )
    return isinstance(left, Verum)


def _opposite(formula: Formula) -> Formula:
    if isinstance(formula, Verum | Falsum):
        return Falsum() if isinstance(formula, Verum) else Verum()
    return negation(formula)


def _all(parts: Sequence[Formula]) -> Formula:
    if any(isinstance(part, Falsum) for part in parts):
        return Falsum()
    return conjunction(*(part for part in parts if not isinstance(part, Verum)))


def _same(left: Formula, right: Formula) -> Formula:
    if isinstance(left, Verum | Falsum):
        return right if isinstance(left, Verum) else _opposite(right)
    if isinstance(right, Verum | Falsum):
        return left if isinstance(right, Verum) else _opposite(left)
    return Verum() if left == right else Iff(left, right)


class GroundNetwork:
    """What evidence leaves open of a Markov logic network, compiled.

    Made by :meth:`neurallayers.logic.markov.MarkovLogicNetwork.ground`.

    Attributes:
        known: Atoms with a known value.
        open: Atoms without one.
        decided: For each formula, how many groundings the evidence makes true.
    """

    def __init__(
        self,
        universe: Sequence[Atom],
        groundings: Sequence[Sequence[Formula]],
        weights: Sequence[float | None],
        known: Mapping[Atom, bool],
        *,
        nodes_at_most: int,
    ) -> None:
        self.known = dict(known)
        self.open: tuple[Atom, ...] = tuple(atom for atom in universe if atom not in self.known)
        self.weights = tuple(weights)
        self.decided, self._undecided = self._sorted_out(groundings)
        self.diagrams = Diagrams(nodes_at_most=nodes_at_most)
        self._atom_choices: dict[Atom, int] = {}
        self._theta_choices: dict[int, tuple[int, int]] = {}
        self._root = self._compile()

    def satisfied(self) -> tuple[int, ...]:
        """How many groundings of each formula are true, where nothing is open.

        Raises:
            InvalidInput: If the evidence leaves a grounding open.
        """
        if self._undecided:
            (_, formula), _ = next(iter(self._undecided.items()))
            raise InvalidInput(
                f"The world does not say whether {next(atoms(formula))} holds.",
                "Name it, or close its predicate.",
            )
        return self.decided

    def log_partition(self, weights: Tensor | None = None) -> Tensor:
        """The logarithm of the sum of the weights of all worlds that agree with the evidence.

        Args:
            weights: One for each formula, float64 (that of a hard formula is not looked at);
                without them those of the network. Gradients reach them.

        Raises:
            InvalidInput: If the evidence breaks a hard formula.
        """
        weights = self._weights(weights)
        count = self._count(self._circuit([self._root]), weights)[0]
        scale = weights.new_tensor(len(self.open) * math.log(2.0))
        for index, copies in self._theta_choices.values():
            scale = scale + functional.softplus(copies * weights[index])
        soft = [i for i, weight in enumerate(self.weights) if weight is not None]
        decided = weights.new_tensor([self.decided[i] for i in soft])
        return count + scale + (decided * weights[soft]).sum()

    def marginals(self) -> dict[Formula, float]:
        """The probability of every open atom given the evidence."""
        circuit = self._circuit([self._root])
        log_weights = self._log_weights(self._weights(None)).requires_grad_(True)
        (shares,) = torch.autograd.grad(circuit(log_weights)[0, 0], log_weights)
        found: dict[Formula, float] = {}
        for atom in self.open:
            choice = self._atom_choices.get(atom)
            if choice is None:
                found[atom] = 0.5
                continue
            offset = circuit.offsets[choice]
            false, true = shares[0, offset : offset + 2].tolist()
            # Worlds in which the diagram does not ask the atom share it evenly.
            found[atom] = min(1.0, true + 0.5 * max(0.0, 1.0 - true - false))
        return found

    def probability(self, formula: Formula) -> float:
        """The probability of a ground formula given the evidence.

        Raises:
            InvalidInput: If the formula has an atom that the network does not know.
        """
        unknown = [a for a in atoms(formula) if a not in self.known and a not in set(self.open)]
        unknown = [atom for atom in unknown if not is_built_in(atom)]
        if unknown:
            raise InvalidInput(
                f"The network has no atom {unknown[0]}.",
                "Use predicates and elements of its formulas and domains.",
            )
        node = self._diagram(simplified(formula, self.known))
        circuit = self._circuit([self.diagrams.both(self._root, node), self._root])
        both, root = circuit(self._log_weights(self._weights(None)))[0]
        return min(1.0, float((both - root).exp()))

    def most_probable(self) -> tuple[dict[Atom, bool], float]:
        """The most probable world (known atoms included) and its probability given the evidence."""
        circuit = self._circuit([self._root])
        log_weights = self._log_weights(self._weights(None))
        values, total = circuit.most_probable(log_weights[0])
        world = dict(self.known)
        for atom in self.open:
            choice = self._atom_choices.get(atom)
            world[atom] = choice is not None and values[choice] == 1
        free = sum(atom not in self._atom_choices for atom in self.open)
        count = float(circuit(log_weights)[0, 0])
        return world, math.exp(total - free * math.log(2.0) - count)

    def _sorted_out(
        self, groundings: Sequence[Sequence[Formula]]
    ) -> tuple[tuple[int, ...], dict[tuple[int, Formula], int]]:
        """How many groundings the evidence makes true, and how often each open one is there."""
        decided = [0] * len(groundings)
        undecided: Counter[tuple[int, Formula]] = Counter()
        for index, formulas in enumerate(groundings):
            for formula in formulas:
                left = simplified(formula, self.known)
                if isinstance(left, Verum):
                    decided[index] += 1
                elif isinstance(left, Falsum):
                    if self.weights[index] is None:
                        raise InvalidInput(*IMPOSSIBLE)
                else:
                    undecided[index, left] += 1
        return tuple(decided), dict(undecided)

    def _compile(self) -> int:
        """All open groundings as one diagram; atoms that share groundings stand together."""
        order = _ordered([list(atoms(formula)) for _, formula in self._undecided])
        place = {atom: i for i, atom in enumerate(order)}
        after: dict[Atom, list[tuple[int, Formula]]] = {}
        for key in self._undecided:
            last = max(atoms(key[1]), key=place.__getitem__)
            after.setdefault(last, []).append(key)
        thetas: dict[tuple[int, Formula], int] = {}
        for atom in order:
            self._atom_choices[atom] = self.diagrams.add_choice(2)
            for key in after.get(atom, ()):
                if self.weights[key[0]] is not None:
                    thetas[key] = self.diagrams.add_choice(2)
                    self._theta_choices[thetas[key]] = (key[0], self._undecided[key])
        root = TRUE
        # From the last choices upwards, so that each conjunction meets a diagram below it.
        for atom in reversed(order):
            for key in after.get(atom, ()):
                node = self._diagram(key[1])
                if key in thetas:
                    node = self.diagrams.same(self.diagrams.alternative(thetas[key], 1), node)
                root = self.diagrams.both(root, node)
        if root == FALSE:
            raise InvalidInput(*IMPOSSIBLE)
        return root

    def _diagram(self, formula: Formula) -> int:
        diagrams = self.diagrams
        match formula:
            case Verum() | Falsum():
                return TRUE if isinstance(formula, Verum) else FALSE
            case Atom():
                if formula not in self._atom_choices:
                    self._atom_choices[formula] = diagrams.add_choice(2)
                return diagrams.alternative(self._atom_choices[formula], 1)
            case Not(operand):
                return diagrams.negated(self._diagram(operand))
            case And(operands):
                return diagrams.all_of(self._diagram(operand) for operand in operands)
            case Or(operands):
                return diagrams.any_of(self._diagram(operand) for operand in operands)
            case Implies(premise, conclusion):
                return self._diagram(disjunction(Not(premise), conclusion))
            case Iff(left, right):
                return diagrams.same(self._diagram(left), self._diagram(right))
            case Xor(left, right):
                return diagrams.negated(diagrams.same(self._diagram(left), self._diagram(right)))
        raise InvalidInput(f"'{formula}' has a quantifier.", "Ask for its instances one by one.")

    def _circuit(self, roots: Sequence[int]) -> ArithmeticCircuit:
        return ArithmeticCircuit(self.diagrams, roots)

    def _weights(self, weights: Tensor | None) -> Tensor:
        if weights is None:
            said = [0.0 if weight is None else weight for weight in self.weights]
            return torch.tensor(said, dtype=torch.float64)
        return weights

    def _log_weights(self, weights: Tensor) -> Tensor:
        """A row for the circuit: even chances for atoms, logistic ones for groundings."""
        even = weights.new_full((2,), -math.log(2.0))
        parts = [even] * len(self.diagrams.sizes)
        for choice, (index, copies) in self._theta_choices.items():
            weight = copies * weights[index]
            parts[choice] = functional.logsigmoid(torch.stack([-weight, weight]))
        return torch.cat(parts)[None] if parts else weights.new_zeros(1, 0)

    def _count(self, circuit: ArithmeticCircuit, weights: Tensor) -> Tensor:
        count: Tensor = circuit(self._log_weights(weights))[0]
        return count


def _ordered(groups: Sequence[Sequence[Atom]]) -> list[Atom]:
    """Atoms in an order that keeps diagrams narrow: the better of two.

    One keeps atoms of a group near each other (reverse Cuthill-McKee; good for chains and grids),
    the other begins with those in most groups (good where a few atoms hold all others together).
    """
    number: dict[Atom, int] = {}
    for group in groups:
        for atom in group:
            number.setdefault(atom, len(number))
    if not number:
        return []
    scopes = [sorted({number[atom] for atom in group}) for group in groups]
    near = [int(i) for i in reverse_cuthill_mckee(_graph(scopes, len(number)), symmetric_mode=True)]
    share = Counter(place for scope in scopes for place in scope)
    hubs = sorted(range(len(number)), key=lambda place: (-share[place], place))
    listed = list(number)
    return [listed[i] for i in min(near, hubs, key=lambda order: _width(order, scopes))]


def _graph(scopes: Sequence[Sequence[int]], size: int) -> csr_array:
    """Who stands in one group with whom."""
    pairs = sorted({(a, b) for scope in scopes for a in scope for b in scope if a != b})
    rows, columns = [a for a, _ in pairs], [b for _, b in pairs]
    return csr_array((np.ones(len(pairs)), (rows, columns)), shape=(size, size))


def _width(order: Sequence[int], scopes: Sequence[Sequence[int]]) -> float:
    """Roughly how many nodes a diagram in this order needs: two to the number of atoms in play.

    An atom is in play from its own place to the last place of its groups.
    """
    place = {atom: i for i, atom in enumerate(order)}
    last = dict(place)
    for scope in scopes:
        end = max(place[atom] for atom in scope)
        for atom in scope:
            last[atom] = max(last[atom], end)
    change = Counter(last.values())
    in_play, total = 0, 0.0
    for i in range(len(order)):
        in_play += 1
        total += 2.0 ** min(in_play, 1000)
        in_play -= change[i]
    return total
