"""Integrated information against PyPhi: the same values, and how long they take.

    python -m benchmarks.integration                    # against the stored values of the oracle
    python -m benchmarks.integration --pyphi PYTHON     # a python that has PyPhi: timed beside it
    python -m benchmarks.integration --pyphi PYTHON --references   # asks it of all networks again

PyPhi 1.2 (GPL, requirements-integration.txt) is asked as a black box, in its default configuration
on one process; its values of all networks are stored in tests/references/integration.json.
Times are processor seconds on one thread (what a clock shows on a machine that nobody shares): the
median of repeated calls after a first one that compiles; PyPhi's are of one call, as it remembers.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.progress import track

from benchmarks.integration_iit4 import largest_difference
from benchmarks.integration_networks import (
    COUNTS,
    PARTS,
    larger_networks,
    partial_networks,
    published_networks,
    random_networks,
    speed_networks,
)
from benchmarks.results import write
from neurallayers.measures.integration import integrated_information

ORACLE = Path(__file__).with_name("integration_oracle.py")
REFERENCES = Path(__file__).resolve().parent.parent / "tests" / "references" / "integration.json"
# Above it two values of phi are counted as different.
AGREEMENT = 1e-4


def ask(python: str, networks: list[dict[str, Any]]) -> dict[str, Any]:
    """What PyPhi says of networks, from its own environment; it takes its time."""
    with tempfile.TemporaryDirectory() as folder:
        asked, said = Path(folder) / "networks.json", Path(folder) / "values.json"
        asked.write_text(json.dumps(networks), encoding="utf-8")
        command = [python, "-W", "ignore", str(ORACLE), str(asked), str(said)]
        subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
        answer: dict[str, Any] = json.loads(said.read_text(encoding="utf-8"))
    return answer


def asked_networks() -> list[dict[str, Any]]:
    """All networks that the oracle is asked of."""
    published = [{**network, "kind": name} for name, network in published_networks().items()]
    return published + partial_networks(PARTS) + random_networks(COUNTS) + larger_networks()


def reference(number: int, network: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """A network with what the oracle says of it, without its repertoires."""
    kept = {key: network[key] for key in ("kind", "tpm", "state", "nodes") if key in network}
    if "unreachable" in said:
        return {"number": number, **kept}
    kept["concepts"] = [
        {
            "mechanism": concept["mechanism"],
            "phi": concept["phi"],
            **{side: concept[side]["purview"] for side in ("cause", "effect")},
            **{f"{side}_phi": concept[side]["phi"] for side in ("cause", "effect")},
        }
        for concept in said["concepts"]
    ]
    kept |= {key: said[key] for key in ("phi", "major_complex") if key in said}
    return {"number": number, **kept}


def write_references(networks: list[dict[str, Any]], answer: dict[str, Any]) -> None:
    """Store what the oracle said, one network a line."""
    lines = [
        json.dumps(reference(number, network, said))
        for number, (network, said) in enumerate(zip(networks, answer["values"], strict=True))
    ]
    head = {
        "command": "python -m benchmarks.integration --pyphi PYTHON --references",
        "pyphi": answer["pyphi"],
    }
    text = json.dumps(head)[:-1] + ', "networks": [\n' + ",\n".join(lines) + "\n]}\n"
    temporary = REFERENCES.with_suffix(".partial")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(REFERENCES)


def compare(networks: list[dict[str, Any]]) -> dict[str, Any]:
    """The largest difference of phi and of the concepts' phi, over all stored networks."""
    differences, concepts, ours = [], [], 0.0
    sizes: dict[str, int] = {}
    for network in track([n for n in networks if "phi" in n], "comparing"):
        begun = time.process_time()
        found = integrated_information(network["tpm"], network["state"], nodes=network.get("nodes"))
        ours += time.process_time() - begun
        differences.append(abs(found.phi - network["phi"]))
        expected = {tuple(c["mechanism"]): c["phi"] for c in network["concepts"]}
        mine = found.concept_phi
        concepts += [
            abs(mine.get(m, 0.0) - expected.get(m, 0.0)) for m in mine.keys() | expected.keys()
        ]
        size = str(len(found.nodes))
        sizes[size] = sizes.get(size, 0) + 1
    return {
        "largest_difference_iit3": max(differences),
        "largest_difference_of_concepts": max(concepts),
        "networks": len(differences),
        "networks_that_differ": sum(one > AGREEMENT for one in differences),
        "networks_by_nodes": sizes,
        "concepts": len(concepts),
        "seconds_of_all": ours,
    }


def seconds(network: dict[str, Any], repetitions: int = 20) -> float:
    """Median processor seconds of one call; of a long one, of a few."""
    taken = []
    for _ in range(repetitions):
        begun = time.process_time()
        integrated_information(network["tpm"], network["state"])
        taken.append(time.process_time() - begun)
        if sum(taken) > 5.0:
            break
    return statistics.median(taken)


def timed(python: str | None) -> dict[str, Any]:
    """Seconds of networks of 3, 5 and 6 nodes; PyPhi's beside them."""
    figures: dict[str, Any] = {}
    for name, network in speed_networks().items():
        figures[name] = {"phi": integrated_information(network["tpm"], network["state"]).phi}
        figures[name]["seconds"] = seconds(network)
        print(f"{name}: {figures[name]}", flush=True)
    if python is not None:
        asked = {n: w for n, w in speed_networks().items() if w.get("peer", True)}
        answer = ask(python, [{**network, "structure": False} for network in asked.values()])
        for name, said in zip(asked, answer["values"], strict=True):
            figures[name]["pyphi_seconds"] = said["seconds"]
            figures[name]["pyphi_phi"] = said["phi"]
            figures[name]["times_faster"] = said["seconds"] / figures[name]["seconds"]
    return figures


def main() -> None:
    """Ask, compare, time, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pyphi", default=os.environ.get("NEURALLAYERS_PYPHI_PYTHON"))
    parser.add_argument("--references", action="store_true")
    options = parser.parse_args()
    if options.references:
        if not options.pyphi:
            parser.error("--references needs --pyphi PYTHON")
        networks = asked_networks()
        write_references(networks, ask(options.pyphi, networks))
    stored = json.loads(REFERENCES.read_text(encoding="utf-8"))
    first = published_networks()["copy_loop"]
    integrated_information(first["tpm"], first["state"])  # compiles
    results: dict[str, Any] = {"pyphi": stored["pyphi"], **compare(stored["networks"])}
    speed = timed(options.pyphi)
    for nodes in (3, 5, 6):
        # The slowest, which is the dense one where there is one.
        of = [f["seconds"] for name, f in speed.items() if f"{nodes}_nodes" in name]
        results[f"seconds_{nodes}_nodes"] = max(of)
    results["speed"] = speed
    results["iit4"] = largest_difference()
    results["largest_difference_iit4"] = results["iit4"]["largest_difference"]
    write("integration", results, "python -m benchmarks.integration --pyphi PYTHON")


if __name__ == "__main__":
    main()
