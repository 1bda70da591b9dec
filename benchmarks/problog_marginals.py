"""What ProbLog says of programs; run by benchmarks.weighted_programs with a python that has it."""

from __future__ import annotations

import importlib.metadata
import json
import signal
import sys
import time
from pathlib import Path

from problog import get_evaluatable
from problog.errors import InconsistentEvidenceError
from problog.program import PrologString

SECONDS_AT_MOST = 30


def too_long(*_: object) -> None:
    """Give a program up."""
    raise TimeoutError(f"took more than {SECONDS_AT_MOST} s")


def answers(text: str) -> dict[str, float] | None:
    """Probability by the text of the answer; None where the evidence is impossible."""
    try:
        found = get_evaluatable().create_from(PrologString(text)).evaluate()
    except InconsistentEvidenceError:
        return None
    return {str(term).replace(" ", "").replace("'", ""): float(p) for term, p in found.items()}


def main() -> None:
    """Read the programs that the first argument names; write values and times as one line."""
    texts = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    sys.setrecursionlimit(100_000)
    signal.signal(signal.SIGALRM, too_long)
    answers("0.5::warm. query(warm).")
    values, seconds, refused = {}, {}, {}
    for name, text in texts.items():
        begun = time.perf_counter()
        signal.alarm(SECONDS_AT_MOST)
        try:
            values[name] = answers(text)
        except Exception as error:  # also its own assertions, on some programs with loops
            refused[name] = f"{type(error).__name__}: {error}"
        signal.alarm(0)
        seconds[name] = time.perf_counter() - begun
    versions = {name: importlib.metadata.version(name) for name in ("problog", "pysdd")}
    print(
        json.dumps({"values": values, "seconds": seconds, "refused": refused, "versions": versions})
    )


if __name__ == "__main__":
    main()
