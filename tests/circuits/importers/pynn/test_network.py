"""A whole script runs, and the simulator says what it does not do."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import neurallayers.circuits.importers.pynn as sim
from neurallayers.errors import InvalidInput, UnknownName


def balanced(seed: int) -> tuple[float, list[float]]:
    """A small network of Vogels & Abbott's kind, as PyNN's scripts write it."""
    sim.setup(timestep=0.1, min_delay=0.1, max_delay=1.0, seed=seed)
    kind = sim.IF_cond_exp(
        cm=0.2, tau_m=20.0, v_rest=-60.0, v_reset=-60.0, v_thresh=-50.0, tau_refrac=5.0,
        tau_syn_E=5.0, tau_syn_I=10.0, e_rev_E=0.0, e_rev_I=-80.0,
    )  # fmt: skip
    cells = sim.Population(400, kind, label="all")
    exc, inh = cells[:320], cells[320:]
    cells.initialize(v=sim.RandomDistribution("uniform", (-60.0, -50.0)))
    some = sim.FixedProbabilityConnector(0.1)
    sim.Projection(exc, cells, some, sim.StaticSynapse(weight=0.006), receptor_type="excitatory")
    sim.Projection(inh, cells, some, sim.StaticSynapse(weight=0.067), receptor_type="inhibitory")
    noise = sim.Population(400, sim.SpikeSourcePoisson(rate=1000.0))
    sim.Projection(noise, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=0.006))
    cells.record("spikes")
    sim.run(100.0)
    sim.run_for(50.0)
    sim.run_until(200.0)
    assert sim.get_current_time() == pytest.approx(200.0)
    trains = cells.get_data().segments[0].spiketrains
    sim.end()
    return cells.mean_spike_count(), np.concatenate(trains).tolist()


def test_a_script_runs_and_depends_on_its_seed_only() -> None:
    rate, spikes = balanced(1)
    assert 0.5 < rate < 20.0
    assert balanced(1)[1] == spikes
    assert balanced(2)[1] != spikes


def test_the_functions_of_the_module_do_what_the_objects_do() -> None:
    assert sim.setup(timestep=0.2, min_delay=0.4, max_delay=8.0) == 0
    times = sim.get_time_step(), sim.get_min_delay(), sim.get_max_delay()
    assert times == (0.2, 0.4, 8.0)
    assert (sim.num_processes(), sim.rank()) == (1, 0)
    assert "Izhikevich" in sim.list_standard_models()
    cells = sim.create(sim.IF_curr_exp, {"tau_m": 10.0}, n=2)
    sim.set(cells, i_offset=1.0)
    sim.initialize(cells, v=-60.0)
    sim.record(["v", "spikes"], cells)
    assert sim.run(10.0) == pytest.approx(10.0)
    assert sim.run_until(5.0) == pytest.approx(10.0)
    assert cells.get_data().segments[0].filter("v")[0][0].tolist() == [-60.0, -60.0]


def test_a_network_that_has_run_stays_as_it_is() -> None:
    sim.setup()
    cells = sim.Population(1, sim.IF_curr_exp())
    sim.run(1.0)
    for change in (
        lambda: sim.Population(1, sim.IF_curr_exp()),
        lambda: sim.Projection(cells, cells, sim.OneToOneConnector()),
        lambda: cells.record("v"),
        lambda: cells.set(tau_m=5.0),
        lambda: cells.initialize(v=0.0),
        lambda: sim.DCSource().inject_into(cells),
    ):
        with pytest.raises(InvalidInput, match="after the network has run"):
            change()
    sim.reset()
    cells.set(tau_m=5.0)
    assert sim.run(1.0) == pytest.approx(1.0)


def test_different_sampling_intervals_are_refused() -> None:
    sim.setup()
    for interval in (0.2, 0.5):
        sim.Population(1, sim.IF_curr_exp()).record("v", sampling_interval=interval)
    with pytest.raises(InvalidInput, match="One sampling_interval for all"):
        sim.run(1.0)


def test_options_that_do_not_exist_are_refused() -> None:
    with pytest.raises(InvalidInput, match="'spike_precision'"):
        sim.setup(spike_precision="on_grid")
    with pytest.raises(InvalidInput, match="in this order"):
        sim.setup(timestep=0.1, min_delay=0.05)
    sim.setup()
    with pytest.raises(InvalidInput, match="callbacks"):
        sim.run(1.0, callbacks=[print])


def test_names_outside_of_the_subset_say_so() -> None:
    for missing in ("HH_cond_exp", "DistanceDependentProbabilityConnector", "Assembly"):
        with pytest.raises(UnknownName, match=f"'{missing}' is outside of the subset"):
            getattr(sim, missing)
        assert not hasattr(sim, missing)
    assert not hasattr(sim, "__wrapped__")


def test_threads_have_their_own_simulations() -> None:
    sim.setup(timestep=0.1)
    seen: list[object] = []

    def elsewhere() -> None:
        with pytest.raises(InvalidInput, match="Call setup"):
            sim.get_time_step()
        sim.setup(timestep=0.5)
        seen.append(sim.get_time_step())

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert (seen, sim.get_time_step()) == ([0.5], 0.1)
