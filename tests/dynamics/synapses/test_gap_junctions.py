"""Gap junctions: Ohm's law between neurons, and no charge from nowhere."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from neurallayers.dynamics.synapses.gap_junctions import GapJunctions, junctions_of
from neurallayers.errors import InvalidInput, ShapeMismatch

LAW = settings(max_examples=25, deadline=None, derandomize=True, database=None)
networks = st.tuples(st.integers(2, 9), st.floats(0.0, 1.0), st.integers(0, 999))


def coupled(n: int, density: float, seed: int) -> tuple[Tensor, Tensor]:
    """A symmetric matrix of conductances [nS] and potentials [mV] of three rows."""
    generator = torch.Generator().manual_seed(seed)
    upper = torch.rand(n, n, dtype=torch.float64, generator=generator).triu(1)
    upper *= torch.rand(n, n, generator=generator) < density
    return upper + upper.T, torch.rand(3, n, dtype=torch.float64, generator=generator) * 60 - 80


@given(network=networks, dense=st.booleans())
@LAW
def test_currents_are_those_of_ohm(network: tuple[int, float, int], dense: bool) -> None:
    matrix, v = coupled(*network)
    currents = GapJunctions(len(matrix), matrix, dense=dense).map_frames(v)
    expected = torch.zeros_like(v)
    for i in range(len(matrix)):
        for j in range(len(matrix)):
            expected[:, i] += matrix[i, j] * (v[:, j] - v[:, i])
    torch.testing.assert_close(currents, expected, rtol=1e-12, atol=1e-12)


@given(network=networks, dense=st.booleans())
@LAW
def test_the_currents_add_up_to_zero(network: tuple[int, float, int], dense: bool) -> None:
    matrix, v = coupled(*network)
    currents = GapJunctions(len(matrix), matrix, dense=dense).map_frames(v)
    scale = float(matrix.sum()) * 80.0 + 1.0
    assert currents.sum(-1).abs().max().item() < 1e-15 * scale * len(matrix)
    alike = GapJunctions(len(matrix), matrix, dense=False).map_frames(torch.full_like(v, -65.0))
    assert not alike.any()


@given(network=networks, dense=st.booleans())
@LAW
def test_a_pair_is_the_same_current(network: tuple[int, float, int], dense: bool) -> None:
    matrix, v = coupled(*network)
    pair = GapJunctions(len(matrix), matrix, output="conductance", dense=dense).map_frames(v)
    current = GapJunctions(len(matrix), matrix, dense=dense).map_frames(v)
    torch.testing.assert_close(pair[:, 0] - pair[:, 1] * v, current, rtol=1e-12, atol=1e-10)
    torch.testing.assert_close(pair[:, 1], matrix.sum(0).expand(3, -1))


@given(network=networks)
@LAW
def test_dense_sparse_and_pairs_describe_the_same(network: tuple[int, float, int]) -> None:
    matrix, v = coupled(*network)
    n = len(matrix)
    first, second = matrix.triu(1).nonzero(as_tuple=True)
    pairs = list(zip(second.tolist(), first.tolist(), strict=True))
    cells = [
        GapJunctions(n, matrix),
        GapJunctions(n, matrix.to_sparse()),
        GapJunctions.between(n, pairs, matrix[first, second]),
    ]
    for cell in cells:
        assert torch.equal(cell.matrix_ns(), matrix)
        torch.testing.assert_close(cell.map_frames(v), cells[0].map_frames(v), rtol=1e-12, atol=0)


def test_two_neurons_meet_in_the_middle() -> None:
    """The closed form: the difference decays with C / 2g, the mean stays."""
    capacitance_pf, conductance_ns, dt_ms = 100.0, 2.0, 0.01
    cell = GapJunctions(2, conductance_ns)
    v = torch.tensor([[-50.0, -70.0]], dtype=torch.float64)
    for _ in range(1000):  # Heun's method
        slope = cell.map_frames(v) / capacitance_pf
        v = v + dt_ms / 2 * (slope + cell.map_frames(v + dt_ms * slope) / capacitance_pf)
    difference = 20.0 * torch.exp(torch.tensor(-10.0 * 2 * 2.0 / 100.0, dtype=torch.float64))
    assert (v[0, 0] - v[0, 1]).item() == pytest.approx(difference.item(), rel=1e-7)
    assert v.mean().item() == pytest.approx(-60.0, rel=1e-12)


def test_few_junctions_are_gone_through_one_by_one() -> None:
    assert not GapJunctions.between(100, [(0, 1), (5, 7)]).dense
    assert GapJunctions(100, 1.0).dense


def test_pairs_named_twice_add_up() -> None:
    cell = GapJunctions.between(3, [(0, 1), (1, 0)], 0.5)
    assert cell.matrix_ns()[0].tolist() == [0.0, 1.0, 0.0]


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(InvalidInput, match=r"GapJunctions\(1\)"):
        GapJunctions(1)
    with pytest.raises(ShapeMismatch, match=r"must be \[n, n\]"):
        junctions_of(torch.zeros(2, 3))
    with pytest.raises(ShapeMismatch, match="3 rows for 4"):
        GapJunctions(4, torch.zeros(3, 3))
    with pytest.raises(InvalidInput, match="not symmetric"):
        junctions_of(torch.tensor([[0.0, 1.0], [2.0, 0.0]]))
    with pytest.raises(InvalidInput, match="not symmetric"):
        junctions_of(torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]))
    with pytest.raises(InvalidInput, match="diagonal"):
        junctions_of(torch.eye(2))
    for wrong in (-1.0, float("nan")):
        with pytest.raises(InvalidInput, match=r"negative or not finite|not symmetric"):
            GapJunctions(2, torch.tensor([[0.0, wrong], [wrong, 0.0]]))
    with pytest.raises(InvalidInput, match="output is 'both'"):
        GapJunctions(2, output="both")
    with pytest.raises(InvalidInput, match="from 0 to 3"):
        GapJunctions.between(3, [(0, 3)])
