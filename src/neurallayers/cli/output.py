"""What commands say: results on the standard output, everything else on the standard error."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything that is drawn at random.")]


def results() -> Console:
    """Where results go."""
    from rich.console import Console

    return Console(highlight=False, emoji=False)


def talk() -> Console:
    """Where everything else goes: progress, remarks, errors."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, emoji=False)


def say(message: str) -> None:
    """A remark on the standard error; brackets in it mean nothing."""
    talk().print(message, markup=False, soft_wrap=True)


def complain(problem: str, remedy: str) -> None:
    """Say what is wrong and what to do about it."""
    console = talk()
    console.print("Error:", style="bold red", end=" ", soft_wrap=True)
    console.print(problem, markup=False, soft_wrap=True)
    console.print("What to do:", style="bold", end=" ", soft_wrap=True)
    console.print(remedy, markup=False, soft_wrap=True)


def print_json(value: Mapping[str, Any]) -> None:
    """The result as JSON, for programs."""
    typer.echo(json.dumps(value, indent=2, allow_nan=False))


def print_facts(facts: Mapping[str, Any], title: str = "") -> None:
    """The result as a list of names and values, for people."""
    from rich.table import Table
    from rich.text import Text

    console = results()
    if title:
        console.print(title, style="bold", markup=False, soft_wrap=True)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, Text(_words(value)))
    console.print(table)


def print_table(
    columns: Iterable[str], rows: Iterable[Iterable[Any]], whole: str | None = None
) -> None:
    """The result as a table, for people; the column ``whole`` is never broken into lines."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(Text(column), no_wrap=column == whole)
    for row in rows:
        table.add_row(*(Text(_words(value)) for value in row))
    results().print(table)


def literal(text: str) -> str:
    """Text for help that is shown as it is: ``digits:train:3`` names no emoji."""
    return re.sub(r":(\w+):", r":[not blink]\1[/]:", text)


def own_name() -> str:
    """How to call this program from here: its name, or its path where the name is not found."""
    if shutil.which("neurallayers"):
        return "neurallayers"
    called = Path(sys.argv[0])
    if called.name not in ("neurallayers", "neurallayers.exe"):
        return f"{Path(sys.executable).name} -m neurallayers"
    if called.is_relative_to(Path.cwd()):
        called = called.relative_to(Path.cwd())
    return str(called)


def _words(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {item}" for name, item in value.items())
    return str(value)
