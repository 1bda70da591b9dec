"""Substrates for the tests of IIT 4.0: those of the paper, and random ones of three kinds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from tests.measures.integration import iit4_by_definition as definition

from neurallayers.measures.integration.iit4_units import logistic_substrate
from neurallayers.measures.integration.substrate import Substrate, state_of_row

# Fig. 1A of the paper: weights from row to column, slope 4, state aBC.
FIGURE_1 = logistic_substrate([[-0.2, 0.7, 0.2], [0.7, -0.2, 0.0], [0.0, -0.8, 0.2]], 4.0)
FIGURE_1_STATE = (0, 1, 1)
XOR = Substrate.from_function(lambda s: (s[1] ^ s[2], s[0] ^ s[2], s[0] ^ s[1]), nodes=3)
OR_COPY_XOR = Substrate.from_function(lambda s: (s[1] | s[2], s[2], s[0] ^ s[1]), nodes=3)

# Each of three cells in a ring follows the elementary cellular automaton 110.
RULE_110 = Substrate.from_function(
    lambda s: tuple(110 >> (4 * s[i - 1] + 2 * s[i] + s[(i + 1) % 3]) & 1 for i in range(3)),
    nodes=3,
)


def random_substrate(seed: int, nodes: int) -> Substrate:
    """Noisy, deterministic, or with few distinct probabilities (which tie), by turns."""
    tpm = np.random.default_rng(seed).random((2**nodes, nodes))
    if seed % 3 == 1:
        tpm = np.round(tpm)
    elif seed % 3 == 2:
        tpm = np.round(4.0 * tpm) / 4.0
    return Substrate(tpm)


def reachable(substrate: Substrate) -> Iterator[tuple[int, ...]]:
    """Every state that has a past."""
    for row in range(2**substrate.size):
        state = state_of_row(row, substrate.size)
        if substrate.reaches(state):
            yield state


def by_definition(
    substrate: Substrate, state: tuple[int, ...], nodes: tuple[int, ...]
) -> definition.System:
    """The same candidate system for the slow reference."""
    on = {
        state_of_row(row, substrate.size): [float(p) for p in substrate.tpm[row]]
        for row in range(2**substrate.size)
    }
    return definition.System(on, state, nodes)
