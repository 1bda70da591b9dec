"""Weights that NEST and Brian2 find for given spike trains, for the tests of plasticity.

Run, in an environment with nest-simulator and brian2, to write tests/references/plasticity.json:

    PEERS/bin/python -m benchmarks.plasticity_references
"""

from __future__ import annotations

import importlib.metadata
import json
import random
from pathlib import Path
from typing import Any

REFERENCES = Path(__file__).resolve().parent.parent / "tests" / "references" / "plasticity.json"
STEP_MS, STOP_MS, WEIGHT = 1.0, 1200.0, 0.5
TAU_PLUS_MS, TAU_MINUS_MS, TAU_X_MS, TAU_Y_MS = 16.8, 33.7, 101.0, 125.0
AMPLITUDE, ASYMMETRY = 0.1, 1.1
EXPONENTS = {
    "additive": (0.0, 0.0),
    "multiplicative": (1.0, 1.0),
    "van_rossum": (0.0, 1.0),
    "guetig": (0.4, 0.4),
}
NEAREST = {
    "nearest": "stdp_nn_symm_synapse",
    "presynaptic_centered": "stdp_nn_pre_centered_synapse",
    "reduced_symmetric": "stdp_nn_restr_synapse",
}
TRIPLET = {
    "Aplus": 5e-3,
    "Aplus_triplet": 6.2e-3,
    "Aminus": 7e-3,
    "Aminus_triplet": 2.3e-3,
}


def train(seed: int, apart: int = 1) -> list[float]:
    """A hundred random spikes on the grid, all at multiples of ``apart`` ms."""
    times = random.Random(seed).sample(range(1, int(STOP_MS / apart) - 20), 100)
    return [float(apart * time) for time in sorted(times)]


def nest_weights(
    nest: Any, model: str, options: dict[str, Any], receiver: dict[str, Any], apart: int
) -> dict[str, Any]:
    """The weight with which each presynaptic spike is sent; the dendritic delay is one step."""
    nest.ResetKernel()
    nest.resolution = STEP_MS
    neurons, recorders = [], []
    for seed, parameters in ((1, {}), (2, receiver)):
        source = nest.Create("spike_generator", params={"spike_times": train(seed, apart)})
        neurons.append(nest.Create("parrot_neuron", params=parameters))
        recorders.append(nest.Create("spike_recorder"))
        nest.Connect(source, neurons[-1], syn_spec={"delay": STEP_MS})
        nest.Connect(neurons[-1], recorders[-1])
    weights = nest.Create("weight_recorder")
    nest.CopyModel(model, "recorded_synapse", {"weight_recorder": weights})
    synapse = {"synapse_model": "recorded_synapse", "weight": WEIGHT, "delay": STEP_MS}
    # What arrives at the second receptor of a parrot is not repeated.
    nest.Connect(*neurons, syn_spec={**synapse, "receptor_type": 1, **options})
    nest.Simulate(STOP_MS)
    sent, fired = (sorted(recorder.events["times"].tolist()) for recorder in recorders)
    return {
        "presynaptic_ms": sent,
        "postsynaptic_ms": [time + STEP_MS for time in fired],
        "weights": weights.events["weights"].tolist(),
    }


def of_nest() -> dict[str, Any]:
    """All rules that both have."""
    import nest

    nest.set_verbosity("M_ERROR")
    pair = {"lambda": AMPLITUDE, "alpha": ASYMMETRY, "tau_plus": TAU_PLUS_MS, "Wmax": 1.0}
    receiver = {"tau_minus": TAU_MINUS_MS}
    found: dict[str, Any] = {}
    for name, (plus, minus) in EXPONENTS.items():
        options = {**pair, "mu_plus": plus, "mu_minus": minus}
        found[name] = nest_weights(nest, "stdp_synapse", options, receiver, 1)
    for name, model in NEAREST.items():
        # stdp_nn_restr_synapse depresses at a coincidence although a presynaptic spike lies
        # between; the trains of that pairing have none (pre at even, post at odd times).
        apart = 2 if name == "reduced_symmetric" else 1
        options = {**pair, "mu_plus": 0.0, "mu_minus": 0.0}
        found[name] = nest_weights(nest, model, options, receiver, apart)
    triplet = {**TRIPLET, "tau_plus": TAU_PLUS_MS, "tau_plus_triplet": TAU_X_MS, "Wmax": 100.0}
    receiver = {"tau_minus": TAU_MINUS_MS, "tau_minus_triplet": TAU_Y_MS}
    found["triplet"] = nest_weights(nest, "stdp_triplet_synapse", triplet, receiver, 1)
    return found


def of_brian2() -> dict[str, Any]:
    """STDP as in Brian2's documentation: the weight after each step."""
    import brian2
    from brian2 import ms

    brian2.prefs.codegen.target = "numpy"
    brian2.defaultclock.dt = STEP_MS * ms
    sent, fired = train(1), train(2)
    groups = [
        brian2.SpikeGeneratorGroup(1, [0] * len(times), times * ms) for times in (sent, fired)
    ]
    synapses = brian2.Synapses(
        *groups,
        f"""w : 1
        dsent_trace/dt = -sent_trace / ({TAU_PLUS_MS} * ms) : 1 (event-driven)
        dfired_trace/dt = -fired_trace / ({TAU_MINUS_MS} * ms) : 1 (event-driven)""",
        on_pre=f"sent_trace += {AMPLITUDE}; w = clip(w + fired_trace, 0, 1)",
        on_post=f"fired_trace -= {AMPLITUDE * ASYMMETRY}; w = clip(w + sent_trace, 0, 1)",
    )
    synapses.connect()
    synapses.w = WEIGHT
    monitor = brian2.StateMonitor(synapses, "w", record=True, when="end")
    brian2.Network(*groups, synapses, monitor).run(STOP_MS * ms)
    weights = monitor.w[0].tolist()
    return {
        "presynaptic_ms": sent,
        "postsynaptic_ms": fired,
        "weights_after": [weights[round(time / STEP_MS)] for time in sorted({*sent, *fired})],
    }


def main() -> None:
    packages = ("nest-simulator", "brian2")
    document = {
        "command": "python -m benchmarks.plasticity_references",
        "versions": {name: importlib.metadata.version(name) for name in packages},
        "nest": of_nest(),
        "brian2": of_brian2(),
    }
    partial = REFERENCES.with_name(f"{REFERENCES.name}.partial")
    partial.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    partial.replace(REFERENCES)


if __name__ == "__main__":
    main()
