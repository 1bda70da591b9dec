"""Projections: units, receptors by sign, weights that come back."""

from __future__ import annotations

import numpy as np
import pytest

import neurallayers.circuits.importers.pynn as sim
from neurallayers.errors import InvalidInput


@pytest.fixture
def cells() -> sim.Population:
    sim.setup(timestep=0.1, min_delay=0.5, seed=4)
    return sim.Population(6, sim.IF_curr_exp(), label="cells")


def test_weights_and_delays_come_back_in_pynns_units(cells: sim.Population) -> None:
    rows = [(0, 1, 0.5, 1.0), (2, 0, 0.25, 2.04)]
    listed = sim.Projection(cells[:3], cells[3:5], sim.FromListConnector(rows))
    assert listed.size() == 2
    expected = np.full((3, 2), np.nan)
    expected[0, 1], expected[2, 0] = 0.5, 0.25
    np.testing.assert_allclose(listed.get("weight", format="array"), expected)
    # Delays are rounded to the grid, as NEST rounds them.
    found = listed.get("delay", format="list")
    assert [(i, j) for i, j, _ in found] == [(0, 1), (2, 0)]
    assert [delay for _, _, delay in found] == pytest.approx([1.0, 2.0])


def test_the_receptor_is_chosen_by_the_sign(cells: sim.Population) -> None:
    drawn = sim.RandomDistribution("normal", (-0.4, 0.1))
    for weight, expected in ((0.1, "excitatory"), (-0.1, "inhibitory"), (drawn, "inhibitory")):
        found = sim.Projection(cells, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight))
        assert found.receptor_type == expected


def test_without_a_delay_it_is_the_shortest(cells: sim.Population) -> None:
    found = sim.Projection(cells, cells, sim.OneToOneConnector(), sim.StaticSynapse(0.1))
    assert {delay for _, _, delay in found.get("delay", "list")} == {0.5}
    sim.reset()
    too_short = sim.StaticSynapse(0.1, delay=0.3)
    found = sim.Projection(cells, cells, sim.OneToOneConnector(), too_short)
    with pytest.raises(InvalidInput, match=r"The shortest is 0\.5 ms"):
        found.size()


def test_drawn_weights_are_drawn_in_pynns_unit(cells: sim.Population) -> None:
    synapse = sim.StaticSynapse(sim.RandomDistribution("uniform", (0.2, 0.4)), delay=1.0)
    weights = sim.Projection(cells, cells, sim.AllToAllConnector(), synapse).get("weight")
    assert weights.shape == (6, 6)
    assert weights.min() >= 0.2
    assert weights.max() <= 0.4
    assert len(np.unique(weights)) == 36


def test_weights_that_learn_are_those_of_the_state() -> None:
    sim.setup(timestep=0.1)
    sender = sim.Population(1, sim.SpikeSourceArray(spike_times=[5.0]))
    timing = sim.SpikePairRule(tau_plus=20.0, tau_minus=20.0, A_plus=0.01, A_minus=0.01)
    synapse = sim.STDPMechanism(
        timing, sim.AdditiveWeightDependence(0.0, 2.0), dendritic_delay_fraction=0.0, weight=1.0,
        delay=1.0,
    )  # fmt: skip
    cells = sim.Population(1, sim.IF_curr_exp(v_thresh=-64.99, tau_refrac=100.0))
    cells.record("spikes")
    learns = sim.Projection(sender, cells, sim.OneToOneConnector(), synapse)
    assert learns.get("weight") == [[1.0]]
    sim.run(30.0)
    (train,) = cells.get_data().segments[0].spiketrains
    (when,) = train
    # It fires soon after the spike has arrived at 6 ms, and is potentiated by A w_max exp(-lag/20).
    lag = when - 6.0
    assert 0.0 < lag < 2.0
    assert learns.get("weight")[0, 0] == pytest.approx(1.0 + 0.02 * np.exp(-lag / 20.0), rel=1e-9)


def test_what_is_outside_is_refused_by_name(cells: sim.Population) -> None:
    source = sim.Population(2, sim.SpikeSourcePoisson())
    with pytest.raises(InvalidInput, match="receptor_type is 'NMDA'"):
        sim.Projection(cells, cells, sim.OneToOneConnector(), receptor_type="NMDA")
    with pytest.raises(InvalidInput, match="it only fires"):
        sim.Projection(cells, source, sim.AllToAllConnector())
    with pytest.raises(InvalidInput, match="source or space"):
        sim.Projection(cells, cells, sim.OneToOneConnector(), source="soma")
    with pytest.raises(InvalidInput, match="Give a connector"):
        sim.Projection(cells, cells, "all to all")
    projection = sim.Projection(cells, cells, sim.OneToOneConnector(), sim.StaticSynapse(0.1))
    with pytest.raises(InvalidInput, match="'tau_rec'"):
        projection.get("tau_rec")
