"""Stages are compiled once for a precision and reached by their address."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest
import torch

from neurallayers.circuits.kernels.stages import Stage, carray, shifted
from neurallayers.dynamics.kernels.blocks import LANES


def make() -> Stage:
    def doubled(
        block: Any, arrivals: Any, numbers: Any, integers: Any, index: int, step: int
    ) -> None:
        lanes = carray(shifted(block, integers[0]), (LANES,))
        for i in range(LANES):
            lanes[i] += numbers[0] * (index + step)

    return Stage(doubled)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["double", "single"])
def test_a_stage_is_a_function_of_pointers(dtype: torch.dtype) -> None:
    stage, numbers = make(), np.float64 if dtype == torch.float64 else np.float32
    address = stage.address(dtype)
    assert stage.address(dtype) == address
    pointers, wholes = [ctypes.c_void_p] * 4, [ctypes.c_int64] * 2
    function = ctypes.CFUNCTYPE(None, *pointers, *wholes)(address)
    block, factor = np.zeros(2 * LANES, numbers), np.array([0.5], numbers)
    integers = np.array([LANES], np.int64)
    function(block.ctypes.data, 0, factor.ctypes.data, integers.ctypes.data, 3, 7)
    assert np.all(block[:LANES] == 0.0)
    assert np.all(block[LANES:] == 5.0)
