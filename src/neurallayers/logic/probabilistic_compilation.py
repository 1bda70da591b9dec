"""From ground instances to decision diagrams, loops included.

What an atom means is the disjunction of its instances, each the conjunction of its choice and its
body. Where atoms depend on each other in a loop (reachability, influence among friends) the least
fixed point is meant: all begin false and the rules are applied again until no diagram changes,
which equal numbers tell, as diagrams are canonical (forward compilation with the operator
:math:`T_P`: Vlasselaer, Van den Broeck, Kimmig, Meert & De Raedt 2015, section 4). Negation may
look only at what is finished (local stratification), so that every world has one model.

Source: Vlasselaer et al. (2015), Anytime inference in probabilistic logic programs with
Tp-compilation, IJCAI, 1852-1858.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import networkx

from neurallayers.errors import InvalidInput
from neurallayers.logic.diagrams import FALSE, NODES_AT_MOST, TRUE, Diagrams
from neurallayers.logic.probabilistic_clauses import Clause
from neurallayers.logic.probabilistic_grounding import GroundAtom, Instance, Name, atom_of
from neurallayers.logic.terms import Atom

ChoiceKey = tuple[int, tuple[tuple[str, Name], ...]]
"""Clause and binding: what makes two choices the same."""


@dataclass(frozen=True)
class GroundChoice:
    """One choice of a compiled program.

    Attributes:
        heads: The atoms of which one happens.
        probabilities: Their probabilities as the program says them; what is missing to one is that
            of the last alternative, "none".
        has_none: Whether there is such an alternative.
        clause: The clause that it belongs to.
    """

    heads: tuple[Atom, ...]
    probabilities: tuple[float, ...]
    has_none: bool
    clause: int

    @property
    def size(self) -> int:
        """How many alternatives there are."""
        return len(self.heads) + self.has_none

    @property
    def distribution(self) -> tuple[float, ...]:
        """The probability of every alternative."""
        total = sum(self.probabilities)
        return (*self.probabilities, max(0.0, 1.0 - total)) if self.has_none else self.probabilities


class Compiler:
    """Diagrams for ground atoms.

    Args:
        clauses: The clauses of the program, by their numbers.
        instances: Their ground instances.
        roots: What is asked; the order in which the search from them meets the choices is the
            order of the choices in the diagrams.
        nodes_at_most: Passed to :class:`~neurallayers.logic.diagrams.Diagrams`.
    """

    def __init__(
        self,
        clauses: Sequence[Clause],
        instances: Sequence[Instance],
        roots: Iterable[GroundAtom],
        *,
        nodes_at_most: int = NODES_AT_MOST,
    ) -> None:
        self.diagrams = Diagrams(nodes_at_most=nodes_at_most)
        self.choices: list[GroundChoice] = []
        self._clauses = clauses
        self._numbers: dict[ChoiceKey, int] = {}
        self._supports: dict[GroundAtom, list[tuple[Instance, int]]] = defaultdict(list)
        for instance in instances:
            for place, head in enumerate(instance.heads):
                self._supports[head].append((instance, place))
        self.nodes: dict[GroundAtom, int] = {}
        order = self._search(roots)
        self._compile(order)

    def node(self, atom: GroundAtom) -> int:
        """The diagram of an atom; false for what nothing supports."""
        return self.nodes.get(atom, FALSE)

    def _search(self, roots: Iterable[GroundAtom]) -> list[GroundAtom]:
        """Everything the roots depend on; choices are numbered in the order of the search.

        The choice of an instance comes right before those of its own body: many causes of one
        effect then stand pair by pair, and the diagram stays as narrow as one pair.
        """
        seen: dict[GroundAtom, None] = {}
        waiting: list[GroundAtom | Instance] = []
        waiting.extend(list(roots)[::-1])
        while waiting:
            item = waiting.pop()
            if isinstance(item, Instance):
                self._number(item)
                waiting.extend(reversed((*item.positive, *item.negative)))
            elif item not in seen:
                seen[item] = None
                supports = self._supports.get(item, ())
                waiting.extend(instance for instance, _ in reversed(supports))
        return list(seen)

    def _number(self, instance: Instance) -> None:
        """Give the choice of an instance its number, unless its one head is certain."""
        clause = self._clauses[instance.clause]
        key = (instance.clause, instance.binding)
        if clause.is_certain or key in self._numbers:
            return
        probabilities = tuple(chance for chance, _ in clause.heads)
        # Thirds and tenths add up to one only up to rounding.
        exhaustive = sum(probabilities) >= 1.0 - 1e-12
        heads = tuple(atom_of(head) for head in instance.heads)
        choice = GroundChoice(heads, probabilities, not exhaustive, clause.number)
        self._numbers[key] = self.diagrams.add_choice(choice.size)
        self.choices.append(choice)

    def _compile(self, atoms: list[GroundAtom]) -> None:
        """Diagrams for all atoms, one strongly connected component after the other."""
        number = {atom: i for i, atom in enumerate(atoms)}
        graph: networkx.DiGraph[int] = networkx.DiGraph()
        graph.add_nodes_from(range(len(atoms)))
        for atom in atoms:
            for instance, _ in self._supports.get(atom, ()):
                for other in (*instance.positive, *instance.negative):
                    graph.add_edge(number[other], number[atom])
        components = networkx.condensation(graph)
        for component in networkx.lexicographical_topological_sort(components):
            members = sorted(components.nodes[component]["members"])
            self._complete([atoms[i] for i in members])

    def _complete(self, members: list[GroundAtom]) -> None:
        """The least fixed point of atoms that depend on each other."""
        inside = set(members)
        self._check_stratified(members, inside)
        recursive = any(
            atom in inside
            for member in members
            for instance, _ in self._supports.get(member, ())
            for atom in instance.positive
        )
        self.nodes.update(dict.fromkeys(members, FALSE))
        changed = True
        while changed:
            changed = False
            for member in members:
                node = self._disjunction(member)
                if node != self.nodes[member]:
                    self.nodes[member] = node
                    changed = recursive

    def _disjunction(self, atom: GroundAtom) -> int:
        supports = self._supports.get(atom, ())
        return self.diagrams.any_of(self._conjunction(*support) for support in supports)

    def _conjunction(self, instance: Instance, place: int) -> int:
        diagrams = self.diagrams
        number = self._numbers.get((instance.clause, instance.binding))
        parts = [TRUE if number is None else diagrams.alternative(number, place)]
        parts += [self.nodes.get(atom, FALSE) for atom in instance.positive]
        parts += [diagrams.negated(self.nodes.get(atom, FALSE)) for atom in instance.negative]
        return FALSE if FALSE in parts else diagrams.all_of(parts)

    def _check_stratified(self, members: list[GroundAtom], inside: set[GroundAtom]) -> None:
        for member in members:
            for instance, _ in self._supports.get(member, ()):
                for atom in instance.negative:
                    if atom in inside:
                        raise InvalidInput(
                            f"{atom_of(member)} depends on its own negation, through "
                            f"!{atom_of(atom)}.",
                            "Negation may not go round in a loop: such a program may have no model "
                            "or several. Break the loop in the rule "
                            f"'{self._clauses[instance.clause].label}'.",
                        )
