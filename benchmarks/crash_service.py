"""Crash: the service is killed again and again under mixed load, and its disk fails.

    python -m benchmarks.crash_service

Tellers teach, ask, let live, forget and take snapshots over HTTP, until SIGKILL comes at a random
moment. After each restart every acknowledged entry must be in the history that the API tells, and
nothing that nobody was told of. At the end each brain must equal an uninterrupted life, bit for
bit: by its scores over HTTP, and by its whole state in the store. Then the same under a disk whose
fsync fails, and a full one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import statistics
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.failing_disk import FAULTS, compiled, suffered
from benchmarks.load import run
from benchmarks.results import write
from benchmarks.server import Server, data_folder, digit_rows, ours, temporary_folder
from benchmarks.tellers import History, Teller, Verdict, verdict
from neurallayers.brain import Brain

MODEL = "hasn-nano-digits"
LEVELS = 16.0
PROBES = 5


def states_equal_replay(data: Path) -> bool:
    """Whether the state of every brain in a data folder is the replay of its journal, bit for bit.

    Args:
        data: The data folder of a server that does not run.
    """
    from neurallayers.service import verify

    return bool(verify(data))


def lives_equal_witnesses(server: Server, tellers: list[Teller]) -> bool:
    """Whether brains answer as if they had lived through their histories without interruption."""
    images, _ = digit_rows()
    shown = [torch.tensor(image, dtype=torch.float32) / LEVELS for image in images]
    equal = True
    for history in [history for teller in tellers for history in teller.histories]:
        witness = Brain.from_pretrained(MODEL)
        for _, happened in sorted(history.entries.items()):
            if happened.kind == "lesson":
                witness.learn(shown[happened.image], target=happened.target)
            else:
                witness.process(shown[happened.image], stateful=True)
        path = f"/v1/brains/{history.brain}/process"
        for place in range(PROBES):
            asked = {"stimulus": images[place], "maximum": 16}
            told = server.get("POST", path, asked)["scores"]
            equal = equal and told == witness.process(shown[place]).scores
    return equal


def born(server: Server, tellers: int, brains: int, seed: int, name: str) -> list[Teller]:
    """Tellers with brains of their own."""
    return [
        Teller(
            f"{name}-{number}",
            [
                History(server.get("POST", "/v1/brains", {"model": MODEL})["id"])
                for _ in range(brains)
            ],
            seed,
        )
        for number in range(tellers)
    ]


def restarted(folder: Path, brain: str) -> tuple[Server, float]:
    """The server again, and the seconds until it was ready and answered a question."""
    images, _ = digit_rows()
    begin = time.perf_counter()
    server = ours(folder)
    try:
        server.wait_until_ready()
        server.get("POST", f"/v1/brains/{brain}/process", {"stimulus": images[0], "maximum": 16})
    except BaseException:
        server.kill()
        raise
    return server, time.perf_counter() - begin


async def load_and_kill(server: Server, tellers: list[Teller], after_s: float) -> None:
    """Everybody acts, until the server is killed."""
    telling = [asyncio.create_task(teller.tell(server.port)) for teller in tellers]
    await asyncio.sleep(after_s)
    server.process.send_signal(signal.SIGKILL)
    await asyncio.gather(*telling)
    server.kill()


async def settled(port: int, tellers: list[Teller]) -> Verdict:
    """What is there after all that was on its way has been cleared up."""
    await asyncio.gather(*(teller.settle(port) for teller in tellers))
    return await verdict(port, tellers)


def killed(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Kill and restart again and again, then compare with uninterrupted lives."""
    chance = random.Random(options.seed)
    server = ours(folder)
    try:
        server.wait_until_ready()
        tellers = born(server, options.tellers, options.brains, options.seed, "teller")
        restarts: list[float] = []
        worst = Verdict()
        for number in range(options.kills):
            run(load_and_kill(server, tellers, chance.uniform(0.2, options.longest)))
            server, seconds = restarted(folder, tellers[0].histories[0].brain)
            restarts.append(seconds)
            found = run(settled(server.port, tellers))
            worst = max(worst, found, key=lambda one: one.wrong)
            total = sum(history.acknowledged for t in tellers for history in t.histories)
            print(
                f"kill {number + 1}: {total} acknowledged, back after {seconds:.2f} s, "
                f"{found.wrong} wrong",
                flush=True,
            )
        same_answers = lives_equal_witnesses(server, tellers)
    finally:
        server.stop()
    return {
        "kills": options.kills,
        "acknowledged": total,
        "acknowledged_lost": worst.lost + worst.altered + worst.risen,
        "replay_bit_exact": same_answers and states_equal_replay(data_folder(folder)),
        "answers_equal_witnesses": same_answers,
        "restart_seconds": round(max(restarts), 3),
        "restart_seconds_median": round(statistics.median(restarts), 3),
        "verdict": vars(worst),
    }


def failed(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Each fault of the disk once."""
    shim = compiled(folder)
    if shim is None:
        print("The faults of the disk are skipped: there is no C compiler.")
        return {}
    results = {}
    for fault in FAULTS:
        server = ours(folder)
        try:
            server.wait_until_ready()
            tellers = born(server, options.tellers, 1, options.seed, fault)
        finally:
            server.stop()
        results[fault] = suffered(folder, shim, fault, tellers)
        print(fault, json.dumps(results[fault]), flush=True)
    results["replay_bit_exact"] = states_equal_replay(data_folder(folder))
    return results


def main() -> None:
    """Kill the service, fail its disk, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--longest", type=float, default=3.0, help="seconds until a kill")
    parser.add_argument("--tellers", type=int, default=8)
    parser.add_argument("--brains", type=int, default=3, help="of each teller")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where the data goes for the time being")
    options = parser.parse_args()
    with temporary_folder(options.folder) as folder:
        results = killed(folder, options)
    with temporary_folder(options.folder) as folder:
        results["faults"] = failed(folder, options)
    write("crash_service", results, f"python -m benchmarks.crash_service --kills {options.kills}")


if __name__ == "__main__":
    main()
