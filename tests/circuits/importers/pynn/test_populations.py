"""Populations, slices, recordings and currents."""

from __future__ import annotations

import numpy as np
import pytest

import neurallayers.circuits.importers.pynn as sim
from neurallayers.errors import InvalidInput, UnknownName


def test_slices_are_contiguous_cells() -> None:
    sim.setup()
    cells = sim.Population(10, sim.IF_curr_exp, {"tau_m": 10.0}, label="cells")
    assert (len(cells), cells.size, len(cells[2:5]), cells[7].size) == (10, 10, 3, 1)
    assert (cells[-3:].start, cells[-3:].stop) == (7, 10)
    with pytest.raises(InvalidInput, match="leaves cells out"):
        cells[::2]
    with pytest.raises(InvalidInput, match="no cell 10"):
        cells[10]


def test_only_what_is_recorded_is_kept() -> None:
    sim.setup(timestep=0.1)
    cells = sim.Population(4, sim.IF_curr_exp(i_offset=1.0))
    cells[1:3].record("v", sampling_interval=0.5)
    cells[2].record("spikes")
    sim.run(40.0)
    segment = cells.get_data().segments[0]
    (signal,) = segment.analogsignals
    assert signal.shape == (81, 2)
    assert signal.array_annotations["channel_index"].tolist() == [1, 2]
    assert (signal[0] == -65.0).all()
    assert [train.annotations["source_index"] for train in segment.spiketrains] == [2]
    (one,) = cells[2:4].get_data("v").segments[0].analogsignals
    assert one.shape == (81, 1)
    assert cells[2].get_spike_counts() == {2: 1}


def test_signals_of_several_runs_are_joined_and_a_reset_begins_a_segment() -> None:
    sim.setup(timestep=0.1)
    cells = sim.Population(1, sim.IF_curr_exp(i_offset=1.0))
    cells.record(["v", "spikes"])
    sim.run(20.0)
    sim.run(20.0)
    sim.reset()
    sim.run(40.0)
    first, second = cells.get_data().segments
    np.testing.assert_array_equal(first.analogsignals[0], second.analogsignals[0])
    assert first.spiketrains[0].tolist() == second.spiketrains[0].tolist() != []
    assert len(first.analogsignals[0]) == 401


def test_initial_values_and_parameters_can_be_set() -> None:
    sim.setup(timestep=0.1, seed=2)
    cells = sim.Population(50, sim.EIF_cond_exp_isfa_ista(), initial_values={"w": 0.1})
    cells.set(tau_w=1e9)
    cells.initialize(v=sim.RandomDistribution("uniform", (-70.0, -60.0)))
    cells.record(["v", "w"])
    sim.run(1.0)
    segment = cells.get_data().segments[0]
    begun = segment.filter("v")[0][0]
    assert -70.0 <= begun.min() < -68.0 < -62.0 < begun.max() <= -60.0
    # In nA, as given; with so slow an adaptation it stays.
    np.testing.assert_allclose(segment.filter("w")[0], 0.1, rtol=1e-6)


def test_a_current_flows_into_some_cells_for_a_time() -> None:
    sim.setup(timestep=0.1)
    cells = sim.Population(3, sim.IF_curr_exp(v_thresh=0.0))
    cells.record("v")
    pulse = sim.DCSource(amplitude=0.5, start=10.0, stop=30.0)
    pulse.inject_into(cells[1:])
    cells[2].inject(sim.DCSource(amplitude=0.5, start=10.0))
    sim.run(50.0)
    v = cells.get_data().segments[0].analogsignals[0]
    assert (v[:, 0] == -65.0).all()
    # 0.5 nA into 20 MOhm are 10 mV.
    risen = 10.0 * (1.0 - np.exp(-20.0 / 20.0))
    np.testing.assert_allclose(v[300], [-65.0, -65.0 + risen, -65.0 + 2 * risen], rtol=1e-9)
    np.testing.assert_allclose(v[500, 1], -65.0 + risen * np.exp(-1.0), rtol=1e-9)
    sim.setup()
    other = sim.Population(1, sim.IF_curr_exp)
    with pytest.raises(InvalidInput, match="begins before it ends"):
        sim.DCSource(start=5.0, stop=5.0).inject_into(other)


def test_what_is_outside_is_refused_by_name() -> None:
    sim.setup()
    with pytest.raises(InvalidInput, match="CELL_TYPES"):
        sim.Population(1, "IF_curr_exp")
    with pytest.raises(InvalidInput, match="structure"):
        sim.Population(1, sim.IF_curr_exp, structure="line")
    cells = sim.Population(1, sim.IF_curr_exp, label="cells")
    assert sim.Population(1, sim.IF_curr_exp, label="cells").label != "cells"
    with pytest.raises(UnknownName, match="no variable 'gsyn_exc'"):
        cells.record("gsyn_exc")
    with pytest.raises(UnknownName, match="no initial value 'w'"):
        cells.initialize(w=1.0)
    with pytest.raises(UnknownName, match="no parameter 'tau'"):
        cells.set(tau=1.0)
    with pytest.raises(InvalidInput, match="to_file"):
        cells.record("v", to_file="v.txt")
    cells.record("v", sampling_interval=1.0)
    with pytest.raises(InvalidInput, match="Choose one interval"):
        cells.record("spikes", sampling_interval=2.0)
    with pytest.raises(InvalidInput, match="clear"):
        cells.get_data(clear=True)
