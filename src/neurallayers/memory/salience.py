r"""Salience: how much an experience deserves to be remembered.

**Surprise** of what happened, given what was believed (Shannon 1948), in bits:

.. math:: s = -\log_2 p(\text{what happened})

**Bayesian surprise**, how far the belief had to move (Itti & Baldi 2009, Vis. Res. 49:1295, eq. 1):

.. math:: D = \sum_i q_i \log_2 \frac{q_i}{p_i}

from the belief :math:`p` before to :math:`q` after.

**Novelty** of a key: one minus its largest likeness to what is remembered.

**Importance** joins them in [0, 1]: the probability that at least one of several independent
reasons to remember holds (a noisy or, Pearl 1988, Probabilistic Reasoning, section 4.3.2),

.. math:: I = 1 - \prod_i (1 - w_i r_i), \qquad
    r = \left(1 - 2^{-s}, \; \min(|reward|, 1), \; novelty\right)

where :math:`1 - 2^{-s}` is the probability that was given to something else than what happened.
That surprise, reward and novelty all drive what the hippocampus keeps: Lisman & Grace (2005),
Neuron 46:703; Shohamy & Adcock (2010), Trends Cogn. Sci. 14:464. The weights are ours.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.memory.keys import checked_number, checked_vectors


def surprise_bits(belief: Tensor, happened: Tensor, *, largest: float = 32.0) -> Tensor:
    """Surprise of what happened [bits]; see the module.

    Args:
        belief: Probabilities ``[batch, options]``; each row adds up to one.
        happened: int64 ``[batch]``, which option it was; -1 for one that the belief does not have.
        largest: Bound of the surprise [bits], for what was held impossible.

    Returns:
        ``[batch]``.

    Raises:
        InvalidInput: If a row is not a distribution or an option does not exist.
        ShapeMismatch: If the shapes do not fit.

    >>> surprise_bits(torch.tensor([[0.25, 0.75]]), torch.tensor([0]))
    tensor([2.])
    """
    belief, largest = _belief("belief", belief), checked_number("largest", largest, 0.0, open_=True)
    if happened.dtype != torch.int64 or happened.shape != belief.shape[:1]:
        raise ShapeMismatch(
            f"happened is {happened.dtype} {tuple(happened.shape)}.",
            f"Pass int64 of shape ({len(belief)},).",
        )
    if bool(((happened < -1) | (happened >= belief.shape[1])).any()):
        raise InvalidInput(
            f"happened is {happened.tolist()}.",
            f"Options are 0 to {belief.shape[1] - 1}; -1 stands for none of them.",
        )
    found = belief.gather(1, happened.clamp(min=0)[:, None])[:, 0]
    likely = torch.where(happened >= 0, found, 0.0)
    # Adding zero turns the -0 of a certain event into 0.
    bits: Tensor = (-torch.log2(likely)).clamp(max=largest) + 0.0
    return bits


def bayesian_surprise_bits(before: Tensor, after: Tensor) -> Tensor:
    """How far a belief moved [bits], ``[batch]``; infinite where the impossible became possible.

    Raises:
        InvalidInput: If a row is not a distribution.
        ShapeMismatch: If the shapes differ.

    >>> bayesian_surprise_bits(torch.tensor([[0.5, 0.5]]), torch.tensor([[1.0, 0.0]]))
    tensor([1.])
    """
    before, after = _belief("before", before), _belief("after", after)
    if before.shape != after.shape:
        raise ShapeMismatch(
            f"The beliefs are {tuple(before.shape)} and {tuple(after.shape)}.",
            "Compare beliefs about the same options.",
        )
    moved = torch.special.xlogy(after, after) - torch.special.xlogy(after, before)
    bits: Tensor = moved.sum(-1).clamp(min=0.0) / math.log(2.0)
    return bits


def novelty(similarity: Tensor, held: Tensor | None = None) -> Tensor:
    """One minus the largest likeness to what is held, in [0, 1]; 1 where nothing is held.

    Args:
        similarity: Cosines ``[batch, n]``, such as ``Recollections.similarity``.
        held: bool ``[batch, n]``, which of them stand for something.

    >>> novelty(torch.tensor([[0.25, -0.5]]))
    tensor([0.7500])
    """
    if similarity.ndim != 2:
        raise ShapeMismatch(
            f"The similarities have shape {tuple(similarity.shape)}.", "Pass [batch, n]."
        )
    known = similarity if held is None else torch.where(held, similarity, 0.0)
    nothing = torch.zeros(len(known), 1, dtype=known.dtype)
    return 1.0 - torch.cat([known, nothing], -1).amax(-1).clamp(max=1.0)


def importance(
    surprise: Tensor,
    reward: Tensor | None = None,
    novel: Tensor | None = None,
    *,
    surprise_weight: float = 0.8,
    reward_weight: float = 0.8,
    novelty_weight: float = 0.5,
) -> Tensor:
    """Importance in [0, 1] from surprise [bits], reward and novelty; see the module.

    With the weights as they are, no single reason makes an episode protected (0.8) but extreme
    surprise or full reward; two moderate ones do.

    Args:
        surprise: ``[batch]``, bits.
        reward: ``[batch]``, of either sign; 0 when left out.
        novel: ``[batch]`` in [0, 1]; 0 when left out.
        surprise_weight: Weight of surprise, 0 to 1.
        reward_weight: Weight of reward, 0 to 1.
        novelty_weight: Weight of novelty, 0 to 1.

    Raises:
        InvalidInput: If a value is not finite or a weight out of range.
        ShapeMismatch: If a shape differs from ``[batch]``.

    >>> importance(torch.tensor([1.0]), reward=torch.tensor([-0.5]))
    tensor([0.6400])
    """
    rows = len(surprise) if surprise.ndim else 0
    surprise = checked_vectors("surprise", surprise, rows)
    absent = torch.zeros_like(surprise)
    reasons = (
        ("surprise_weight", surprise_weight, 1.0 - torch.exp2(-surprise.clamp(min=0.0))),
        ("reward_weight", reward_weight, absent if reward is None else reward.abs()),
        ("novelty_weight", novelty_weight, absent if novel is None else novel),
    )
    unmoved = torch.ones_like(surprise)
    for name, weight, reason in reasons:
        share = checked_vectors(name.removesuffix("_weight"), reason, rows).clamp(0.0, 1.0)
        unmoved = unmoved * (1.0 - checked_number(name, weight, 0.0, 1.0) * share)
    return 1.0 - unmoved


def _belief(name: str, belief: Tensor) -> Tensor:
    belief = checked_vectors(name, belief, None, None)
    if belief.shape[1] == 0:
        raise ShapeMismatch(f"{name} has no option.", "Pass at least one.")
    total = belief.sum(-1)
    if bool((belief < 0).any()) or not bool(
        torch.isclose(total, torch.ones(()).to(total), atol=1e-4).all()
    ):
        raise InvalidInput(
            f"{name} adds up to {total.tolist()}, its least value is {float(belief.min()):g}.",
            "Pass probabilities, such as softmax gives.",
        )
    return belief
