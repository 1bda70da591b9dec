"""IIT 4.0 against its equations, and how long it takes by the number of units.

    python -m benchmarks.integration_iit4            # about three minutes
    python -m benchmarks.integration_iit4 --quick    # without structures of more than 6 units

There is no release of PyPhi with IIT 4.0 to compare with, so the oracle is a reference of our own
that is written straight from the paper's equations (tests/measures/integration/
iit4_by_definition.py): it lists every partition, sums over every state, and shares neither code,
nor layout, nor searches with the library. The published values of the paper's Fig. 1 and 2 are
measured beside it.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from tests.measures.integration import iit4_by_definition as definition

from benchmarks.results import write
from neurallayers.measures.integration import iit4
from neurallayers.measures.integration.substrate import Substrate, state_of_row

NETWORKS = 120
MOST_TIES = 2000
SIZES = (3, 4, 5, 6, 7, 8)
FIGURE_1 = {"a": (0,), "aB": (0, 1), "aBC": (0, 1, 2)}


def random_networks(count: int, seed: int) -> Iterator[Substrate]:
    """Of 2 to 4 units: noisy, deterministic, with tied probabilities, and sparse, by turns."""
    generator = np.random.default_rng(seed)
    for index in range(count):
        nodes = 4 if index % 20 == 0 else 2 + index % 2
        tpm = generator.random((2**nodes, nodes))
        kind = index // 2 % 4
        if kind == 1:
            tpm = np.round(tpm)
        elif kind == 2:
            tpm = np.round(4.0 * tpm) / 4.0
        elif kind == 3:
            weights = generator.normal(size=(nodes, nodes))
            weights *= generator.random(weights.shape) < 0.6
            yield iit4.logistic_substrate(weights, 2.0)
            continue
        yield Substrate(tpm)


def slowly(substrate: Substrate, state: tuple[int, ...], nodes: tuple[int, ...]) -> Any:
    """The same candidate system for the reference."""
    rows = range(2**substrate.size)
    on = {state_of_row(row, substrate.size): list(map(float, substrate.tpm[row])) for row in rows}
    return definition.System(on, state, nodes)


def largest_difference(networks: int = NETWORKS, *, seed: int = 4) -> dict[str, Any]:
    """How far phi_s and Phi are from the reference, over random networks and all their subsets.

    Returns:
        ``largest_difference`` of phi_s over ``systems`` candidate systems of ``networks`` networks,
        ``integrated_systems`` of them with phi_s above 0, and ``largest_difference_big_phi``,
        relative to Phi where that is above 1, over ``structures`` cause-effect structures.
    """
    found: dict[str, Any] = {
        "networks": networks,
        "systems": 0,
        "integrated_systems": 0,
        "largest_difference": 0.0,
        "structures": 0,
        "largest_difference_big_phi": 0.0,
    }
    for index, substrate in enumerate(random_networks(networks, seed)):
        states = [state_of_row(row, substrate.size) for row in range(2**substrate.size)]
        reached = [state for state in states if substrate.reaches(state)]
        for state in reached if substrate.size < 4 else reached[:1]:
            for nodes in definition.subsets(range(substrate.size)):
                compare(substrate, state, nodes, found, structures=state == reached[0])
        print(f"\rIIT 4.0: {index + 1} of {networks} networks", end="", file=sys.stderr)
    print(file=sys.stderr)
    return found


def compare(
    substrate: Substrate,
    state: tuple[int, ...],
    nodes: tuple[int, ...],
    found: dict[str, Any],
    *,
    structures: bool,
) -> None:
    """Add one candidate system to what was found."""
    slow = slowly(substrate, state, nodes)
    expected, pairs = definition.system_phi(slow)
    phi = iit4.system_phi(substrate, state, nodes).phi
    found["systems"] += 1
    found["integrated_systems"] += int(expected > 1e-9)
    found["largest_difference"] = max(found["largest_difference"], abs(phi - expected))
    if not structures or len(nodes) > 3:
        return
    ties = sum(
        math.prod(len(option) for option in definition.distinction_options(slow, *pair))
        for pair in pairs
    )
    if ties > MOST_TIES:
        return
    found["structures"] += 1
    for rule in ("smallest_purview", "most_integrated"):
        big = definition.big_phi(slow, rule)
        ours = iit4.cause_effect_structure(substrate, state, nodes, ties=rule).big_phi
        found["largest_difference_big_phi"] = max(
            found["largest_difference_big_phi"], abs(ours - big) / max(1.0, big)
        )


def published() -> dict[str, float]:
    """phi_s of the three systems of Fig. 1E (published: 0.04, 0.17, 0.13) and Phi of aB (1.56)."""
    weights = [[-0.2, 0.7, 0.2], [0.7, -0.2, 0.0], [0.0, -0.8, 0.2]]
    substrate, state = iit4.logistic_substrate(weights, 4.0), (0, 1, 1)
    values = {
        f"phi_s_{name}": iit4.system_phi(substrate, state, nodes).phi
        for name, nodes in FIGURE_1.items()
    }
    structure = iit4.cause_effect_structure(substrate, state, (0, 1))
    return values | {
        "big_phi_aB": structure.big_phi,
        **{
            f"phi_d_{''.join('aB'[node] for node in each.mechanism)}": each.phi
            for each in structure.distinctions
        },
    }


def processor_seconds(call: Callable[[], Any], repetitions: int) -> float:
    """Median over repetitions, of one thread; a first call is not counted."""
    call()
    seconds = []
    for _ in range(repetitions):
        begun = time.process_time()
        call()
        seconds.append(time.process_time() - begun)
    return statistics.median(seconds)


def timings(*, quick: bool) -> dict[str, float]:
    """Of phi_s and of the whole structure by the number of units, for noisy networks."""
    found = {}
    for size in SIZES:
        # Logistic units of random weights: strongly connected, and phi_s is not 0.
        weights = 0.5 + np.random.default_rng(size).normal(size=(size, size)) * 0.2
        substrate, state = iit4.logistic_substrate(weights, 1.0), (1,) * size
        seconds = processor_seconds(lambda s=substrate, u=state: iit4.system_phi(s, u), 5)  # type: ignore[misc]
        found[f"phi_s_{size}_units"] = seconds
        if size <= 6 or not quick:
            begun = time.process_time()
            iit4.cause_effect_structure(substrate, state)
            found[f"structure_{size}_units"] = time.process_time() - begun
        print(f"timed {size} units", file=sys.stderr)
    return found


def main() -> None:
    """Compare, time, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    results = {
        "figure_1": published(),
        "against_the_equations": largest_difference(),
        "processor_seconds": timings(quick=options.quick),
    }
    command = "python -m benchmarks.integration_iit4" + " --quick" * options.quick
    write("integration_iit4", results, command)


if __name__ == "__main__":
    main()
