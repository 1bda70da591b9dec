"""Plastic projections: every rule does in a circuit what it does in a dense cell."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import neurallayers.dynamics.plasticity  # noqa: F401 - registers the rules
from neurallayers.circuits import (
    AllToAll,
    Circuit,
    CurrentDrive,
    FixedProbability,
    PoissonDrive,
    PoissonSpikes,
    Record,
    Run,
    Uniform,
)
from neurallayers.dynamics.neurons.integrate_and_fire import LeakyIntegrateAndFire
from neurallayers.dynamics.plasticity.plastic_synapses import PlasticSynapses
from neurallayers.dynamics.plasticity.rule import RULES, Rule
from neurallayers.dynamics.plasticity.spike_timing import PairSTDP
from neurallayers.dynamics.synapses.kinetics import Delta, Exponential
from neurallayers.dynamics.synapses.receptors import Receptor
from neurallayers.dynamics.synapses.short_term import TsodyksMarkram
from neurallayers.errors import InvalidInput

SENDERS, RECEIVERS, DURATION_MS = 20, 270, 60.0


def plastic_circuit(
    rule: Rule, *, everyone: bool = False, delay_ms: float = 0.3, weight: object = None
) -> Circuit:
    circuit = Circuit(dt_ms=0.1, seed=4)
    circuit.add_population("in", PoissonSpikes(SENDERS, 150.0))
    cells = LeakyIntegrateAndFire(
        RECEIVERS, dt_ms=0.1, capacitance_pf=200.0, leak_conductance_ns=10.0, resting_mv=-65.0,
        threshold_mv=-50.0, reset_mv=-65.0,
    )  # fmt: skip
    circuit.add_population(
        "out",
        cells,
        receptors={"noise": Receptor(Exponential(2.0)), "in": Receptor(Exponential(5.0))},
    )
    circuit.drive("out", PoissonDrive(2000.0, weight=70.0, receptor="noise"), CurrentDrive(120.0))
    connectivity = AllToAll() if everyone else FixedProbability(0.4)
    circuit.connect(
        "in", "out", connectivity, receptor="in", weight=Uniform(0.2, 0.8) if weight is None
        else weight, delay_ms=delay_ms, plasticity=rule, name="plastic",
    )  # fmt: skip
    return circuit


def dense_weights(circuit: Circuit, run: Run, rule: Rule, modulator: float) -> np.ndarray:
    """What a dense cell makes of the spikes and potentials of a run: ``[receivers, senders]``."""
    synapses = circuit.synapses("plastic")
    first = torch.zeros(RECEIVERS, SENDERS, dtype=torch.float64)
    there = (torch.from_numpy(synapses.receivers).long(), torch.from_numpy(synapses.senders).long())
    first[there] = torch.from_numpy(synapses.weights)
    cell = PlasticSynapses(
        SENDERS, RECEIVERS, rule=rule, dt_ms=0.1, initial_weight=first.clamp(rule.w_min, rule.w_max)
    ).double()
    steps = round(DURATION_MS / 0.1)
    sent, fired = (torch.zeros(steps, n, dtype=torch.float64) for n in (SENDERS, RECEIVERS))
    for name, frames, shift in (("in", sent, synapses.delay), ("out", fired, 0)):
        when = np.rint(run.spikes[name].times_ms / 0.1).astype(int) - 1 + shift
        inside = when < steps
        frames[when[inside], run.spikes[name].senders[inside]] = 1.0
    potentials = torch.from_numpy(run.variables["out"]["membrane_potential"])
    state = cell.initial_state()
    weight = state.weight.clone()
    weight[0][there] = torch.from_numpy(synapses.weights)
    state = state._replace(weight=weight, modulator=torch.full_like(state.modulator, modulator))
    with torch.no_grad():
        frames = cell.frame(sent, fired, potentials if rule.needs_potential else None)
        _, state = cell.run(frames[:, None], state)
    return state.weight[0][there].numpy()


def rules() -> list[Rule]:
    # E-prop counts the potential in units of its own, if it is not told otherwise.
    options = {"EProp": {"resting": -65.0, "threshold": 15.0, "beta": 1.5}}
    return [RULES.make(name, **options.get(name, {})) for name in RULES]


def kinds() -> list[tuple[Rule, bool]]:
    # All-to-all projections have a loop of their own; these rules use all that it has.
    twice = ("PairSTDP", "RewardSTDP", "VoltageSTDP")
    return [
        (rule, everyone)
        for rule in rules()
        for everyone in (False, True)
        if not everyone or type(rule).__name__ in twice
    ]


@pytest.mark.parametrize(
    ("rule", "everyone"),
    kinds(),
    ids=lambda value: (
        ("sparse", "all_to_all")[value] if isinstance(value, bool) else type(value).__name__
    ),
)
def test_a_rule_learns_what_the_dense_cell_learns(rule: Rule, everyone: bool) -> None:
    circuit = plastic_circuit(rule, everyone=everyone)
    state = circuit.modulated(circuit.initial_state(), "plastic", 0.7)
    record = Record(spikes="all", variables={"out": ["membrane_potential"]})
    run = circuit.run(DURATION_MS, state=state, record=record)
    learned = run.state.projections["plastic"]["weight"][0].numpy()
    begun = circuit.synapses("plastic").weights
    expected = dense_weights(circuit, run, rule, 0.7)
    assert len(run.spikes["out"]) > 100
    assert np.abs(learned - begun).max() > 1e-5
    assert np.abs(learned - expected).max() < 1e-11 * max(1.0, np.abs(expected).max())


@pytest.mark.parametrize("order", ["transmit_then_update", "update_then_transmit"])
def test_the_order_decides_which_weight_is_transmitted(order: str) -> None:
    rule = PairSTDP(amplitude_plus=0.1, amplitude_minus=0.3, order=order)
    circuit = plastic_circuit(rule, everyone=True, weight=0.9)
    record = Record(spikes="all", variables={"out": ["membrane_potential", "in"]})
    run = circuit.run(DURATION_MS, record=record)
    expected = dense_weights(circuit, run, rule, 0.0)
    learned = run.state.projections["plastic"]["weight"][0].numpy()
    assert np.abs(learned - expected).max() < 1e-12
    cell = PlasticSynapses(SENDERS, RECEIVERS, rule=rule, dt_ms=0.1, initial_weight=0.5).double()
    state = cell.initial_state()
    state.weight.fill_(0.9)
    steps = round(DURATION_MS / 0.1)
    sent, fired = (torch.zeros(steps, n, dtype=torch.float64) for n in (SENDERS, RECEIVERS))
    for name, frames, shift in (("in", sent, 3), ("out", fired, 0)):
        when = np.rint(run.spikes[name].times_ms / 0.1).astype(int) - 1 + shift
        frames[when[when < steps], run.spikes[name].senders[when < steps]] = 1.0
    with torch.no_grad():
        output, _ = cell.run(cell.frame(sent, fired)[:, None], state)
    # What arrives at the end of a step acts from there on: one step of decay behind.
    acting, expected_acting = np.zeros(RECEIVERS), []
    for arrived in output[:, 0].numpy():
        expected_acting.append(acting)
        acting = (acting + arrived) * np.exp(-0.1 / 5.0)
    assert np.abs(run.variables["out"]["in"] - np.array(expected_acting)).max() < 1e-11


@pytest.mark.parametrize("everyone", [False, True], ids=["sparse", "all_to_all"])
def test_learning_goes_on_where_it_was_stopped(everyone: bool) -> None:
    circuit = plastic_circuit(PairSTDP(amplitude_plus=0.01), everyone=everyone, delay_ms=1.3)
    whole = circuit.run(40.0)
    half = circuit.run(17.7)
    rest = circuit.run(22.3, state=half.state)
    for key, value in whole.state.projections["plastic"].items():
        assert torch.equal(value, rest.state.projections["plastic"][key]), key


def test_weights_are_recorded() -> None:
    circuit = plastic_circuit(PairSTDP(amplitude_plus=0.01))
    run = circuit.run(30.0, record=Record(weights=("plastic",), weights_every_ms=10.0))
    assert run.weight_times_ms == pytest.approx([10.0, 20.0, 30.0])
    last = run.state.projections["plastic"]["weight"][0].numpy()
    assert np.array_equal(run.weights["plastic"][-1], last)
    assert not np.array_equal(run.weights["plastic"][0], last)


def test_what_plastic_synapses_cannot_be_is_refused() -> None:
    rule = PairSTDP(amplitude_plus=0.01)
    with pytest.raises(InvalidInput, match="one delay"):
        plastic_circuit(rule, delay_ms=Uniform(0.2, 2.0)).run(1.0)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=r"between 0\.0 and 1\.0"):
        plastic_circuit(rule, weight=3.0).run(1.0)
    circuit = plastic_circuit(rule)
    cells = LeakyIntegrateAndFire(3, dt_ms=0.1, tau_ms=20.0, resistance_mohm=100.0)
    jumps = {"jump": Receptor(Delta(200.0, at_end=True))}
    circuit.add_population("third", cells, receptors=jumps)
    circuit.connect("in", "third", AllToAll(), weight=0.5, plasticity=rule)
    with pytest.raises(InvalidInput, match="at the end of a step"):
        circuit.run(1.0)
    circuit = plastic_circuit(rule)
    circuit.connect(
        "in", "out", AllToAll(), receptor="in", weight=0.5, plasticity=rule,
        short_term=TsodyksMarkram(utilization=0.5, tau_recovery_ms=800.0),
    )  # fmt: skip
    with pytest.raises(InvalidInput, match="Choose one"):
        circuit.run(1.0)


def test_only_plastic_projections_have_a_modulator() -> None:
    circuit = plastic_circuit(PairSTDP(amplitude_plus=0.01))
    circuit.connect("in", "out", AllToAll(), receptor="in", name="fixed")
    with pytest.raises(InvalidInput, match="not plastic"):
        circuit.modulated(circuit.initial_state(), "fixed", 1.0)
    with pytest.raises(InvalidInput, match="do not change"):
        circuit.run(1.0, record=Record(weights=("fixed",)))
