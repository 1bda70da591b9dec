"""The commands together, and how each of them ends.

Exit codes: 0 all is well; 1 something is wrong, and the message says what and what to do; 2 the
command was called wrongly; 130 stopped with Ctrl-C. A traceback means a mistake of ours.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperGroup

from neurallayers.cli.checking import bench, info, version
from neurallayers.cli.living import ask, raster, replay, teach
from neurallayers.cli.measuring import measure
from neurallayers.cli.minds import brains
from neurallayers.cli.output import complain, literal, say
from neurallayers.cli.remembering import memories, rules, sleep
from neurallayers.cli.running import run
from neurallayers.cli.schooling import evaluate, train
from neurallayers.cli.serving import serve
from neurallayers.errors import NeuralLayersError

STOPPED = 130  # 128 + SIGINT, as shells count

_REMEDIES = {
    errno.ENOSPC: "Free space on that disk, or name a folder on another one.",
    errno.EDQUOT: "Free some of your quota, or name a folder on another disk.",
    errno.EACCES: "Name a place that you may read and write.",
    errno.EPERM: "Name a place that you may read and write.",
    errno.EROFS: "It is on a read-only disk; name another place.",
    errno.ENOENT: "Check the path.",
    errno.EISDIR: "Name a file, not a folder.",
    errno.ENOTDIR: "A file stands where a folder should be; name another place.",
    errno.EEXIST: "A file stands where a folder should be; name another place.",
}


class Commands(TyperGroup):
    """All commands; an error of ours ends them with a sentence instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except NeuralLayersError as error:
            complain(error.problem, error.remedy)
            raise typer.Exit(1) from error
        except KeyboardInterrupt as error:
            say("\nStopped.")
            raise typer.Exit(STOPPED) from error
        except OSError as error:
            if error.errno is None or error.errno == errno.EPIPE:
                raise
            where = f"{error.filename}: " if error.filename else ""
            complain(
                f"{where}{error.strerror}.",
                _REMEDIES.get(error.errno, "See to it and try again."),
            )
            raise typer.Exit(1) from error


app = typer.Typer(
    name="neurallayers",
    cls=Commands,
    help="Brain-inspired networks that learn while they live.",
    epilog="Begin with: neurallayers run",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _add(command: Callable[..., None], *examples: str) -> None:
    """Add a command; its examples stand under its help, one a line."""
    shown = "\n\n".join(f"  neurallayers {example}" for example in examples)
    app.command(epilog=literal(f"Examples:\n\n{shown}"))(command)


_add(run, "run", "run --pretrained", "run --retrain --seed 7")
_add(
    train,
    "train hasn-nano-digits --out my-network",
    "train hasn-micro-mnist --out mnist --download",
    "train --spec anatomy.yaml --data digits --epochs 5 --out mine",
)
_add(evaluate, "evaluate hasn-nano-digits", "evaluate my-network --data digits --json")
_add(ask, "ask hasn-nano-digits digits:12", "ask my-brain seven.png --invert --explain")
_add(
    teach,
    "teach my-brain smile smile-1.png smile-2.png",
    "teach my-brain eight digits:train:3 --network my-network",
    "teach my-brain smile smile-3.png --who Ada --where lab --pin",
)
_add(sleep, "sleep my-brain", "sleep my-brain --cycles 8 --json")
_add(
    memories,
    "memories my-brain",
    "memories my-brain --who Ada --json",
    "memories my-brain --who Ada --forget",
)
_add(
    rules,
    "rules my-brain",
    "rules my-brain --add 'parity: even(x) <- digit(x, 2) | digit(x, 4)'",
    "rules my-brain --remove parity",
)
_add(
    raster,
    "raster hasn-nano-digits --digit 7",
    "raster my-brain picture.png --out raster.png",
)
_add(
    measure,
    "measure hasn-nano-digits",
    "measure my-brain --out measured.png",
    "measure recording.csv --dt-ms 4 --json",
)
_add(info, "info", "info hasn-nano-digits", "info my-brain --json")
_add(replay, "replay my-brain", "replay my-brain --json")
_add(serve, "serve", "serve my-network --port 8000", "serve --reload --log-level debug")
_add(bench, "bench", "bench --seconds 5 --json")
_add(version, "version", "version --json")
app.add_typer(brains, name="brains")


def main() -> None:
    """Run the command line on the arguments of this process."""
    # Threads that wait by spinning take the cores from those that work as soon as anything else
    # runs: three epochs on two busy cores took 52 s so, and 5 s with waiting threads asleep. After
    # so few turns they sleep soon enough for that, and idle cores lose nothing by it.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that lacks the letters gets question marks, not a traceback.
            with contextlib.suppress(ValueError):
                stream.reconfigure(errors="replace")
    try:
        app(prog_name="neurallayers")
    except KeyboardInterrupt:
        sys.exit(STOPPED)
