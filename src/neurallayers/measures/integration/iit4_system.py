r"""A candidate system of IIT 4.0: what it does to itself, with the background made inert.

Effects are judged with the background W frozen in its present state (eq. 3). For causes, where the
background came from is unknown; it is averaged out for each unit alone, weighted by what the
present state of the whole universe says of its past (eq. 4):

.. math:: p_e(\bar s | s) = p(\bar s | s, w), \qquad
   p_c(s | \bar s) = \prod_i \sum_{\bar w} p(s_i | \bar s, \bar w)\,
   \frac{\sum_{\hat s} p(u | \hat s, \bar w)}{\sum_{\hat u} p(u | \hat u)}

Equation numbers here and in the modules beside are those of Albantakis, Barbosa, Findlay, Grasso et
al. (2023), "Integrated information theory (IIT) 4.0", PLoS Comput. Biol. 19(10):e1011465.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurallayers.errors import InvalidInput
from neurallayers.measures.integration.iit4_kernels import SAME
from neurallayers.measures.integration.substrate import Substrate, state_of_row

Array = NDArray[np.float64]
State = tuple[int, ...]


MOST_UNITS = 10
"""Of a candidate system: 47 million partitions, a few seconds."""


@dataclass(frozen=True)
class CandidateSystem:
    """Some units of a substrate as a system of their own, in a state.

    Args:
        nodes: The substrate's nodes that it consists of, ascending.
        state: Their present state.
        effect: ``[2^k, k]``, the probability that each unit is ON after each state (eq. 3).
        cause: ``[2^k, k]``, the same for judging causes (eq. 4).

    >>> from neurallayers.measures.integration.substrate import Substrate
    >>> swap = Substrate([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> system = CandidateSystem.of(swap, (1, 0))
    >>> system.cause_states, system.effect_states
    ([2], [2])
    """

    nodes: tuple[int, ...]
    state: State
    effect: Array
    cause: Array

    @classmethod
    def of(
        cls, substrate: Substrate, state: Sequence[int], nodes: Sequence[int | str] | None = None
    ) -> CandidateSystem:
        """Make the background inert.

        Raises:
            InvalidInput: If no state of the substrate leads to the present one: then it has no
                cause. Or if the system has more than 10 units.
        """
        universe, inside = substrate.state(state), substrate.nodes(nodes)
        if len(inside) > MOST_UNITS:
            raise InvalidInput(
                f"The candidate system has {len(inside)} units.",
                f"Measure at most {MOST_UNITS}: each unit more takes about nine times as long.",
            )
        effect = substrate.conditioned(universe, inside)
        cause = _cause_tpm(substrate, universe, inside)
        return cls(inside, tuple(universe[node] for node in inside), effect, cause)

    @property
    def size(self) -> int:
        """How many units it has."""
        return len(self.nodes)

    @property
    def row(self) -> int:
        """The row of its state."""
        return sum(bit << unit for unit, bit in enumerate(self.state))

    @cached_property
    def effect_probability(self) -> Array:
        """p_e of each effect state given the present one (eq. 3), ``[2^k]``."""
        return joint(self.effect[self.row])

    @cached_property
    def effect_information(self) -> Array:
        """Intrinsic information about each effect state (eq. 5) [ibits]."""
        chance = np.mean([joint(row) for row in self.effect], axis=0)
        return intrinsic_difference(self.effect_probability, self.effect_probability, chance)

    @cached_property
    def cause_likelihood(self) -> Array:
        """p_c of the present state given each cause state (eq. 4), ``[2^k]``."""
        return np.asarray(of_state(self.cause, self.state).prod(axis=1))

    @cached_property
    def cause_probability(self) -> Array:
        """Probability of each cause state given the present one, by Bayes' rule (eq. 9)."""
        return np.asarray(self.cause_likelihood / self.cause_likelihood.sum())

    @cached_property
    def cause_information(self) -> Array:
        """Intrinsic information about each cause state (eq. 7) [ibits]."""
        likelihood = self.cause_likelihood
        chance = np.full_like(likelihood, likelihood.mean())
        return intrinsic_difference(self.cause_probability, likelihood, chance)

    @property
    def cause_states(self) -> list[int]:
        """Rows of the states with the most intrinsic cause information (eq. 12)."""
        return largest(self.cause_information)

    @property
    def effect_states(self) -> list[int]:
        """Rows of the states with the most intrinsic effect information (eq. 12)."""
        return largest(self.effect_information)

    def effect_loss(self, effect: State) -> Array:
        """Bits by which each unit's part in the effect state falls (eq. 18), ``[k, 2^k]``.

        Column K: the unit still receives the present states of the units in the bit mask K, and
        independent noise from the others.
        """
        return _loss(self.effect, self.state, effect)

    def cause_loss(self, cause: State) -> Array:
        """The same for how the cause state brings about each unit's present state."""
        return _loss(self.cause, cause, self.state)


def as_substrate(given: Substrate | ArrayLike) -> Substrate:
    """The substrate itself, or that of a transition probability matrix.

    >>> as_substrate([[0, 0], [0, 1], [1, 0], [1, 1]])
    Substrate(2 nodes: A, B)
    """
    return given if isinstance(given, Substrate) else Substrate(given)


def joint(on: Array) -> Array:
    """Probabilities of all states of independent units, ``[k]`` -> ``[2^k]``, little-endian.

    >>> joint(np.array([1.0, 0.25])).tolist()
    [0.0, 0.75, 0.0, 0.25]
    """
    product = np.ones(1)
    for probability in on:
        product = np.concatenate([product * (1.0 - probability), product * probability])
    return product


def of_state(on: Array, state: Sequence[int]) -> Array:
    """Probability that each unit is in its state, from the probability that it is ON."""
    return np.where(np.asarray(state) == 1, on, 1.0 - on)


def intrinsic_difference(selectivity: Array, likely: Array, chance: Array) -> Array:
    """Selectivity times informativeness, state by state (eq. 5 and 7) [ibits].

    >>> intrinsic_difference(np.array([1.0, 0.0]), np.array([1.0, 0.0]), np.full(2, 0.5)).tolist()
    [1.0, 0.0]
    """
    ratio = np.divide(likely, chance, out=np.ones_like(likely), where=(likely > 0) & (chance > 0))
    return np.asarray(selectivity * np.log2(ratio))


def largest(values: Array) -> list[int]:
    """Where the largest value stands, all places that equal it but for rounding."""
    return [int(place) for place in np.flatnonzero(values >= values.max() - SAME)]


def marginals(tpm: Array, source: Sequence[int]) -> Array:
    """Probability that each unit is ON if only some inputs are held, ``[2^k, k]``.

    Row K: the units of the bit mask K are in the source state, the others uniformly random.

    >>> copies = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> marginals(copies, (1, 0)).tolist()
    [[0.5, 0.5], [0.5, 1.0], [0.0, 0.5], [0.0, 1.0]]
    """
    units = len(source)
    table = tpm.reshape((2,) * units + (tpm.shape[1],), order="F")
    for axis, bit in enumerate(source):
        table = np.stack([table.mean(axis=axis), table.take(bit, axis=axis)], axis=axis)
    return table.reshape(-1, tpm.shape[1], order="F")


def _loss(tpm: Array, source: State, target: State) -> Array:
    probability = of_state(marginals(tpm, source), target)
    # A unit that cannot be in its target state is asked for in no mechanism's purview.
    with np.errstate(divide="ignore", invalid="ignore"):
        bits = np.log2(probability)
        return np.ascontiguousarray((bits[-1] - bits).T)


def _cause_tpm(substrate: Substrate, state: State, inside: tuple[int, ...]) -> Array:
    likelihood = of_state(substrate.tpm, state).prod(axis=1)
    if likelihood.sum() <= 0.0:
        raise InvalidInput(
            f"No state of the substrate leads to the state {state}.",
            "Measure a state that the substrate can reach: one that has a past.",
        )
    rows = np.arange(2**substrate.size)
    now = sum(((rows >> node) & 1) << unit for unit, node in enumerate(inside))
    outside = [node for node in range(substrate.size) if node not in inside]
    around = sum((((rows >> node) & 1) << unit for unit, node in enumerate(outside)), 0 * rows)
    # How probable each past of the background is, given the present state of everything.
    background = np.bincount(around, weights=likelihood, minlength=2 ** len(outside))
    weight = (background / likelihood.sum())[around]
    cause = np.zeros((2 ** len(inside), len(inside)))
    for unit, node in enumerate(inside):
        cause[:, unit] = np.bincount(now, weights=weight * substrate.tpm[:, node])
    return cause.clip(0.0, 1.0)


def state_of(row: int, units: int) -> State:
    """The state of a row."""
    return state_of_row(row, units)
