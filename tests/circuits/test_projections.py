"""Projections: places in memory, weights and delays as they were asked for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import random_array

from neurallayers.circuits import (
    AllToAll,
    Circuit,
    DistanceBased,
    DistanceDelay,
    EdgeList,
    FixedProbability,
    FromSparse,
    Normal,
    OneToOne,
    Uniform,
    gaussian_profile,
)
from neurallayers.circuits.projections import memory_of
from neurallayers.dynamics.neurons.integrate_and_fire import LeakyIntegrateAndFire
from neurallayers.dynamics.synapses.kinetics import Exponential
from neurallayers.dynamics.synapses.receptors import Receptor
from neurallayers.errors import InvalidInput, ShapeMismatch


def circuit_of(n: int = 6, receptors: int = 2) -> Circuit:
    circuit = Circuit(dt_ms=0.1, seed=3)
    cell = LeakyIntegrateAndFire(n, dt_ms=0.1, tau_ms=20.0, resistance_mohm=100.0)
    given_ = {f"r{k}": Receptor(Exponential(5.0)) for k in range(receptors)}
    circuit.add_population("cells", cell, receptors=given_)
    return circuit


def test_weights_follow_their_synapses() -> None:
    circuit = circuit_of()
    matrix = np.arange(36.0).reshape(6, 6)
    dense = circuit.connect("cells", "cells", AllToAll(), receptor="r1", weight=matrix)
    listed = circuit.connect(
        "cells", "cells", EdgeList([4, 1, 4], [0, 5, 2]), receptor="r1", weight=[24.0, 11.0, 26.0],
        delay_ms=[0.3, 0.1, 0.2],
    )  # fmt: skip
    sparse_matrix = random_array((6, 6), density=0.4, rng=np.random.default_rng(1))
    sparse = circuit.connect("cells", "cells", FromSparse(sparse_matrix), receptor="r1")
    for name, weights in ((dense, matrix), (listed, matrix), (sparse, sparse_matrix.toarray())):
        synapses = circuit.synapses(name)
        expected = weights[synapses.senders, synapses.receivers]
        assert synapses.weights == pytest.approx(expected)
        assert synapses.number == expected.size > 0
    listed_synapses = circuit.synapses(listed)
    assert listed_synapses.delays is not None
    assert listed_synapses.delays.tolist() == [1, 3, 2]
    assert listed_synapses.delays.dtype == np.uint8


def test_what_is_alike_for_all_is_stored_once() -> None:
    circuit = circuit_of(2000)
    name = circuit.connect(
        "cells", "cells", FixedProbability(0.05), receptor="r0", weight=2.0, delay_ms=1.0
    )
    synapses = circuit.synapses(name)
    assert synapses.weights.tolist() == [2.0]
    assert synapses.delays is None
    assert 2.0 < memory_of({name: synapses})[name] < 2.1
    assert circuit.memory()["bytes_per_synapse"] == memory_of({name: synapses})[name]


def test_drawn_delays_are_rounded_to_the_grid() -> None:
    circuit = circuit_of(100)
    name = circuit.connect(
        "cells", "cells", AllToAll(), receptor="r0", delay_ms=Uniform(0.0, 40.0), weight=1.0
    )
    synapses = circuit.synapses(name)
    assert synapses.delays is not None
    assert synapses.delays.dtype == np.uint16
    assert synapses.delays.min() == synapses.delay == 1
    assert synapses.delays.max() == synapses.longest_delay == 400
    assert synapses.delays.mean() == pytest.approx(200.0, rel=0.02)


def test_delays_grow_with_distance() -> None:
    circuit = circuit_of(50)
    places = np.linspace(0.0, 490.0, 50)
    rule = DistanceBased(places, places, gaussian_profile(1.0, 300.0))
    delay = DistanceDelay(0.5, 100.0)
    name = circuit.connect("cells", "cells", rule, receptor="r0", delay_ms=delay)
    synapses = circuit.synapses(name)
    expected = 5 + np.rint(np.abs(synapses.senders - synapses.receivers).astype(float))
    assert synapses.delays is not None
    assert np.array_equal(synapses.delays, expected)
    circuit.connect("cells", "cells", OneToOne(), receptor="r0", delay_ms=delay, name="no places")
    with pytest.raises(InvalidInput, match="no positions"):
        circuit.synapses("no places")


def test_streams_are_those_of_the_projection() -> None:
    first, second = circuit_of(100), circuit_of(100)
    second.connect("cells", "cells", FixedProbability(0.2), receptor="r0", name="before")
    for circuit in (first, second):
        circuit.connect(
            "cells", "cells", FixedProbability(0.2), receptor="r1", weight=Normal(1.0, 0.1),
            name="same",
        )  # fmt: skip
    a, b = first.synapses("same"), second.synapses("same")
    assert np.array_equal(a.receivers, b.receivers)
    assert np.array_equal(a.weights, b.weights)
    assert not np.array_equal(a.receivers, second.synapses("before").receivers)


@pytest.mark.parametrize("weight", [np.ones(5), np.ones((6, 5)), np.full((6, 6), np.nan)])
def test_weights_that_do_not_fit_are_refused(weight: np.ndarray) -> None:
    circuit = circuit_of()
    circuit.connect("cells", "cells", AllToAll(), receptor="r0", weight=weight)
    with pytest.raises((ShapeMismatch, InvalidInput), match="weight of projection"):
        circuit.run(1.0)
