"""References of circuits: how they are summed up, and that the kept ones are what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.physics_peers import brunel, references, vogels_abbott

CASE = references.Case(("COBA", "nobody"), "nobody", ())


def line(seed: int, rate_hz: float, *, silent: bool = False) -> dict[str, Any]:
    figures = {"rate_hz": rate_hz, "cv": 1.0, "synchrony": 0.1, "frequency_hz": None}
    return {"settings": {"seed": seed, "dt_ms": 0.1}, "results": {**figures, "fell_silent": silent}}


def test_a_summary_has_mean_and_deviation_over_seeds() -> None:
    found = references.summary([line(1, 10.0), line(2, 14.0)])
    assert found["mean"] == {"rate_hz": 12.0, "cv": 1.0, "synchrony": pytest.approx(0.1)}
    assert found["standard_deviation"]["rate_hz"] == pytest.approx(8.0**0.5)
    assert found["settings"] == {"dt_ms": 0.1}
    assert [seed["seed"] for seed in found["seeds"]] == [1, 2]


def test_silent_networks_are_replaced_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        references, "run", lambda case, seed: line(seed, 10.0, silent=seed in (2, 3))
    )
    lines, silent = references.alive(CASE, 3)
    assert [one["settings"]["seed"] for one in lines] == [1, 4, 5]
    assert silent == [2, 3]


def test_too_many_silent_networks_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "run", lambda case, seed: line(seed, 0.0, silent=seed > 1))
    with pytest.raises(RuntimeError, match="only 1 of 6 networks stayed alive"):
        references.alive(CASE, 2)


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    references.write(path, {"results": [1.5]})
    assert json.loads(path.read_text(encoding="utf-8")) == {"results": [1.5]}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("task", list(references.TASKS))
def test_kept_references_are_of_the_networks_as_they_are_defined(task: str) -> None:
    name, cases, definition = references.TASKS[task]
    kept = json.loads((references.FOLDER / name).read_text(encoding="utf-8"))
    assert kept["definition"] == json.loads(json.dumps(definition()))
    for case in cases():
        found = kept["results"]
        for key in case.place:
            found = found[key]
        assert len(found["seeds"]) >= 5
        assert not any(seed.get("fell_silent") for seed in found["seeds"])
        assert found["mean"]["rate_hz"] > 0.0


def test_simulators_agree_on_the_vogels_abbott_networks() -> None:
    path = references.FOLDER / "vogels_abbott.json"
    kept = json.loads(path.read_text(encoding="utf-8"))["results"]
    for network in vogels_abbott.NETWORKS:
        for figure in ("rate_hz", "cv"):
            values = [one["mean"][figure] for one in kept[network].values()]
            spread = max(one["standard_deviation"][figure] for one in kept[network].values())
            assert max(values) - min(values) < 2.0 * spread


def test_the_four_regimes_are_there() -> None:
    # Brunel (2000), figure 8: regular near saturation, irregular, and oscillating fast and slowly.
    path = references.FOLDER / "brunel_nest.json"
    kept = json.loads(path.read_text(encoding="utf-8"))["results"][f"weight_{brunel.WEIGHT_MV}_mv"]
    means = {regime: found["nest"]["mean"] for regime, found in kept.items()}
    assert means["SR"]["cv"] < 0.1 < 0.6 < means["AI"]["cv"]
    assert means["SR"]["rate_hz"] > 5.0 * means["AI"]["rate_hz"]
    assert means["SI_fast"]["frequency_hz"] > 100.0 > 50.0 > means["SI_slow"]["frequency_hz"]
    # Cells fire less often than the population oscillates.
    assert means["SI_fast"]["rate_hz"] < means["SI_fast"]["frequency_hz"]


def test_networks_are_those_of_the_papers() -> None:
    # nu_thr = theta / (J C_E tau) = 10 Hz with Brunel's C_E J of 100 mV; eta 2 times 400 inputs.
    assert pytest.approx(100.0) == brunel.WEIGHT_MV * brunel.EXCITATORY_INPUTS
    assert brunel.external_rate_hz(brunel.REGIMES["AI"]) == pytest.approx(2 * 10.0 * 400)
    assert vogels_abbott.probability(64_000) * 64_000 == pytest.approx(80.0)
    assert vogels_abbott.excitatory_cells(4000) == 3200
