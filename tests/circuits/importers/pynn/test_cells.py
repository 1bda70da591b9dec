"""PyNN's cells fire when PyNN on NEST makes them fire, in PyNN's units."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import neurallayers.circuits.importers.pynn as sim
from neurallayers.circuits.importers.pynn.cells import CELL_TYPES, Parameters
from neurallayers.circuits.sources import RecordedSpikes
from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName

INPUT_MS = [5.0, 25.0, 45.0, 65.0, 85.0, 150.0]

# Cell, parameters, initial potential, weight, receptor, and the spikes of pyNN.nest (PyNN 0.13 on
# NEST 3.10) in 200 ms at a step of 0.1 ms; delays 1.5 ms. NEST fires IF_curr_exp between grid
# points (29.457, 67.537, 154.302): here at the end of that step.
NEST = [
    (sim.IF_curr_exp, {"i_offset": 0.6}, -65.0, 1.4, "excitatory", [29.5, 67.6, 154.4]),
    (sim.IF_curr_alpha, {"i_offset": 0.6}, -65.0, 6.0, "excitatory", [27.2, 67.0, 89.2, 152.3]),
    (sim.IF_curr_delta, {"i_offset": 0.6}, -70.0, 5.0, "excitatory", [46.5, 86.5, 151.5]),
    (sim.IF_cond_exp, {"i_offset": 0.6}, -65.0, 0.02, "excitatory", [47.5, 88.9]),
    (sim.IF_cond_alpha, {"i_offset": 0.6}, -65.0, 0.06, "excitatory", [67.5]),
    (sim.EIF_cond_exp_isfa_ista, {"i_offset": 0.5}, -70.6, 0.006, "excitatory", [81.2]),
]


@pytest.mark.parametrize(
    ("kind", "parameters", "begin", "weight", "receptor", "expected"),
    NEST,
    ids=[row[0].__name__ for row in NEST],
)
def test_a_cell_fires_as_in_nest(
    kind: type, parameters: dict[str, float], begin: float, weight: float, receptor: str,
    expected: list[float],
) -> None:  # fmt: skip
    sim.setup(timestep=0.1)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=INPUT_MS))
    cells = sim.Population(1, kind(tau_refrac=2.0, **parameters), initial_values={"v": begin})
    cells.record("spikes")
    synapse = sim.StaticSynapse(weight=weight, delay=1.5)
    sim.Projection(source, cells, sim.AllToAllConnector(), synapse, receptor_type=receptor)
    sim.run(200.0)
    (train,) = cells.get_data().segments[0].spiketrains
    np.testing.assert_allclose(train, expected, atol=1e-9)


def test_inhibition_delays_as_in_nest() -> None:
    sim.setup(timestep=0.1)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=INPUT_MS))
    kind = sim.IF_cond_exp(tau_syn_I=8.0, e_rev_I=-75.0, i_offset=0.85, tau_refrac=1.0)
    cells = sim.Population(1, kind)
    cells.record("spikes")
    synapse = sim.StaticSynapse(weight=0.01, delay=2.0)
    sim.Projection(source, cells, sim.AllToAllConnector(), synapse, receptor_type="inhibitory")
    sim.run(200.0)
    train = cells.get_data().segments[0].spiketrains[0]
    np.testing.assert_allclose(train, [83.7, 130.5, 181.6], atol=1e-9)


def test_izhikevich_takes_jumps_and_its_current_in_nanoampere() -> None:
    # NEST integrates by Euler's method with the whole step: its spikes are at 8.5, 55.8, 154.9 ms.
    sim.setup(timestep=0.1)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=INPUT_MS))
    cells = sim.Population(1, sim.Izhikevich(i_offset=0.004))
    cells.record(["spikes", "v", "u"])
    sim.Projection(source, cells, sim.OneToOneConnector(), sim.StaticSynapse(4.0, 1.5))
    sim.run(200.0)
    segment = cells.get_data().segments[0]
    np.testing.assert_allclose(segment.spiketrains[0], [8.5, 55.8, 154.9], atol=1.0)
    potential, recovery = segment.filter("v")[0], segment.filter("u")[0]
    assert (potential[0, 0], recovery[0, 0]) == (-70.0, -14.0)
    # A jump of 4 mV within the step that begins at 6.5 ms.
    rise = potential[66, 0] - potential[65, 0]
    assert rise == pytest.approx(4.0, abs=0.6)


def test_the_constant_current_and_the_membrane_are_exact() -> None:
    # v = v_rest + R I (1 - exp(-t / tau)): 0.3 nA into 20 ms / 0.5 nF = 40 MOhm are 12 mV.
    sim.setup(timestep=0.5)
    cells = sim.Population(1, sim.IF_curr_exp(cm=0.5, i_offset=0.3))
    cells.record("v")
    sim.run(50.0)
    signal = cells.get_data().segments[0].analogsignals[0]
    np.testing.assert_allclose(
        signal[:, 0], -65.0 + 12.0 * (1.0 - np.exp(-signal.times / 20.0)), rtol=1e-12
    )


def test_conductances_are_recorded_in_microsiemens() -> None:
    sim.setup(timestep=0.1)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[10.0]))
    cells = sim.Population(1, sim.IF_cond_exp())
    cells.record("gsyn_exc")
    sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(0.004, 1.0))
    sim.run(30.0)
    signal = cells.get_data().segments[0].analogsignals[0]
    np.testing.assert_allclose(signal[:110, 0], 0.0)
    later = signal.times[111:]
    np.testing.assert_allclose(signal[111:, 0], 0.004 * np.exp(-(later - 11.0) / 5.0), rtol=1e-10)


@pytest.mark.parametrize("kind", CELL_TYPES, ids=lambda kind: kind.__name__)
def test_every_type_lives_with_its_default_values(kind: type) -> None:
    sim.setup(timestep=0.1)
    parameters = {"spike_times": [1.0]} if kind is sim.SpikeSourceArray else {}
    cells = sim.Population(3, kind(**parameters))
    cells.record("spikes")
    assert sim.run(5.0) == 5.0
    assert len(cells.get_data().segments[0].spiketrains) == 3


def test_parameters_may_differ_from_cell_to_cell() -> None:
    sim.setup(timestep=0.1, seed=3)
    drawn = sim.RandomDistribution("uniform", (-60.0, -50.0))
    kind = sim.IF_curr_exp(i_offset=[0.0, 0.4, 0.8], v_rest=drawn, v_thresh=0.0)
    cells = sim.Population(3, kind)
    cells.record("v")
    sim.run(500.0)
    last = cells.get_data().segments[0].analogsignals[0][-1]
    resting = last - 20.0 * np.array([0.0, 0.4, 0.8])
    assert ((resting > -60.0) & (resting < -50.0)).all()
    assert len(set(resting.round(6))) == 3


def test_a_poisson_source_fires_at_its_rate_and_within_its_time() -> None:
    sim.setup(timestep=0.1, seed=5)
    always = sim.Population(200, sim.SpikeSourcePoisson(rate=50.0))
    window = sim.Population(200, sim.SpikeSourcePoisson(rate=50.0, start=100.0, duration=200.0))
    for cells in (always, window):
        cells.record("spikes")
    sim.run(500.0)
    # Standard deviations of the means: 1.4 % of 25 and 2.2 % of 10.
    assert always.mean_spike_count() == pytest.approx(25.0, rel=0.06)
    assert window.mean_spike_count() == pytest.approx(10.0, rel=0.09)
    times = np.concatenate(window.get_data().segments[0].spiketrains)
    assert 100.0 < times.min() < times.max() <= 300.0 + 1e-9


def test_spike_times_are_for_all_or_for_each() -> None:
    for given, expected in (
        ([1.0, 2.0], [[1.0, 2.0]] * 2),
        ([[1.0], [2.0, 3.0]], [[1.0], [2.0, 3.0]]),
    ):
        made = sim.SpikeSourceArray(spike_times=given)
        found = made.made(2, 0.1, Parameters(made.parameters, 2, 0, "source")).cell
        assert isinstance(found, RecordedSpikes)
        trains = [found.times_ms[found.senders == cell].tolist() for cell in range(2)]
        assert trains == expected
    three = sim.SpikeSourceArray(spike_times=[[1.0], [2.0], [3.0]])
    with pytest.raises(ShapeMismatch, match="3 lists"):
        three.made(2, 0.1, Parameters(three.parameters, 2, 0, "source"))


def test_what_is_outside_is_refused_by_name() -> None:
    with pytest.raises(UnknownName, match="no parameter 'tau'"):
        sim.IF_curr_exp(tau=1.0)
    p = Parameters({"tau_syn_E": [1.0, 2.0], "cm": [1.0, 2.0, 3.0]}, 2, 0, "cells")
    assert torch.equal(p("tau_syn_E"), torch.tensor([1.0, 2.0], dtype=torch.float64))
    with pytest.raises(InvalidInput, match="tau_syn_E of 'cells' differs"):
        p.alike("tau_syn_E")
    with pytest.raises(ShapeMismatch, match="cm of 'cells'"):
        p("cm")
    endless = sim.SpikeSourcePoisson(start=10.0)
    with pytest.raises(InvalidInput, match="never ends"):
        endless.made(1, 0.1, Parameters(endless.parameters, 1, 0, "late"))
