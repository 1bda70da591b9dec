"""Recorded data are arrays with the names of Neo's objects."""

from __future__ import annotations

import numpy as np

from neurallayers.circuits.importers.pynn.data import AnalogSignal, Block, Segment, SpikeTrain


def test_a_spike_train_is_an_array_of_times() -> None:
    train = SpikeTrain(np.array([1.0, 2.5]), 10.0, 7)
    assert (train.t_start, train.t_stop) == (0.0, 10.0)
    assert train.annotations["source_index"] == 7
    assert train.times.tolist() == train.magnitude.tolist() == [1.0, 2.5]
    # What is computed from it knows where it came from.
    assert np.diff(train).tolist() == [1.5]
    assert train[train > 2.0].t_stop == 10.0


def test_a_signal_has_times_and_a_unit() -> None:
    signal = AnalogSignal(np.zeros((3, 2)), "v", 0.5, np.array([4, 9]))
    assert (signal.name, signal.units, signal.sampling_period) == ("v", "mV", 0.5)
    assert signal.times.tolist() == [0.0, 0.5, 1.0]
    assert signal.array_annotations["channel_index"].tolist() == [4, 9]
    assert signal[:, 1].name == "v"
    assert type(signal.magnitude) is np.ndarray


def test_signals_are_found_by_name() -> None:
    v = AnalogSignal(np.zeros((1, 1)), "v", 0.1, np.array([0]))
    w = AnalogSignal(np.ones((1, 1)), "w", 0.1, np.array([0]))
    block = Block("cells", [Segment([], [v, w])])
    (found,) = block.segments[0].filter(name="w")
    assert found is w
