"""What a peer prints, and what is counted as a run."""

from __future__ import annotations

import json

import pytest
from benchmarks.physics_peers.measurement import arguments, peak_megabytes, report, timed


def test_a_report_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    report(
        "nobody",
        "nothing",
        packages=["numpy"],
        settings={"seed": 1},
        seconds=[3.0, 1.0, 2.0],
        build_seconds=0.5,
        megabytes=12.34,
        results={"spikes": 7},
    )
    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert set(found["versions"]) == {"python", "numpy"}
    del found["versions"]
    assert found == {
        "simulator": "nobody",
        "task": "nothing",
        "settings": {"seed": 1},
        "peak_megabytes": 12.3,
        "seconds_median": 2.0,
        "seconds": [3.0, 1.0, 2.0],
        "build_seconds": 0.5,
        "results": {"spikes": 7},
    }


def test_a_report_holds_no_number_that_json_has_no_word_for() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        report("nobody", "nothing", packages=[], settings={}, results={"rate": float("nan")})


def test_warm_runs_are_run_but_not_timed() -> None:
    calls: list[int] = []
    seconds = timed(lambda: calls.append(1), 3, warm=2)
    assert len(calls) == 5
    assert len(seconds) == 3
    assert min(seconds) >= 0.0


def test_every_peer_has_repeats_and_a_seed() -> None:
    options = arguments("What it is.\n\nMore.").parse_args(["--repeats", "2", "--seed", "9"])
    assert (options.repeats, options.seed, options.warm) == (2, 9, 1)
    assert 1.0 < peak_megabytes() < 1e5
