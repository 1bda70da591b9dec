"""Probabilities of weighted programs against ProbLog: the same values, and how long they take.

    python -m benchmarks.weighted_programs --problog PATH   # a python that has problog (and pysdd)

The classic programs (alarm, friends who smoke, reachability with cycles, blood types, dice, a
Markov chain, noisy rules) and many random ones (facts, choices, weighted and recursive rules,
negation in strata, comparisons, evidence). Each is written once in our syntax; the peer gets it
translated. Times hold parsing, grounding, compiling and counting, in one process each, on one
thread. Without --problog (or NEURALLAYERS_PROBLOG_PYTHON) only ours are timed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.results import write
from benchmarks.weighted_program_texts import CLASSICS, as_problog, random_program
from neurallayers.errors import InvalidInput
from neurallayers.logic.probabilistic import marginals

SEED, RANDOM_PROGRAMS, REFERENCES = 5, 200, 60
PEER = Path(__file__).with_name("problog_marginals.py")


def programs() -> dict[str, str]:
    """Every program by its name."""
    chance = random.Random(SEED)
    made = {f"random {i}": random_program(chance) for i in range(RANDOM_PROGRAMS)}
    return {**CLASSICS, **made}


def ours(text: str) -> dict[str, float] | None:
    """Probabilities by the text of the answer; None where the evidence is impossible."""
    try:
        found = marginals(text)
    except InvalidInput as error:
        if "probability zero" in str(error):
            return None
        raise
    return {str(formula).replace(" ", "").replace('"', ""): p for formula, p in found.items()}


def measure_ours(texts: dict[str, str]) -> tuple[dict[str, Any], dict[str, float]]:
    """Values and seconds of every program."""
    values, seconds = {}, {}
    marginals("0.5 :: warm", "warm")
    for name, text in texts.items():
        begun = time.perf_counter()
        values[name] = ours(text)
        seconds[name] = time.perf_counter() - begun
    return values, seconds


def measure_peer(python: str, texts: dict[str, str]) -> dict[str, Any]:
    """The same from ProbLog, in its own environment."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "programs.json"
        translated = {name: as_problog(text) for name, text in texts.items()}
        path.write_text(json.dumps(translated), encoding="utf-8")
        answer = subprocess.run(
            [python, str(PEER), str(path)], check=True, capture_output=True, text=True
        )
    said: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return said


def differences(mine: dict[str, Any], theirs: dict[str, Any]) -> dict[str, float]:
    """The largest difference of each program; what only one of them says counts against zero.

    Programs that the peer refuses or gives up are left out.
    """
    found = {}
    for name, values in mine.items():
        if name not in theirs:
            continue
        peer = theirs[name]
        if values is None or peer is None:
            # Both must find the evidence impossible.
            found[name] = 0.0 if values is None and peer is None else 1.0
            continue
        answers = {*values, *peer}
        gaps = [abs(values.get(a, 0.0) - peer.get(a, 0.0)) for a in answers]
        found[name] = max(gaps, default=0.0)
    return found


def write_references(path: Path, texts: dict[str, str], said: dict[str, Any]) -> None:
    """Programs and the peer's answers, as numbers."""
    answered = {name: values for name, values in said["values"].items() if values}
    chosen = [*CLASSICS, *(name for name in answered if name not in CLASSICS)][:REFERENCES]
    document = {
        "command": "python -m benchmarks.weighted_programs --problog PATH --references FILE",
        "versions": said["versions"],
        "programs": [
            {"name": name, "text": texts[name], "probabilities": answered[name]}
            for name in chosen
            if name in answered
        ],
    }
    temporary = path.with_name(f"{path.name}.partial")
    temporary.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)


def main() -> None:
    """Measure both, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problog", default=os.environ.get("NEURALLAYERS_PROBLOG_PYTHON"))
    parser.add_argument(
        "--references",
        metavar="FILE",
        type=Path,
        help="also write some programs with ProbLog's answers, which the tests are held against",
    )
    options = parser.parse_args()
    texts = programs()
    mine, seconds = measure_ours(texts)
    results: dict[str, Any] = {
        "classic_programs": len(CLASSICS),
        "random_programs": RANDOM_PROGRAMS,
        "answers": sum(len(values) for values in mine.values() if values),
        "impossible_evidence": sum(values is None for values in mine.values()),
        "seconds": {name: seconds[name] for name in CLASSICS},
        "median_seconds_random": statistics.median(
            s for name, s in seconds.items() if name not in CLASSICS
        ),
    }
    if options.problog:
        said = measure_peer(options.problog, texts)
        if options.references:
            write_references(options.references, texts, said)
        gaps = differences(mine, said["values"])
        worst = max(gaps, key=gaps.__getitem__)
        print(f"Largest difference: {gaps[worst]:.3g} in {worst!r}.", file=sys.stderr)
        results |= {
            "versions_of_peers": said["versions"],
            "largest_difference": gaps[worst],
            "programs_compared": len(gaps),
            "refused_by_problog": {
                word: sum(why.startswith(word) for why in said["refused"].values())
                for word in sorted({why.partition(":")[0] for why in said["refused"].values()})
            },
            "largest_difference_classic": {name: gaps[name] for name in CLASSICS if name in gaps},
            "programs_that_differ_by_1e-6": sum(gap > 1e-6 for gap in gaps.values()),
            "seconds_problog": {
                name: said["seconds"][name] for name in CLASSICS if name in said["values"]
            },
            "median_seconds_random_problog": statistics.median(
                said["seconds"][name] for name in said["values"] if name not in CLASSICS
            ),
        }
    else:
        print("No python with problog: only our own times.", file=sys.stderr)
    write("weighted_programs", results, "python -m benchmarks.weighted_programs --problog PATH")


if __name__ == "__main__":
    main()
