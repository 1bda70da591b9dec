r"""What nodes in a state say of the past and the future of others: cause and effect repertoires.

With do(·) for setting nodes and every other node averaged over all its states with equal weight:

- cause: p(past of P | M = m) ∝ Π_{i in M} p(M_i = m_i | do(P)), normalised over the states of P;
- effect: p(future of P | M = m) = Π_{i in P} p(P_i | do(M = m)).

Of an empty mechanism these are the unconstrained repertoires: uniform over causes, and the
product of every node's mean over effects.

Source: Oizumi, Albantakis & Tononi (2014), PLoS Comput Biol 10(5):e1003588, "Mechanisms" and Text
S2 (the product over the nodes: each is intervened on by noise of its own).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurallayers.measures.integration.frames import frame, mask_of
from neurallayers.measures.integration.substrate import FloatArray
from neurallayers.measures.integration.transitions import bits


def averaged_probabilities(tpm: FloatArray) -> FloatArray:
    """Probability that each node will be ON given the state of a set, all others averaged.

    Args:
        tpm: State-by-node ``[2^n, n]``.

    Returns:
        ``[2^n (set), 2^n (state), n]``; only the bits of the set matter in the state.

    >>> averaged_probabilities(np.array([[0.0], [1.0]]))[:, :, 0].tolist()
    [[0.5, 0.5], [0.0, 1.0]]
    """
    states, nodes = tpm.shape
    averaged = np.empty((states, states, nodes))
    averaged[states - 1] = tpm
    rows = np.arange(states)
    for mask in range(states - 2, -1, -1):
        missing = ~mask & (mask + 1)
        more = averaged[mask | missing]
        averaged[mask] = 0.5 * (more + more[rows ^ missing])
    return averaged


def likelihoods(averaged: FloatArray, row: int) -> FloatArray:
    """Probability of each node's present state given the past state of a set.

    Args:
        averaged: Of :func:`averaged_probabilities`.
        row: The present state.

    Returns:
        ``[n, 2^n (set), 2^n (state)]``.
    """
    present = (row >> np.arange(averaged.shape[2])) & 1
    of_present = np.where(present == 1, averaged, 1.0 - averaged)
    return np.ascontiguousarray(of_present.transpose(2, 0, 1))


def cause_repertoire(
    likelihood: FloatArray, heard: dict[int, int], purview: tuple[int, ...]
) -> FloatArray:
    """A cause repertoire, ``[2^|P|]``, little-endian over the purview's nodes.

    Args:
        likelihood: Of :func:`likelihoods`.
        heard: The mechanism's nodes, and of each the set of purview nodes that it hears.
        purview: The purview's nodes, ascending.
    """
    states = _states(purview, likelihood.shape[0])
    product = np.ones(len(states))
    for node, mask in heard.items():
        product = product * likelihood[node, mask, states]
    normalised: FloatArray = product / product.sum()
    return normalised


def effect_repertoire(probabilities: Any) -> FloatArray:
    """The distribution over states of independent nodes, from the probability that each is ON.

    >>> effect_repertoire([0.5, 1.0]).tolist()
    [0.0, 0.0, 0.5, 0.5]
    """
    on = np.asarray(probabilities, dtype=np.float64)
    product: FloatArray = np.where(bits(on.size) == 1, on, 1.0 - on).prod(axis=1)
    return product


def _states(purview: tuple[int, ...], nodes: int) -> Any:
    places = frame(nodes)
    mask = mask_of(purview)
    begin = places.offsets[mask]
    return places.states[begin : begin + 2 ** len(purview)]
