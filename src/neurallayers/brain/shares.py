"""How sure an answer is: the soft-max shares of scores."""

from __future__ import annotations

import math
from collections.abc import Sequence


def softmax_shares(scores: Sequence[float]) -> list[float]:
    """Soft-max of scores, in their order; the sum is rounded once, whatever their number.

    Args:
        scores: Finite scores; may be empty.

    >>> softmax_shares([2.0, 2.0])
    [0.5, 0.5]
    """
    highest = max(scores, default=0.0)
    weights = [math.exp(score - highest) for score in scores]
    total = math.fsum(weights)
    return [weight / total for weight in weights]
