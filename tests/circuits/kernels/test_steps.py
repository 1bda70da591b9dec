"""The loop over time: batches, blocks, and room for spikes."""

from __future__ import annotations

import numpy as np
import pytest

from neurallayers.circuits import simulation
from neurallayers.circuits.kernels.steps import GROUP
from neurallayers.circuits.models import vogels_abbott
from neurallayers.circuits.recording import Record
from neurallayers.circuits.simulation import LivingCircuit
from neurallayers.dynamics.kernels.blocks import LANES


def test_blocks_are_searched_in_whole_groups() -> None:
    assert LANES % GROUP == 0


def test_a_run_stops_where_there_is_no_more_room_for_spikes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    circuit = vogels_abbott("CUBA", cells=1000)
    whole = circuit.run(2000.0).spikes["cells"]
    assert len(whole) > 5000
    monkeypatch.setattr(simulation, "ROOM", 0)
    # Three threads at times have room for very different numbers of steps.
    for threads in (1, 3):
        begun = LivingCircuit(circuit.wiring, circuit.initial_state(), threads, ["cells"])
        pieces, steps = [], 0
        while begun.step < 20_000:
            done, totals, spikes = begun.advance(20_000 - begun.step)
            assert totals.shape == (1, done)
            assert totals.sum() == spikes["cells"].size
            when = steps + np.repeat(np.arange(done), totals[0])
            pieces.append((when, spikes["cells"]))
            steps += done
        assert len(pieces) > 1
        when, who = (np.concatenate([piece[k] for piece in pieces]) for k in (0, 1))
        assert (when + 1) * 0.1 == pytest.approx(whole.times_ms)
        assert np.array_equal(who, whole.senders)


def test_samples_and_totals_do_not_depend_on_the_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    from neurallayers.circuits import running

    circuit = vogels_abbott("CUBA", cells=300)
    record = Record(
        spikes="all", rates="all", rate_bin_ms=0.7,
        variables={"cells": ["membrane_potential"]}, every_ms=0.3, cells=[299, 0, 7],
    )  # fmt: skip
    whole = circuit.run(30.0, record=record)
    monkeypatch.setattr(running, "PIECE", 7)
    pieces = circuit.run(30.0, record=record)
    assert np.array_equal(whole.rates_hz["cells"], pieces.rates_hz["cells"])
    name = "membrane_potential"
    assert np.array_equal(whole.variables["cells"][name], pieces.variables["cells"][name])
    assert np.array_equal(whole.spikes["cells"].times_ms, pieces.spikes["cells"].times_ms)
