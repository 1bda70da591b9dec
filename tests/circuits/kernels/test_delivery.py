"""Delivery in all its kinds against sums written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurallayers.circuits import AllToAll, Circuit, EdgeList, Record, RecordedSpikes
from neurallayers.dynamics.neurons.integrate_and_fire import LeakyIntegrateAndFire
from neurallayers.dynamics.synapses.kinetics import Delta
from neurallayers.dynamics.synapses.receptors import Receptor
from neurallayers.dynamics.synapses.short_term import TsodyksMarkram

SENDERS, RECEIVERS, STEPS = 40, 520, 500


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("short_term", [False, True], ids=["static", "short_term"])
@pytest.mark.parametrize("delays", ["one", "short", "long"])
@pytest.mark.parametrize("weights", ["one", "each"])
def test_what_arrives_is_the_sum_of_what_was_sent(
    weights: str, delays: str, short_term: bool, threads: int
) -> None:
    draw = np.random.default_rng(3)
    many = 4000
    senders, receivers = draw.integers(0, SENDERS, many), draw.integers(0, RECEIVERS, many)
    weight = np.full(many, 3.0) if weights == "one" else draw.uniform(-1.0, 2.0, many)
    longest = {"one": 0, "short": 200, "long": 300}[delays]
    steps = np.full(many, 4) if delays == "one" else draw.integers(1, longest + 1, many)
    when, who = draw.integers(1, 200, 300), draw.integers(0, SENDERS, 300)
    events = sorted(set(zip(when.tolist(), who.tolist(), strict=True)))
    release = TsodyksMarkram(utilization=0.4, tau_recovery_ms=20.0, tau_facilitation_ms=30.0)

    circuit = Circuit(dt_ms=0.1)
    # An empty population in front, so that tables do not begin with what is tested.
    circuit.add_population("other", RecordedSpikes(3, [], []))
    played = RecordedSpikes(SENDERS, [0.1 * t for t, _ in events], [cell for _, cell in events])
    circuit.add_population("in", played)
    cell = LeakyIntegrateAndFire(
        RECEIVERS, dt_ms=0.1, tau_ms=20.0, resistance_mohm=1e-6, threshold_mv=1e6
    )
    receptors = {"unused": Receptor(Delta()), "in": Receptor(Delta())}
    circuit.add_population("cells", cell, receptors=receptors)
    circuit.connect(
        "in",
        "cells",
        EdgeList(senders, receivers),
        receptor="in",
        weight=3.0 if weights == "one" else weight,
        delay_ms=0.4 if delays == "one" else steps * 0.1,
        short_term=release if short_term else None,
    )
    circuit.connect("other", "cells", AllToAll(), receptor="unused", weight=100.0)
    record = Record(variables={"cells": ["drive"]})
    run = circuit.run(STEPS * 0.1, record=record, threads=threads)
    unit = Delta().coefficients(0.1, 20.0).output_y

    expected = np.zeros((STEPS, RECEIVERS))
    efficacy = {}
    for cell_ in range(SENDERS):
        times = [t for t, sender in events if sender == cell_]
        released = release.efficacies([0.1 * t for t in times])
        efficacy |= {(t, cell_): e for t, e in zip(times, released, strict=True)}
    for t, sender in events:
        for k in np.flatnonzero(senders == sender):
            if t + steps[k] < STEPS:
                scale = efficacy[t, sender] if short_term else 1.0
                expected[t + steps[k], receivers[k]] += weight[k] * scale
    assert np.abs(run.variables["cells"]["drive"] / unit - expected).max() < 1e-11


def test_single_precision_adds_in_single_precision() -> None:
    circuit = Circuit(dt_ms=0.1, dtype=torch.float32)
    circuit.add_population("in", RecordedSpikes(1, [0.1], [0]))
    cell = LeakyIntegrateAndFire(2, dt_ms=0.1, tau_ms=20.0, resistance_mohm=1e-6)
    circuit.add_population("cells", cell, receptors={"in": Receptor(Delta())})
    circuit.connect("in", "cells", AllToAll(), weight=0.1)
    state = circuit.run(0.1).state
    arrivals = state.populations["cells"].arrivals
    assert arrivals.dtype == torch.float32
    assert arrivals[0, 1, 0].tolist() == [np.float32(0.1)] * 2
