"""``make zoo`` writes a network that loads again, with a card of measured numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from neurallayers.brain import Brain, load_pretrained
from neurallayers.data import load_digits
from neurallayers.research import build_zoo
from neurallayers.research.recipes import Trained, train


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train for two epochs on a part of the digits instead of the whole recipe."""
    digits = load_digits()
    small = replace(
        digits.train, images=digits.train.images[:400], labels=digits.train.labels[:400]
    )

    def short(name: str, *, seed: int, threads: int) -> Trained:
        return train(name, seed=seed, threads=threads, epochs=2, data=replace(digits, train=small))

    monkeypatch.setattr(build_zoo, "train", short)


@pytest.mark.usefixtures("quickly")
def test_the_network_and_its_card_are_written(tmp_path: Path) -> None:
    trained = build_zoo.build(tmp_path, seeds=2)
    folder = tmp_path / "hasn-nano-digits"
    assert load_pretrained(folder).fingerprint() == trained.network.fingerprint()
    card = (folder / "README.md").read_text()
    assert f"{trained.evaluation.accuracy:.4f}" in card
    assert trained.network.fingerprint() in card
    assert "mean accuracy over 2 training seeds" in card
    assert "two new symbols after ten lessons each" in card


def test_the_shipped_weights_are_those_of_their_card() -> None:
    network = load_pretrained("hasn-nano-digits")
    card = (build_zoo.packaged_folder() / "hasn-nano-digits" / "README.md").read_text()
    assert network.fingerprint() in card
    test = load_digits().test
    thoughts = Brain(network).process_batch(test.images)
    right = sum(
        thought.label == str(int(label))
        for thought, label in zip(thoughts, test.labels, strict=True)
    )
    assert right / len(test) > 0.975
