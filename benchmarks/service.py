"""The service under load: many brains with fast weights of their own behind one API.

    python -m benchmarks.service
    python -m benchmarks.service --peers PEERS/bin/python   # see requirements-served-peers.txt

Everything is on: the check of the key, the journal on a disk, metrics, the log. A closed loop
finds how much it can do, an open loop at a fixed rate how long requests wait. LitServe and BentoML,
on the same machine, serve one stateless network of the same size.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.connection import Asker, Prepared, request
from benchmarks.load import around, closed_loop, open_loop, run
from benchmarks.results import write
from benchmarks.served_peers.running import measure
from benchmarks.server import (
    HOST,
    JSON_HEADERS,
    Metrics,
    NotServing,
    Server,
    digit_rows,
    learn_request,
    process_request,
    running,
    temporary_folder,
)
from benchmarks.tally import Tally

MODEL = "hasn-nano-digits"
OWN_CLASS = "my own"
TOGETHER = 32


async def born_and_taught(server: Server, count: int) -> list[str]:
    """So many brains, each with a lesson of its own in a class of its own."""
    images, _ = digit_rows()
    askers = [Asker(HOST, server.port) for _ in range(TOGETHER)]
    brains: list[str] = []
    birth = request("POST", "/v1/brains", json.dumps({"model": MODEL}).encode(), JSON_HEADERS)

    async def deliver(asker: Asker, numbers: Sequence[int]) -> None:
        for number in numbers:
            brain = json.loads(await _good(asker, birth, 201))["id"]
            image = images[number % len(images)]
            await _good(asker, learn_request(brain, image, OWN_CLASS), 200)
            brains.append(brain)

    await asyncio.gather(
        *(deliver(asker, range(place, count, TOGETHER)) for place, asker in enumerate(askers))
    )
    for asker in askers:
        asker.close()
    return brains


async def _good(asker: Asker, prepared: Prepared, expected: int) -> bytes:
    """The body of an answer that must be a success; what is refused for now is asked again."""
    for _ in range(200):
        status, body = await asker.ask(prepared)
        if status == expected:
            return body
        if status != 503:
            break
        await asyncio.sleep(0.05)
    raise NotServing(f"{prepared[:60]!r} gave {status}: {body[:300]!r}")


def stimuli(brains: Sequence[str]) -> list[Prepared]:
    """A question to each brain, several times around, each time another digit."""
    images, _ = digit_rows()
    rounds = max(1, 2000 // len(brains))
    return [
        process_request(brain, images[(place * 7 + turn * 13) % len(images)])
        for turn in range(rounds)
        for place, brain in enumerate(brains)
    ]


def lessons(brains: Sequence[str]) -> list[Prepared]:
    """A lesson for each brain, several times around, each time another digit."""
    images, labels = digit_rows()
    rounds = max(1, 2000 // len(brains))
    places = [
        (brain, (place * 11 + turn * 17) % len(images))
        for turn in range(rounds)
        for place, brain in enumerate(brains)
    ]
    return [learn_request(brain, images[place], labels[place]) for brain, place in places]


def refused_share(tally: Tally, what: str) -> float:
    """The share that was refused for now (503).

    Raises:
        NotServing: If something was answered otherwise, or lost.
    """
    statuses = tally.statuses()
    if set(statuses) - {"200", "503"}:
        raise NotServing(f"{what}: {statuses}")
    return statuses.get("503", 0) / max(1, sum(statuses.values()))


def measured(count: int, options: argparse.Namespace) -> dict[str, Any]:
    """Figures with so many brains: medians over rounds."""
    rounds: list[dict[str, float]] = []
    with temporary_folder(options.folder) as folder, running(folder) as server:
        brains = run(born_and_taught(server, count))
        asked, taught = around(stimuli(brains)), around(lessons(brains))
        for number in range(options.rounds):
            rounds.append(one_round(server, asked, taught, options))
            print(f"{count} brains, round {number + 1}: {rounds[-1]}", flush=True)
        rss_mb = server.rss_mb()
    medians = {
        figure: round(statistics.median(one[figure] for one in rounds), 4) for figure in rounds[0]
    }
    return {"brains": count, **medians, "rss_mb": round(rss_mb)}


def one_round(
    server: Server, asked: Any, taught: Any, options: argparse.Namespace
) -> dict[str, float]:
    """Closed loop, fixed rate, lessons."""
    place, wide = (HOST, server.port), {"connections": options.connections}
    before, cpu = Metrics.of(server), server.cpu_seconds()
    closed = run(closed_loop(*place, asked, seconds=options.seconds, warm_seconds=2, **wide))
    after, cpu = Metrics.of(server), server.cpu_seconds() - cpu
    fixed = run(
        open_loop(
            *place,
            asked,
            rate=options.rate,
            seconds=options.fixed_seconds,
            warm_seconds=2,
            connections_at_most=options.connections,
            **wide,
        )
    )
    lesson_run = run(closed_loop(*place, taught, seconds=options.seconds, warm_seconds=2, **wide))
    learned = Metrics.of(server)
    steady, kept = fixed.summary(), lesson_run.summary()
    return {
        "process_per_second": closed.per_second(),
        "closed_loop_p95_ms": closed.p95_ms() or 0.0,
        "mean_batch": after.mean_since(before, "batch_size"),
        "server_cpu_us_per_request": cpu / len(closed) * 1e6,
        "closed_loop_refused_share": refused_share(closed, "processing in a closed loop"),
        "process_p95_ms": fixed.p95_ms() or 0.0,
        "process_p50_ms": steady["latency_ms"]["2xx"]["p50"],
        "answered_per_second_of_the_fixed_rate": fixed.per_second(),
        "late_share_of_the_client": steady["late_share"],
        "fixed_rate_refused_share": refused_share(fixed, f"{options.rate} a second"),
        "lessons_per_second": lesson_run.per_second(),
        "lessons_p95_ms": kept["latency_ms"]["2xx"]["p95"],
        "lessons_refused_share": refused_share(lesson_run, "lessons"),
        "lessons_mean_commit_ms": 1e3 * learned.mean_since(after, "commit", "seconds"),
    }


def peers(options: argparse.Namespace) -> dict[str, Any]:
    """Figures of the peers, or a line that they were not asked for."""
    if options.peers is None:
        print("The peers are skipped: name an interpreter that has them with --peers.")
        return {}
    return measure(
        options.peers,
        seconds=options.seconds,
        rate=options.rate,
        connections=options.connections,
        rounds=options.rounds,
    )


def main() -> None:
    """Measure ours with few and with many brains, then the peers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--brains", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rate", type=float, default=1000.0, help="of the open loop")
    parser.add_argument("--seconds", type=float, default=10.0, help="of a closed loop")
    parser.add_argument("--fixed-seconds", type=float, default=20.0, help="of the open loop")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", type=Path, help="interpreter of an environment that has them")
    parser.add_argument("--folder", type=Path, help="where the data goes for the time being")
    parser.add_argument("--write", default="service", help="name of the result")
    options = parser.parse_args()
    by_count = [measured(count, options) for count in sorted(options.brains)]
    most = by_count[-1]
    write(
        options.write,
        {
            **most,
            "rate_per_second": options.rate,
            "connections": options.connections,
            "rounds": options.rounds,
            "fewer_brains": {str(one["brains"]): one for one in by_count[:-1]},
            "stateless_peers": peers(options),
        },
        "python -m benchmarks.service --peers PEERS/bin/python",
    )


if __name__ == "__main__":
    main()
