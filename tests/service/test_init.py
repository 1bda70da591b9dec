"""What importing the service brings with it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import neurallayers.brain
import neurallayers.service
from neurallayers.service import engine

PROGRAM = """
import json, sys
import {module}
print(json.dumps([name for name in {heavy} if name in sys.modules]))
"""
COMPUTING = ["torch", "numba", "scipy", "networkx", "safetensors", "neurallayers.brain.network"]
DRAWING = ["matplotlib", "PIL", "sklearn", "pandas"]
SERVING = ["fastapi", "starlette", "uvicorn", "structlog", "prometheus_client"]


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("neurallayers.service", COMPUTING + DRAWING + SERVING),
        ("neurallayers.service.app, neurallayers.service.server", COMPUTING + DRAWING),
        ("neurallayers.service.engine.child", DRAWING + SERVING),
    ],
    ids=["package", "serving", "computing"],
)
def test_a_process_imports_what_it_needs_and_no_more(module: str, heavy: list[str]) -> None:
    program = PROGRAM.format(module=module, heavy=heavy)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize("package", [neurallayers.service, engine, neurallayers.brain])
def test_public_names_are_there_when_they_are_used(package: object) -> None:
    for name in package.__all__:  # type: ignore[attr-defined]
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        package.Nothing  # type: ignore[attr-defined]  # noqa: B018
