r"""Semantic memory that dreams: it can imagine new examples of every class that it knows.

Of each class it keeps a few prototypes, and of each prototype no example, only how many there were,
their mean, the variance of each dimension and the main directions in which they differed
(:mod:`~neurallayers.memory.dreaming_moments`). Together they are a density,

.. math::
    p(x \mid c) = \sum_j \pi_j \, \mathcal{N}\!\left(x;\; \mu_j,\;
        \Lambda_j^\top \Lambda_j + \mathrm{diag}(\psi_j)\right)

a mixture of factor analysers (Ghahramani & Hinton 1996, Tech. Rep. CRG-TR-96-1, eq. 1 and 2;
Tipping & Bishop 1999, Neural Comput. 11:443), learned from a stream: a vector joins the nearest
prototype of its class (MacQueen 1967, Proc. 5th Berkeley Symp. 1:281), but every eighth founds one
of its own, as long as there is room. With :math:`n_j` vectors, scatter :math:`s_j` and factors
:math:`L_j`,

.. math::
    \pi_j = \frac{n_j}{\sum_i n_i}, \quad
    \sigma_j^2 = \frac{s_j + n_0 \sigma_c^2}{n_j - 1 + n_0}, \quad
    \Lambda_j = \frac{L_j}{\sqrt{n_j - 1 + n_0}}, \quad
    \psi_j = \sigma_j^2 - \mathrm{diag}(\Lambda_j^\top \Lambda_j),

where :math:`\sigma_c^2` is the variance within the prototypes of the class, itself drawn in the
same way (by :math:`n_0`) towards that within the prototypes of all classes: what was seen once is
dreamt of with its surroundings, not over and over as it was. A **dream** is a sample,
:math:`\mu_j + \Lambda_j^\top z_1 + \sqrt{\psi_j} \, z_2` with standard normal :math:`z`.

What it is for: rehearsal without examples, when a read-out learns new classes and must not forget
the old (pseudo-rehearsal: Robins 1995, Connect. Sci. 7:123; replay of internal representations:
van de Ven, Siegelmann & Tolias 2020, Nat. Commun. 11:4069). Class and features are all that is
needed; what the features are is up to the caller.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.memory.dreaming_moments import Moments, merged
from neurallayers.memory.dreaming_noise import dream_noise
from neurallayers.state import batch_size, map_state, stack

# So many vectors of a class are looked at together; prototypes move after each such group.
GROUP = 256
TINIEST_VARIANCE = 1e-12


class DreamingState(NamedTuple):
    """What a :class:`DreamingMemory` knows."""

    examples: Tensor  # int64 [batch, label, prototype], vectors that joined; 0: a free prototype
    mean: Tensor  # [batch, label, prototype, feature]
    scatter: Tensor  # [batch, label, prototype, feature], squared deviations added up
    factors: Tensor  # [batch, label, prototype, rank, feature], main directions of the scatter


class Dreams(NamedTuple):
    """Imagined examples."""

    features: Tensor  # [batch, count, feature]
    labels: Tensor  # int64 [batch, count]


class _Density(NamedTuple):
    """The mixture of one label of one row."""

    weight: Tensor  # [prototype]
    mean: Tensor  # [prototype, feature]
    factors: Tensor  # [prototype, rank, feature]
    noise: Tensor  # [prototype, feature], variance that the factors leave


@dataclass(frozen=True)
class DreamingMemory:
    """How classes are remembered and dreamt of; what is known is in :class:`DreamingState`.

    Every method is a pure function of the state it is given, and a row of a batch never depends on
    its neighbours.

    Args:
        feature_size: Length of a feature vector.
        labels: How many labels there is room for; :meth:`grow` makes more.
        prototypes_per_class: How many prototypes a class has.
        rank: Main directions of each prototype; 0 for independent dimensions.
        examples_per_prototype: The first example of a class founds a prototype, and after every so
            many examples another one does, until none is free.
        prior_count: How many examples the variance of a class counts for in that of each of its
            prototypes, and the variance of all classes in that of each class (n_0 above).
        noise_floor: Smallest variance beside the main directions that :meth:`log_likelihood`
            believes, as a share of the mean variance.

    Raises:
        InvalidInput: If an option is out of range.

    >>> memory = DreamingMemory(2, labels=3, prototypes_per_class=1, rank=1)
    >>> seen = torch.tensor([[[1.0, 5.0], [3.0, 5.0], [-4.0, 0.0]]])
    >>> state = memory.observe(memory.initial_state(), seen, torch.tensor([[0, 0, 2]]))
    >>> memory.examples(state).tolist()
    [[2, 0, 1]]
    >>> dreams = memory.dream(state, 0, count=1000, counter=0)
    >>> dreams.features[0].mean(0).round().tolist(), dreams.features.shape
    ([2.0, 5.0], torch.Size([1, 1000, 2]))
    """

    feature_size: int
    labels: int = 10
    prototypes_per_class: int = 30
    rank: int = 16
    examples_per_prototype: int = 8
    prior_count: float = 1.0
    noise_floor: float = 0.01

    def __post_init__(self) -> None:
        for name, least in (
            ("feature_size", 1),
            ("labels", 1),
            ("prototypes_per_class", 1),
            ("rank", 0),
            ("examples_per_prototype", 1),
        ):
            _whole(name, getattr(self, name), least)
        if not 0.0 <= self.prior_count < math.inf:
            raise InvalidInput(
                f"prior_count is {self.prior_count}.", "Give 0 or more examples, usually 1."
            )
        if not 0.0 < self.noise_floor <= 1.0:
            raise InvalidInput(
                f"noise_floor is {self.noise_floor}.", "Give a share above 0 and up to 1."
            )

    def initial_state(self, batch: int = 1, dtype: torch.dtype = torch.float32) -> DreamingState:
        """The state of ``batch`` memories that know nothing."""
        _whole("batch", batch, 1)
        shape = (batch, self.labels, self.prototypes_per_class)
        return DreamingState(
            examples=torch.zeros(shape, dtype=torch.int64),
            mean=torch.zeros(*shape, self.feature_size, dtype=dtype),
            scatter=torch.zeros(*shape, self.feature_size, dtype=dtype),
            factors=torch.zeros(*shape, self.rank, self.feature_size, dtype=dtype),
        )

    def examples(self, state: DreamingState) -> Tensor:
        """How many examples of each label were observed, int64 ``[batch, label]``."""
        self._check_state(state)
        return state.examples.sum(2)

    def observe(self, state: DreamingState, features: Tensor, labels: Tensor) -> DreamingState:
        """Learn from examples, each once, in their order.

        Args:
            state: What was known.
            features: ``[batch, n, feature]``.
            labels: Whole numbers ``[batch, n]``; an example with label -1 is passed over.

        Raises:
            ShapeMismatch: If the shapes do not fit.
            InvalidInput: If a feature is not finite, or a label has no room.
        """
        self._check_state(state)
        features = self._checked_features(state, features)
        labels = _checked_labels(labels, features, state.examples.shape[1])
        rows = [
            self._observe_row(map_state(lambda tensor, row=row: tensor[row], state), *seen)
            for row, seen in enumerate(zip(features, labels, strict=True))
        ]
        return stack([map_state(lambda tensor: tensor[None], row) for row in rows])

    def dream(
        self,
        state: DreamingState,
        labels: int | Sequence[int] | None,
        count: int,
        counter: int | Tensor,
        *,
        seed: int | Tensor = 0,
    ) -> Dreams:
        """Imagine examples; the same counter and seed give the same dreams.

        The first dreams of a longer night are those of a shorter one.

        Args:
            state: What is known.
            labels: Of which label, or which labels in turn; None for all that the row knows.
            count: How many dreams, over all labels.
            counter: Number of the call, for each row (int64 ``[batch]``) or for all; take another
                for other dreams.
            seed: Seed of each row, or of all.

        Raises:
            InvalidInput: If a label is not known yet, or a number is out of range.
        """
        self._check_state(state)
        _whole("count", count, 1)
        batch = batch_size(state)
        noise = dream_noise(
            _column("seed", seed, batch),
            _column("counter", counter, batch),
            count,
            self.rank + self.feature_size,
        )
        known = self.examples(state) > 0
        imagined, names = [], []
        for row in range(batch):
            asked = _asked(labels, known[row], row)
            turns = asked[torch.arange(count) % len(asked)]
            imagined.append(
                self._dream_row(state, row, turns, noise.chance[row], noise.normal[row])
            )
            names.append(turns)
        return Dreams(torch.stack(imagined), torch.stack(names))

    def log_likelihood(self, state: DreamingState, features: Tensor) -> Tensor:
        """Log density of each feature vector under each label [nats], ``[batch, n, label]``.

        Minus infinity for labels that are not known yet.

        Raises:
            ShapeMismatch: If the features do not fit.
            InvalidInput: If a feature is not finite.
        """
        self._check_state(state)
        features = self._checked_features(state, features)
        found = features.new_full((*features.shape[:2], state.examples.shape[1]), -math.inf)
        for row, label in (self.examples(state) > 0).nonzero().tolist():
            density = self._density(state, row, label)
            variance = density.noise + density.factors.square().sum(1)
            # Where nothing ever varied at all, a tiny number keeps the density finite.
            floor = (self.noise_floor * variance.mean()).clamp_min(TINIEST_VARIANCE)
            found[row, :, label] = _mixture_log_density(
                density._replace(noise=density.noise.clamp_min(floor)), features[row]
            )
        return found

    def recognise(self, state: DreamingState, features: Tensor) -> Tensor:
        """The label under which each feature vector is most likely, int64 ``[batch, n]``.

        All labels are taken for equally frequent; the answer is -1 for a memory that knows none.
        """
        likelihood = self.log_likelihood(state, features)
        nothing = ~torch.isfinite(likelihood).any(2)
        return likelihood.argmax(2).masked_fill(nothing, -1)

    def forget(self, state: DreamingState, label: int) -> DreamingState:
        """The state without anything about a label, in every row.

        Raises:
            InvalidInput: If there is no such label.
        """
        self._check_state(state)
        room = state.examples.shape[1]
        _whole("label", label, 0)
        if label >= room:
            raise InvalidInput(f"label is {label}.", f"There is room for labels 0 to {room - 1}.")
        kept = torch.arange(room) != label
        return map_state(
            lambda tensor: torch.where(
                kept.reshape(1, -1, *([1] * (tensor.ndim - 2))), tensor, torch.zeros_like(tensor)
            ),
            state,
        )

    def grow(self, state: DreamingState, labels: int) -> DreamingState:
        """The same knowledge with room for more labels.

        Raises:
            InvalidInput: If there is room for more already.
        """
        self._check_state(state)
        _whole("labels", labels, state.examples.shape[1])
        return map_state(
            lambda tensor: torch.cat(
                [
                    tensor,
                    tensor.new_zeros(len(tensor), labels - tensor.shape[1], *tensor.shape[2:]),
                ],
                dim=1,
            ),
            state,
        )

    def _observe_row(self, row: DreamingState, features: Tensor, labels: Tensor) -> DreamingState:
        row = map_state(torch.clone, row)
        for label in labels[labels >= 0].unique().tolist():
            mine = DreamingState(*(tensor[label] for tensor in row))
            for group in features[labels == label].split(GROUP):
                places = _joined(mine, group, self.examples_per_prototype)
                for place in places.unique().tolist():
                    moments = merged(Moments(*(t[place] for t in mine)), group[places == place])
                    # These are views of the row's own copy.
                    for kept, new in zip(mine, moments, strict=True):
                        kept[place] = new
        return row

    def _density(self, state: DreamingState, row: int, label: int) -> _Density:
        mine = DreamingState(*(tensor[row, label] for tensor in state))
        used = mine.examples > 0
        count = mine.examples[used].to(mine.mean.dtype)[:, None]
        scatter = mine.scatter[used]
        freedom, prior = count - 1.0, self.prior_count
        everywhere = state.scatter[row].sum((0, 1)) / _freedom(state.examples[row]).clamp_min(1)
        of_class = _shrunk(scatter.sum(0), freedom.sum(), everywhere, prior)
        variance = _shrunk(scatter, freedom, of_class, prior)
        factors = mine.factors[used] / _believed(freedom, prior).sqrt()[..., None]
        return _Density(
            weight=(count / count.sum())[:, 0],
            mean=mine.mean[used],
            factors=factors,
            noise=(variance - factors.square().sum(1)).clamp_min(0.0),
        )

    def _dream_row(
        self, state: DreamingState, row: int, labels: Tensor, chance: Tensor, normal: Tensor
    ) -> Tensor:
        features = state.mean.new_empty(len(labels), self.feature_size)
        normal = normal.to(features.dtype)
        for label in labels.unique().tolist():
            density = self._density(state, row, label)
            mine = (labels == label).nonzero()[:, 0]
            bounds = density.weight.cumsum(0)
            chosen = torch.searchsorted(bounds, chance[mine].to(bounds.dtype), right=True)
            chosen = chosen.clamp_max(len(bounds) - 1)
            for place in chosen.unique().tolist():
                these = mine[chosen == place]
                common, own = normal[these, : self.rank], normal[these, self.rank :]
                features[these] = (
                    density.mean[place]
                    + common @ density.factors[place]
                    + own * density.noise[place].sqrt()
                )
        return features

    def _check_state(self, state: Any) -> None:
        expected = (self.prototypes_per_class, self.rank, self.feature_size)
        found = tuple(state.factors.shape[2:]) if isinstance(state, DreamingState) else ()
        if found != expected:
            raise ShapeMismatch(
                f"The state has (prototypes, rank, feature) {found}, the memory {expected}.",
                "Use states that initial_state of this memory made.",
            )

    def _checked_features(self, state: DreamingState, features: Any) -> Tensor:
        expected = (batch_size(state), self.feature_size)
        if (
            not isinstance(features, Tensor)
            or features.ndim != 3
            or (features.shape[0], features.shape[2]) != expected
        ):
            shape = tuple(features.shape) if isinstance(features, Tensor) else type(features)
            raise ShapeMismatch(
                f"features have shape {shape}, expected ({expected[0]}, n, {expected[1]}).",
                "Give one row a brain, then the examples, then their features.",
            )
        if not features.is_floating_point() or not bool(torch.isfinite(features).all()):
            raise InvalidInput(
                f"features are {features.dtype} or not all finite.",
                "Give floating-point numbers without NaN and infinities.",
            )
        return features.detach().to(state.mean.dtype)


def _joined(known: DreamingState, vectors: Tensor, examples_per_prototype: int) -> Tensor:
    """Which prototype each vector joins, of one label (``known`` has no leading axes).

    Some found a free prototype; the others go to the nearest.
    """
    ordinal = int(known.examples.sum()) + torch.arange(len(vectors))
    founders = (ordinal % examples_per_prototype == 0).nonzero()[:, 0]
    free = (known.examples == 0).nonzero()[: len(founders), 0]
    founders = founders[: len(free)]
    centres = known.mean.index_copy(0, free, vectors[founders])
    used = known.examples.index_fill(0, free, 1) > 0
    squared = centres.square().sum(1) - 2.0 * vectors @ centres.T  # less |x|^2, the same for all
    places = squared.masked_fill(~used, math.inf).argmin(1)
    return places.index_copy(0, founders, free)


def _freedom(count: Tensor) -> Tensor:
    """Degrees of freedom that the prototypes leave: one less for each than it has examples."""
    return (count - 1).clamp_min(0).sum()


def _believed(freedom: Tensor, prior_count: float) -> Tensor:
    # A single example without a prior has no variance: nothing divided by something.
    return (freedom + prior_count).clamp_min(TINIEST_VARIANCE)


def _shrunk(scatter: Tensor, freedom: Tensor, towards: Tensor, prior_count: float) -> Tensor:
    """The variance, drawn to that of a larger group as far as little is known."""
    return (scatter + prior_count * towards) / _believed(freedom, prior_count)


def _mixture_log_density(density: _Density, vectors: Tensor) -> Tensor:
    """Log density [nats] of ``vectors`` ``[n, feature]``, by the matrix inversion lemma."""
    terms = []
    for weight, mean, factors, noise in zip(*density, strict=True):
        scaled = factors / noise.sqrt()
        away = (vectors - mean) / noise.sqrt()
        inner = torch.linalg.cholesky(
            torch.eye(len(factors), dtype=noise.dtype) + scaled @ scaled.T
        )
        explained = torch.linalg.solve_triangular(inner, scaled @ away.T, upper=False)
        squared = away.square().sum(1) - explained.square().sum(0)
        log_volume = noise.log().sum() + 2.0 * inner.diagonal().log().sum()
        terms.append(
            weight.log() - 0.5 * (squared + log_volume + len(mean) * math.log(2.0 * math.pi))
        )
    return torch.stack(terms).logsumexp(0)


def _asked(labels: int | Sequence[int] | None, known: Tensor, row: int) -> Tensor:
    knows = known.nonzero()[:, 0]
    asked = knows if labels is None else torch.as_tensor(labels).reshape(-1)
    if not set(asked.tolist()) <= set(knows.tolist()) or len(asked) == 0:
        raise InvalidInput(
            f"Row {row} was asked to dream of labels {asked.tolist()}; it knows {knows.tolist()}.",
            "Observe at least one example of a label first.",
        )
    return asked.to(torch.int64)


def _checked_labels(labels: Any, features: Tensor, room: int) -> Tensor:
    if not isinstance(labels, Tensor) or labels.shape != features.shape[:2]:
        shape = tuple(labels.shape) if isinstance(labels, Tensor) else type(labels)
        raise ShapeMismatch(
            f"labels have shape {shape}, expected {tuple(features.shape[:2])}.",
            "Give one label for each example.",
        )
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise InvalidInput(f"labels are {labels.dtype}.", "Give whole numbers.")
    if labels.numel() and not -1 <= int(labels.min()) <= int(labels.max()) < room:
        raise InvalidInput(
            f"labels go from {int(labels.min())} to {int(labels.max())}.",
            f"There is room for 0 to {room - 1} (-1: passed over); make more with grow.",
        )
    return labels.to(torch.int64)


def _column(name: str, value: int | Tensor, batch: int) -> Tensor:
    numbers = torch.as_tensor(value)
    if numbers.is_floating_point() or numbers.dtype == torch.bool or numbers.ndim > 1:
        raise InvalidInput(f"{name} is {value!r}.", "Give a whole number, or one for each row.")
    if numbers.ndim == 1 and len(numbers) != batch:
        raise ShapeMismatch(
            f"{name} has {len(numbers)} numbers for {batch} rows.", "Give one, or one for each row."
        )
    return numbers.to(torch.int64).expand(batch)


def _whole(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidInput(f"{name} is {value!r}.", f"Give a whole number, {least} or more.")
