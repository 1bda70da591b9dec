"""Compiled populations of point neurons: any model's equation in a loop over blocks of lanes.

Only the first fused run imports this module, and numba with it.

A model gives one equation, ``step(state, drive, conductance, p)``, on numbers: see
:class:`~neurallayers.dynamics.neurons.point.PointNeuron`. :func:`block_kernel` reads its arguments
from the rows of a block, and writes what it returns back to them; the intrinsics below do so at
distances known when the kernel is compiled, which leaves loops that become vectors. How a block
lies in memory: :mod:`~neurallayers.dynamics.kernels.blocks`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numba
import numpy as np
import torch
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from torch import Tensor

from neurallayers.dynamics.arithmetic import where
from neurallayers.dynamics.kernels.blocks import (
    CONDUCTANCE,
    DRIVE,
    LANES,
    SPIKES,
    STATE,
    BlockKernel,
    advance_block,
    blocks_of,
    from_blocks,
    to_blocks,
)
from neurallayers.dynamics.kernels.compiler import fingerprint
from neurallayers.dynamics.kernels.equations import OPTIONS
from neurallayers.dynamics.kernels.threads import in_slices

__all__ = ["advance_population", "block_kernel", "run_population"]

Array = np.ndarray[Any, Any]


def _read_rows(
    typing_context: Any, lanes: Any, lane: Any, first: Any, count: Any, distance: Any
) -> Any:
    """A tuple of ``count`` numbers: those of a lane in the rows from ``first`` on."""
    place, number, between = (kind.literal_value for kind in (first, count, distance))
    result = types.UniTuple(lanes.dtype, number)

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer, index = values[0], values[1]
        row = [builder.add(index, index.type((place + k) * between)) for k in range(number)]
        loaded = [builder.load(builder.gep(pointer, [at], inbounds=True)) for at in row]
        return context.make_tuple(builder, result, loaded)

    return result(lanes, lane, first, count, distance), generate


def _write_rows(
    typing_context: Any, lanes: Any, lane: Any, first: Any, chosen: Any, yes: Any, no: Any
) -> Any:
    """Write one of two tuples to the rows of a lane from ``first`` on."""
    place = first.literal_value

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer, index = values[0], values[1]
        condition = cgutils.is_true(builder, values[3])
        for k, (kind_yes, kind_no) in enumerate(zip(yes.types, no.types, strict=True)):
            a = builder.extract_value(values[4], k)
            b = builder.extract_value(values[5], k)
            value = builder.select(
                condition,
                context.cast(builder, a, kind_yes, lanes.dtype),
                context.cast(builder, b, kind_no, lanes.dtype),
            )
            at = builder.add(index, index.type((place + k) * LANES))
            builder.store(value, builder.gep(pointer, [at], inbounds=True))
        return ir.Constant(context.get_value_type(types.none), None)

    return types.none(lanes, lane, first, chosen, yes, no), generate


read_rows: Any = intrinsic(prefer_literal=True)(_read_rows)
write_rows: Any = intrinsic(prefer_literal=True)(_write_rows)
# Its declared type counts the typing context among the arguments.
_advance_block: Any = advance_block


@functools.cache
def block_kernel(
    step: Callable[..., Any],
    variables: int,
    parameters: int,
    per_neuron: bool,
    substeps: int,
    sources: tuple[str, ...],
) -> BlockKernel:
    """The kernel that advances a block of neurons of one model by one step.

    Args:
        step: The model's equation, a function of a module.
        variables: Number of variables in its state.
        parameters: Number of parameters that it reads.
        per_neuron: Whether parameters are rows of the block, or the same for all.
        substeps: How often the equation is applied in a step; a neuron that fires in any of them
            has fired.
        sources: Files whose equations it calls, relative to ``dynamics/``.
    """
    after = STATE + variables

    def advance(block: Any, shared: Any) -> None:
        all_alike = read_rows(shared, 0, 0, parameters, 1)
        for i in range(LANES):
            block[SPIKES * LANES + i] = 0.0
        for _ in range(substeps):
            for i in range(LANES):
                p = read_rows(block, i, after, parameters, LANES) if per_neuron else all_alike
                state = read_rows(block, i, STATE, variables, LANES)
                drive, conductance = block[DRIVE * LANES + i], block[CONDUCTANCE * LANES + i]
                margin, quiet, fired = step(state, drive, conductance, p)
                spiked = margin >= 0.0
                write_rows(block, i, STATE, spiked, fired, quiet)
                before = block[SPIKES * LANES + i]
                block[SPIKES * LANES + i] = where(spiked, 1.0, before)

    # Compiled code is stored under this name.
    advance.__qualname__ = f"{step.__module__}.{step.__name__}"
    return BlockKernel(advance, ("neurons/population.py", *sources), contract=True)


def _compiled(function: Callable[..., None]) -> Callable[..., None]:
    """Compile at the first call and keep the result on disk where a folder can be written."""
    function.__qualname__ += f".{fingerprint('kernels/blocks.py')}"
    try:
        return numba.njit(cache=True, **OPTIONS)(function)  # type: ignore[no-any-return]
    except RuntimeError:
        return numba.njit(**OPTIONS)(function)  # type: ignore[no-any-return]


@numba.njit(**OPTIONS)  # type: ignore[untyped-decorator]
def _copy(source: Array, target: Array) -> None:
    for i in range(source.size):
        target[i] = source[i]


@_compiled
def advance_population(
    start: int,
    stop: int,
    steps: int,
    kernel: int,
    parameters: int,
    memory: int,
    blocks: Array,
    drive: Array,
    drive_stride: int,
    conductance: Array,
    conductance_stride: int,
    spikes: Array,
    rows: Array,
    traces: Array,
) -> None:
    """Blocks ``start`` to ``stop`` through all steps, each while it lies in the nearest cache.

    Args:
        start: First block.
        stop: The block after the last.
        steps: How many steps.
        kernel: Address of the model's compiled function.
        parameters: Address of the parameters that all neurons share.
        memory: Address of ``blocks``.
        blocks: ``[blocks, rows, LANES]``.
        drive: Flat; the frame of step t begins at ``t * drive_stride``.
        drive_stride: Neurons a frame, or 0 to hold one frame.
        conductance: As ``drive``; empty where the model has no conductance input.
        conductance_stride: As ``drive_stride``.
        spikes: ``[steps * neurons]``, written.
        rows: The rows to record.
        traces: ``[rows, steps * neurons]``, written.
    """
    n = spikes.size // steps
    size = blocks[0].nbytes
    for b in range(start, stop):
        block, low = blocks[b], b * LANES
        count = min(LANES, n - low)
        for t in range(steps):
            _copy(drive[t * drive_stride + low : t * drive_stride + low + count], block[DRIVE])
            if conductance.size > 0:
                at = t * conductance_stride + low
                _copy(conductance[at : at + count], block[CONDUCTANCE])
            _advance_block(kernel, memory + b * size, parameters)
            at = t * n + low
            _copy(block[SPIKES, :count], spikes[at : at + count])
            for k in range(rows.size):
                _copy(block[rows[k], :count], traces[k, at : at + count])


def run_population(
    kernel: Callable[[bool], BlockKernel],
    parameters: Tensor,
    xs: Tensor,
    state: Sequence[Tensor],
    steps: int,
    recorded: Sequence[int],
) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """A run of point neurons whose input is known beforehand.

    Args:
        kernel: Gives the model's kernel, per neuron or shared.
        parameters: ``[parameters]`` or ``[parameters, n]``.
        xs: ``[time, batch, n]`` or ``[time, batch, 2, n]``; a single frame is held.
        state: The variables, ``[batch, n]`` each.
        steps: How many steps.
        recorded: Indices of variables to keep after each step.

    Returns:
        Spikes ``[time, batch, n]``, the variables after the last step, and those recorded.
    """
    per_neuron = parameters.ndim == 2
    batch, n = state[0].shape
    neurons, count = batch * n, blocks_of(batch * n)
    dtype = xs.dtype
    rows = [variable.detach().to(dtype).reshape(-1).numpy() for variable in state]
    shared = parameters.to(dtype).numpy()
    if per_neuron:
        rows += [row.repeat(batch).numpy() for row in parameters.to(dtype)]
    blocks = np.zeros((count, STATE + len(rows), LANES), rows[0].dtype)
    to_blocks(rows, blocks, STATE)
    paired = xs.ndim == 4
    drive = (xs[:, :, 0] if paired else xs).reshape(-1).numpy()
    conductance = xs[:, :, 1].reshape(-1).numpy() if paired else drive[:0]
    stride = 0 if xs.shape[0] < steps else neurons
    spikes = torch.empty(steps, batch, n, dtype=dtype)
    traces = torch.empty(len(recorded), steps * neurons, dtype=dtype)
    in_slices(
        advance_population,
        count,
        (
            steps,
            kernel(per_neuron).address(dtype),
            shared.ctypes.data,
            blocks.ctypes.data,
            blocks,
            drive,
            stride,
            conductance,
            stride,
            spikes.view(-1).numpy(),
            np.array([STATE + index for index in recorded], np.int64),
            traces.numpy(),
        ),
        neurons * steps,
    )
    after = [from_blocks(blocks, STATE + k, neurons) for k in range(len(state))]
    final = [torch.from_numpy(variable).view(batch, n) for variable in after]
    return spikes, final, [trace.view(steps, batch, n) for trace in traces]
