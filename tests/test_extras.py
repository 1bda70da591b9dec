"""Optional packages are imported where they are used and named when they are missing."""

from __future__ import annotations

import os
import os.path
import subprocess
import sys
from pathlib import Path

import pytest

from neurallayers.errors import MissingExtra
from neurallayers.extras import require


def test_an_installed_package_is_handed_out() -> None:
    assert require("os.path", extra="viz") is os.path


def test_a_missing_package_names_the_command_that_brings_it() -> None:
    with pytest.raises(MissingExtra, match=r"pip install 'neurallayers\[service\]'") as missing:
        require("a_package_that_nobody_wrote", extra="service")
    assert "a_package_that_nobody_wrote" in missing.value.problem
    assert isinstance(missing.value.__cause__, ModuleNotFoundError)


def test_a_missing_module_of_an_installed_package_is_named_too() -> None:
    with pytest.raises(MissingExtra, match=r"os\.nothing"):
        require("os.nothing", extra="viz")


def test_a_package_that_lacks_one_of_its_own_names_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_installed.py").write_text("import its_missing_half\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtra, match="its_missing_half"):
        require("half_installed", extra="viz")


def test_a_mistake_inside_a_package_is_not_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_inside.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ZeroDivisionError):
        require("broken_inside", extra="viz")


def test_importing_the_cells_imports_no_heavy_package() -> None:
    heavy = ["matplotlib", "numba", "rich", "scipy", "sklearn", "tensorboard", "typer"]
    program = (
        "import sys, neurallayers.dynamics, neurallayers.senses, neurallayers.state\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    source = Path(__file__).resolve().parent.parent / "src"
    found = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(source)},
    )
    assert found.stdout.strip() == "[]"
