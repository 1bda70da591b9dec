"""Whether the kernels compile, which needs no device: the interpreter takes more than that.

That they compute the right thing is in ``test_triton_sweeps.py``.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

from neurallayers.dynamics.kernels import triton_kernels, triton_sweeps


def test_the_module_can_be_imported_without_triton(monkeypatch: pytest.MonkeyPatch) -> None:
    def scale(x: float) -> float:
        return 2 * x

    monkeypatch.setattr(triton_kernels, "INSTALLED", False)
    assert triton_kernels.kernel(scale) is scale
    assert not triton_kernels.interpreted()


@pytest.mark.skipif(not triton_kernels.INSTALLED, reason="triton is not installed")
@pytest.mark.parametrize("kind", ["integrator", "lif", "adaptive"])
@pytest.mark.parametrize("frames", ["fp32", "fp64", "bf16"])
def test_kernels_compile_for_a_device(
    kind: str, frames: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if triton_kernels.interpreted():
        pytest.skip("TRITON_INTERPRET is set: there is nothing to compile")
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    state = "fp64" if frames == "fp64" else "fp32"
    spiking, adaptive = kind != "integrator", kind == "adaptive"
    absent = set() if adaptive else {"adaptation_state", "levels", "grad_a"}
    values = {
        "SPIKING": spiking,
        "ZERO_RESET": adaptive,
        "RESET_GRADIENT": spiking,
        "SUMMED": not spiking,
        "SHAPE": "peak" if adaptive else "triangle",
        "BLOCK": triton_sweeps.BLOCK,
    }
    for kernel in (triton_kernels.forward, triton_kernels.backward):
        assembly = compiled(kernel, values, absent, frames, state)
        assert "fma.rn.f" not in assembly, "a fused multiply-add rounds otherwise than torch"


def compiled(kernel: Any, values: dict[str, Any], absent: set[str], frames: str, state: str) -> str:
    """PTX of a kernel for compute capability 8.0."""
    from triton import compile as triton_compile
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    signature, constants = {}, {}
    for name in kernel.arg_names:
        if name in values or name in absent:
            signature[name], constants[name] = "constexpr", values.get(name)
        elif name in ("steps", "size", "n", "last") or name.endswith("_stride"):
            signature[name] = "i32"
        else:
            narrow = name in ("x", "outputs", "grad_outputs", "grad_x")
            signature[name] = "*" + (frames if narrow else state)
    if "constexprs" not in inspect.signature(ASTSource).parameters:
        pytest.skip("this version of Triton compiles by another interface")
    options = {"num_warps": triton_sweeps.WARPS, "enable_fp_fusion": False}
    made = triton_compile(
        ASTSource(kernel, signature, constants), target=GPUTarget("cuda", 80, 32), options=options
    )
    assert len(made.asm["cubin"]) > 0
    return str(made.asm["ptx"])
