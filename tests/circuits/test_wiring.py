"""A drawn circuit: how far ahead arrivals are counted, how long batches may be, memory."""

from __future__ import annotations

import numpy as np
import pytest

from neurallayers.circuits import AllToAll, Circuit, GapJunctions, RecordedSpikes, Uniform
from neurallayers.circuits.wiring import LONGEST_BATCH
from neurallayers.dynamics.neurons.integrate_and_fire import LeakyIntegrateAndFire
from neurallayers.dynamics.plasticity.spike_timing import PairSTDP
from neurallayers.dynamics.synapses.kinetics import Delta, Exponential
from neurallayers.dynamics.synapses.receptors import Receptor


def circuit_of(*delays: object, at_end: bool = False) -> Circuit:
    circuit = Circuit(dt_ms=0.1)
    circuit.add_population("in", RecordedSpikes(2, [1.0], [0]))
    cell = LeakyIntegrateAndFire(
        3, dt_ms=0.1, tau_ms=20.0, resistance_mohm=100.0, synaptic_input="conductance"
    )
    kinetics = Delta(at_end=True) if at_end else Exponential(5.0)
    circuit.add_population("out", cell, receptors={"in": Receptor(kinetics)})
    for delay in delays:
        circuit.connect("in", "out", AllToAll(), delay_ms=delay, weight=1.0)
    return circuit


def test_batches_are_as_long_as_no_spike_can_act_within() -> None:
    assert circuit_of().wiring.batch == LONGEST_BATCH
    assert circuit_of(0.1).wiring.batch == 2
    assert circuit_of(0.1, at_end=True).wiring.batch == 1
    assert circuit_of(1.5, 0.7).wiring.batch == 8
    assert circuit_of(Uniform(0.4, 3.0)).wiring.batch >= 5


def test_arrivals_are_counted_as_far_ahead_as_the_longest_delay() -> None:
    wiring = circuit_of(0.5, 2.0).wiring
    assert wiring.slots == {"in": 1, "out": 21}


def test_plasticity_and_gap_junctions_act_in_every_step_on_one_thread() -> None:
    plastic = circuit_of(3.0)
    plastic.connect("in", "out", AllToAll(), delay_ms=3.0, weight=0.5, plasticity=PairSTDP())
    coupled = circuit_of(3.0)
    coupled.couple(GapJunctions("out", [0], [1], 1.0))
    for circuit in (plastic, coupled):
        assert circuit.wiring.batch == 1
        assert circuit.wiring.one_thread_only
    assert not circuit_of(3.0).wiring.one_thread_only


def test_incoming_synapses_are_an_index_of_all() -> None:
    circuit = circuit_of()
    circuit.connect("in", "out", AllToAll(), weight=0.5, plasticity=PairSTDP(), name="plastic")
    index = circuit.wiring.incoming["plastic"]
    synapses = circuit.synapses("plastic")
    for cell in range(3):
        mine = index.which[index.begins[cell] : index.begins[cell + 1]]
        assert mine.tolist() == np.flatnonzero(synapses.receivers == cell).tolist()
        senders = index.senders[index.begins[cell] : index.begins[cell + 1]]
        assert senders.tolist() == synapses.senders[mine].tolist()


def test_memory_grows_with_synapses() -> None:
    memory = circuit_of(1.0).memory()
    assert memory["synapses"] == 6
    assert memory["synapse_bytes"] == pytest.approx(6 * 2 + 3 * 8 + 8)
    assert memory["arrival_bytes"] == 11 * 256 * 8
