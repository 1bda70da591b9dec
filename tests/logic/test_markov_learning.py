"""Weights learned from worlds: published ones, and those of closed forms."""

from __future__ import annotations

import math

import pytest

from neurallayers.data.folders import candidate_folders
from neurallayers.data.relations import load_smokers
from neurallayers.errors import InvalidInput, TrainingError, UnknownName
from neurallayers.logic.markov import MarkovLogicNetwork
from neurallayers.logic.markov_learning import METHODS, learn_weights

DAYS = [f"D{i}" for i in range(10)]
smokers = pytest.mark.skipif(
    not any(place.is_dir() for place in candidate_folders("smokers_mln")),
    reason="smokers and friends are not here",
)


@smokers
def test_smokers_and_friends_have_their_published_weights() -> None:
    data = load_smokers()
    learned = learn_weights(MarkovLogicNetwork(data.program), data.train)
    assert learned.weights == pytest.approx(data.published_weights, abs=0.005)


@pytest.mark.parametrize("method", METHODS)
def test_a_weight_is_the_log_odds_of_its_frequency(method: str) -> None:
    network = MarkovLogicNetwork("0.0 :: rain(x)", domains={"any": DAYS})
    world = [f"rain({day})" for day in DAYS[:3]]
    learned = learn_weights(network, world, method=method)
    assert learned.weights[0] == pytest.approx(math.log(3 / 7), abs=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_given_predicates_are_conditioned_on(method: str) -> None:
    network = MarkovLogicNetwork("0.0 :: wet(x) <- rain(x)", domains={"any": DAYS})
    world = [*(f"rain({day})" for day in DAYS[:8]), *(f"wet({day})" for day in DAYS[:6])]
    learned = learn_weights(network, world, method=method, evidence=["rain"])
    # Of eight rainy days six were wet; dry days say nothing of the rule.
    assert learned.weights[0] == pytest.approx(math.log(6 / 2), abs=1e-4)


def test_the_likelihood_is_at_its_highest() -> None:
    text = "0.0 :: p(x) -> q(x)\n0.0 :: p(x) & p(y) & x != y"
    network = MarkovLogicNetwork(text, domains={"any": ["A", "B", "C", "D"]})
    world = ["p(A)", "q(A)", "p(B)", "q(D)"]
    learned = learn_weights(network, world, method="likelihood")
    ground = learned.ground()
    counts = network.counts(world)

    def likelihood(weights: list[float]) -> float:
        other = learned.with_weights(weights).ground()
        true = sum(w * n for w, n in zip(weights, counts, strict=True))
        return true - float(other.log_partition())

    best = [float(w or 0.0) for w in learned.weights]
    assert float(ground.log_partition()) > 0.0
    for place in range(2):
        for step in (-0.05, 0.05):
            moved = list(best)
            moved[place] += step
            assert likelihood(moved) < likelihood(best)


def test_hard_formulas_stay_hard() -> None:
    network = MarkovLogicNetwork("0.0 :: p(x)\np(x) -> q(x)", domains={"any": ["A", "B", "C"]})
    learned = learn_weights(network, ["p(A)", "q(A)", "q(B)"], prior_deviation=5.0)
    assert learned.weights[network.weights.index(None)] is None
    with pytest.raises(InvalidInput, match="always holds"):
        learn_weights(network, ["p(A)"])


def test_what_has_no_exception_needs_a_prior() -> None:
    network = MarkovLogicNetwork("0.0 :: rain(x)", domains={"any": DAYS})
    world = [f"rain({day})" for day in DAYS]
    with pytest.raises(TrainingError, match="prior_deviation"):
        learn_weights(network, world)
    assert 0.0 < float(learn_weights(network, world, prior_deviation=1.0).weights[0] or 0.0) < 5.0


def test_refusals() -> None:
    network = MarkovLogicNetwork("0.0 :: p(A)")
    with pytest.raises(UnknownName, match="likelihood"):
        learn_weights(network, ["p(A)"], method="likelyhood")
    with pytest.raises(InvalidInput, match="prior_deviation is -1"):
        learn_weights(network, ["p(A)"], prior_deviation=-1.0)
    with pytest.raises(InvalidInput, match="No formula has a weight"):
        learn_weights(MarkovLogicNetwork("p(A)"), ["p(A)"])
