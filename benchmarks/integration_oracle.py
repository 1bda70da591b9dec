"""What PyPhi 1.2 says of networks; runs in an environment of its own, without neurallayers.

    pip install pyphi==1.2.0
    python benchmarks/integration_oracle.py NETWORKS.json VALUES.json

PyPhi (GPL) is asked as a black box, in its default configuration on one process; nothing of it is
in this project. Its last release names abstract collections where Python up to 3.9 had them.
"""

from __future__ import annotations

import collections
import collections.abc
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

for _name in ("Iterable", "Mapping", "Sequence", "MutableMapping", "Callable", "Hashable"):
    if not hasattr(collections, _name):
        setattr(collections, _name, getattr(collections.abc, _name))
os.environ["PYPHI_WELCOME_OFF"] = "yes"
os.chdir(tempfile.mkdtemp())  # it keeps a log and a cache where it is started

import numpy as np  # noqa: E402
import pyphi  # noqa: E402

pyphi.config.PROGRESS_BARS = False
pyphi.config.PARALLEL_CUT_EVALUATION = False
pyphi.config.PARALLEL_CONCEPT_EVALUATION = False
pyphi.config.PARALLEL_COMPLEX_EVALUATION = False


def half(side: Any) -> dict[str, Any]:
    """A core cause or effect."""
    return {
        "phi": float(side.phi),
        "purview": list(side.purview),
        "repertoire": np.asarray(side.repertoire).ravel(order="F").tolist(),
    }


def values(network: dict[str, Any]) -> dict[str, Any]:
    """Phi, the cut and the concepts of one network; or that its state cannot be reached."""
    connectivity = network.get("connectivity")
    made = pyphi.Network(
        np.array(network["tpm"], dtype=float),
        cm=None if connectivity is None else np.array(connectivity),
    )
    nodes = network.get("nodes") or list(range(made.size))
    try:
        system = pyphi.Subsystem(made, tuple(network["state"]), nodes)
    except pyphi.exceptions.StateUnreachableError:
        return {"unreachable": True}
    begun = time.process_time()
    sia = pyphi.compute.sia(system)
    seconds = time.process_time() - begun
    said: dict[str, Any] = {
        "phi": float(sia.phi),
        "seconds": seconds,
        "cut": [list(sia.cut.from_nodes), list(sia.cut.to_nodes)] if sia.phi > 0 else None,
    }
    if network.get("structure", True):
        said["concepts"] = [
            {
                "mechanism": list(concept.mechanism),
                "phi": float(concept.phi),
                "cause": half(concept.cause),
                "effect": half(concept.effect),
            }
            for concept in (sia.ces if sia.phi > 0 else pyphi.compute.ces(system))
        ]
    if network.get("complexes"):
        major = pyphi.compute.major_complex(made, tuple(network["state"]))
        said["major_complex"] = {
            "nodes": list(major.subsystem.node_indices),
            "phi": float(major.phi),
        }
    return said


def main() -> None:
    networks = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    said = []
    for index, network in enumerate(networks):
        said.append(values(network))
        print(f"{index + 1} of {len(networks)}", file=sys.stderr)
        # Written again and again: the larger networks take minutes each.
        document = {"pyphi": pyphi.__version__, "values": said}
        Path(sys.argv[2]).write_text(json.dumps(document), encoding="utf-8")


if __name__ == "__main__":
    main()
