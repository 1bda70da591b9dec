"""Fused Hodgkin-Huxley runs as single nodes of the autograd graph.

A node keeps its inputs and the states at every 32nd step; what lies between is computed again on
the way back. Second derivatives are not offered.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from neurallayers.dynamics.kernels.blocks import LANES, SPIKES, STATE
from neurallayers.dynamics.kernels.compiler import Array
from neurallayers.dynamics.kernels.hodgkin_huxley import (
    PARAMETERS,
    SEGMENT,
    SOLVER_CODES,
    VARIABLES,
    Inputs,
    crossing_sweep,
    forward_sweep,
    squid_kernel,
)
from neurallayers.dynamics.kernels.hodgkin_huxley_adjoint import POTENTIAL, WIDTH, backward_sweep
from neurallayers.dynamics.kernels.numba_sweeps import surrogate_shape
from neurallayers.dynamics.kernels.pages import empty
from neurallayers.dynamics.kernels.threads import INLINE_ELEMENTS, in_slices, run_together
from neurallayers.dynamics.membrane.crossings import Crossings, sorted_crossings
from neurallayers.dynamics.surrogate import Surrogate
from neurallayers.errors import ShapeMismatch

if TYPE_CHECKING:
    from neurallayers.dynamics.membrane.hodgkin_huxley import HodgkinHuxley, HodgkinHuxleyState

# How many steps are taken before crossings are fetched, and how many a neuron these usually are.
STEPS_AT_ONCE, CROSSINGS_AT_ONCE = 512, 2


class SweepSettings(NamedTuple):
    """What is the same for all neurons of a run."""

    steps: int
    solver: int
    # The seven constants (where they are alike), the factor of the rates, the step, the threshold.
    numbers: tuple[float, ...]
    # None: the output is the potential.
    surrogate: Surrogate | None


def fused_run(
    cell: HodgkinHuxley, drive: Tensor, conductance: Any, state: HodgkinHuxleyState, steps: int
) -> tuple[Tensor, HodgkinHuxleyState]:
    """Outputs of all steps and the state after the last one; gradients reach all that enters."""
    whole, parameters = _joined(cell, drive, state)
    settings = _settings(cell, steps)
    other = conductance if isinstance(conductance, Tensor) else None
    outputs, last = HodgkinHuxleyRun.apply(drive, other, whole, parameters, settings)
    return outputs, type(state)(*(part.clone() for part in last))


class HodgkinHuxleyRun(torch.autograd.Function):
    """Drive, conductance, stacked state, stacked constants -> outputs and the last state."""

    @staticmethod
    def forward(
        ctx: Any,
        drive: Tensor,
        conductance: Tensor | None,
        state: Tensor,
        parameters: Tensor | None,
        settings: SweepSettings,
    ) -> tuple[Tensor, Tensor]:
        """All steps."""
        ctx.set_materialize_grads(False)
        steps, n = settings.steps, state[0].numel()
        frames, other = _distinct(drive, state), _distinct(conductance, state)
        last = state.clone(memory_format=torch.contiguous_format)
        outputs = empty((steps, *drive.shape[1:]), state)
        segments = -(-steps // SEGMENT) if any(ctx.needs_input_grad) else 0
        kept = empty((segments, *state.shape), state)
        inputs = _inputs(frames, other, parameters, settings, state)
        row = STATE if settings.surrogate is None else SPIKES
        arguments = (inputs, _flat(last), _flat(outputs), row, _flat(kept))
        in_slices(forward_sweep(), n, arguments, steps * n, LANES)
        ctx.save_for_backward(frames, other, kept, parameters)
        ctx.settings, ctx.shapes = settings, (drive.shape, drive.dtype)
        return outputs.to(drive.dtype), last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_outputs: Tensor | None, by_last: Tensor | None) -> tuple[Any, ...]:
        """All steps back."""
        frames, other, kept, parameters = ctx.saved_tensors
        settings: SweepSettings = ctx.settings
        (_, *shape), _ = ctx.shapes
        by_state = torch.zeros_like(kept[0]) if by_last is None else by_last.clone().contiguous()
        n = by_state[0].numel()
        by_drive = _gradient(ctx, 0, kept)
        by_other = _gradient(ctx, 1, kept)
        by_parameters = empty((PARAMETERS, *shape), kept)
        received, stride = _over_time(by_outputs, kept, shape)
        kind, slope, height = POTENTIAL, 0.0, 1.0
        if settings.surrogate is not None:
            kind, slope, height = surrogate_shape(settings.surrogate)
        shared = np.array([*settings.numbers[PARAMETERS:], slope, height], _flat(kept).dtype)
        inputs = _inputs(frames, other, _spelled_out(parameters, settings, kept), settings, kept)
        gradients = (
            *_with_stride(by_drive, n),
            *_with_stride(by_other, n),
            _flat(by_state),
            _flat(by_parameters),
        )
        sweep = backward_sweep(settings.solver)
        arguments = (inputs, _flat(kept), received, stride, shared, kind, gradients)
        in_slices(sweep, n, arguments, settings.steps * n, WIDTH)
        dtype = ctx.shapes[1]
        return (
            by_drive.to(dtype) if ctx.needs_input_grad[0] else None,
            by_other.to(dtype) if ctx.needs_input_grad[1] else None,
            by_state,
            by_parameters if ctx.needs_input_grad[3] else None,
            None,
        )


def fused_crossings(
    cell: HodgkinHuxley, drive: Tensor, conductance: Any, state: HodgkinHuxleyState, steps: int
) -> tuple[Crossings, HodgkinHuxleyState]:
    """Crossings of the threshold during a run, and the state after it."""
    whole, parameters = _joined(cell, drive, state)
    settings = _settings(cell, steps)
    other = conductance if isinstance(conductance, Tensor) else None
    frames, pair = _distinct(drive, whole), _distinct(other, whole)
    inputs = _inputs(frames, pair, parameters, settings, whole)
    last, n = _flat(whole.clone(memory_format=torch.contiguous_format)), whole[0].numel()
    times, places = [], []
    for begin in range(0, steps, STEPS_AT_ONCE):
        part = _from_step(inputs, begin, min(STEPS_AT_ONCE, steps - begin))
        for slice_times, slice_places in _crossings_of(part, last, n):
            times.append(slice_times + begin)
            places.append(slice_places)
    found = sorted_crossings(
        torch.from_numpy(np.concatenate(times)),
        torch.from_numpy(np.concatenate(places)),
        cell.dt_ms,
        cell.n,
    )
    rows = torch.from_numpy(last).reshape(whole.shape)
    return found, type(state)(*(row.clone() for row in rows))


def _crossings_of(inputs: Inputs, last: Array, n: int) -> list[tuple[Array, Array]]:
    """Crossings during some steps, for slices of neurons on several threads; ``last`` moves."""
    threads = torch.get_num_threads() if inputs[1] * n >= INLINE_ELEMENTS else 1
    step = -(-n // threads)
    step = -(-step // LANES) * LANES
    results: dict[int, tuple[Array, Array]] = {}

    def work(start: int) -> None:
        stop = min(start + step, n)
        results[start] = _slice_crossings(inputs, last, start, stop)

    run_together([functools.partial(work, start) for start in range(0, n, step)], threads)
    return [results[start] for start in sorted(results)]


def _slice_crossings(inputs: Inputs, last: Array, start: int, stop: int) -> tuple[Array, Array]:
    room = CROSSINGS_AT_ONCE * (stop - start)
    before = last.reshape(VARIABLES, -1)[:, start:stop].copy()
    while True:
        places, times, found = np.empty(room, np.int64), np.empty(room), np.zeros(1, np.int64)
        crossing_sweep()(start, stop, inputs, last, places, times, found)
        if found[0] <= room:
            return times[: found[0]], places[: found[0]]
        # More than there was room for: the same steps once more.
        last.reshape(VARIABLES, -1)[:, start:stop] = before
        room = int(found[0])


def _joined(
    cell: HodgkinHuxley, drive: Tensor, state: HodgkinHuxleyState
) -> tuple[Tensor, Tensor | None]:
    """State and constants stacked; constants that are alike for all neurons are left out."""
    dtype = torch.promote_types(torch.promote_types(drive.dtype, state[0].dtype), torch.float32)
    for name, part in zip(state._fields, state, strict=True):
        # Compiled loops read by address: what does not fit must never reach them.
        if part.shape != drive.shape[1:] or part.device != drive.device:
            raise ShapeMismatch(
                f"{name} has shape {tuple(part.shape)} on {part.device}, expected "
                f"{tuple(drive.shape[1:])} on {drive.device}.",
                "Use a state of this cell with as many rows as the frames, on the same device.",
            )
    whole = torch.stack([part.to(dtype) for part in state])
    if cell.constants.plain:
        return whole, None
    constants = [torch.as_tensor(value, dtype=dtype) for value in cell.constants()]
    return whole, torch.stack([value.expand(state[0].shape) for value in constants])


def _settings(cell: HodgkinHuxley, steps: int) -> SweepSettings:
    constants = tuple(cell.constants()) if cell.constants.plain else (0.0,) * PARAMETERS
    return SweepSettings(
        steps,
        SOLVER_CODES[cell.solver.name],
        (*constants, cell.rate_factor, cell.dt_ms, cell.threshold_mv),
        None if cell.output == "membrane_potential" else cell.surrogate,
    )


def _distinct(frames: Tensor | None, like: Tensor) -> Tensor:
    """Frames without their copies: one if all are the same; zeros if there are none."""
    if frames is None:
        return torch.zeros_like(like[:1])
    return (frames[:1] if frames.stride(0) == 0 else frames).to(like.dtype).contiguous()


def _inputs(
    drive: Tensor, other: Tensor, parameters: Tensor | None, settings: SweepSettings, like: Tensor
) -> Inputs:
    n = drive[0].numel()
    numbers = np.array(settings.numbers, _flat(like[:0]).dtype)
    address = squid_kernel(settings.solver, parameters is not None).address(like.dtype)
    constants = numbers[:0] if parameters is None else _flat(parameters.contiguous())
    return (
        address,
        settings.steps,
        numbers,
        constants,
        *_with_stride(drive, n),
        *_with_stride(other, n),
    )


def _from_step(inputs: Inputs, begin: int, steps: int) -> Inputs:
    """Inputs without their first steps."""
    address, _, numbers, parameters, drive, stride, other, other_stride = inputs
    drive, other = drive[begin * stride :], other[begin * other_stride :]
    return address, steps, numbers, parameters, drive, stride, other, other_stride


def _with_stride(frames: Tensor, n: int) -> tuple[Array, int]:
    """A flat array and the distance of two frames in it; 0 where there is only one."""
    return _flat(frames), n if frames.shape[0] > 1 else 0


def _gradient(ctx: Any, which: int, like: Tensor) -> Tensor:
    """Zeros to which gradients by the frames are added; nothing where nobody wants them."""
    (frames, *shape), _ = ctx.shapes
    if not ctx.needs_input_grad[which]:
        return like.new_empty(0)
    return empty((frames, *shape), like).zero_()


def _over_time(grad: Tensor | None, like: Tensor, shape: list[int]) -> tuple[Array, int]:
    """Gradients by the outputs as a flat array, and the distance of two steps in it."""
    if grad is None:
        return _flat(like.new_zeros(shape)), 0
    grad = (grad[:1] if grad.stride(0) == 0 else grad).to(like.dtype).contiguous()
    return _with_stride(grad, grad[0].numel())


def _spelled_out(parameters: Tensor | None, settings: SweepSettings, kept: Tensor) -> Tensor:
    """The constants of every neuron."""
    if parameters is not None:
        return parameters
    numbers = torch.tensor(settings.numbers[:PARAMETERS], dtype=kept.dtype)
    shape = kept.shape[2:]
    return numbers.reshape(-1, *(1 for _ in shape)).expand(PARAMETERS, *shape)


def _flat(tensor: Tensor) -> Array:
    """A contiguous tensor as a flat array that shares its memory."""
    array: Array = tensor.detach().view(-1).numpy()
    return array
