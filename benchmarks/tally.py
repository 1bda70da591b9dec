"""What a load run recorded, request by request, and the figures drawn from it."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import numpy as np

# In place of an HTTP status: the connection broke, or no answer came in time.
LOST = 0
TIMED_OUT = 1
_WORDS = {LOST: "lost", TIMED_OUT: "timed_out"}
_PERCENTILES = (50, 95, 99)
LATE_SECONDS = 0.005


class Tally:
    """One row a request; times are seconds of ``time.perf_counter`` (uvloop's clock ticks in ms).

    Attributes:
        begun: When the measurement began; earlier requests were for warming up.
        ended: When the last request was let in.
        queued_at_the_bound: Requests of an open loop that found every allowed connection busy.
        noticed_late: Requests of an open loop that the client itself came to late (by 5 ms).
        client_cpu_seconds: What the client itself burned.
    """

    def __init__(self) -> None:
        self.due = array("d")
        self.sent = array("d")
        self.answered = array("d")
        self.status = array("i")
        self.bytes_in = 0
        self.bytes_out = 0
        self.begun = 0.0
        self.ended = 0.0
        self.connections = 0
        self.queued_at_the_bound = 0
        self.noticed_late = 0
        self.client_cpu_seconds = 0.0

    def add(self, due: float, sent: float, answered: float, status: int) -> None:
        """Record a request that is over."""
        self.due.append(due)
        self.sent.append(sent)
        self.answered.append(answered)
        self.status.append(status)

    def __len__(self) -> int:
        return len(self.due)

    @property
    def seconds(self) -> float:
        """How long requests were let in."""
        return self.ended - self.begun

    def part(self, begin_s: float, end_s: float) -> Tally:
        """The requests that were due in a stretch, in seconds since the measurement began."""
        part = Tally()
        part.begun, part.ended = self.begun + begin_s, self.begun + end_s
        part.connections = self.connections
        for row in zip(self.due, self.sent, self.answered, self.status, strict=True):
            if part.begun <= row[0] < part.ended:
                part.add(*row)
        return part

    def columns(self) -> dict[str, np.ndarray]:
        """Copies of the rows as arrays, without those of the warm-up."""
        due = np.array(self.due)
        kept = due >= self.begun
        return {
            "due": due[kept],
            "sent": np.array(self.sent)[kept],
            "answered": np.array(self.answered)[kept],
            "status": np.array(self.status)[kept],
        }

    def statuses(self) -> dict[str, int]:
        """How often each status came."""
        numbers, counts = np.unique(self.columns()["status"], return_counts=True)
        return {
            _WORDS.get(int(number), str(number)): int(count)
            for number, count in zip(numbers, counts, strict=True)
        }

    def per_second(self, status_class: int = 2) -> float:
        """Answers of a class (2 for 2xx) that came while requests were let in, by the second."""
        rows = self.columns()
        inside = (rows["answered"] <= self.ended) & (rows["status"] // 100 == status_class)
        return float(inside.sum()) / self.seconds if self.seconds > 0 else 0.0

    def latencies_ms(self, wanted: Callable[[np.ndarray], np.ndarray] | None = None) -> np.ndarray:
        """From when a request was due to its answer, for statuses that ``wanted`` picks."""
        rows = self.columns()
        latency = (rows["answered"] - rows["due"]) * 1e3
        return latency if wanted is None else latency[wanted(rows["status"])]

    def p95_ms(self, status_class: int = 2) -> float | None:
        """95th percentile for a class of statuses; none if there was none."""
        latency = self.latencies_ms(lambda status: status // 100 == status_class)
        return _percentile(latency, 95)

    def windows(self, width_s: float = 1.0) -> list[dict[str, Any]]:
        """The run in slices of time, each request in the slice in which it was due."""
        rows = self.columns()
        place = ((rows["due"] - self.begun) / width_s).astype(int)
        good = rows["status"] // 100 == 2
        latency = (rows["answered"] - rows["due"]) * 1e3
        slices = []
        for number in range(int(place.max()) + 1 if len(place) else 0):
            here = place == number
            slices.append(
                {
                    "second": round(number * width_s, 3),
                    "due": int(here.sum()),
                    "answered": int((here & good).sum()),
                    "refused": int((here & (rows["status"] == 503)).sum()),
                    "p95_ms": _percentile(latency[here & good], 95),
                }
            )
        return slices

    def summary(self) -> dict[str, Any]:
        """All figures: counts, rates, latencies by class of status, and the client's own share."""
        rows = self.columns()
        classes = {
            "all": np.ones(len(rows["status"]), dtype=bool),
            **{f"{c}xx": rows["status"] // 100 == c for c in range(2, 6)},
            "failed": rows["status"] < 100,
        }
        latency = (rows["answered"] - rows["due"]) * 1e3
        held = (rows["sent"] - rows["due"]) * 1e3
        return {
            "seconds": round(self.seconds, 3),
            "requests": len(rows["due"]),
            "statuses": self.statuses(),
            "answered_per_second": round(self.per_second(), 1),
            "latency_ms": {
                name: _percentiles(latency[here]) for name, here in classes.items() if here.any()
            },
            "held_by_client_ms": _percentiles(held),
            "late_share": round(self.noticed_late / max(1, len(self)), 4),
            "queued_at_the_bound": self.queued_at_the_bound,
            "connections": self.connections,
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "client_cpu_us_per_request": round(
                self.client_cpu_seconds / max(1, len(self)) * 1e6, 1
            ),
        }


def _percentile(values: np.ndarray, percent: float) -> float | None:
    return round(float(np.percentile(values, percent)), 3) if len(values) else None


def _percentiles(values: np.ndarray) -> dict[str, float | None]:
    figures = {f"p{percent}": _percentile(values, percent) for percent in _PERCENTILES}
    return {**figures, "max": _percentile(values, 100)}
