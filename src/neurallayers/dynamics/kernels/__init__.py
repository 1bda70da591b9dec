"""Fused multi-step forms of the cells; the cells' ``forward`` is the specification.

The back end is chosen by device: compiled loops (numba) on CPUs, Triton on CUDA devices where it is
installed and agrees with torch, torch elsewhere. The environment variable ``NEURALLAYERS_KERNELS``
overrides it: ``numba`` (as by default), ``triton`` (Triton or an error), ``torch`` (a fused
autograd node in plain torch, anywhere), ``reference`` (the loop of single steps).

All functions take frames ``[time, batch, *shape]``, or with ``steps`` one frame
``[1, batch, *shape]`` that is held for so many steps without being copied; states
``[batch, *shape]``; and the decay of one step ``[*shape]``. Outputs have the dtype of the frames,
states that of the frames but float32 for bfloat16. Gradients reach frames, states, decay and
recurrent weights, from outputs and from final states alike.
"""

from __future__ import annotations

import functools
import logging
import os

import torch
from torch import Tensor

from neurallayers.dynamics.kernels.sweeps import SpikeOptions, Sweeps
from neurallayers.errors import InvalidInput, ShapeMismatch

__all__ = [
    "SpikeOptions",
    "adaptive_lif",
    "available",
    "leaky_integrator",
    "lif",
    "recurrent_adaptive_lif",
    "recurrent_lif",
]

log = logging.getLogger(__name__)

CHOICES = ("numba", "triton", "torch", "reference")
_DTYPES = (torch.float32, torch.float64, torch.bfloat16)
_DEVICES = ("cpu", "cuda", "mps", "xpu")


def available(xs: Tensor) -> bool:
    """Whether a fused kernel can serve these frames.

    It cannot while torch traces or transforms the program (``torch.compile``, ``torch.export``,
    ``torch.func``): these look into single steps. Nor for other dtypes than float32, float64 and
    bfloat16.

    Raises:
        InvalidInput: If ``NEURALLAYERS_KERNELS`` has a value that does not exist.
    """
    if torch.compiler.is_compiling() or torch._C._is_tracing():
        return False
    if type(xs) not in (Tensor, torch.nn.Parameter) or torch._C._are_functorch_transforms_active():
        return False
    return xs.dtype in _DTYPES and xs.device.type in _DEVICES and _choice() != "reference"


def lif(
    xs: Tensor, v0: Tensor, decay: Tensor, options: SpikeOptions, steps: int | None = None
) -> tuple[Tensor, Tensor]:
    """Leaky integrate-and-fire neurons.

    Returns:
        Spikes ``[time, batch, *shape]`` and the last membrane potential ``[batch, *shape]``.

    Raises:
        ShapeMismatch: If state or decay do not fit the frames.
    """
    spikes, potential, _ = _run(xs, v0, None, decay, options, steps)
    return spikes, potential


def adaptive_lif(
    xs: Tensor,
    v0: Tensor,
    a0: Tensor,
    decay: Tensor,
    options: SpikeOptions,
    steps: int | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Leaky integrate-and-fire neurons with an adaptive threshold.

    Returns:
        Spikes ``[time, batch, *shape]``, last membrane potential and last adaptation.

    Raises:
        ShapeMismatch: If state or decay do not fit the frames.
    """
    spikes, potential, adaptation = _run(xs, v0, a0, decay, options, steps)
    assert adaptation is not None
    return spikes, potential, adaptation


def leaky_integrator(
    xs: Tensor, v0: Tensor, decay: Tensor, steps: int | None = None
) -> tuple[Tensor, Tensor]:
    """Neurons without a threshold.

    Returns:
        Membrane potentials ``[time, batch, *shape]`` and the last one, which shares no memory with
        them (a state that is kept must not keep all steps alive).

    Raises:
        ShapeMismatch: If state or decay do not fit the frames.
    """
    potentials, potential, _ = _run(xs, v0, None, decay, None, steps)
    return potentials, potential


def recurrent_lif(
    xs: Tensor,
    v0: Tensor,
    s0: Tensor,
    decay: Tensor,
    recurrent_weight: Tensor,
    options: SpikeOptions,
    steps: int | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Leaky integrate-and-fire neurons joined all to all with one step of delay.

    Args:
        xs: Frames ``[time, batch, n]``.
        v0: First membrane potential.
        s0: Spikes before the first step.
        decay: Decay of one step ``[n]``.
        recurrent_weight: ``[n, n]``, receiver first.
        options: Threshold, reset and surrogate.
        steps: For how many steps to hold a single frame.

    Returns:
        Spikes ``[time, batch, n]``, last membrane potential and last spikes ``[batch, n]``.

    Raises:
        ShapeMismatch: If state, decay or weights do not fit the frames.
    """
    spikes, potential, _, last = _recurrent(
        xs, v0, None, s0, decay, recurrent_weight, options, steps
    )
    return spikes, potential, last


def recurrent_adaptive_lif(
    xs: Tensor,
    v0: Tensor,
    a0: Tensor,
    s0: Tensor,
    decay: Tensor,
    recurrent_weight: Tensor,
    options: SpikeOptions,
    steps: int | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """:func:`recurrent_lif` with an adaptive threshold.

    Returns:
        Spikes ``[time, batch, n]``, last membrane potential, adaptation and spikes ``[batch, n]``.

    Raises:
        ShapeMismatch: If state, decay or weights do not fit the frames.
    """
    spikes, potential, adaptation, last = _recurrent(
        xs, v0, a0, s0, decay, recurrent_weight, options, steps
    )
    assert adaptation is not None
    return spikes, potential, adaptation, last


def _run(
    xs: Tensor,
    v0: Tensor,
    a0: Tensor | None,
    decay: Tensor,
    options: SpikeOptions | None,
    steps: int | None,
) -> tuple[Tensor, Tensor, Tensor | None]:
    from neurallayers.dynamics.kernels.nodes import Run

    dtype = computing_dtype(xs)
    outputs, potential, adaptation = Run.apply(
        xs,
        _state("membrane_potential", v0, xs, dtype),
        None if a0 is None else _state("adaptation", a0, xs, dtype),
        _fitting("decay", decay, xs.shape[2:], xs, dtype),
        xs.shape[0] if steps is None else steps,
        options,
        sweeps_for(xs.device.type),
    )
    return outputs, potential, adaptation


def _recurrent(
    xs: Tensor,
    v0: Tensor,
    a0: Tensor | None,
    s0: Tensor,
    decay: Tensor,
    weight: Tensor,
    options: SpikeOptions,
    steps: int | None,
) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
    from neurallayers.dynamics.kernels.nodes import RecurrentRun

    dtype, n = computing_dtype(xs), xs.shape[-1]
    spikes, potential, adaptation, last = RecurrentRun.apply(
        xs,
        _state("membrane_potential", v0, xs, dtype),
        None if a0 is None else _state("adaptation", a0, xs, dtype),
        _state("spikes", s0, xs, dtype),
        _fitting("decay", decay, xs.shape[2:], xs, dtype),
        _fitting("recurrent_weight", weight, (n, n), xs, dtype),
        xs.shape[0] if steps is None else steps,
        options,
        sweeps_for(xs.device.type),
    )
    return spikes, potential, adaptation, last


def computing_dtype(xs: Tensor) -> torch.dtype:
    """The dtype of states and arithmetic for these frames."""
    return torch.float32 if xs.dtype == torch.bfloat16 else xs.dtype


def _state(name: str, state: Tensor, xs: Tensor, dtype: torch.dtype) -> Tensor:
    return _fitting(name, state, xs.shape[1:], xs, dtype)


def _fitting(
    name: str, tensor: Tensor, shape: tuple[int, ...], xs: Tensor, dtype: torch.dtype
) -> Tensor:
    # Compiled loops read by address: what does not fit must never reach them.
    if tuple(tensor.shape) != tuple(shape) or tensor.device != xs.device:
        raise ShapeMismatch(
            f"{name} has shape {tuple(tensor.shape)} on {tensor.device}, expected {tuple(shape)} "
            f"on {xs.device}.",
            "Use a state of this cell with as many rows as the frames, on the same device.",
        )
    return tensor.to(dtype).contiguous()


def _choice() -> str:
    choice = os.environ.get("NEURALLAYERS_KERNELS", CHOICES[0])
    if choice not in CHOICES:
        raise InvalidInput(
            f"NEURALLAYERS_KERNELS is {choice!r}.", f"Choose one of {', '.join(CHOICES)}."
        )
    return choice


def backend(device: str) -> str:
    """Name of what serves this type of device: ``numba``, ``torch``, ``triton``, ``reference``."""
    if _choice() == "reference":
        return "reference"
    return type(sweeps_for(device)).__name__.removesuffix("Sweeps").lower()


def sweeps_for(device: str) -> Sweeps:
    """The back end that serves this type of device.

    Raises:
        InvalidInput: If Triton is asked for and cannot serve it.
    """
    choice = _choice()
    if choice == "triton":
        return _triton_sweeps(device)
    if choice == "numba" and device in ("cpu", "cuda"):
        return _cpu_sweeps() if device == "cpu" else _cuda_sweeps()
    return _torch_sweeps()


@functools.cache
def _cpu_sweeps() -> Sweeps:
    # Imported here: numba takes most of a second, which a mere import of ours must not cost.
    try:
        from neurallayers.dynamics.kernels.numba_sweeps import NumbaSweeps
    except ImportError as error:
        log.warning("kernels.numba_missing", extra={"reason": str(error)})
        return _torch_sweeps()
    return NumbaSweeps()


@functools.cache
def _cuda_sweeps() -> Sweeps:
    from neurallayers.dynamics.kernels import triton_sweeps

    try:
        # These kernels were never run on a GPU by us: each machine is asked first.
        triton_sweeps.check("cuda")
    except Exception as error:  # no Triton, no C compiler for it, no driver, another answer, ...
        log.warning("kernels.triton_unusable", extra={"reason": str(error)})
        return _torch_sweeps()
    return triton_sweeps.TritonSweeps()


def _triton_sweeps(device: str) -> Sweeps:
    from neurallayers.dynamics.kernels import triton_kernels, triton_sweeps

    if device != "cuda" and not triton_kernels.interpreted():
        raise InvalidInput(
            f"NEURALLAYERS_KERNELS is 'triton', but the frames are on {device!r}.",
            "Triton kernels need a CUDA device; move the cell there or unset the variable.",
        )
    try:
        return triton_sweeps.TritonSweeps()
    except ImportError as error:
        raise InvalidInput(
            f"NEURALLAYERS_KERNELS is 'triton', but {error}.",
            "Install triton (builds of torch for CUDA bring it) or unset the variable.",
        ) from error


@functools.cache
def _torch_sweeps() -> Sweeps:
    from neurallayers.dynamics.kernels.torch_sweeps import TorchSweeps

    return TorchSweeps()
