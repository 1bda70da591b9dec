"""Random small networks to measure integrated information of, and the published ones.

Of four kinds: every probability random; deterministic (every node a random function of all);
sparse (every node a random Boolean function of two nodes); noisy gates (sparse, and each node errs
with a probability of its own). The state is one that the network reaches.
"""

from __future__ import annotations

from typing import Any

import numpy as np

KINDS = ("probabilistic", "deterministic", "sparse", "noisy")
# How many networks of each size are held against the oracle, of all kinds together.
COUNTS = {2: 20, 3: 240, 4: 40}
# How many of four nodes are looked at in part, the other node frozen, and searched for complexes.
PARTS = 16
SEED = 20241123


def bits(nodes: int) -> np.ndarray[Any, Any]:
    """Every state, little-endian, ``[2^n, n]``."""
    return (np.arange(2**nodes)[:, None] >> np.arange(nodes)) & 1


def random_tpm(kind: str, nodes: int, generator: np.random.Generator) -> np.ndarray[Any, Any]:
    """State-by-node probabilities of one kind."""
    rows = 2**nodes
    if kind == "probabilistic":
        return generator.random((rows, nodes))
    if kind == "deterministic":
        return generator.integers(0, 2, (rows, nodes)).astype(float)
    state, columns = bits(nodes), []
    for _ in range(nodes):
        one, other = generator.choice(nodes, 2, replace=False)
        table = generator.integers(0, 2, 4).astype(float)
        if kind == "noisy":
            error = generator.uniform(0.01, 0.3)
            table = table * (1 - 2 * error) + error
        columns.append(table[state[:, one] + 2 * state[:, other]])
    return np.stack(columns, axis=1)


def random_network(kind: str, nodes: int, generator: np.random.Generator) -> dict[str, Any]:
    """A network, a state that it reaches from some other, and the nodes to look at."""
    tpm = random_tpm(kind, nodes, generator)
    after = tpm[generator.integers(0, 2**nodes)]
    state = (generator.random(nodes) < after).astype(int)
    return {"kind": kind, "tpm": tpm.tolist(), "state": state.tolist()}


def random_networks(counts: dict[int, int], seed: int = SEED) -> list[dict[str, Any]]:
    """So many networks of each size, the kinds in turn."""
    generator = np.random.default_rng(seed)
    return [
        random_network(KINDS[index % len(KINDS)], nodes, generator)
        for nodes, count in counts.items()
        for index in range(count)
    ]


def partial_networks(count: int, seed: int = SEED) -> list[dict[str, Any]]:
    """Networks of four nodes of which three are the system; the complexes of whole ones too."""
    generator = np.random.default_rng([seed, 1])
    made = []
    for index in range(count):
        network = random_network(KINDS[index % len(KINDS)], 4, generator)
        network["nodes"] = sorted(generator.choice(4, 3, replace=False).tolist())
        made.append(network)
        if index % 2:
            whole = random_network(KINDS[index // 2 % len(KINDS)], 3, generator)
            made.append({**whole, "complexes": True})
    return made


def larger_networks() -> list[dict[str, Any]]:
    """Rings of five and six nodes, one of five whose nodes err, and loops of random gates."""
    made = [{"kind": "ring", **ring(nodes)} for nodes in (5, 6)]
    one, error = ring(5), 0.0637
    noisy = np.array(one["tpm"]) * (1.0 - 2.0 * error) + error
    made.append({"kind": "noisy_ring", **one, "tpm": noisy.tolist()})
    generator = np.random.default_rng([SEED, 2])
    return made + [loop(5, generator, error) for error in (0.0, 0.0, 0.0, 0.1013, 0.1013, 0.1013)]


def loop(nodes: int, generator: np.random.Generator, error: float) -> dict[str, Any]:
    """Every node is a random gate of the one before it and of some other, and errs so often."""
    state = bits(nodes)
    columns, connectivity = [], np.zeros((nodes, nodes), dtype=int)
    for node in range(nodes):
        before = (node - 1) % nodes
        other = generator.choice([one for one in range(nodes) if one != before])
        connectivity[[before, other], node] = 1
        # One state of four is another than the rest, or two are: an AND, an OR, an XOR and such.
        table = generator.permutation([0, 0, generator.integers(0, 2), 1]).astype(float)
        columns.append(table[state[:, before] + 2 * state[:, other]] * (1 - 2 * error) + error)
    tpm = np.stack(columns, axis=1)
    after = (generator.random(nodes) < tpm[generator.integers(0, 2**nodes)]).astype(int)
    return {
        "kind": "loop" if error == 0.0 else "noisy_loop",
        "tpm": tpm.tolist(),
        "state": after.tolist(),
        "connectivity": connectivity.tolist(),
    }


def published_networks() -> dict[str, dict[str, Any]]:
    """Networks whose values are printed in papers, all in little-endian rows."""
    s = bits(3)
    a, b, c = s.T
    figure_12 = np.stack([b | c, a & c, a ^ b], axis=1)
    or_copy_xor = np.stack([b | c, c, a ^ b], axis=1)
    pair = bits(2)[:, ::-1]
    return {
        "or_and_xor": {"tpm": figure_12.tolist(), "state": [1, 0, 0], "phi": 23 / 12},
        "or_copy_xor": {"tpm": or_copy_xor.tolist(), "state": [1, 0, 0], "phi": 2.3125},
        "copy_loop": {"tpm": pair.tolist(), "state": [1, 0], "phi": 1.0},
    }


def speed_networks() -> dict[str, dict[str, Any]]:
    """Networks to measure the time of; the peer is not asked of those that would take it hours."""
    published = published_networks()
    made = {
        "3_nodes_or_and_xor": published["or_and_xor"],
        "3_nodes_or_copy_xor": published["or_copy_xor"],
    }
    for nodes in (5, 6):
        made[f"{nodes}_nodes_ring"] = ring(nodes)
    for nodes in (5, 6):
        generator = np.random.default_rng(7)
        dense = random_network("probabilistic", nodes, generator)
        made[f"dense_{nodes}_nodes"] = {**dense, "peer": False}
    return made


def ring(nodes: int) -> dict[str, Any]:
    """Every node is the OR, the AND or the XOR, in turns, of both its neighbours on a ring.

    The connectivity goes with it: the peer's search is shorter where it knows it.
    """
    state = bits(nodes)
    columns, connectivity = [], np.zeros((nodes, nodes), dtype=int)
    for node in range(nodes):
        left, right = (node - 1) % nodes, (node + 1) % nodes
        connectivity[[left, right], node] = 1
        gates = (np.bitwise_or, np.bitwise_and, np.bitwise_xor)
        columns.append(gates[node % 3](state[:, left], state[:, right]))
    tpm = np.stack(columns, axis=1)
    after = tpm[1]
    return {
        "tpm": tpm.tolist(),
        "state": after.tolist(),
        "connectivity": connectivity.tolist(),
    }
