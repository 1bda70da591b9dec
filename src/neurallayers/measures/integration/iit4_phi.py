r"""phi_s of IIT 4.0: how far a system, in its present state, is one system.

Equation numbers are those of Albantakis et al. (2023), PLoS Comput. Biol. 19(10):e1011465.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from neurallayers.measures.integration.iit4_kernels import SAME, least_system_cut
from neurallayers.measures.integration.iit4_system import (
    CandidateSystem,
    State,
    as_substrate,
    state_of,
)
from neurallayers.measures.integration.substrate import IntArray, Substrate

Progress = Callable[[int, int], None]

DIRECTIONS = ("←", "→", "↔")
"""Which connections of a part with the rest are cut: its inputs, its outputs, both."""


@dataclass(frozen=True)
class SystemPartition:
    """A directional partition (eq. 14 and 15).

    Args:
        parts: Nodes of each part.
        directions: For each part, whether its inputs (``"←"``), outputs (``"→"``) or both
            (``"↔"``) are replaced by noise.
        cut: Connections (i, j), from i to j, that the partition severs, whether they exist or not;
            their number normalizes phi (eq. 23).

    >>> str(SystemPartition(((0,), (1, 2)), ("←", "→"), ((1, 0), (2, 0))))
    '0← 1,2→'
    """

    parts: tuple[tuple[int, ...], ...]
    directions: tuple[str, ...]
    cut: tuple[tuple[int, int], ...]

    def __str__(self) -> str:
        return " ".join(
            ",".join(map(str, part)) + direction
            for part, direction in zip(self.parts, self.directions, strict=True)
        )


@dataclass(frozen=True)
class SystemPhi:
    """System integrated information and what it rests on.

    Args:
        nodes: The substrate's nodes of the candidate system.
        labels: Their names.
        state: Their present state.
        phi: phi_s, at the minimum information partition [ibits].
        normalized_phi: phi over the connections that the partition may cut (eq. 23).
        phi_cause: Integrated cause information across that partition (eq. 20) [ibits].
        phi_effect: Integrated effect information across that partition (eq. 19) [ibits].
        cause_state: The maximal cause state (eq. 12).
        effect_state: The maximal effect state.
        cause_information: Intrinsic information of the cause state (eq. 7) [ibits].
        effect_information: Intrinsic information of the effect state (eq. 5) [ibits].
        partition: The minimum information partition; None if the system has no cause or no effect.
        tied_states: Pairs of cause and effect state that have equal intrinsic information and equal
            phi; the first is the pair above.
    """

    nodes: tuple[int, ...]
    labels: tuple[str, ...]
    state: State
    phi: float
    normalized_phi: float
    phi_cause: float
    phi_effect: float
    cause_state: State
    effect_state: State
    cause_information: float
    effect_information: float
    partition: SystemPartition | None
    tied_states: tuple[tuple[State, State], ...]

    def __str__(self) -> str:
        said = f"{self._written(self.state)}: phi_s {self.phi:.6g} ibits"
        if self.partition is None:
            return said + "; no cause or no effect on itself"
        return (
            f"{said} (cause {self.phi_cause:.6g}, effect {self.phi_effect:.6g}) across"
            f" {self.partition}; cause {self._written(self.cause_state)},"
            f" effect {self._written(self.effect_state)}"
        )

    def _written(self, state: State) -> str:
        """As in the paper: upper case for ON, lower case for OFF."""
        names = [
            label.upper() if on else label.lower()
            for label, on in zip(self.labels, state, strict=True)
        ]
        if len({label.lower() for label in self.labels}) < len(names) or any(
            label.upper() == label.lower() for label in self.labels
        ):
            names = [f"{label}={on}" for label, on in zip(self.labels, state, strict=True)]
            return " ".join(names)
        return ("" if all(len(name) == 1 for name in names) else " ").join(names)


def system_phi(
    substrate: Substrate | ArrayLike,
    state: Sequence[int],
    nodes: Sequence[int | str] | None = None,
    progress: Progress | None = None,
) -> SystemPhi:
    r"""phi_s of some units of a substrate: how far they are one system in their present state.

    The cause and effect state are those of maximal intrinsic information (eq. 12). Across a
    partition :math:`\theta`

    .. math:: \varphi_s(\theta) = \min\Big\{
       p_c(s'_c | s) \Big|\log_2 \frac{p_c(s | s'_c)}{p_c^\theta(s | s'_c)}\Big|_+ ,\;
       p_e(s'_e | s) \Big|\log_2 \frac{p_e(s'_e | s)}{p_e^\theta(s'_e | s)}\Big|_+ \Big\}

    and phi_s is its value at the partition where it is least relative to the number of connections
    that the partition may cut (eq. 19 to 23); of equal ones the largest phi_s counts. Cause and
    effect states with equal intrinsic information are all tried, and the pair with the largest
    phi_s is taken (S1 Text). A single unit has one partition, which cuts it from itself. Exact: all
    partitions are tried (681,867 for 8 units).

    Args:
        substrate: The universe, or its transition probability matrix.
        state: State of every node of it, 0 or 1.
        nodes: Which nodes, by index or name, are the candidate system; all if left out. The others
            are background.
        progress: Called as ``progress(done, total)`` with pairs of tied cause and effect states.

    Raises:
        InvalidInput: If the state is no state, or cannot be reached from any other.
        UnknownName: If a node is unknown.

    >>> from neurallayers.measures.integration.substrate import Substrate
    >>> chain = Substrate.from_function(lambda s: (0.5, s[0]), nodes=2)
    >>> system_phi(chain, (1, 1)).phi
    0.0
    """
    universe = as_substrate(substrate)
    system = CandidateSystem.of(universe, state, nodes)
    labels = tuple(universe.labels[node] for node in system.nodes)
    causes, effects = system.cause_states, system.effect_states
    if min(system.cause_information[causes[0]], system.effect_information[effects[0]]) <= SAME:
        return _nothing(system, labels, causes[0], effects[0])
    found: list[SystemPhi] = []
    pairs = list(itertools.product(causes, effects))
    for done, (cause, effect) in enumerate(pairs, start=1):
        found.append(phi_of_states(system, labels, cause, effect))
        if progress is not None:
            progress(done, len(pairs))
    best = max(result.phi for result in found)
    tied = [result for result in found if result.phi >= best - SAME]
    states = tuple((result.cause_state, result.effect_state) for result in tied)
    return dataclasses.replace(tied[0], tied_states=states)


def phi_of_states(
    system: CandidateSystem, labels: tuple[str, ...], cause: int, effect: int
) -> SystemPhi:
    """phi_s for one cause state and one effect state, given by their rows (eq. 19 to 23)."""
    units = system.size
    cause_state, effect_state = state_of(cause, units), state_of(effect, units)
    losses = (system.cause_loss(cause_state), system.effect_loss(effect_state))
    weights = (float(system.cause_probability[cause]), float(system.effect_probability[effect]))
    if units == 1:
        sides = [
            weight * max(float(loss[0, 0]), 0.0)
            for weight, loss in zip(weights, losses, strict=True)
        ]
        phi = normalized = min(sides)
        partition = SystemPartition((system.nodes,), ("↔",), ((system.nodes[0],) * 2,))
    else:
        normalized, phi, _, part, direction = least_system_cut(*losses, *weights, SAME)
        partition = _partition(system.nodes, part, direction)
        kept = _kept(system.nodes, partition)
        sides = [
            weight * max(sum(float(loss[unit, kept[unit]]) for unit in range(units)), 0.0)
            for weight, loss in zip(weights, losses, strict=True)
        ]
    return SystemPhi(
        nodes=system.nodes,
        labels=labels,
        state=system.state,
        phi=float(phi),
        normalized_phi=float(normalized),
        phi_cause=sides[0],
        phi_effect=sides[1],
        cause_state=cause_state,
        effect_state=effect_state,
        cause_information=float(system.cause_information[cause]),
        effect_information=float(system.effect_information[effect]),
        partition=partition,
        tied_states=((cause_state, effect_state),),
    )


def _partition(nodes: tuple[int, ...], part: IntArray, direction: IntArray) -> SystemPartition:
    parts = int(part.max()) + 1
    members = [
        tuple(node for node, index in zip(nodes, part, strict=True) if index == place)
        for place in range(parts)
    ]
    directions = tuple(DIRECTIONS[direction[place]] for place in range(parts))
    cut = [
        (source, target)
        for place, other in itertools.permutations(range(parts), 2)
        if directions[place] != "←" or directions[other] != "→"
        for source in members[place]
        for target in members[other]
    ]
    return SystemPartition(tuple(members), directions, tuple(sorted(cut)))


def _kept(nodes: tuple[int, ...], partition: SystemPartition) -> list[int]:
    """For each unit the bit mask of the units whose inputs it keeps."""
    return [
        sum(1 << unit for unit, source in enumerate(nodes) if (source, target) not in partition.cut)
        for target in nodes
    ]


def _nothing(
    system: CandidateSystem, labels: tuple[str, ...], cause: int, effect: int
) -> SystemPhi:
    """A system without a cause or an effect on itself has no causal power (eq. 10 and 11)."""
    states = (state_of(cause, system.size), state_of(effect, system.size))
    return SystemPhi(
        nodes=system.nodes,
        labels=labels,
        state=system.state,
        phi=0.0,
        normalized_phi=0.0,
        phi_cause=0.0,
        phi_effect=0.0,
        cause_state=states[0],
        effect_state=states[1],
        cause_information=max(0.0, float(system.cause_information[cause])),
        effect_information=max(0.0, float(system.effect_information[effect])),
        partition=None,
        tied_states=(states,),
    )
