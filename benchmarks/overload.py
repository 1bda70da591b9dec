"""Three times more than it can do: refusals must be quick, the accepted must not wait.

    python -m benchmarks.overload

A closed loop finds the capacity. Then requests come by the clock, without a break: at half the
capacity, at three times the capacity, and at half again. Recovery is the time from the end of the
overload to the first whole second from which on no request is refused and the 95th percentile of
every second is as before the overload.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.load import around, closed_loop, in_phases, run
from benchmarks.results import write
from benchmarks.server import HOST, NotServing, Server, running, temporary_folder
from benchmarks.service import born_and_taught, stimuli
from benchmarks.tally import Tally

# As before: no worse than half as much again, or than 10 ms more, whichever is more.
SLOWER, SLACK_MS = 1.5, 10.0


def main() -> None:
    """Find the capacity, exceed it, and see it recover."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--brains", type=int, default=1000)
    parser.add_argument("--times", type=float, default=3.0, help="the capacity")
    parser.add_argument("--seconds", type=float, default=30.0, help="of overload")
    parser.add_argument("--calm-seconds", type=float, default=15.0, help="before and after")
    parser.add_argument("--connections-at-most", type=int, default=512)
    parser.add_argument("--folder", type=Path, help="where the data goes for the time being")
    options = parser.parse_args()
    with temporary_folder(options.folder) as folder, running(folder) as server:
        asked = around(stimuli(run(born_and_taught(server, options.brains))))
        closed = run(closed_loop(HOST, server.port, asked, seconds=8, warm_seconds=3))
        capacity = closed.per_second()
        print(f"capacity {capacity:.0f} a second", flush=True)
        rss_before = server.rss_mb()
        tally = overloaded(server, asked, capacity, options)
        rss_after = server.rss_mb()
    figures = {
        "capacity_per_second": round(capacity),
        "brains": options.brains,
        "connections_at_most": options.connections_at_most,
        "rss_growth_mb": round(rss_after - rss_before, 1),
        **judged(tally, capacity, options),
    }
    write("overload", figures, "python -m benchmarks.overload")


def overloaded(server: Server, asked: Any, capacity: float, options: argparse.Namespace) -> Tally:
    """Calm, overload, calm."""
    phases = [
        (capacity / 2, options.calm_seconds),
        (capacity * options.times, options.seconds),
        (capacity / 2, options.calm_seconds),
    ]
    return run(
        in_phases(
            HOST,
            server.port,
            asked,
            phases,
            connections=64,
            connections_at_most=options.connections_at_most,
        )
    )


def judged(tally: Tally, capacity: float, options: argparse.Namespace) -> dict[str, Any]:
    """The figures of the three phases."""
    begin = options.calm_seconds
    end = begin + options.seconds
    # The first seconds warm up.
    calm = tally.part(3.0, begin)
    storm = tally.part(begin, end)
    usual = calm.p95_ms()
    if usual is None:
        raise NotServing(f"Nothing was answered at half the capacity: {calm.statuses()}")
    over, during = tally.part(end, end + options.calm_seconds), storm.summary()
    refusals = storm.latencies_ms(lambda status: status == 503)
    rows = storm.columns()
    refused = rows["status"] == 503
    return {
        "refusal_p95_ms": _p95(refusals),
        "accepted_p95_ms": storm.p95_ms(),
        "recovery_seconds": recovery_seconds(over, usual),
        "offered_per_second": round(capacity * options.times),
        "seconds": options.seconds,
        "accepted_per_second": round(storm.per_second()),
        "refused": len(refusals),
        # Without what they waited for one of the client's connections.
        "refusal_p95_ms_on_the_wire": _p95(1e3 * (rows["answered"] - rows["sent"])[refused]),
        "statuses": during["statuses"],
        "usual_p95_ms": usual,
        "held_by_client_p95_ms": during["held_by_client_ms"]["p95"],
        "late_share_of_the_client": tally.summary()["late_share"],
        "queued_at_the_bound_of_the_client": tally.queued_at_the_bound,
        "client_cpu_us_per_request": tally.summary()["client_cpu_us_per_request"],
    }


def recovery_seconds(over: Tally, usual_p95_ms: float) -> float:
    """From the end of the overload to the first second from which on all are normal."""
    normal = max(usual_p95_ms * SLOWER, usual_p95_ms + SLACK_MS)
    bad = [
        number
        for number, second in enumerate(over.windows(1.0), start=1)
        if second["answered"] < second["due"]
        or second["p95_ms"] is None
        or second["p95_ms"] > normal
    ]
    return float(max(bad, default=0))


def _p95(latencies: Any) -> float | None:
    ordered = sorted(latencies)
    return round(float(ordered[int(0.95 * (len(ordered) - 1))]), 3) if ordered else None


if __name__ == "__main__":
    main()
