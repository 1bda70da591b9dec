"""A fuzz over the description of the interface, against a server in a process of its own.

schemathesis reads ``/openapi.json`` and sends what it describes, what it forbids, and chains of
requests in which what one answers is used by the next. All its phases and all its checks are on;
:mod:`benchmarks.fuzz_rules` says what it cannot know. The service is fuzzed twice: as a client
with the key, and as a stranger, who must never get past 401.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.results import write
from benchmarks.server import HOST, KEY, ROOT, running, temporary_folder

COMMAND = "python -m benchmarks.fuzz"
PHASES = "examples,coverage,fuzzing,stateful"
STREAM_SECONDS = 0.2
# A stream of events has no end; the fuzzer leaves it after a moment.
CONFIGURATION = f"""\
[[operations]]
include-path = "/v1/brains/{{brain_id}}/events"
request-timeout = {STREAM_SECONDS}
"""


def main() -> None:
    """Fuzz, tell and write ``fuzz.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=300, help="cases for an operation")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    with temporary_folder(None) as folder, running(folder) as server:
        before = server.rss_mb()
        with_key = fuzz(server.port, chosen.examples, chosen.seed, key=KEY)
        without = fuzz(server.port, max(chosen.examples // 10, 1), chosen.seed)
        healthy = server.is_ready()
        grown = server.rss_mb() - before
    write(
        "fuzz",
        {
            "cases": with_key["cases"] + without["cases"],
            "failures": with_key["failures"] + without["failures"],
            "server_errors": with_key["server_errors"] + without["server_errors"],
            "undocumented_statuses": with_key["undocumented"] + without["undocumented"],
            "seconds": with_key["seconds"] + without["seconds"],
            "healthy_afterwards": healthy,
            "serving_rss_grown_mb": round(grown, 1),
            "with_key": with_key,
            "without_key": without,
        },
        COMMAND,
    )
    if with_key["failures"] or without["failures"] or not healthy:
        sys.exit(1)


def fuzz(port: int, examples: int, seed: int, *, key: str | None = None) -> dict[str, Any]:
    """One run of schemathesis; its words go to the terminal.

    Args:
        port: Where the server listens on the loopback.
        examples: Cases for each operation and phase.
        seed: The same seed sends the same requests.
        key: The key to show; a stranger has none.
    """
    with tempfile.TemporaryDirectory(prefix="neurallayers-") as name:
        folder = Path(name)
        (folder / "schemathesis.toml").write_text(CONFIGURATION, encoding="utf-8")
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml"),
            *("run", f"http://{HOST}:{port}/openapi.json", "--phases", PHASES),
            *("--checks", "all", "--max-examples", str(examples), "--seed", str(seed)),
            *("--continue-on-failure", "--generation-database", "none"),
            *("--report", "json,ndjson", "--report-json-path", "report.json"),
            *("--report-ndjson-path", "cases.ndjson"),
            *(("--header", f"Authorization: Bearer {key}") if key is not None else ()),
        ]
        environment = {
            **os.environ,
            "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
            "SCHEMATHESIS_HOOKS": "benchmarks.fuzz_rules",
        }
        # It exits with 1 where it found something, which the report tells as well.
        subprocess.run(command, cwd=folder, env=environment, check=False)
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        statuses = Counter(_statuses(folder / "cases.ndjson"))
    return _summary(report, statuses)


def _summary(report: dict[str, Any], statuses: Counter[str]) -> dict[str, Any]:
    failures = {failure["code"]: failure["count"] for failure in report["failures"]}
    rates = [rate for phases in report["valid_rates"].values() for rate in phases.values()]
    return {
        "cases": report["test_cases"]["generated"],
        "operations": report["operations"]["tested"],
        "failures": report["test_cases"]["unique_failures"] + len(report["errors"]),
        "server_errors": sum(count for status, count in statuses.items() if status[0] == "5"),
        "undocumented": failures.get("ST103", 0),
        "by_code": failures,
        "refused_by_a_rule": report["filtered"],
        "valid_accepted": sum(rate["accepted"] for rate in rates),
        "statuses": dict(sorted(statuses.items())),
        "seconds": round(report["running_time"], 1),
    }


def _statuses(cases: Path) -> Iterator[str]:
    """The status of every answer that was recorded."""
    with cases.open(encoding="utf-8") as lines:
        for line in lines:
            for event in json.loads(line).values():
                for exchange in (event.get("recorder") or {}).get("interactions", {}).values():
                    response = exchange.get("response")
                    yield str(response["status_code"]) if response else "none"


if __name__ == "__main__":
    main()
