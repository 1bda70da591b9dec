"""The public names are there, and are imported only when they are used."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import neurallayers

SOURCE = Path(__file__).resolve().parent.parent / "src"


def in_a_fresh_process(program: str) -> str:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    ).stdout.strip()


def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = ["torch", "numpy", "pydantic", "numba", "yaml", "networkx", "sklearn", "typer"]
    program = f"import sys, neurallayers; print([n for n in {heavy} if n in sys.modules])"
    assert in_a_fresh_process(program) == "[]"


def test_a_light_name_brings_no_heavy_one() -> None:
    program = "import sys, neurallayers; neurallayers.errors; print('torch' in sys.modules)"
    assert in_a_fresh_process(program) == "False"


@pytest.mark.parametrize("name", neurallayers.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(neurallayers, name) is not None
    assert name in dir(neurallayers)


def test_every_lazy_name_is_public() -> None:
    lazy = {*neurallayers._HOMES, *neurallayers._MODULES, "__version__"}
    assert lazy == set(neurallayers.__all__)


def test_a_name_is_the_thing_itself() -> None:
    from neurallayers.brain import Brain

    assert neurallayers.Brain is Brain
    assert neurallayers.brain.Brain is Brain


def test_a_name_that_is_not_there_is_refused() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Brian'"):
        _ = neurallayers.Brian
    with pytest.raises(ImportError):
        exec("from neurallayers import Brian")


def test_the_version_is_a_version() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", neurallayers.__version__)
