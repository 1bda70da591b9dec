"""A thought is what the numbers of a network mean: a class, how sure, and the brain's condition."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.brain.individuals import pictures, random_life, small_network

from neurallayers.brain import think
from neurallayers.brain.thought import decode

NETWORK = small_network()
STATE = random_life(NETWORK, 3)
THINKING = think(NETWORK, STATE, pictures(3, NETWORK))


def test_the_highest_score_is_the_answer() -> None:
    thought = decode(NETWORK, THINKING, ("a", "b", None, None), row=1)
    scores = THINKING.scores[1, :2]
    best = int(scores.argmax())
    assert thought.label == "ab"[best]
    assert list(thought.scores) == ["ab"[best], "ab"[1 - best]]
    assert thought.scores["a"] == float(scores[0])
    share = torch.softmax(scores, 0)[best]
    assert thought.confidence == pytest.approx(float(share))
    assert np.array_equal(thought.evidence[-1], sorted(scores.tolist(), reverse=True))
    assert thought.evidence.shape == (8, 2)


def test_vitals_are_counted_from_the_spikes() -> None:
    thought = decode(NETWORK, THINKING, ("a", "b", None, None), row=2)
    fired = {name: spikes[:, 2].numpy() for name, spikes in THINKING.spikes.items()}
    vitals = thought.vitals
    assert vitals.spikes == sum(int(part.sum()) for part in fired.values()) > 0
    for name, part in fired.items():
        assert np.array_equal(thought.raster.spikes[name], part)
        assert vitals.rates_hz[name] == pytest.approx(part.mean() * 1000.0)
        assert vitals.active_fraction[name] == pytest.approx(part.any(0).mean())
        excitability = STATE.regions[name].excitability[2].mean()
        assert vitals.excitability[name] == pytest.approx(float(excitability))


def test_a_brain_that_knows_nothing_has_no_answer() -> None:
    thought = decode(NETWORK, THINKING, (None,) * 4)
    assert thought.label is None
    assert thought.confidence == 0.0
    assert thought.scores == {}
    assert thought.evidence.shape == (8, 0)


def test_equal_scores_are_answered_by_the_first_class() -> None:
    silent = think(NETWORK, NETWORK.initial_state(1), torch.zeros(1, 4, 4, 1))
    assert decode(NETWORK, silent, ("a", "b", None, None)).label == "a"


def test_a_thought_that_is_kept_keeps_no_batch_alive() -> None:
    thought = decode(NETWORK, THINKING, ("a", "b", None, None), row=1)
    for spikes in thought.raster.spikes.values():
        owner = spikes if spikes.base is None else spikes.base
        assert owner.nbytes == spikes.nbytes


def test_a_thought_is_json() -> None:
    thought = decode(NETWORK, THINKING, ("a", "b", None, None))
    plain = json.loads(json.dumps(thought.to_dict()))
    assert plain["label"] == thought.label
    assert plain["scores"] == thought.scores
    assert plain["vitals"]["rates_hz"] == thought.vitals.rates_hz
    assert set(plain) == {
        "label",
        "confidence",
        "scores",
        "vitals",
        "recalled",
        "conclusions",
        "alerts",
    }
    assert thought.shares[str(thought.label)] == thought.confidence
    assert sum(thought.shares.values()) == pytest.approx(1.0)


def test_a_thought_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra viz is not installed")
    thought = decode(NETWORK, THINKING, ("a", "b", None, None))
    figure = thought.figure(tmp_path / "thought.png")
    assert figure.get_suptitle() == f"thought: {thought.label}"
    assert (tmp_path / "thought.png").stat().st_size > 0
