"""Networks that several tests of integrated information look at, all in little-endian rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

PATH = Path(__file__).resolve().parents[2] / "references" / "integration.json"
REFERENCES: list[dict[str, Any]] = json.loads(PATH.read_text(encoding="utf-8"))["networks"]

_A, _B, _C = ((np.arange(8)[:, None] >> np.arange(3)) & 1).T
# Oizumi et al. (2014), Fig. 12: A = B or C, B = A and C, C = A xor B.
OR_AND_XOR = np.stack([_B | _C, _A & _C, _A ^ _B], axis=1)
# Mayner et al. (2018), Fig. 1: A = B or C, B = C, C = A xor B.
OR_COPY_XOR = np.stack([_B | _C, _C, _A ^ _B], axis=1)
COPY_LOOP = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
# A hears nobody (it is ON half the time), B copies A, C copies B.
CHAIN = np.stack([np.full(8, 0.5), _A, _B], axis=1)


def two_pairs() -> Any:
    """Two loops of two copying nodes that do not know each other."""
    bits = (np.arange(16)[:, None] >> np.arange(4)) & 1
    return bits[:, [1, 0, 3, 2]]


def random_tpm(nodes: int, seed: int) -> Any:
    """Every probability random, none of them 0 or 1."""
    return np.random.default_rng(seed).uniform(0.02, 0.98, (2**nodes, nodes))
