"""Ten minutes at half load: does memory stay flat?

    python -m benchmarks.soak

Nine thoughts to a lesson, while brains are born, taught and deleted. The resident memory of the
server is read every five seconds; its slope is a least-squares line through the last four fifths.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.connection import Asker, Prepared, request
from benchmarks.load import around, closed_loop, open_loop, run
from benchmarks.results import write
from benchmarks.server import (
    AUTHORISED,
    HOST,
    JSON_HEADERS,
    Server,
    digit_rows,
    learn_request,
    running,
    temporary_folder,
)
from benchmarks.service import MODEL, OWN_CLASS, born_and_taught, lessons, stimuli

THOUGHTS_TO_A_LESSON = 9
SAMPLE_SECONDS = 5.0
LIVES_PER_SECOND = 2.0
# Brains of the coming and going, alive at the same time.
VISITORS = 20


def mixed(brains: Sequence[str]) -> list[Prepared]:
    """Questions with a lesson now and then."""
    asked, taught = stimuli(brains), lessons(brains)
    order: list[Prepared] = []
    for place, lesson in enumerate(taught):
        first = place * THOUGHTS_TO_A_LESSON
        order += [asked[(first + i) % len(asked)] for i in range(THOUGHTS_TO_A_LESSON)]
        order.append(lesson)
    return order


async def come_and_go(server: Server, until: float, lives: dict[str, int]) -> None:
    """Brains are born, learn, and are deleted."""
    images, labels = digit_rows()
    asker, alive = Asker(HOST, server.port), list[str]()
    birth = request("POST", "/v1/brains", json.dumps({"model": MODEL}).encode(), JSON_HEADERS)
    while time.perf_counter() < until:
        status, body = await asker.ask(birth)
        if status == 201:
            alive.append(json.loads(body)["id"])
            lives["born"] += 1
            place = lives["born"] % len(images)
            await asker.ask(learn_request(alive[-1], images[place], labels[place]))
            await asker.ask(learn_request(alive[-1], images[place], OWN_CLASS))
        if len(alive) > VISITORS:
            gone = request("DELETE", f"/v1/brains/{alive.pop(0)}", headers=AUTHORISED)
            status, _ = await asker.ask(gone)
            lives["deleted"] += status == 204
        await asyncio.sleep(1 / LIVES_PER_SECOND)
    asker.close()


async def watch(server: Server, until: float, samples: list[tuple[float, float]]) -> None:
    """Read the server's memory [MB] every few seconds."""
    begin = time.perf_counter()
    while time.perf_counter() < until:
        samples.append((time.perf_counter() - begin, server.rss_mb()))
        await asyncio.sleep(SAMPLE_SECONDS)


async def soak(
    server: Server, following: Any, rate: float, seconds: float
) -> tuple[Any, list[tuple[float, float]], dict[str, int]]:
    """Load, coming and going, and the memory meanwhile."""
    samples: list[tuple[float, float]] = []
    lives = {"born": 0, "deleted": 0}
    until = time.perf_counter() + seconds
    tally, *_ = await asyncio.gather(
        open_loop(HOST, server.port, following, rate=rate, seconds=seconds),
        come_and_go(server, until, lives),
        watch(server, until, samples),
    )
    return tally, samples, lives


def slope_mb_per_minute(samples: Sequence[tuple[float, float]]) -> float:
    """Slope of a least-squares line through the last four fifths."""
    last = np.array(samples[len(samples) // 5 :])
    return float(np.polyfit(last[:, 0] / 60, last[:, 1], 1)[0])


def main() -> None:
    """Find the capacity for the mix, then soak at half of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--brains", type=int, default=300)
    parser.add_argument("--folder", type=Path, help="where the data goes for the time being")
    options = parser.parse_args()
    with temporary_folder(options.folder) as folder, running(folder) as server:
        following = around(mixed(run(born_and_taught(server, options.brains))))
        closed = run(closed_loop(HOST, server.port, following, seconds=8, warm_seconds=3))
        rate = closed.per_second() / 2
        print(f"{rate:.0f} a second for {options.minutes} minutes", flush=True)
        tally, samples, lives = run(soak(server, following, rate, options.minutes * 60))
    figures = tally.summary()
    write(
        "soak",
        {
            "minutes": options.minutes,
            "rss_slope_mb_per_minute": round(slope_mb_per_minute(samples), 3),
            "rss_mb_first": round(samples[0][1], 1),
            "rss_mb_last": round(samples[-1][1], 1),
            "rss_mb_most": round(max(mb for _, mb in samples), 1),
            "rate_per_second": round(rate),
            "requests": figures["requests"],
            "statuses": figures["statuses"],
            "p95_ms": figures["latency_ms"]["2xx"]["p95"],
            "brains": options.brains,
            **{f"brains_{what}": count for what, count in lives.items()},
        },
        f"python -m benchmarks.soak --minutes {options.minutes:g}",
    )


if __name__ == "__main__":
    main()
