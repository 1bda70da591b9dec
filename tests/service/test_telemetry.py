"""What is measured is there under its documented name."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurallayers.service.telemetry import Telemetry

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "metrics.md"


def sample(telemetry: Telemetry, name: str, **labels: str) -> float | None:
    return telemetry.registry.get_sample_value(name, labels)


def test_requests_are_counted_and_timed() -> None:
    telemetry = Telemetry()
    meter = telemetry.route("/v1/brains")
    meter.observe("GET", 200, 0.004)
    meter.observe("GET", 200, 0.2)
    labels = {"route": "/v1/brains", "method": "GET", "status": "200"}
    assert sample(telemetry, "neurallayers_requests_total", **labels) == 2
    assert sample(telemetry, "neurallayers_request_seconds_bucket", le="0.005", **labels) == 1
    assert sample(telemetry, "neurallayers_request_seconds_sum", **labels) == pytest.approx(0.204)


def test_invented_methods_share_one_label() -> None:
    telemetry = Telemetry()
    meter = telemetry.route("/")
    for method in ("BREW", "MKCOL", "x" * 50):
        meter.observe(method, 405, 0.001)
    labels = {"route": "/", "method": "other", "status": "405"}
    assert sample(telemetry, "neurallayers_requests_total", **labels) == 3
    assert b"BREW" not in telemetry.render()


def test_spikes_are_counted_by_region() -> None:
    telemetry = Telemetry()
    meter = telemetry.activity("nano", {"cortex": 64, "output": 10})
    meter.record({"cortex": 100, "output": 7}, {"cortex": 12.5, "output": 3.0})
    meter.record({"cortex": 1, "output": 0}, {"cortex": 1.5, "output": 0.0})
    labels = {"model": "nano", "region": "cortex"}
    assert sample(telemetry, "neurallayers_spikes_total", **labels) == 101
    assert sample(telemetry, "neurallayers_firing_rate_hz", **labels) == 1.5


def test_the_store_is_measured() -> None:
    telemetry = Telemetry()
    telemetry.committed(0.003)
    telemetry.commit_failures.inc()
    telemetry.restores.inc(2)
    telemetry.replayed.inc(5)
    telemetry.snapshots.inc()
    telemetry.live(3, 4096)
    assert sample(telemetry, "neurallayers_store_commits_total") == 1
    assert sample(telemetry, "neurallayers_store_commit_seconds_sum") == pytest.approx(0.003)
    assert sample(telemetry, "neurallayers_store_commit_failures_total") == 1
    assert sample(telemetry, "neurallayers_restores_total") == 2
    assert sample(telemetry, "neurallayers_replayed_entries_total") == 5
    assert sample(telemetry, "neurallayers_snapshots_total") == 1
    assert sample(telemetry, "neurallayers_brains_in_memory") == 3
    assert sample(telemetry, "neurallayers_brain_state_bytes") == 4096


def test_refusals_and_problems_are_counted_by_name() -> None:
    telemetry = Telemetry()
    for _ in range(2):
        telemetry.refuse("queue")
        telemetry.error("overloaded")
    assert sample(telemetry, "neurallayers_refused_total", reason="queue") == 2
    assert sample(telemetry, "neurallayers_errors_total", problem="overloaded") == 2


def test_two_services_in_one_process_do_not_share_numbers() -> None:
    one, other = Telemetry(), Telemetry()
    one.snapshots.inc()
    assert sample(other, "neurallayers_snapshots_total") == 0


def test_the_text_tells_the_memory_and_the_version() -> None:
    text = Telemetry().render().decode()
    assert "process_resident_memory_bytes" in text
    assert "neurallayers_build_info{" in text


@pytest.mark.parametrize("name", sorted(family.name for family in Telemetry().registry.collect()))
def test_every_metric_is_documented(name: str) -> None:
    assert f"`{name}" in REFERENCE.read_text(encoding="utf-8"), f"Describe {name} in metrics.md"
