"""Writes what a benchmark measured, with the machine and the versions it was measured on."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import math
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).resolve().parent / "results"
PACKAGES = (
    "torch",
    "numpy",
    "numba",
    "neurallayers",
    "fastapi",
    "uvicorn",
    "uvloop",
    "msgspec",
    "snntorch",
    "spikingjelly",
    "norse",
    "z3-solver",
)


def write(name: str, results: Mapping[str, Any], command: str, *, folder: Path = RESULTS) -> Path:
    """Write ``NAME.json`` and print the figures as a table.

    Args:
        name: Name of the benchmark.
        results: Figures by name; nested mappings and lists are allowed.
        command: The command that measures them again.
        folder: Where the file goes.

    Returns:
        The file, complete: it is written under a temporary name and then moved.

    Raises:
        ValueError: If a figure is not finite (JSON has no word for it).
    """
    where = machine()
    document = {
        "command": command,
        "machine": where,
        "versions": versions(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "results": dict(results),
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    temporary = path.with_name(f"{path.name}.{os.getpid()}.partial")
    temporary.write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    temporary.replace(path)
    show(name, results, where)
    return path


def show(name: str, results: Mapping[str, Any], where: Mapping[str, Any]) -> None:
    """Print the figures, one a row."""
    table = Table("figure", "value")
    for figure, value in _flat(results):
        table.add_row(figure, _words(value))
    console = Console()
    console.print(f"{name} on {where['cpu']}, {where['cores']} cores, {where['memory_gib']} GiB")
    console.print(table)


def machine() -> dict[str, Any]:
    """What the figures were measured on: never the name of the host."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": _cpu_model(),
        "cores": _cores(),
        "memory_gib": round(memory / 2**30, 1),
        "system": platform.system(),
        "architecture": platform.machine(),
        "gpu": _gpu(),
    }


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide speed or are compared with."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        version = _version(package)
        if version is not None:
            found[package] = version
    return found


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        # A checkout on PYTHONPATH has no metadata.
        if package != "neurallayers":
            return None
    try:
        import neurallayers
    except ImportError:
        return None
    return str(neurallayers.__version__)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def _gpu() -> str | None:
    try:
        import torch
    except ImportError:
        return None
    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def _flat(results: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in results.items():
        if isinstance(value, Mapping):
            rows += _flat(value, f"{prefix}{key}.")
        else:
            rows.append((f"{prefix}{key}", value))
    return rows


def _words(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else str(value)
    if isinstance(value, list):
        return ", ".join(_words(item) for item in value)
    return str(value)
