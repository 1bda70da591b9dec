r"""A substrate: binary units, and how the next state of each depends on the present state of all.

Rows are little-endian: node 0 is the least significant bit, so that of two nodes the rows are
(0, 0), (1, 0), (0, 1), (1, 1). Every entry of :attr:`Substrate.tpm` is the probability that a node
is ON after one update. Given the present state the nodes are independent of each other: that is
what lets one intervene on each of them alone, and what both versions of the theory ask for.

Sources: Oizumi, Albantakis & Tononi (2014), PLoS Comput Biol 10(5):e1003588, "Mechanisms";
Mayner, Marshall, Albantakis et al. (2018), PLoS Comput Biol 14(7):e1006343, "Input" (the forms of
a transition probability matrix and the little-endian order).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName
from neurallayers.measures.integration import transitions

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
State = tuple[int, ...]
Nodes = tuple[int, ...]

# Beyond it the exact search takes days; nothing else depends on this number.
MOST_NODES = 8
# A probability that moves by less is taken for rounding, not for a connection.
SAME_PROBABILITY = 1e-9

log = logging.getLogger(__name__)


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Substrate:
    """Binary units with their transition probabilities, connections and names; a value.

    Args:
        tpm: Transition probabilities, in one of three forms: state-by-node ``[2^n, n]`` (the
            probability that each node is ON after each state), state-by-node with an axis for each
            node ``[2, ..., 2, n]``, or state-by-state ``[2^n, 2^n]``. Rows, and the columns of a
            state-by-state matrix, are little-endian.
        connectivity: ``[n, n]``, 1 at ``(i, j)`` where node i may influence node j. Inferred from
            the probabilities when left out. Where it denies an influence that the probabilities
            show (as estimated ones do), that influence is averaged out, with a logged warning.
        labels: A name for each node; ``A``, ``B``, ... when left out.
        most_nodes: Larger substrates are refused; the exact search of a whole one grows faster
            than exponentially. Raise it to study few nodes of a large substrate.

    Attributes:
        tpm: State-by-node ``[2^n, n]``, read-only.
        connectivity: ``[n, n]`` of 0 and 1, read-only.
        labels: The nodes' names.

    Raises:
        ShapeMismatch: If an array has none of these shapes.
        InvalidInput: If a probability is not one, the nodes depend on each other within a step,
            there are too many nodes, or two have one name.

    >>> swap = Substrate([[0, 0], [0, 1], [1, 0], [1, 1]])  # each node copies the other
    >>> swap.connectivity.tolist()
    [[0, 1], [1, 0]]
    >>> swap.tpm[swap.row((1, 0))].tolist()
    [0.0, 1.0]
    """

    tpm: FloatArray
    connectivity: IntArray
    labels: tuple[str, ...]

    def __init__(
        self,
        tpm: npt.ArrayLike,
        connectivity: npt.ArrayLike | None = None,
        labels: Sequence[str] | None = None,
        *,
        most_nodes: int = MOST_NODES,
    ) -> None:
        given = transitions.state_by_node(tpm, most_nodes)
        shown = transitions.influences(given, SAME_PROBABILITY)
        if connectivity is None:
            allowed = shown
        else:
            allowed = _connectivity(connectivity, given.shape[1])
            denied = np.argwhere((shown == 1) & (allowed == 0))
            if denied.size:
                log.warning(
                    "integration.influence_without_connection",
                    extra={"connections": denied.tolist()},
                )
                given = transitions.without_influences(given, denied)
        # What is shared between results must not change under them.
        given.setflags(write=False)
        allowed.setflags(write=False)
        object.__setattr__(self, "tpm", given)
        object.__setattr__(self, "connectivity", allowed)
        object.__setattr__(self, "labels", _labels(labels, given.shape[1]))

    @classmethod
    def from_function(
        cls,
        update: Callable[[State], Sequence[float]],
        nodes: int,
        *,
        labels: Sequence[str] | None = None,
    ) -> Substrate:
        """The substrate of an update rule: state now -> probability that each node is ON next.

        >>> Substrate.from_function(lambda s: (s[1] and s[2], s[0], s[0]), nodes=3).tpm.shape
        (8, 3)
        """
        count = _count(nodes)
        rows = [update(state_of_row(row, count)) for row in range(2**count)]
        return cls(np.array([[float(p) for p in row] for row in rows]), labels=labels)

    @property
    def size(self) -> int:
        """How many nodes it has."""
        return int(self.tpm.shape[1])

    @property
    def state_by_state(self) -> FloatArray:
        """Probability of each next state (column) after each state (row), ``[2^n, 2^n]``."""
        return transitions.state_by_state(self.tpm)

    def row(self, state: Sequence[int]) -> int:
        """The row of a state: the sum of 2^i over the nodes i that are ON.

        >>> Substrate(np.full((8, 3), 0.5)).row((1, 0, 1))
        5
        """
        return sum(bit << node for node, bit in enumerate(self.state(state)))

    def state(self, state: Sequence[int]) -> State:
        """A state, checked: one 0 or 1 for each node.

        Raises:
            InvalidInput: If it is anything else.
        """
        try:
            values = np.asarray(state, dtype=np.float64)
        except (TypeError, ValueError):
            raise InvalidInput(f"The state is {state!r}.", "Give one 0 or 1 a node.") from None
        if values.shape != (self.size,) or not np.isin(values, (0.0, 1.0)).all():
            raise InvalidInput(
                f"The state is {state!r}; the substrate has {self.size} nodes.",
                f"Give one 0 or 1 for each of {', '.join(self.labels)}, in this order.",
            )
        return tuple(int(value) for value in values)

    def nodes(self, nodes: Sequence[int | str] | None) -> Nodes:
        """Indices of nodes given by index or by label, in ascending order; all for None.

        Raises:
            UnknownName: If there is no such node.
            InvalidInput: If there are none, or one is named twice.
        """
        if nodes is None:
            return tuple(range(self.size))
        found = sorted(self._node(node) for node in nodes)
        if not found or len(set(found)) != len(found):
            raise InvalidInput(
                f"The nodes are {list(nodes)!r}.", "Name at least one node, and each only once."
            )
        return tuple(found)

    def conditioned(self, state: Sequence[int], nodes: Sequence[int | str] | None) -> FloatArray:
        """The matrix of some nodes alone, ``[2^k, k]``, with all others frozen in their state.

        These are the background conditions of IIT 3.0, of causes and effects alike.
        """
        inside = self.nodes(nodes)
        present = self.row(state)
        frozen = present & ~sum(1 << node for node in inside)
        rows = [frozen | _spread(row, inside) for row in range(2 ** len(inside))]
        return self.tpm[np.ix_(rows, inside)]

    def reaches(self, state: Sequence[int], nodes: Sequence[int | str] | None = None) -> bool:
        """Whether any state leads to this one with a probability above 0.

        With ``nodes``, whether any state of these does, all others frozen in their present state.
        """
        inside = list(self.nodes(nodes))
        now = np.array(self.state(state), dtype=np.float64)[inside]
        probability = 1.0 - np.abs(self.conditioned(state, inside) - now)
        return bool((probability > 0.0).all(axis=1).any())

    def words(self, nodes: Sequence[int]) -> str:
        """The labels of nodes, run together where each is one letter."""
        names = [self.labels[node] for node in nodes]
        return ("" if all(len(name) == 1 for name in names) else ",").join(names) or "∅"

    def _node(self, node: Any) -> int:
        if isinstance(node, str):
            if node in self.labels:
                return self.labels.index(node)
        elif isinstance(node, int | np.integer) and 0 <= node < self.size:
            return int(node)
        raise UnknownName(
            f"There is no node {node!r}.",
            f"Nodes are 0 to {self.size - 1}, or {', '.join(self.labels)}.",
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Substrate):
            return NotImplemented
        return (
            np.array_equal(self.tpm, other.tpm)
            and np.array_equal(self.connectivity, other.connectivity)
            and self.labels == other.labels
        )

    def __hash__(self) -> int:
        return hash((self.tpm.tobytes(), self.connectivity.tobytes(), self.labels))

    def __repr__(self) -> str:
        return f"Substrate({self.size} nodes: {', '.join(self.labels)})"


def state_of_row(row: int, nodes: int) -> State:
    """The state that a row stands for; node 0 is the least significant bit.

    >>> state_of_row(6, 3)
    (0, 1, 1)
    """
    return tuple((row >> node) & 1 for node in range(nodes))


def _spread(bits: int, places: Sequence[int]) -> int:
    """Put the lowest bits of a number at the given places."""
    return sum(((bits >> index) & 1) << place for index, place in enumerate(places))


def _count(nodes: Any) -> int:
    if isinstance(nodes, bool) or not isinstance(nodes, int) or not 1 <= nodes <= MOST_NODES:
        raise InvalidInput(f"nodes is {nodes!r}.", f"Give a whole number from 1 to {MOST_NODES}.")
    return nodes


def _connectivity(connectivity: npt.ArrayLike, nodes: int) -> IntArray:
    try:
        given = np.array(connectivity, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidInput("connectivity is no array of numbers.", "Give 0s and 1s.") from None
    if given.shape != (nodes, nodes):
        raise ShapeMismatch(
            f"connectivity has the shape {list(given.shape)}.",
            f"Give [{nodes}, {nodes}]: 1 at (i, j) where node i may influence node j.",
        )
    if not np.isin(given, (0.0, 1.0)).all():
        raise InvalidInput("connectivity holds values other than 0 and 1.", "Give 0s and 1s.")
    return given.astype(np.int64)


def _labels(labels: Sequence[Any] | None, nodes: int) -> tuple[str, ...]:
    if labels is None:
        return tuple(chr(ord("A") + node) if node < 26 else f"n{node}" for node in range(nodes))
    names = tuple(labels)
    sound = all(isinstance(name, str) and name for name in names)
    if len(names) != nodes or len(set(names)) != nodes or not sound:
        raise InvalidInput(
            f"The labels are {list(names)!r}.", f"Give {nodes} names, each another one."
        )
    return names
