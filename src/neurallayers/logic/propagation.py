"""Inference over a ground graph to its fixed point, with the reason of every step.

Bounds only ever tighten: lower bounds rise and upper bounds fall within [0, 1], so the sequence of
states is monotone and bounded and has a limit, which does not depend on the order of the steps
(they are monotone functions of the bounds; Tarski). The work stops where no step moves a bound by
more than :data:`STEP`. For degrees 0 and 1, and for Goedel semantics with any degrees, that is
after finitely many steps exactly at the limit, as bounds only take values (and complements of
values) that were put in; elsewhere a circle of rules can approach its limit for ever, and
``most_steps`` ends it. All of this is so without contradictions. What is contradicted is not used
any further (unless ``spread`` is set, as in logical neural networks), so that a clash of two rules
stays where it is; which atom then carries it follows from the order of the rules.

A closed world adds one more step: what no rule makes true to some degree is false to that degree.
The upper bounds of closed atoms are the least solution of "an atom is at most as true as the best
of the rules that conclude it" (the completion of Clark 1978, in its least fixed point), repeated
with the lower bounds that follow from it: with negation this is the alternating fixed point, that
is the well-founded semantics (Van Gelder, Ross & Schlipf 1991).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from neurallayers.logic.graph import TRUE_NODE, GroundGraph, Root
from neurallayers.logic.intervals import Connective, downward, upward
from neurallayers.logic.semantics import Semantics
from neurallayers.logic.terms import Atom
from neurallayers.logic.truth import ROUNDING, Bounds

STEP = 1e-10
"""A bound that would move by less is left where it is.

Without it, rounding would grow: what is known exactly, divided and multiplied back by the steps
down and up, comes out a little off, and each round would divide that difference again.
"""

LOWER, UPPER = 0, 1
GIVEN, ASSERTED, UPWARD, DOWNWARD, CLOSED = "given", "asserted", "upward", "downward", "closed"


class Record(NamedTuple):
    """Why a bound has its value: one step of the inference, and the step before on this bound.

    Args:
        time: Number of the step; reasons have smaller numbers.
        value: The bound after the step.
        kind: What the step was.
        where: The node whose operands (upward) or whose bounds (downward) were used.
        root: The instance that was being used; None outside of any.
        before: The step before on the same bound.
    """

    time: int
    value: float
    kind: str
    where: int
    root: int | None
    before: Record | None


@dataclass
class Beliefs:
    """Bounds of every node, how they came about, and where they cross.

    Args:
        bounds: Lower bounds and upper bounds by node.
        records: The latest record of each lower and each upper bound.
        time: How many steps were made.
        crossed: Nodes in contradiction, in the order found, and whether other contradictions took
            part.
    """

    bounds: tuple[list[float], list[float]]
    records: tuple[list[Record | None], list[Record | None]]
    time: int = 0
    crossed: dict[int, bool] = field(default_factory=dict)

    @classmethod
    def of_ignorance(cls, count: int) -> Beliefs:
        """Nothing is known but that truth is true."""
        lower, upper = [0.0] * count, [1.0] * count
        lower[TRUE_NODE] = 1.0
        return cls((lower, upper), ([None] * count, [None] * count))

    def copy(self) -> Beliefs:
        """The same beliefs, to be taken further."""
        lower, upper = self.bounds
        why_lower, why_upper = self.records
        return Beliefs(
            (lower[:], upper[:]), (why_lower[:], why_upper[:]), self.time, dict(self.crossed)
        )

    def of(self, node: int) -> Bounds:
        """The bounds of a node."""
        return Bounds(self.bounds[LOWER][node], self.bounds[UPPER][node])

    def record(self, node: int, side: int, before: int | None = None) -> Record | None:
        """Why a bound is what it is, or what it was before some step."""
        record = self.records[side][node]
        while record is not None and before is not None and record.time >= before:
            record = record.before
        return record

    def tighten(
        self, node: int, side: int, value: float, kind: str, where: int, root: int | None
    ) -> bool:
        """Move a bound if that says more; whether it does."""
        bounds = self.bounds[side]
        if side == LOWER:
            if value <= bounds[node] + STEP:
                return False
            bounds[node] = min(value, 1.0)
        else:
            if value >= bounds[node] - STEP:
                return False
            bounds[node] = max(value, 0.0)
        self.time += 1
        before = self.records[side][node]
        self.records[side][node] = Record(self.time, bounds[node], kind, where, root, before)
        return True


class Propagation:
    """Carries truth through a graph, upwards and downwards, until nothing follows any more.

    Args:
        graph: The ground formulas.
        semantics: What the connectives do to degrees.
        closed: The atoms of closed predicates.
        backward: Whether conclusions also bound their premises (modus tollens and its kin).
        spread: Whether anything is concluded from what is contradicted.
        most_steps: Stop after using so many instances in one inference; None for a thousand times
            as many as there are.
    """

    def __init__(
        self,
        graph: GroundGraph,
        semantics: Semantics,
        *,
        closed: Iterable[Atom] = (),
        backward: bool = True,
        spread: bool = False,
        most_steps: int | None = None,
    ) -> None:
        self.graph = graph
        self.semantics = semantics
        self.backward = backward
        self.spread = spread
        self.closed = {graph.atoms[atom] for atom in closed}
        ranked = ordered(graph)
        self.roots: list[Root] = ranked
        self.most_steps = 1000 * (len(ranked) + 1) if most_steps is None else most_steps
        self.watchers: list[list[int]] = [[] for _ in graph.nodes]
        self.defining: dict[int, list[int]] = {}
        self.tangled: list[bool] = []
        self._premises: list[tuple[int, ...]] = []
        self._conclusions: list[tuple[int, ...]] = []
        for number, root in enumerate(ranked):
            for node in _touched(graph, root):
                self.watchers[node].append(number)
            self._premises.append(() if root.premise is None else graph.inside(root.premise))
            self._conclusions.append(graph.inside(root.conclusion))
            self.tangled.append(_is_tangled(graph, root))
            if root.premise is not None and root.conclusion in self.closed:
                self.defining.setdefault(root.conclusion, []).append(number)

    def start(self) -> tuple[Beliefs, bool]:
        """What the statements say before anything is observed, and whether it is complete."""
        beliefs = Beliefs.of_ignorance(len(self.graph.nodes))
        false = [
            number
            for number, node in enumerate(self.graph.nodes)
            if node.connective is Connective.NOT and node.operands == (TRUE_NODE,)
        ]
        for node in false:
            beliefs.bounds[UPPER][node] = 0.0
        for number, root in enumerate(self.roots):
            beliefs.tighten(root.node, LOWER, root.weight, ASSERTED, root.node, number)
            self._notice_crossing(beliefs, root.node, ())
        return beliefs, self._settle(beliefs, set(range(len(self.roots))))

    def infer(self, beliefs: Beliefs, given: Mapping[int, Bounds]) -> bool:
        """Take beliefs further by what is given for some nodes, to the fixed point.

        Returns:
            Whether the fixed point was reached within the steps allowed.
        """
        waiting: set[int] = set()
        for node, bounds in given.items():
            low = beliefs.tighten(node, LOWER, bounds.lower, GIVEN, node, None)
            high = beliefs.tighten(node, UPPER, bounds.upper, GIVEN, node, None)
            if low or high:
                self._notice_crossing(beliefs, node, ())
                waiting.update(self.watchers[node])
        complete = self._settle(beliefs, waiting)
        while self.closed:
            waiting, settled = self._close(beliefs, given)
            if not waiting:
                return complete and settled
            complete = self._settle(beliefs, waiting) and complete and settled
        return complete

    def _settle(self, beliefs: Beliefs, waiting: set[int]) -> bool:
        """Use every instance that may say something new, premises before conclusions."""
        queue = sorted(waiting)
        steps = self.most_steps
        while queue:
            number = heapq.heappop(queue)
            waiting.discard(number)
            steps -= 1
            if steps < 0:
                return False
            for node in self._use(beliefs, number):
                for watcher in self.watchers[node]:
                    # Once up and down a tree leaves nothing to find in it.
                    done = watcher == number and not self.tangled[number]
                    if watcher not in waiting and not done:
                        waiting.add(watcher)
                        heapq.heappush(queue, watcher)
        return True

    def _use(self, beliefs: Beliefs, number: int) -> list[int]:
        """Carry truth once up and once down an instance; the nodes that learned something."""
        before = len(beliefs.crossed)
        learned, telling = [], []
        inside = self.roots[number].inside
        lower, upper = beliefs.bounds
        for index in inside:
            node = self.graph.nodes[index]
            assert node.connective is not None
            lows, highs = self._read(beliefs, node.operands)
            low, high = upward(node.connective, self.semantics, lows, highs, node.weights)
            rose = beliefs.tighten(index, LOWER, low, UPWARD, index, number)
            fell = beliefs.tighten(index, UPPER, high, UPWARD, index, number)
            if rose or fell:
                learned.append(index)
            # A whole that only says what its operands say tells them nothing new.
            if lower[index] > low + STEP or upper[index] < high - STEP:
                telling.append(index)
        if self.backward:
            learned.extend(self._descend_all(beliefs, number, telling))
        else:
            learned.extend(self._conclude(beliefs, number))
        self._blame(beliefs, learned, before)
        return learned

    def _descend_all(self, beliefs: Beliefs, number: int, telling: list[int]) -> list[int]:
        """From the connectives that know more than their operands, and those told by them, down."""
        learned: list[int] = []
        waiting = set(telling)
        for index in reversed(self.roots[number].inside):
            if index in waiting:
                told = self._descend(beliefs, index, number)
                learned.extend(told)
                waiting.update(told)
        return learned

    def _blame(self, beliefs: Beliefs, learned: Sequence[int], before: int) -> None:
        """Write down the connectives that clash: as first-hand only where no atom is to blame."""
        lower, upper = beliefs.bounds
        follows = len(beliefs.crossed) > before
        for index in learned:
            if lower[index] > upper[index] + ROUNDING and index not in beliefs.crossed:
                operands = self.graph.nodes[index].operands
                rests = any(operand in beliefs.crossed for operand in operands)
                beliefs.crossed[index] = follows or rests

    def _read(self, beliefs: Beliefs, nodes: Sequence[int]) -> tuple[list[float], list[float]]:
        """The bounds of some nodes; contradicted ones say nothing unless that is to spread."""
        lower, upper = beliefs.bounds
        lows, highs = [lower[node] for node in nodes], [upper[node] for node in nodes]
        if beliefs.crossed and not self.spread:
            for place, node in enumerate(nodes):
                if node in beliefs.crossed:
                    lows[place], highs[place] = 0.0, 1.0
        return lows, highs

    def _descend(self, beliefs: Beliefs, index: int, number: int) -> list[int]:
        """From the bounds of a connective to those of its operands."""
        node = self.graph.nodes[index]
        (low,), (high,) = self._read(beliefs, [index])
        if low <= 0.0 and high >= 1.0:
            return []
        assert node.connective is not None
        lows, highs = self._read(beliefs, node.operands)
        found = downward(node.connective, self.semantics, low, high, lows, highs, node.weights)
        learned = []
        # The conclusion learns before the premise: of two that clash it is the one to name.
        for operand, (low, high) in zip(reversed(node.operands), reversed(found), strict=True):
            rose = beliefs.tighten(operand, LOWER, low, DOWNWARD, index, number)
            fell = beliefs.tighten(operand, UPPER, high, DOWNWARD, index, number)
            if rose or fell:
                learned.append(operand)
                others = [other for other in node.operands if other != operand]
                if self._clashes(beliefs, operand, (index, *others)) and not self.spread:
                    break
        return learned

    def _conclude(self, beliefs: Beliefs, number: int) -> list[int]:
        """Modus ponens alone: from the premise of an instance to its conclusion."""
        root = self.roots[number]
        learned = [] if root.premise is None else self._only(beliefs, root.node, number)
        for index in reversed(self._conclusions[number]):
            learned.extend(self._descend(beliefs, index, number))
        return learned

    def _only(self, beliefs: Beliefs, index: int, number: int) -> list[int]:
        """The conclusion of an implication, and not its premise."""
        root = self.roots[number]
        assert root.premise is not None
        (asserted, premise), _ = self._read(beliefs, [index, root.premise])
        low = self.semantics.conclusion_at_least(asserted, premise)
        if not beliefs.tighten(root.conclusion, LOWER, low, DOWNWARD, index, number):
            return []
        self._clashes(beliefs, root.conclusion, (index, root.premise))
        return [root.conclusion]

    def _clashes(self, beliefs: Beliefs, node: int, used: Iterable[int]) -> bool:
        """Whether a node is contradicted; of an atom it is written down."""
        if self.graph.nodes[node].connective is None:
            return self._notice_crossing(beliefs, node, used)
        lower, upper = beliefs.bounds
        return lower[node] > upper[node] + ROUNDING

    def _notice_crossing(self, beliefs: Beliefs, node: int, used: Iterable[int]) -> bool:
        """Write down a new contradiction, and whether it rests on one that was there before."""
        lower, upper = beliefs.bounds
        if lower[node] > upper[node] + ROUNDING and node not in beliefs.crossed:
            beliefs.crossed[node] = any(each in beliefs.crossed for each in used)
            return True
        return False

    def _close(self, beliefs: Beliefs, given: Mapping[int, Bounds]) -> tuple[set[int], bool]:
        """Lower what no rule supports; the instances to use again, and whether this is complete."""
        lower, upper = beliefs.bounds
        cap = {
            node: max(lower[node], given[node].upper if node in given else 0.0)
            for node in sorted(self.closed)
        }
        definitions = sorted(number for numbers in self.defining.values() for number in numbers)
        settled = False
        for _ in range(len(definitions) + 100):
            # Every rule is asked, also after one has raised something.
            if sum(self._raise_cap(beliefs, number, cap) for number in definitions) == 0:
                settled = True
                break
        waiting: set[int] = set()
        for node, value in cap.items() if settled else ():
            if beliefs.tighten(node, UPPER, min(value, upper[node]), CLOSED, node, None):
                self._notice_crossing(beliefs, node, ())
                waiting.update(self.watchers[node])
        return waiting, settled

    def _raise_cap(self, beliefs: Beliefs, number: int, cap: dict[int, float]) -> bool:
        """Let one rule support its conclusion; whether that raises what it may be at most."""
        lower, upper = beliefs.bounds
        root = self.roots[number]
        assert root.premise is not None
        at_most: dict[int, float] = {}

        def highest(node: int) -> float:
            if node in at_most:
                return at_most[node]
            return min(upper[node], cap[node]) if node in cap else upper[node]

        at_least: dict[int, float] = {}
        for index in self._premises[number]:
            node = self.graph.nodes[index]
            assert node.connective is not None
            lows = [at_least.get(operand, lower[operand]) for operand in node.operands]
            highs = [highest(operand) for operand in node.operands]
            at_least[index], at_most[index] = upward(
                node.connective, self.semantics, lows, highs, node.weights
            )
        supported = self.semantics.conjunction(highest(root.premise), root.weight)
        if supported <= cap[root.conclusion] + STEP:
            return False
        cap[root.conclusion] = min(1.0, supported)
        return True


def ordered(graph: GroundGraph) -> list[Root]:
    """The roots, so that what a rule needs stands before it unless the rules form a circle."""
    import networkx

    depends = networkx.DiGraph()
    depends.add_nodes_from(range(len(graph.nodes)))
    for root in graph.roots:
        if root.premise is not None:
            for condition in _atoms_below(graph, root.premise):
                for conclusion in _atoms_below(graph, root.conclusion):
                    depends.add_edge(condition, conclusion)
    # Components come with what they point to first.
    components = list(networkx.strongly_connected_components(depends))
    rank = {node: -place for place, component in enumerate(components) for node in component}
    return sorted(
        graph.roots,
        key=lambda root: (
            root.premise is not None,
            max((rank[node] for node in _atoms_below(graph, root.conclusion)), default=0),
        ),
    )


def _atoms_below(graph: GroundGraph, node: int) -> list[int]:
    connectives = graph.inside(node)
    if not connectives:
        return [node] if node != TRUE_NODE else []
    found = {operand for index in connectives for operand in graph.nodes[index].operands}
    return sorted(each for each in found - set(connectives) if each != TRUE_NODE)


def _touched(graph: GroundGraph, root: Root) -> list[int]:
    """The nodes whose bounds an instance looks at."""
    return sorted({*root.inside, *_atoms_below(graph, root.node), root.node} - {TRUE_NODE})


def _is_tangled(graph: GroundGraph, root: Root) -> bool:
    """Whether some part of an instance stands in it more than once."""
    operands = [operand for index in root.inside for operand in graph.nodes[index].operands]
    return len(operands) > len(set(operands))
