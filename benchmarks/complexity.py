"""Complexity measures: how long they take, and whether they say what their definitions say.

    python -m benchmarks.complexity --peers PATH   # a python that has antropy

Lempel-Ziv complexity of 100,000 random bits, ours and antropy's in the same run, and PCIst of 16
channels x 701 samples; medians of the repetitions on one thread, after a first call that compiles.
Agreement is with the plainest spelling of each definition (every piece searched as text, every
matrix of distances thresholded), on inputs drawn here. Without --peers (or
NEURALLAYERS_COMPLEXITY_PYTHON) only ours are timed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.results import write
from neurallayers.measures import complexity

BITS, REPETITIONS = 100_000, 7
TIMES_MS = np.arange(-400.0, 301.0)
Array = npt.NDArray[np.float64]
PEER = """
import json, sys, time
import numpy as np
from antropy import lziv_complexity, perm_entropy, sample_entropy, spectral_entropy
bits = np.random.default_rng(0).integers(0, 2, %d).astype(np.uint32)
lziv_complexity(bits[:100])
seconds = []
for _ in range(3):
    begun = time.perf_counter()
    words = lziv_complexity(bits, normalize=False)
    seconds.append(time.perf_counter() - begun)
noise = np.random.default_rng(1).normal(size=2000)
print(json.dumps({
    "words": int(words),
    "seconds": sorted(seconds)[1],
    "permutation_entropy": float(perm_entropy(noise, order=3)),
    "sample_entropy": float(sample_entropy(noise, order=2)),
}))
"""


def median_seconds(call: Callable[[], Any]) -> float:
    """Median over repetitions; the first call is not counted."""
    call()
    seconds = []
    for _ in range(REPETITIONS):
        begun = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


def response(seed: int, channels: int = 16) -> Array:
    """Waves after a stimulus, in noise."""
    generator = np.random.default_rng(seed)
    waves = [
        np.sin(TIMES_MS / period + 6.0 * generator.random((channels, 1)))
        * np.exp(-TIMES_MS.clip(0.0) / decay)
        for period, decay in ((10.0, 100.0), (23.0, 60.0), (7.0, 150.0))
    ]
    noise: Array = 0.1 * generator.normal(size=(channels, len(TIMES_MS)))
    return noise + np.where(TIMES_MS > 0.0, sum(waves), 0.0)


# ------------------------------------------------------------------------ definitions, spelled out


def words_as_text(text: str) -> int:
    """Lempel and Ziv (1976): each word is the shortest piece that occurs nowhere before."""
    count = start = 0
    while start < len(text):
        size = 1
        while start + size <= len(text) and text[start : start + size] in text[: start + size - 1]:
            size += 1
        count += 1
        start += size
    return count


def words_by_flow_chart(matrix: npt.NDArray[Any]) -> int:
    """The flow chart in the supplement of Casali et al. (2013)."""
    sources, moments = matrix.shape
    columns = ["".join(map(str, matrix[:, moment])) for moment in range(moments)]
    count, column, searched, begin, size = 1, 1, 1, 1, 1
    while column <= moments:
        until = begin + size - 1 if searched == column else sources
        at_end = False
        if columns[column - 1][begin : begin + size] in columns[searched - 1][:until]:
            size += 1
            at_end = begin + size > sources
        else:
            searched -= 1
            if searched < 1:
                count += 1
                begin += size
                at_end = begin + 1 > sources
                searched, size = column, 1
        if at_end:
            column += 1
            begin, searched, size = 0, column - 1, 1
    return count + 1


def pcist_by_matrices(signal: Array, k: float = 1.2, steps: int = 100) -> list[float]:
    """Comolatti et al. (2019), component by component: every threshold, every pair of moments."""
    _, singular, directions = np.linalg.svd(signal[:, 400:700].T, full_matrices=False)
    share = np.cumsum(singular**2) / (singular**2).sum()
    found = []
    for component in directions[: int((share < 0.99).sum()) + 1] @ signal:
        before, after = component[0:350], component[400:700]
        if np.sqrt((after**2).mean() / (before**2).mean()) <= 1.1:
            continue
        near, far = (np.abs(part[:, None] - part[None]) for part in (before, after))
        best = 0.0
        for threshold in np.linspace(np.median(near), far.max(), steps):
            crossings = [np.abs(np.diff(matrix <= threshold)).sum() for matrix in (near, far)]
            best = max(best, crossings[1] / 300 - k * crossings[0] * 300 / 350**2)
        found.append(best)
    return found


def agreement() -> dict[str, float]:
    """Largest differences from the definitions."""
    generator = np.random.default_rng(7)
    texts = ["".join(map(str, generator.integers(0, 3, 300))) for _ in range(50)]
    matrices = [(generator.random((40, 60)) < 0.1 + 0.08 * i).astype(int) for i in range(10)]
    pcist = [
        abs(
            complexity.state_transition_complexity(response(seed), TIMES_MS).pcist
            - sum(pcist_by_matrices(response(seed)))
        )
        for seed in range(3)
    ]
    return {
        "lz76_words_that_differ": float(
            sum(complexity.lempel_ziv_76(text) != words_as_text(text) for text in texts)
        ),
        "pci_words_that_differ": float(
            sum(complexity.matrix_words(one) != words_by_flow_chart(one) for one in matrices)
        ),
        "pcist_largest_difference": max(pcist),
    }


def peer(python: str) -> dict[str, Any]:
    """What antropy says, from its own environment."""
    done = subprocess.run(
        [python, "-W", "ignore", "-c", PEER % BITS], check=True, capture_output=True, text=True
    )
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", default=os.environ.get("NEURALLAYERS_COMPLEXITY_PYTHON"))
    given = parser.parse_args()
    bits = np.random.default_rng(0).integers(0, 2, BITS)
    signal = response(0)
    noise = np.random.default_rng(1).normal(size=2000)
    results: dict[str, Any] = {
        "lz76_100k_seconds": median_seconds(lambda: complexity.lempel_ziv_76(bits)),
        "pcist_ms": 1000.0
        * median_seconds(lambda: complexity.state_transition_complexity(signal, TIMES_MS)),
        "pci_60x30_ms": 1000.0
        * median_seconds(
            lambda: complexity.perturbational_complexity(noise[:1800].reshape(60, 30) > 0.5)
        ),
        **agreement(),
    }
    if given.peers:
        antropy = peer(given.peers)
        results["antropy_lz76_100k_seconds"] = antropy["seconds"]
        results["times_antropy"] = antropy["seconds"] / results["lz76_100k_seconds"]
        results["antropy_words_differ_by"] = abs(antropy["words"] - complexity.lempel_ziv_76(bits))
        results["antropy_permutation_entropy_differs_by"] = abs(
            antropy["permutation_entropy"] - complexity.permutation_entropy(noise)
        )
        results["antropy_sample_entropy_differs_by"] = abs(
            antropy["sample_entropy"] - complexity.sample_entropy(noise)
        )
    write("complexity", results, "python -m benchmarks.complexity")


if __name__ == "__main__":
    main()
