"""What holds for compilation itself; what the kernels compute is tested in test_fused_runs."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
import torch

from neurallayers.dynamics.kernels.compiler import kernel, narrow, row_kernel, widen

SOURCES = Path(__file__).parents[3] / "src"

RUN = """
import torch
from neurallayers.dynamics.neurons import LIF
print(int(LIF(3).run(torch.full((40, 1, 3), 2.0))[0].sum()))
"""


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(SOURCES), **environment},
        check=False,
    )


def test_importing_us_does_not_import_numba() -> None:
    code = "import sys, neurallayers, neurallayers.dynamics.neurons; print('numba' in sys.modules)"
    assert python(code).stdout.strip() == "False"


def test_kernels_work_where_no_folder_can_be_written(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(stat.S_IRUSR | stat.S_IXUSR)
    # As root every folder can be written: a file in its place cannot hold a cache.
    blocked = closed / "file" if os.geteuid() else tmp_path / "file"
    if not os.geteuid():
        blocked.write_text("")
    done = python(RUN, NUMBA_CACHE_DIR=str(blocked), HOME=str(blocked))
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0


def test_runs_work_without_numba() -> None:
    done = python("import sys; sys.modules['numba'] = None\n" + RUN)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0


@row_kernel
def round_trip(values: np.ndarray, stored: np.ndarray, back: np.ndarray) -> None:
    for j in range(values.size):
        stored[j] = narrow(values[j], stored)
        back[j] = widen(stored[j])


def test_bfloat16_is_stored_as_torch_stores_it() -> None:
    generator = torch.Generator().manual_seed(0)
    bits = torch.randint(-(2**31), 2**31, (100_000,), generator=generator, dtype=torch.int64)
    values = bits.to(torch.int32).view(torch.float32)
    values[:4] = torch.tensor([float("nan"), float("inf"), -float("inf"), 3.3895e38])
    stored = np.empty(values.numel(), np.uint16)
    back = np.empty(values.numel(), np.float32)
    round_trip(values.numpy(), stored, back)
    expected = values.bfloat16()
    ours = torch.from_numpy(stored).view(torch.bfloat16)
    torch.testing.assert_close(ours, expected, rtol=0, atol=0, equal_nan=True)
    torch.testing.assert_close(
        torch.from_numpy(back), expected.float(), rtol=0, atol=0, equal_nan=True
    )


def test_a_cache_that_cannot_be_made_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    original = numba.njit

    def without_cache(**options: object) -> object:
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return original(**options)

    monkeypatch.setattr(numba, "njit", without_cache)

    def double(x: float) -> float:
        return 2 * x

    assert kernel(double)(2.0) == 4.0
