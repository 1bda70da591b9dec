"""What holds for compilation itself; what the kernels compute is tested in test_fused_runs."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

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


def test_a_sweep_is_made_once_for_each_kind() -> None:
    from neurallayers.dynamics.kernels import compiled, rows

    lif = compiled.backward_sweep(rows.LIF, rows.PEAK, False)
    assert compiled.backward_sweep(rows.LIF, rows.PEAK, False) is lif
    assert compiled.backward_sweep(rows.LIF, rows.BELL, False) is not lif
