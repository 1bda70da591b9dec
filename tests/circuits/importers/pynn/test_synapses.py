"""PyNN's synapses are ours, in our units."""

from __future__ import annotations

import pytest

import neurallayers.circuits.importers.pynn as sim
from neurallayers.errors import InvalidInput

TIMING = sim.SpikePairRule(tau_plus=15.0, tau_minus=30.0, A_plus=0.02, A_minus=0.03)


@pytest.mark.parametrize(
    ("dependence", "grows", "shrinks"),
    [
        # For a weight of 2 nS between 0 and 8: changes of a pair at no distance.
        (sim.AdditiveWeightDependence(0.0, 0.008), 0.02 * 8.0, 0.03 * 8.0),
        (sim.MultiplicativeWeightDependence(0.0, 0.008), 0.02 * 6.0, 0.03 * 2.0),
        (sim.AdditivePotentiationMultiplicativeDepression(0.0, 0.008), 0.02 * 8.0, 0.03 * 2.0),
        (
            sim.GutigWeightDependence(0.0, 0.008, 0.5, 0.25),
            0.02 * 8.0 * 0.75**0.5,
            0.03 * 8.0 * 0.25**0.25,
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_weights_change_as_pynn_defines_it(
    dependence: object, grows: float, shrinks: float
) -> None:
    synapse = sim.STDPMechanism(TIMING, dependence, dendritic_delay_fraction=0.0, weight=0.002)
    rule = synapse.rule(1000.0)
    assert rule.window(1e-12, weight=2.0) == pytest.approx(grows, rel=1e-9)
    assert rule.window(-1e-12, weight=2.0) == pytest.approx(-shrinks, rel=1e-9)
    assert rule.window(15.0, weight=2.0) == pytest.approx(grows * 0.36787944, rel=1e-6)
    assert (rule.w_min, rule.w_max, rule.order) == (0.0, 8.0, "update_then_transmit")


def test_short_term_plasticity_keeps_its_numbers() -> None:
    found = sim.TsodyksMarkramSynapse(weight=0.1, U=0.3, tau_rec=200.0, tau_facil=50.0).short_term()
    assert (found.utilization, found.tau_recovery_ms, found.tau_facilitation_ms) == (
        0.3,
        200.0,
        50.0,
    )
    assert sim.StaticSynapse().short_term() is None
    assert sim.StaticSynapse().rule(1.0) is None


def test_depression_is_that_of_nest() -> None:
    # pyNN.nest fires at 26.913 and 47.483 ms, between grid points.
    sim.setup(timestep=0.1)
    source = sim.Population(
        1, sim.SpikeSourceArray(spike_times=[5.0, 25.0, 45.0, 65.0, 85.0, 150.0])
    )
    cells = sim.Population(1, sim.IF_curr_exp(v_thresh=-61.2))
    cells.record("spikes")
    synapse = sim.TsodyksMarkramSynapse(
        weight=4.0, delay=1.0, U=0.3, tau_rec=200.0, tau_facil=100.0
    )
    sim.Projection(source, cells, sim.OneToOneConnector(), synapse)
    sim.run(200.0)
    assert cells.get_data().segments[0].spiketrains[0].round(6).tolist() == [27.0, 47.5]


def test_what_is_outside_is_refused_by_name() -> None:
    additive = sim.AdditiveWeightDependence()
    with pytest.raises(InvalidInput, match="timing_dependence is None"):
        sim.STDPMechanism(None, additive)
    with pytest.raises(InvalidInput, match="weight_dependence is 'additive'"):
        sim.STDPMechanism(TIMING, "additive")
    with pytest.raises(InvalidInput, match=r"pass dendritic_delay_fraction=0\.0"):
        sim.STDPMechanism(TIMING, additive)
    with pytest.raises(InvalidInput, match="voltage_dependence"):
        sim.STDPMechanism(TIMING, additive, voltage_dependence=1, dendritic_delay_fraction=0.0)
