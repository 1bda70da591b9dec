r"""Weights of a Markov logic network, learned from a world.

Two ways, both concave in the weights and climbed with L-BFGS:

* the pseudo-likelihood, the product of the probability of each atom given all others (Besag 1975;
  Richardson & Domingos 2006, eq. 7): needs no counting of worlds, so that it works at any size;
* the likelihood itself, whose gradient is the difference between the true and the expected number
  of true groundings (eq. 5), by exact counting.

Predicates that will always be given are named as evidence: they are conditioned on, not learned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from neurallayers.errors import InvalidInput, TrainingError, UnknownName
from neurallayers.logic.markov import MarkovLogicNetwork
from neurallayers.logic.markov_ground import truth_of
from neurallayers.logic.probabilistic import Evidence
from neurallayers.logic.terms import Atom, Formula, atoms
from neurallayers.registry import nearest_name

Vector: TypeAlias = np.ndarray[Any, Any]
_FAR = 5.0  # in log odds: 1 to 148

METHODS = ("pseudo_likelihood", "likelihood")


def learn_weights(
    network: MarkovLogicNetwork,
    world: Evidence,
    *,
    method: str = "pseudo_likelihood",
    evidence: Iterable[str] = (),
    prior_deviation: float | None = None,
) -> MarkovLogicNetwork:
    """Find the weights that make a world most probable.

    Args:
        network: The formulas; their weights are where the search begins. Hard ones stay hard.
        world: What holds, as literals or their texts; whatever it does not name is false.
        method: One of :data:`METHODS`.
        evidence: Predicates that are given and not to be predicted.
        prior_deviation: Standard deviation of a Gaussian prior about zero on each weight; None for
            none. A formula without exception in the world has no finite best weight without it.

    Returns:
        The network with the weights learned.

    Raises:
        UnknownName: If there is no such method.
        InvalidInput: If the world breaks a hard formula, or there is nothing to learn.
        TrainingError: If the weights grow without bound.

    >>> network = MarkovLogicNetwork("0.0 :: wet <- rain(d)", domains={"any": ["Mon", "Tue"]})
    >>> learned = learn_weights(network, ["rain(Mon)"], prior_deviation=1.0)
    >>> learned.weights[0] < 0.0  # it rained and was not wet
    True
    """
    if method not in METHODS:
        raise UnknownName(
            f"There is no way of learning called {method!r}.", nearest_name(method, list(METHODS))
        )
    if prior_deviation is not None and not prior_deviation > 0.0:
        raise InvalidInput(
            f"prior_deviation is {prior_deviation!r}.", "Give a positive number, or None."
        )
    soft = [i for i, weight in enumerate(network.weights) if weight is not None]
    if not soft:
        raise InvalidInput("No formula has a weight.", "Write '0.0 :: formula' to learn it.")
    given = {evidence} if isinstance(evidence, str) else set(evidence)
    objective = _Pseudo if method == "pseudo_likelihood" else _Exact
    climbed = objective(network, world, given, soft)
    start = np.array([network.weights[i] for i in soft], dtype=np.float64)

    def loss(weights: Vector) -> tuple[float, Vector]:
        value, gradient = climbed(weights)
        if prior_deviation is not None:
            value -= 0.5 * float(np.sum((weights / prior_deviation) ** 2))
            gradient = gradient - weights / prior_deviation**2
        return -value, -gradient

    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 1000})
    if prior_deviation is None and _goes_on(climbed, found.x):
        raise TrainingError(
            f"The weights grow without bound ({found.x.round(1).tolist()}).",
            "A formula has no exception in this world: give a prior_deviation, such as 2.0.",
        )
    weights = list(network.weights)
    for place, value in zip(soft, found.x.tolist(), strict=True):
        weights[place] = value
    return network.with_weights(weights)


def _goes_on(climbed: Callable[[Vector], tuple[float, Vector]], weights: Vector) -> bool:
    """Whether the objective still rises far beyond where the climb came to rest.

    It is concave: where the highest point was found, every step of this length leads down.
    """
    value = climbed(weights)[0]
    steps = [*np.diag(np.sign(weights) * _FAR), weights]
    return bool(np.abs(weights).max() > _FAR) and any(
        climbed(weights + step)[0] > value for step in steps
    )


class _Pseudo:
    """The logarithm of the pseudo-likelihood and its gradient."""

    def __init__(
        self, network: MarkovLogicNetwork, world: Evidence, given: set[str], soft: list[int]
    ) -> None:
        universe, groundings, values = network.grounded_in(world)
        places = {
            atom: row for row, atom in enumerate(a for a in universe if a.predicate not in given)
        }
        change = np.zeros((len(places), len(network.formulas)))
        forced = np.zeros(len(places), dtype=bool)
        for index, formulas in enumerate(groundings):
            hard = network.weights[index] is None
            for formula in formulas:
                self._note(formula, index, hard, values, places, change, forced)
        truth = np.array([1.0 if values[atom] else -1.0 for atom in places])
        # What a hard formula forces has probability one whatever the weights are.
        self._gain = (truth[:, None] * change)[~forced][:, soft]

    @staticmethod
    def _note(
        formula: Formula,
        index: int,
        hard: bool,
        values: dict[Atom, bool],
        places: dict[Atom, int],
        change: Vector,
        forced: Vector,
    ) -> None:
        """How the truth of one grounding hangs on each of its atoms."""
        for atom in dict.fromkeys(atoms(formula)):
            if atom not in places:
                continue
            true, false = (truth_of(formula, {**values, atom: v}) for v in (True, False))
            if hard and (true if values[atom] else false) is False:
                raise InvalidInput(
                    f"The world breaks '{formula}', which always holds.", "Give it a weight."
                )
            if hard:
                forced[places[atom]] |= true != false
            change[places[atom], index] += float(true) - float(false)

    def __call__(self, weights: Vector) -> tuple[float, Vector]:
        margin = self._gain @ weights
        return float(log_expit(margin).sum()), self._gain.T @ expit(-margin)


class _Exact:
    """The logarithm of the likelihood and its gradient, by counting worlds."""

    def __init__(
        self, network: MarkovLogicNetwork, world: Evidence, given: set[str], soft: list[int]
    ) -> None:
        universe, _, values = network.grounded_in(world)
        known = {atom: truth for atom, truth in values.items() if atom.predicate in given}
        self._soft = soft
        self._true = np.array(network.counts(values), dtype=np.float64)[soft]
        # The atoms of the world say which elements there are.
        self._open = network.ground(known, queries=universe)
        self._size = len(network.formulas)

    def __call__(self, weights: Vector) -> tuple[float, Vector]:
        leaf = torch.tensor(weights, dtype=torch.float64, requires_grad=True)
        places = torch.tensor(self._soft)
        whole = torch.zeros(self._size, dtype=torch.float64).index_put((places,), leaf)
        partition = self._open.log_partition(whole)
        (expected,) = torch.autograd.grad(partition, leaf)
        value = float(self._true @ weights) - float(partition.detach())
        return value, self._true - expected.numpy()
