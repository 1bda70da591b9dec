"""A tract carries spikes, late by its delay, and turns them into currents."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from neurallayers.dynamics import Linear
from neurallayers.errors import ShapeMismatch
from neurallayers.regions import Tract
from neurallayers.seeding import stream


def spikes(*shape: int) -> Tensor:
    return (torch.rand(*shape, generator=stream(0, "spikes")) < 0.4).float()


@given(st.integers(1, 5), st.integers(1, 9))
@settings(max_examples=20, deadline=None)
def test_spikes_arrive_after_their_delay(delay: int, time: int) -> None:
    tract = Tract((3,), (2,), delay_steps=delay)
    line = spikes(time, 2, 3)
    arrived, waiting = tract.arriving(line, tract.initial_buffer(2))
    whole = torch.cat([torch.zeros(delay, 2, 3), line])
    assert torch.equal(arrived, whole[:time])
    assert torch.equal(waiting, whole[time:].transpose(0, 1))


@given(st.integers(1, 4), st.integers(1, 6), st.integers(1, 6))
@settings(max_examples=20, deadline=None)
def test_two_runs_join(delay: int, first: int, second: int) -> None:
    tract = Tract((3,), (2,), delay_steps=delay)
    line = spikes(first + second, 2, 3)
    whole, after = tract.arriving(line, None)
    one, between = tract.arriving(line[:first], None)
    two, end = tract.arriving(line[first:], between)
    assert torch.equal(whole, torch.cat([one, two]))
    assert torch.equal(after, end)


def test_drive_of_a_sense_has_no_delay() -> None:
    tract = Tract((3,), (2,), delay_steps=0)
    line = spikes(4, 2, 3)
    arrived, waiting = tract.arriving(line, tract.initial_buffer(2))
    assert torch.equal(arrived, line)
    assert waiting.shape == tract.initial_buffer(2).shape == (2, 0, 3)


def test_what_is_under_way_does_not_keep_the_whole_line_alive() -> None:
    tract = Tract((3,), (2,), delay_steps=2)
    _, waiting = tract.arriving(spikes(500, 2, 3), None)
    assert waiting.untyped_storage().nbytes() == waiting.nbytes


def test_a_dense_tract_is_a_matrix_product() -> None:
    tract = Tract((2, 3, 1), (4, 5, 2), delay_steps=1)
    line = spikes(3, 2, 2, 3, 1)
    assert isinstance(tract.synapses, Linear)
    expected = line.flatten(2) @ tract.synapses.weight.T + tract.synapses.bias
    assert torch.allclose(tract.project(line), expected.view(3, 2, 4, 5, 2), atol=1e-6)


def test_a_convolution_has_the_same_field_at_every_place() -> None:
    tract = Tract((6, 5, 2), (6, 5, 3), delay_steps=1, pattern="convolution", padding=1)
    currents = tract.project(torch.zeros(1, 1, 6, 5, 2).index_fill(2, torch.tensor(3), 1.0))
    assert currents.shape == (1, 1, 6, 5, 3)
    # A row of spikes excites all inner columns alike.
    assert torch.allclose(currents[..., 1:4, :], currents[..., 1:2, :].expand(1, 1, 6, 3, 3))


def test_pooling_reads_the_strongest_of_each_square() -> None:
    tract = Tract((4, 4, 2), (3,), delay_steps=1, pool=2)
    line = spikes(2, 3, 4, 4, 2)
    pooled = functional.max_pool2d(line.flatten(0, 1).permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
    assert isinstance(tract.synapses, Linear)
    expected = pooled.flatten(1) @ tract.synapses.weight.T + tract.synapses.bias
    assert torch.allclose(tract.project(line), expected.view(2, 3, 3), atol=1e-6)


def test_a_pattern_that_misses_its_target_is_refused() -> None:
    with pytest.raises(ShapeMismatch, match=r"gives \(4, 3, 3\), the target has \(6, 5, 3\)"):
        Tract((6, 5, 2), (6, 5, 3), delay_steps=1, pattern="convolution")


def test_weights_come_from_the_seed_alone() -> None:
    one, same, other = (Tract((3,), (2,), delay_steps=1, seed=seed) for seed in (4, 4, 5))
    line = spikes(2, 1, 3)
    assert torch.equal(one.project(line), same.project(line))
    assert not torch.equal(one.project(line), other.project(line))


@pytest.mark.parametrize("delay", [1, 2, 6])
@pytest.mark.parametrize("newborn", [True, False])
def test_currents_are_the_projection_of_what_arrives(delay: int, newborn: bool) -> None:
    tract = Tract((3,), (4,), delay_steps=delay, seed=1)
    with torch.no_grad():
        tract.synapses.bias.copy_(torch.arange(4.0))
    spikes = (torch.rand(5, 2, 3, generator=stream(0, "spikes")) > 0.5).float()
    buffer = None if newborn else torch.ones(2, delay, 3)
    currents, waiting = tract.currents(spikes, buffer)
    arriving, expected = tract.arriving(spikes, buffer)
    torch.testing.assert_close(currents, tract.project(arriving))
    assert torch.equal(waiting, expected)
