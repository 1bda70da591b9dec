"""Circuits against a simulation written out in plain Python, and the laws of their state."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.circuits.plain_simulation import PlainCircuit

import neurallayers.dynamics.membrane  # noqa: F401 - registers its cells
from neurallayers.circuits import (
    AllToAll,
    Circuit,
    CurrentDrive,
    EdgeList,
    FixedInDegree,
    FixedProbability,
    GapJunctions,
    Normal,
    PoissonDrive,
    PoissonSpikes,
    Record,
    RecordedSpikes,
    SpikeDrive,
    Uniform,
)
from neurallayers.dynamics.cell import CELLS as CELLS_BY_NAME
from neurallayers.dynamics.neurons.integrate_and_fire import LeakyIntegrateAndFire
from neurallayers.dynamics.synapses.kinetics import Alpha, Delta, DoubleExponential, Exponential
from neurallayers.dynamics.synapses.receptors import Receptor
from neurallayers.dynamics.synapses.short_term import TsodyksMarkram
from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName
from neurallayers.state import leaves, to_named

CELLS, STEPS = 300, 1000


def neurons(n: int, *, conductances: bool, **options: float) -> LeakyIntegrateAndFire:
    return LeakyIntegrateAndFire(
        n,
        dt_ms=0.1,
        capacitance_pf=200.0,
        leak_conductance_ns=10.0,
        resting_mv=-60.0,
        threshold_mv=-50.0,
        reset_mv=-60.0,
        **{"refractory_ms": 2.0, **options},
        synaptic_input="conductance" if conductances else "current",
    )


def receptors(conductances: bool) -> dict[str, Receptor]:
    return {
        "fast": Receptor(Exponential(5.0), 0.0 if conductances else None),
        "slow": Receptor(Exponential(10.0), -80.0 if conductances else None),
    }


@pytest.mark.parametrize("conductances", [False, True], ids=["currents", "conductances"])
def test_every_spike_is_that_of_the_plain_simulation(conductances: bool) -> None:
    draw = np.random.default_rng(1)
    currents = draw.uniform(60.0, 200.0, CELLS)
    potentials = draw.uniform(-60.0, -50.0, CELLS)
    many = 3000
    senders, targets = draw.integers(0, CELLS, (2, many))
    delays = draw.integers(1, 30, many)
    which = (senders >= 200).astype(int)
    weights = draw.uniform(0.5, 3.0, many) * (1.0 if conductances else 10.0)
    signs = np.where((which == 1) & (not conductances), -1.0, 1.0)

    plain = PlainCircuit(
        currents_pa=list(currents),
        potentials_mv=list(potentials),
        synapses=list(zip(senders, targets, which, weights * signs, delays, strict=True)),
        tau_ms=(5.0, 10.0),
        reversal_mv=(0.0, -80.0) if conductances else None,
    )
    plain.run(STEPS)

    circuit = Circuit(dt_ms=0.1)
    circuit.add_population(
        "cells",
        neurons(CELLS, conductances=conductances),
        receptors=receptors(conductances),
        initial={"membrane_potential": potentials},
    )
    circuit.drive("cells", CurrentDrive(currents))
    for kind, name in enumerate(("fast", "slow")):
        here = which == kind
        circuit.connect(
            "cells",
            "cells",
            EdgeList(senders[here], targets[here]),
            receptor=name,
            weight=(weights * signs)[here],
            delay_ms=delays[here] * 0.1,
        )
    spikes = circuit.run(STEPS * 0.1).spikes["cells"]
    ours = list(zip(np.rint(spikes.times_ms / 0.1).astype(int) - 1, spikes.senders, strict=True))
    assert len(plain.spikes) > 500
    assert ours == plain.spikes


def busy_circuit(seed: int = 3, dtype: torch.dtype = torch.float64) -> Circuit:
    """A bit of everything whose state could be forgotten."""
    circuit = Circuit(dt_ms=0.1, seed=seed, dtype=dtype)
    circuit.add_population(
        "exc",
        neurons(400, conductances=True),
        receptors={
            "ampa": Receptor(Exponential(2.0), 0.0),
            "nmda": "NMDA",
            "gaba_b": "GABA_B",
        },
        initial={"membrane_potential": Uniform(-60.0, -50.0), "ampa": Uniform(0.0, 1.0)},
    )
    circuit.add_population(
        "inh",
        neurons(100, conductances=False),
        receptors={"in": Receptor(Alpha(1.0)), "jump": Receptor(Delta(200.0, at_end=True))},
    )
    circuit.add_population("noise", PoissonSpikes(50, 200.0))
    circuit.add_population("played", RecordedSpikes(2, [3.0, 5.0, 5.0, 21.0], [0, 0, 1, 1]))
    circuit.drive("exc", PoissonDrive(2000.0, weight=0.6, receptor="ampa"))
    circuit.drive("inh", CurrentDrive(np.linspace(0.0, 120.0, 100)), CurrentDrive(20.0))
    circuit.drive("inh", SpikeDrive([2.0, 30.0], [5, 6], weight=2.0, receptor="jump"))
    circuit.connect("noise", "exc", FixedProbability(0.2), receptor="nmda", weight=0.2)
    circuit.connect(
        "exc", "inh", FixedInDegree(20), receptor="in", weight=Normal(9.0, 1.0),
        delay_ms=Uniform(0.3, 2.0),
    )  # fmt: skip
    circuit.connect(
        "exc", "exc", FixedInDegree(20), receptor="ampa", weight=0.4, delay_ms=1.0,
        short_term=TsodyksMarkram(utilization=0.5, tau_recovery_ms=800.0),
    )  # fmt: skip
    circuit.connect("inh", "exc", FixedInDegree(10), receptor="gaba_b", weight=1.0, delay_ms=0.7)
    circuit.connect("played", "inh", AllToAll(), receptor="jump", weight=0.5, delay_ms=0.2)
    return circuit


def same_bits(a: object, b: object) -> bool:
    first, second = dict(leaves(a)), dict(leaves(b))
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["double", "single"])
def test_two_runs_are_one_run_bit_for_bit(dtype: torch.dtype) -> None:
    circuit = busy_circuit(dtype=dtype)
    whole = circuit.run(50.0)
    begun = circuit.run(20.3)
    ended = circuit.run(29.7, state=begun.state)
    assert same_bits(whole.state, ended.state)
    for name, spikes in whole.spikes.items():
        parts = (begun.spikes[name], ended.spikes[name])
        assert np.array_equal(spikes.times_ms, np.concatenate([p.times_ms for p in parts]))
        assert np.array_equal(spikes.senders, np.concatenate([p.senders for p in parts]))
    assert min(len(spikes) for spikes in whole.spikes.values()) >= 4


@settings(deadline=None, derandomize=True, database=None, max_examples=12)
@given(cuts=st.lists(st.integers(1, 60), min_size=1, max_size=5))
def test_a_run_may_be_cut_anywhere(cuts: list[int]) -> None:
    circuit = CUT
    state = None
    for cut in cuts:
        state = circuit.run(cut * 0.1, state=state).state
    assert same_bits(state, circuit.run(sum(cuts) * 0.1).state)


CUT = busy_circuit(seed=5)


def test_a_state_is_stored_and_read_back() -> None:
    circuit = busy_circuit()
    state = circuit.run(10.0).state
    named = to_named(state)
    again = busy_circuit().state_from(named)
    assert same_bits(circuit.run(10.0, state=state).state, circuit.run(10.0, state=again).state)


def test_running_leaves_the_state_as_it_was() -> None:
    circuit = busy_circuit()
    state = circuit.run(10.0).state
    kept = {name: tensor.clone() for name, tensor in leaves(state)}
    circuit.run(10.0, state=state)
    assert all(torch.equal(kept[name], tensor) for name, tensor in leaves(state))


def test_a_fork_has_the_same_past_and_another_future() -> None:
    circuit = busy_circuit()
    state = circuit.run(10.0).state
    same = circuit.run(20.0, state=state)
    fork = circuit.run(20.0, state=state._replace(noise_seed=state.noise_seed + 1))
    again = circuit.run(20.0, state=state)
    assert same_bits(same.state, again.state)
    assert not np.array_equal(same.spikes["noise"].times_ms, fork.spikes["noise"].times_ms)


@pytest.mark.parametrize("threads", [2, 3])
def test_results_do_not_depend_on_the_number_of_threads(threads: int) -> None:
    circuit = busy_circuit()
    record = Record(spikes="all", variables={"exc": ["membrane_potential"]}, every_ms=0.5)
    alone, together = (circuit.run(30.0, record=record, threads=many) for many in (1, threads))
    assert same_bits(alone.state, together.state)
    for name, spikes in alone.spikes.items():
        assert np.array_equal(spikes.times_ms, together.spikes[name].times_ms)
        assert np.array_equal(spikes.senders, together.spikes[name].senders)
    v = "membrane_potential"
    assert np.array_equal(alone.variables["exc"][v], together.variables["exc"][v])


def test_the_seed_decides_and_nothing_else_does() -> None:
    first, same, other = (busy_circuit(seed).run(20.0) for seed in (1, 1, 2))
    assert same_bits(first.state, same.state)
    assert not np.array_equal(first.spikes["exc"].times_ms, other.spikes["exc"].times_ms)


def test_a_further_population_changes_nothing_elsewhere() -> None:
    alone, joined = busy_circuit(), busy_circuit()
    joined.add_population("more", PoissonSpikes(3, 100.0))
    first, second = alone.run(20.0), joined.run(20.0)
    assert same_bits(first.state.populations["exc"], second.state.populations["exc"])


def test_a_spike_acts_exactly_a_delay_later() -> None:
    for delay_steps in (1, 2, 7, 300):
        circuit = Circuit(dt_ms=0.1)
        circuit.add_population("in", RecordedSpikes(1, [1.0], [0]))
        circuit.add_population(
            "out", neurons(1, conductances=False), receptors={"g": Receptor(Exponential(5.0))}
        )
        circuit.connect("in", "out", AllToAll(), weight=10.0, delay_ms=delay_steps * 0.1)
        record = Record(variables={"out": ["g", "drive"]})
        run = circuit.run(1.0 + delay_steps * 0.1 + 1.0, record=record)
        acting = run.variables["out"]["g"][:, 0]
        # At the end of the step that begins with the arrival it has decayed for one step.
        arrival = 10 + delay_steps
        assert np.all(acting[:arrival] == 0.0)
        assert acting[arrival] == pytest.approx(10.0 * np.exp(-0.1 / 5.0), rel=1e-12)
        assert run.times_ms[arrival] == pytest.approx(1.0 + delay_steps * 0.1 + 0.1)


def test_a_jump_at_the_end_of_a_step_is_seen_where_it_arrives() -> None:
    circuit = Circuit(dt_ms=0.1)
    circuit.add_population("in", RecordedSpikes(1, [1.0], [0]))
    circuit.add_population(
        "out",
        neurons(1, conductances=False),
        receptors={"jump": Receptor(Delta(200.0, at_end=True))},
    )
    circuit.connect("in", "out", AllToAll(), weight=12.0, delay_ms=1.5)
    spikes = circuit.run(5.0).spikes["out"]
    assert spikes.times_ms == pytest.approx([2.5])


def test_what_is_connected_twice_is_added() -> None:
    circuit = Circuit(dt_ms=0.1)
    circuit.add_population("in", RecordedSpikes(1, [1.0], [0]))
    circuit.add_population(
        "out", neurons(3, conductances=False), receptors={"g": Receptor(Exponential(5.0))}
    )
    circuit.connect("in", "out", EdgeList([0, 0, 0], [2, 0, 2]), weight=[1.0, 2.0, 4.0])
    run = circuit.run(1.2, record=Record(variables={"out": ["g"]}))
    decayed = np.exp(-0.1 / 5.0)
    assert run.variables["out"]["g"][-1] == pytest.approx([2.0 * decayed, 0.0, 5.0 * decayed])


def test_parts_of_populations_are_connected() -> None:
    circuit = Circuit(dt_ms=0.1)
    circuit.add_population("in", PoissonSpikes(10, 10.0))
    circuit.add_population(
        "out", neurons(20, conductances=False), receptors={"g": Receptor(Exponential(5.0))}
    )
    name = circuit.connect(
        "in", "out", AllToAll(), senders=slice(2, 5), receivers=slice(15, 20), weight=1.0
    )
    synapses = circuit.synapses(name)
    assert set(synapses.senders) == {2, 3, 4}
    assert set(synapses.receivers) == set(range(15, 20))
    assert synapses.number == 15


def test_gap_junctions_equalise_potentials_and_conserve_charge() -> None:
    circuit = Circuit(dt_ms=0.01)
    cell = LeakyIntegrateAndFire(
        2, dt_ms=0.01, capacitance_pf=200.0, leak_conductance_ns=1e-9, resting_mv=-60.0,
        threshold_mv=0.0, reset_mv=-60.0, synaptic_input="conductance",
    )  # fmt: skip
    circuit.add_population("pair", cell, initial={"membrane_potential": [-80.0, -40.0]})
    circuit.couple(GapJunctions("pair", [0], [1], 5.0))
    run = circuit.run(40.0, record=Record(variables={"pair": ["membrane_potential"]}))
    v = run.variables["pair"]["membrane_potential"]
    # C d(v0 - v1)/dt = -2 g (v0 - v1).
    expected = -40.0 * np.exp(-2.0 * 5.0 / 200.0 * run.times_ms)
    assert np.abs(v[:, 0] - v[:, 1] - expected).max() < 40.0 * 0.01 * 5.0 / 200.0
    assert np.abs(v.sum(axis=1) + 120.0).max() < 1e-6


@pytest.mark.parametrize(
    "kinetics", [Exponential(5.0), Alpha(3.0), DoubleExponential(1.0, 8.0)], ids=str
)
def test_a_receptor_follows_its_kinetics(kinetics: object) -> None:
    circuit = Circuit(dt_ms=0.1)
    circuit.add_population(
        "cell", neurons(1, conductances=False), receptors={"g": Receptor(kinetics)}
    )
    circuit.drive("cell", SpikeDrive([1.0], [0], weight=7.0))
    run = circuit.run(60.0, record=Record(variables={"cell": ["g"]}))
    g, times = run.variables["cell"]["g"][:, 0], run.times_ms - 1.0
    assert g.max() == pytest.approx(
        7.0 if not isinstance(kinetics, Exponential) else 6.86, rel=2e-3
    )
    assert np.trapezoid(g, times) == pytest.approx(7.0 * kinetics.area_ms, rel=0.02)


def test_short_term_plasticity_releases_the_published_amplitudes() -> None:
    rule = TsodyksMarkram(utilization=0.5, tau_recovery_ms=800.0)
    times = [10.0 + 50.0 * k for k in range(8)]
    circuit = Circuit(dt_ms=0.1)
    circuit.add_population("in", RecordedSpikes(1, times, [0] * 8))
    circuit.add_population(
        "out", neurons(1, conductances=False), receptors={"jump": Receptor(Delta())}
    )
    circuit.connect("in", "out", AllToAll(), weight=100.0, delay_ms=0.5, short_term=rule)
    run = circuit.run(400.0, record=Record(variables={"out": ["drive"]}))
    drive = run.variables["out"]["drive"][:, 0]
    jumps = drive[drive > 0.0]
    assert jumps / jumps[0] == pytest.approx(np.array(rule.efficacies(times)) / 0.5, rel=1e-12)


MODELS = {
    "LeakyIntegrateAndFire": {},
    "AdEx": {},
    "Izhikevich": {},
    "ExponentialIntegrateAndFire": {},
    "GeneralizedIntegrateAndFire": {},
    "HodgkinHuxley": {"dt_ms": 0.025},
}


@pytest.mark.parametrize("synaptic_input", ["current", "conductance"])
@pytest.mark.parametrize("name", list(MODELS))
def test_any_neuron_does_in_a_circuit_what_it_does_alone(name: str, synaptic_input: str) -> None:
    n, steps = 270, 1500
    cell = CELLS_BY_NAME.make(name, n=n, synaptic_input=synaptic_input, **MODELS[name])
    currents = np.linspace(0.0, 25.0 if name == "HodgkinHuxley" else 800.0, n)
    circuit = Circuit(dt_ms=cell.dt_ms)
    circuit.add_population("cells", cell)
    circuit.drive("cells", CurrentDrive(currents))
    run = circuit.run(steps * cell.dt_ms)
    frame = torch.from_numpy(currents)[None, None]
    if synaptic_input == "conductance":
        frame = torch.stack([frame, torch.zeros_like(frame)], -2)
    begin = circuit.initial_state().populations["cells"].neurons
    with torch.no_grad():
        spikes, state = cell.run(frame, begin, steps=steps)
    when, who = np.nonzero(spikes[:, 0].numpy())
    assert len(when) > 100
    assert (run.spikes["cells"].times_ms / cell.dt_ms - 1) == pytest.approx(when, abs=1e-6)
    assert np.array_equal(run.spikes["cells"].senders, who)
    for ours, theirs in zip(run.state.populations["cells"].neurons, state, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-9)


# ------------------------------------------------------------------------------------- refusals


def small() -> Circuit:
    circuit = Circuit(dt_ms=0.1)
    circuit.add_population(
        "exc", neurons(10, conductances=True), receptors={"ampa": Receptor(Exponential(5.0), 0.0)}
    )
    return circuit


def test_unknown_names_are_met_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'exc'"):
        small().connect("exc", "exx", AllToAll())
    with pytest.raises(UnknownName, match="Did you mean 'ampa'"):
        small().connect("exc", "exc", AllToAll(), receptor="amba")
    with pytest.raises(UnknownName, match="membrane_potential"):
        small().run(1.0, record=Record(variables={"exc": ["membrane_potentials"]}))
    with pytest.raises(UnknownName, match="no projection"):
        small().synapses("exc->exc")


def test_a_conductance_is_not_negative() -> None:
    circuit = small()
    circuit.connect("exc", "exc", AllToAll(), weight=-1.0)
    with pytest.raises(InvalidInput, match="conductance"):
        circuit.run(1.0)


@pytest.mark.parametrize("delay_ms", [0.0, 0.05, 0.25, -1.0, 1e6])
def test_delays_are_whole_steps(delay_ms: float) -> None:
    circuit = small()
    circuit.connect("exc", "exc", AllToAll(), delay_ms=delay_ms)
    with pytest.raises(InvalidInput, match="delay"):
        circuit.run(1.0)


def test_steps_must_agree() -> None:
    circuit = Circuit(dt_ms=0.05)
    with pytest.raises(InvalidInput, match=r"dt_ms=0\.05"):
        circuit.add_population("exc", neurons(10, conductances=True))
    with pytest.raises(InvalidInput, match="whole number of steps"):
        small().run(0.25)


def test_conductances_need_neurons_that_take_them() -> None:
    circuit = Circuit(dt_ms=0.1)
    with pytest.raises(InvalidInput, match='synaptic_input="conductance"'):
        circuit.add_population("x", neurons(3, conductances=False), receptors={"a": "AMPA"})


def test_lists_name_cells_that_are_there() -> None:
    circuit = small()
    circuit.connect("exc", "exc", EdgeList([0, 10], [0, 1]))
    with pytest.raises(InvalidInput, match="sender 10"):
        circuit.run(1.0)


def test_names_are_taken_once() -> None:
    circuit = small()
    with pytest.raises(InvalidInput, match="exc"):
        circuit.add_population("exc", neurons(10, conductances=True))
    circuit.connect("exc", "exc", AllToAll(), name="loop")
    with pytest.raises(InvalidInput, match="loop"):
        circuit.connect("exc", "exc", AllToAll(), name="loop")
    assert circuit.connect("exc", "exc", AllToAll()) == "exc->exc.ampa"
    assert circuit.connect("exc", "exc", AllToAll()) == "exc->exc.ampa#2"


def test_a_state_of_another_circuit_is_refused() -> None:
    with pytest.raises((InvalidInput, ShapeMismatch), match="another circuit"):
        small().run(1.0, state=busy_circuit().initial_state())


def test_what_is_no_longer_finite_is_named() -> None:
    circuit = small()
    circuit.drive("exc", CurrentDrive([0.0] * 4 + [-1e308] + [0.0] * 5))
    circuit.drive("exc", CurrentDrive([0.0] * 4 + [-1e308] + [0.0] * 5))
    before = circuit.initial_state()
    with pytest.raises(InvalidInput, match="cell 4 of 'exc'"):
        circuit.run(1.0, state=before)
    assert same_bits(before, circuit.initial_state())


def test_an_empty_circuit_does_not_run() -> None:
    with pytest.raises(InvalidInput, match="empty"):
        Circuit().run(1.0)
