"""The memory of a run: what is written into it is read back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.circuits.circuit_state import CircuitState
from neurallayers.circuits.models import vogels_abbott
from neurallayers.circuits.simulation import LivingCircuit, below, shares_of
from neurallayers.state import leaves, map_state


@pytest.mark.parametrize("step", [0, 1, 5])
def test_a_state_passes_through_memory_unchanged(step: int) -> None:
    circuit = vogels_abbott("COBA", cells=300)
    drawn = torch.Generator().manual_seed(step)
    state = map_state(
        lambda leaf: (
            torch.rand(leaf.shape, generator=drawn, dtype=leaf.dtype)
            if leaf.is_floating_point()
            else leaf
        ),
        circuit.initial_state(),
    )._replace(step=torch.tensor([step]))
    read: CircuitState = LivingCircuit(circuit.wiring, state).state()
    for (name, before), (_, after) in zip(leaves(state), leaves(read), strict=True):
        assert torch.equal(before, after), name


@settings(deadline=None, derandomize=True, database=None)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=6), st.integers(1, 9))
def test_shares_cover_all_blocks_evenly(blocks: list[int], threads: int) -> None:
    shares = shares_of(blocks, threads)
    assert shares.shape == (threads + 1, len(blocks))
    assert shares[0].tolist() == [0] * len(blocks)
    assert shares[-1].tolist() == blocks
    assert (np.diff(shares, axis=0) >= 0).all()
    work = np.diff(shares, axis=0).sum(axis=1)
    assert work.max() - work.min() <= 1


def test_rows_are_divided_where_a_thread_begins() -> None:
    synapses = vogels_abbott("CUBA", cells=600).synapses("excitatory")
    for bound in (0, 17, 512, 10**6):
        for at_once in (7, 4096):
            counts = below(synapses, bound, at_once)
            rows = np.split(synapses.receivers, synapses.starts[1:-1])
            assert counts.tolist() == [int((row < bound).sum()) for row in rows]
