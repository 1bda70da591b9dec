"""Every notebook runs from top to bottom, and is stored with what it showed when it ran."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
BYTES_AT_MOST = 1_000_000


def cells_of(path: Path, kind: str) -> list[dict[str, Any]]:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def name_of(path: Path) -> str:
    return path.stem


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_a_notebook_is_readable_as_it_is_stored(path: Path) -> None:
    assert path.stat().st_size < BYTES_AT_MOST
    code = cells_of(path, "code")
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    # Nothing failed, and nothing warned, when it was run.
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_a_notebook_runs(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    matplotlib = pytest.importorskip("matplotlib", reason="the extra viz is not installed")
    matplotlib.use("Agg")
    pyplot = pytest.importorskip("matplotlib.pyplot")
    monkeypatch.chdir(tmp_path)
    shared: dict[str, Any] = {"__name__": "__notebook__"}
    try:
        with matplotlib.rc_context():
            for number, cell in enumerate(cells_of(path, "code"), start=1):
                exec(compile("".join(cell["source"]), f"{path.name}[{number}]", "exec"), shared)
                # A notebook shows the figures of a cell, drawn, and forgets them.
                for figure in map(pyplot.figure, pyplot.get_fignums()):
                    figure.canvas.draw()
                pyplot.close("all")
    finally:
        pyplot.close("all")
    assert "the same to the last bit" in capsys.readouterr().out or "squid" not in path.stem
