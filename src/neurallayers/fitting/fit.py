"""Fit a neuron model to current-clamp recordings."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from neurallayers.errors import InvalidInput, UnknownName
from neurallayers.fitting.candidates import Target, Weights, losses
from neurallayers.fitting.evolution import evolve
from neurallayers.fitting.fitted import FittedNeuron
from neurallayers.fitting.gradient import descend
from neurallayers.fitting.model import LANES, MODELS, NeuronModel
from neurallayers.fitting.sweep import Sweep
from neurallayers.measures.spike_trains import Array
from neurallayers.registry import nearest_name
from neurallayers.seeding import derive_seed

log = logging.getLogger(__name__)

METHODS = ("evolution", "gradient")
BUDGETS: Mapping[str, int] = {"evolution": 20_000, "gradient": 60}
"""Candidates that are tried, or updates that are made, when nothing else is said."""

# First the way (counts and potential), then the goal (spikes within 4 ms).
_FIRST = Weights(gamma=0.3, spikes=1.0, potential=0.5)
_THEN = Weights(gamma=1.0, spikes=1.0, potential=0.2)
_FINE_SIGMA = 0.08
_STARTS, _DRAWN = 4, 512

Progress = Callable[[int, float], None]


def fit(
    model: str,
    sweeps: Sequence[Sweep],
    *,
    method: str = "evolution",
    seed: int = 0,
    budget: int | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    start: FittedNeuron | None = None,
    warm_up: str = "repeat",
    workers: int = 1,
    progress: Progress | None = None,
) -> FittedNeuron:
    """Find the parameters with which a model answers these currents as the cell did.

    The loss has three parts, over all sweeps in proportion to their spikes: 1 - Gamma (4 ms),
    squared van Rossum distances at 8 and 40 ms and how far the k-th spike of a step is from the
    recorded k-th, and the difference of the potential away from
    spikes. The result does not depend on the number of workers.

    Args:
        model: Name of a model: ``"gif"``, ``"adex"`` or ``"hodgkin_huxley"``.
        sweeps: Recordings of one cell.
        method: ``"evolution"`` (CMA-ES over free-running simulations; needs the extra
            ``fitting``) or ``"gradient"`` (Adam through teacher-forced simulations, from the best
            of many random starts; of all that it passes, the best free-running one is kept).
        seed: The one seed.
        budget: Candidates to try (evolution) or updates to make (gradient); see :data:`BUDGETS`.
        bounds: Other bounds for some parameters, ``{name: (lower, upper)}``; equal ones fix a
            parameter.
        start: A fitted neuron of the same model to start from.
        warm_up: What comes before a sweep; see
            :func:`~neurallayers.fitting.candidates.lived_before`.
        workers: Threads for the simulations.
        progress: Told, as it goes, how much of the budget is spent and the smallest loss.

    Returns:
        The fitted neuron; its report says how it was found.

    Raises:
        UnknownName: If there is no such model, method or parameter.
        InvalidInput: If there is no sweep or spike, or the budget is not positive.
        MissingExtra: If the evolutionary search's package is not installed.
    """
    if method not in METHODS:
        raise UnknownName(f"There is no method {method!r}.", nearest_name(method, list(METHODS)))
    described = MODELS.make(model).with_bounds(bounds or {})
    spent = BUDGETS[method] if budget is None else budget
    if spent < 1:
        raise InvalidInput(f"budget is {budget}.", "Allow at least one candidate.")
    if not sweeps or not any(sweep.spike_times_ms.size for sweep in sweeps):
        raise InvalidInput(
            f"{len(sweeps)} sweeps without a spike.", "Fit on sweeps in which the cell fired."
        )
    if all(parameter.lower == parameter.upper for parameter in described.parameters):
        raise InvalidInput("Every parameter is fixed.", "Leave at least one to be found.")
    if start is not None and start.model != model:
        raise InvalidInput(f"start is a fitted {start.model}.", f"Start a {model} from a {model}.")
    search = _Search(described, sweeps, seed, spent, warm_up, workers, progress)
    places = search.evolution(start) if method == "evolution" else search.gradient(start)
    return search.fitted(places, method)


class _Search:
    """What both methods share: the recordings, the loss of candidates, the best so far."""

    def __init__(
        self,
        model: NeuronModel,
        sweeps: Sequence[Sweep],
        seed: int,
        budget: int,
        warm_up: str,
        workers: int,
        progress: Progress | None,
    ) -> None:
        self.model, self.sweeps, self.seed, self.budget = model, sweeps, seed, budget
        self.warm_up, self.workers, self.progress = warm_up, workers, progress
        self.targets = [Target(sweep, model.step_ms, warm_up) for sweep in sweeps]
        self.free = np.array([parameter.lower < parameter.upper for parameter in model.parameters])

    def losses(self, places: Array, weights: Weights = _THEN) -> Array:
        """The loss of each candidate."""
        values = self.model.values(places)
        return losses(self.model, values, self.targets, weights, self.workers).total

    def whole(self, free: Array) -> Array:
        """Places of all parameters, of those that are free, ``[..., candidates]`` both."""
        places = np.full((self.free.size, *free.shape[1:]), 0.5)
        places[self.free] = free
        return places

    def start_place(self, start: FittedNeuron | None) -> Array:
        """Where to start: in the middle of the bounds, or from a fitted neuron."""
        if start is None:
            return np.full(len(self.model.parameters), 0.5)
        return np.array(
            [
                parameter.place(start.parameters[parameter.name])
                for parameter in self.model.parameters
            ]
        )

    def evolution(self, start: FittedNeuron | None) -> Array:
        """Two searches: a wide one, and a narrow one from its best."""
        place, first = self.start_place(start), self.budget // 2
        if start is None and first:
            found, _ = evolve(
                lambda p: self.losses(self.whole(p), _FIRST),
                place[self.free],
                budget=first,
                seed=self.seed,
                progress=self.progress,
            )
            place = self.whole(found)
        rest = self.budget - (first if start is None else 0)
        best, _ = evolve(
            lambda p: self.losses(self.whole(p)),
            place[self.free],
            budget=rest,
            seed=derive_seed(self.seed, "fitting", "fine"),
            sigma=_FINE_SIGMA,
            progress=lambda tried, loss: self._tell(tried + self.budget - rest, loss),
        )
        # The narrow search need not have come back to the best of the wide one.
        both = np.stack([place, self.whole(best)], axis=1)
        return np.asarray(both[:, self.losses(both).argmin()])

    def gradient(self, start: FittedNeuron | None) -> Array:
        """Several starts improved together; the best free-running one on the way is kept."""
        draw = np.random.default_rng(derive_seed(self.seed, "fitting", "gradient", "starts"))
        size = (len(self.model.parameters), _DRAWN)
        drawn = draw.uniform(0.05, 0.95, size=size)
        if start is not None:
            drawn = self.start_place(start)[:, None] + draw.normal(0.0, 0.02, size=(size[0], LANES))
            drawn[:, 0] = self.start_place(start)
        drawn = np.clip(drawn, 0.0, 1.0)
        starts = drawn[:, np.argsort(self.losses(drawn), kind="stable")[:_STARTS]]
        best, least, updates = starts[:, 0], float(self.losses(starts[:, :1])[0]), 0

        def look(places: Array) -> None:
            nonlocal best, least, updates
            updates += 1
            if updates % 5 == 0 or updates == self.budget:
                found = np.nan_to_num(self.losses(places), nan=1e9)
                if found.min() < least:
                    best, least = places[:, found.argmin()].copy(), float(found.min())
                self._tell(updates, least)

        descend(self.model, self.sweeps, starts, budget=self.budget, seed=self.seed, look=look)
        return best

    def _tell(self, spent: int, loss: float) -> None:
        if self.progress is not None:
            self.progress(spent, loss)

    def fitted(self, place: Array, method: str) -> FittedNeuron:
        """The neuron at a place, with the report of its search."""
        values = self.model.values(place[:, None])
        found = losses(self.model, values, self.targets, _THEN, self.workers)
        log.info("fitting.fitted", extra={"model": self.model.name, "loss": float(found.total[0])})
        numbers = {name: float(v) for name, v in zip(self.model.names, values[:, 0], strict=True)}
        return FittedNeuron(
            model=self.model.name,
            parameters=numbers,
            step_ms=self.model.step_ms,
            warm_up=self.warm_up,
            report={
                "method": method,
                "seed": self.seed,
                "budget": self.budget,
                "sweeps": [sweep.name for sweep in self.sweeps],
                "loss": float(found.total[0]),
                "gamma": float(found.gamma[0]),
                "potential_difference_mv": float(found.potential[0]),
                "source": self.model.source,
            },
        )
