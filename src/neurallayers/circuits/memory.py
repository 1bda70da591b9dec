"""The memory of a population while it lives: blocks of lanes, and what is on its way to them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from neurallayers.circuits.populations import Population
from neurallayers.dynamics.kernels.blocks import LANES, STATE, blocks_of, to_blocks

Array = NDArray[Any]
CACHE_LINE = 64  # bytes


@dataclass(eq=False)
class Memory:
    """The memory of a population.

    Attributes:
        population: Whose it is.
        blocks: ``[blocks, rows, LANES]``; the receptors' rows come first.
        arrivals: ``[slots, blocks, receptors, LANES]``.
        parameters: What the neurons' kernel reads where all are alike.
        fired: ``[2, batch, lanes]``, who fired.
        kernel: Address of the neurons' compiled step; 0 for a source.
    """

    population: Population
    blocks: Array
    arrivals: Array
    parameters: Array
    fired: Array
    kernel: int

    @property
    def before(self) -> int:
        """Rows before the block's own."""
        return self.population.receptor_row_count

    def row(self, row: int) -> Array:
        """One number of all cells, as a copy."""
        values = np.empty(self.population.n, self.blocks.dtype)
        from_lanes(self.blocks[:, self.before + row], values)
        return values


def memory_of(population: Population, slots: int, batch: int, dtype: torch.dtype) -> Memory:
    """Memory for a population, with its parameters in place."""
    numbers = np.float32 if dtype == torch.float32 else np.float64
    count, before = blocks_of(population.n), population.receptor_row_count
    rows = before + STATE + len(population.variables)
    kernel, parameters = 0, np.zeros(1, numbers)
    per_neuron: Array | None = None
    if population.neurons is not None:
        given = population.neurons.kernel_parameters().numpy()
        if given.ndim == 2:
            per_neuron = given
        else:
            parameters = given.astype(numbers)
        kernel = population.neurons.kernel(per_neuron is not None).address(dtype)
    extra = 0 if per_neuron is None else len(per_neuron)
    blocks = aligned_zeros((count, rows + extra, LANES), numbers)
    if per_neuron is not None:
        to_blocks(list(per_neuron.astype(numbers)), blocks, rows)
    # At least one receptor, so that the place of arrivals is memory.
    arrivals = aligned_zeros((slots, count, max(len(population.rows), 1), LANES), numbers)
    fired = np.zeros((2, batch, count * LANES), np.int32)
    return Memory(population, blocks, arrivals, parameters, fired, kernel)


def address(array: Array) -> int:
    """Where an array without gaps lies in memory."""
    assert array.flags.c_contiguous
    return int(array.ctypes.data)


def aligned_zeros(shape: tuple[int, ...], numbers: Any) -> Array:
    """Zeros that begin at a cache line: vectors that cross two of them take twice as long."""
    size = math.prod(shape) * np.dtype(numbers).itemsize
    memory = np.zeros(size + CACHE_LINE, np.uint8)
    begin = -memory.ctypes.data % CACHE_LINE
    aligned: Array = memory[begin : begin + size].view(numbers).reshape(shape)
    return aligned


def into_lanes(values: Array, lanes: Array) -> None:
    """Write numbers of cells into lanes ``[blocks, LANES]``, without a copy on the way."""
    whole, rest = divmod(values.size, LANES)
    lanes[:whole] = values[: whole * LANES].reshape(whole, LANES)
    if rest:
        lanes[whole, :rest] = values[whole * LANES :]


def from_lanes(lanes: Array, values: Array) -> None:
    """The reverse of :func:`into_lanes`."""
    whole, rest = divmod(values.size, LANES)
    values[: whole * LANES].reshape(whole, LANES)[:] = lanes[:whole]
    if rest:
        values[whole * LANES :] = lanes[whole, :rest]
