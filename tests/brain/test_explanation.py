"""An explanation takes a score apart without remainder, and names the lessons that made it."""

from __future__ import annotations

import json

import pytest
from tests.brain.conftest import Trained
from tests.brain.individuals import pictures, small_network

from neurallayers.brain import Brain, Explanation
from neurallayers.brain import life as life_module
from neurallayers.brain.explanation import feature_ranges
from neurallayers.errors import InvalidInput


def parts_of(explanation: Explanation) -> float:
    return (
        explanation.bias
        + sum(explanation.regions.values())
        + sum(lesson.share for lesson in explanation.lessons)
        + explanation.earlier
    )


@pytest.fixture
def taught(trained: Trained) -> Brain:
    """It knows the digits and was taught nines, each lesson twice, and rewarded once."""
    brain = Brain(trained.network)
    nines = trained.images[trained.labels == 9][:4]
    for image in nines:
        brain.learn(image, target=9)
    brain.learn(trained.images[0], reward=0.5)
    return brain


@pytest.mark.parametrize("label", [None, "0", "7", "9"])
def test_the_parts_add_up_to_the_score(taught: Brain, trained: Trained, label: str | None) -> None:
    for image in trained.images[:6]:
        explanation = taught.explain(image, label)
        thought = taught.process(image)
        assert explanation.label == (label or thought.label)
        assert explanation.score == thought.scores[explanation.label]
        assert parts_of(explanation) == pytest.approx(explanation.score, abs=1e-4)
        others = {
            name: score for name, score in thought.scores.items() if name != explanation.label
        }
        assert explanation.rival == max(others.items(), key=lambda pair: pair[1])


def test_all_lessons_listed_leave_nothing_unexplained(taught: Brain, trained: Trained) -> None:
    explanation = taught.explain(trained.images[3], "0")
    assert explanation.earlier == pytest.approx(0.0, abs=1e-4)


def test_the_lesson_that_taught_a_class_is_named(taught: Brain, trained: Trained) -> None:
    nine = trained.images[trained.labels == 9][1]
    explanation = taught.explain(nine, 9)
    assert explanation.lessons[0].label == "9"
    assert explanation.lessons[0].share > 0
    assert 1 <= explanation.lessons[0].entry <= 4
    assert abs(sum(explanation.regions.values())) == 0.0  # training knows no nine
    shares = [abs(lesson.share) for lesson in explanation.lessons]
    assert shares == sorted(shares, reverse=True)


def test_a_reward_is_named_as_one(taught: Brain, trained: Trained) -> None:
    explanation = taught.explain(trained.images[0])
    rewards = [lesson for lesson in explanation.lessons if lesson.label is None]
    assert [lesson.entry for lesson in rewards] == [5]


def test_features_are_the_strongest_neurons(taught: Brain, trained: Trained) -> None:
    explanation = taught.explain(trained.images[0])
    assert len(explanation.features) == 10
    shares = [abs(feature.share) for feature in explanation.features]
    assert shares == sorted(shares, reverse=True)
    for feature in explanation.features:
        neurons = trained.network.spec.region(feature.region).shape[0]
        assert 0 <= feature.neuron < neurons


def test_lessons_that_are_no_longer_listed_are_summed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(life_module, "LESSONS_KEPT", 2)
    network = small_network()
    brain = Brain(network)
    images = pictures(6, network)
    for image in images:
        brain.learn(image, target="new")
    explanation = brain.explain(images[0], "new")
    assert [lesson.entry for lesson in explanation.lessons if lesson.entry <= 4] == []
    assert abs(explanation.earlier) > 0.01
    assert parts_of(explanation) == pytest.approx(explanation.score, abs=1e-4)


def test_features_of_regions_stand_in_the_order_of_the_readout(trained: Trained) -> None:
    assert feature_ranges(trained.network) == {"sensory": slice(0, 64), "cerebrum": slice(64, 96)}


def test_an_explanation_reads_well(taught: Brain, trained: Trained) -> None:
    nine = trained.images[trained.labels == 9][1]
    text = str(taught.explain(nine, 9))
    assert text.startswith("'9' scored ")
    assert ", ahead of '" in text
    assert "\n  training gave +0.00 (sensory +0.00, cerebrum +0.00, bias +0.00)" in text
    assert "(taught '9'): +" in text
    assert "\n  strongest neurons: " in text
    assert ", behind '9' with" in str(taught.explain(nine, 0))


def test_an_explanation_is_json(taught: Brain, trained: Trained) -> None:
    explanation = taught.explain(trained.images[0])
    plain = json.loads(json.dumps(explanation.to_dict()))
    assert plain["label"] == explanation.label
    assert plain["lessons"][0]["entry"] == explanation.lessons[0].entry
    assert plain["features"][0]["neuron"] == explanation.features[0].neuron


def test_a_single_class_has_no_rival() -> None:
    network = small_network()
    brain = Brain(network)
    brain.forget_class("a")
    explanation = brain.explain(pictures(1, network)[0])
    assert explanation.rival is None
    assert str(explanation).startswith("'b' scored ")


def test_what_is_not_known_is_not_explained() -> None:
    network = small_network()
    brain = Brain(network)
    with pytest.raises(InvalidInput, match="does not know 'c'"):
        brain.explain(pictures(1, network)[0], "c")
    brain.forget_class("a")
    brain.forget_class("b")
    with pytest.raises(InvalidInput, match="knows no class"):
        brain.explain(pictures(1, network)[0])
