"""Crash: a process that teaches a brain in a folder is killed again and again.

    python -m benchmarks.crash

Each round starts a real process that opens the folder and teaches; whatever ``learn`` returned for
is printed, and at a random moment the process gets SIGKILL. At the end every acknowledged lesson
must be in the journal, and the brain must equal, bit for bit, one that was taught the same lessons
without any interruption.
"""

from __future__ import annotations

import argparse
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from benchmarks.results import write
from neurallayers.brain import Brain
from neurallayers.data import load_digits
from neurallayers.state import leaves

SNAPSHOT_EVERY = 25


def teach_forever(folder: str) -> None:
    """Teach lesson after lesson, saying the number of each once it is safe."""
    data = load_digits().train
    with Brain.open(folder, snapshot_every=SNAPSHOT_EVERY) as brain:
        print("open", brain.sequence, flush=True)
        while True:
            teach_next(brain, data)
            print("taught", brain.sequence, flush=True)


def teach_next(brain: Brain, data) -> None:  # type: ignore[no-untyped-def]
    """The lesson that comes at this point of a life, whoever teaches it."""
    place = brain.sequence * 7 % len(data)
    label = int(data.labels[place])
    brain.learn(data.images[place], target=str(label) if label < 8 else f"new {label}")


def main() -> None:
    """Kill, then compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--teach", metavar="FOLDER", help="(used by the benchmark itself)")
    options = parser.parse_args()
    if options.teach:
        teach_forever(options.teach)
    chance = random.Random(0)
    reopened: list[float] = []
    lost = acknowledged = 0
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "brain"
        Brain.open(folder, "hasn-nano-digits", snapshot_every=SNAPSHOT_EVERY).close()
        for number in range(options.kills):
            process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.crash", "--teach", str(folder)],
                stdout=subprocess.PIPE,
                text=True,
            )
            assert process.stdout is not None
            first = process.stdout.readline().split()
            if first[:1] != ["open"]:
                raise SystemExit(f"round {number}: the brain did not open")
            time.sleep(chance.uniform(0.0, 0.6))
            process.send_signal(signal.SIGKILL)
            told = process.stdout.read().split("\n")
            process.wait()
            numbers = [
                int(line.split()[1]) for line in told if line.startswith("taught ") and line[7:]
            ]
            last = max(numbers, default=int(first[1]))
            acknowledged = max(acknowledged, last)
            begin = time.perf_counter()
            with Brain.open(folder) as brain:
                reopened.append(time.perf_counter() - begin)
                lost += max(0, last - brain.sequence)
            print(f"kill {number + 1}: {last} acknowledged, {brain.sequence} there", flush=True)
        with Brain.open(folder) as brain:
            survivor = brain.fork()
    data = load_digits().train
    witness = Brain.from_pretrained("hasn-nano-digits")
    while witness.sequence < survivor.sequence:
        teach_next(witness, data)
    pairs = zip(leaves(survivor.life.state), leaves(witness.life.state), strict=True)
    exact = all(torch.equal(ours, theirs) for (_, ours), (_, theirs) in pairs)
    write(
        "crash",
        {
            "kills": options.kills,
            "acknowledged": acknowledged,
            "acknowledged_lost": lost,
            "lessons_in_the_journal": survivor.sequence,
            "replay_bit_exact": exact and survivor.life.labels == witness.life.labels,
            "reopen_seconds": round(statistics.median(reopened), 3),
        },
        f"python -m benchmarks.crash --kills {options.kills}",
    )


if __name__ == "__main__":
    main()
