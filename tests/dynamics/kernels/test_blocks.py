"""Populations in blocks, and compiled models reached through their address."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import carray

from neurallayers.dynamics.arithmetic import equation, exp
from neurallayers.dynamics.kernels import blocks
from neurallayers.dynamics.kernels.blocks import LANES, STATE, BlockKernel

LAW = settings(max_examples=30, deadline=None, derandomize=True, database=None)
ROWS = STATE + 1


@equation
def relaxed(v: Any, drive: Any, rate: Any) -> Any:
    return drive + (v - drive) * exp(-rate)


def relax_block(block: Any, parameters: Any) -> None:
    lanes, p = carray(block, (ROWS * LANES,)), carray(parameters, (1,))
    drive, v = lanes[0:LANES], lanes[STATE * LANES : ROWS * LANES]
    for i in range(LANES):
        v[i] = relaxed(v[i], drive[i], p[0])


KERNEL = BlockKernel(relax_block)


@numba.njit
def advance(address: int, start: int, stride: int, count: int, parameters: int) -> None:
    for k in range(count):
        blocks.advance_block(address, start + k * stride, parameters)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_model_is_called_through_its_address(dtype: torch.dtype) -> None:
    n, kind = LANES + 3, np.float64 if dtype == torch.float64 else np.float32
    memory = np.zeros((blocks.blocks_of(n), ROWS, LANES), kind)
    v, drive = np.linspace(-1, 1, n).astype(kind), np.linspace(3, 5, n).astype(kind)
    blocks.to_blocks([drive], memory, blocks.DRIVE)
    blocks.to_blocks([v], memory, STATE)
    parameters = np.array([0.25], kind)
    advance(
        KERNEL.address(dtype),
        memory.ctypes.data,
        memory.strides[0],
        len(memory),
        parameters.ctypes.data,
    )
    after = blocks.from_blocks(memory, STATE, n)
    np.testing.assert_allclose(after, drive + (v - drive) * np.exp(-0.25), rtol=1e-6, atol=1e-7)
    assert after.dtype == kind


def test_an_address_is_found_once() -> None:
    assert KERNEL.address(torch.float64) == KERNEL.address(torch.float64) != 0


@LAW
@given(n=st.integers(1, 3 * LANES), rows=st.integers(1, 3))
def test_what_is_laid_into_blocks_comes_back(n: int, rows: int) -> None:
    memory = np.zeros((blocks.blocks_of(n), STATE + rows, LANES))
    values = [np.arange(n) * 10.0 + row for row in range(rows)]
    blocks.to_blocks(values, memory, STATE)
    for row, expected in enumerate(values):
        np.testing.assert_array_equal(blocks.from_blocks(memory, STATE + row, n), expected)
        # Lanes behind the last neuron are as harmless as it is.
        assert (memory[:, STATE + row].reshape(-1)[n:] == expected[-1]).all()
