"""The condition of the service: ready only when all its parts are."""

from __future__ import annotations

import httpx
import pytest
from tests.service.running import Served


def test_what_is_not_ready_says_which_part(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        served.engine, "health", lambda: {"engine": "ok", "store": "the disk is full"}
    )
    answer = httpx.get(f"{served.url}/health/ready")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json() == {
        "status": "not ready",
        "checks": {"engine": "ok", "store": "the disk is full"},
    }
    assert httpx.get(f"{served.url}/health/live").status_code == 200
    monkeypatch.undo()
    assert httpx.get(f"{served.url}/health/ready").json()["checks"] == {
        "engine": "ok",
        "store": "ok",
        "compute": "ok",
    }


def test_metrics_are_in_the_format_of_prometheus(served: Served) -> None:
    answer = httpx.get(f"{served.url}/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "\nneurallayers_queue_depth 0.0\n" in answer.text
    assert "# TYPE neurallayers_batch_size histogram" in answer.text
