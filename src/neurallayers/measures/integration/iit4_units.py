r"""Units as in the examples of IIT 4.0: each is ON with a logistic probability of its inputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.measures.integration.substrate import Substrate
from neurallayers.measures.integration.transitions import bits


def logistic_substrate(
    weights: ArrayLike, slope: float, *, labels: Sequence[str] | None = None
) -> Substrate:
    r"""Units that are ON with a logistic probability of what they receive.

    .. math:: p(U_i = 1 | u) = \frac{1}{1 + \exp(-k \sum_j w_{ji} u_j)}, \qquad u_j \in \{-1, 1\}

    Args:
        weights: ``[n, n]``, entry ``(j, i)`` the weight of the connection from unit j to unit i.
        slope: k, larger than 0: larger slopes are less noisy.
        labels: Names of the units.

    Raises:
        ShapeMismatch: If the weights are not square.
        InvalidInput: If a number is not finite or the slope is not positive.

    Source: Albantakis et al. (2023), PLoS Comput. Biol. 19(10):e1011465, eq. 60 and 61.

    >>> substrate = logistic_substrate([[0.0, 1.0], [1.0, 0.0]], slope=2.0)
    >>> substrate.tpm[substrate.row((1, 0))].round(4).tolist()
    [0.1192, 0.8808]
    """
    try:
        matrix = np.array(weights, dtype=np.float64)
        steepness = float(slope)
    except (TypeError, ValueError):
        raise InvalidInput("The weights or the slope are no numbers.", "Give numbers.") from None
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise ShapeMismatch(
            f"The weights have shape {matrix.shape}, expected [units, units].",
            "Give the weight from unit j to unit i at (j, i).",
        )
    if not np.isfinite(matrix).all() or not np.isfinite(steepness) or steepness <= 0.0:
        raise InvalidInput(
            f"The slope is {slope!r} and the largest weight {np.abs(matrix).max()!r}.",
            "Give finite weights and a finite slope above 0.",
        )
    received = (2.0 * bits(len(matrix)) - 1.0) @ matrix
    # exp of a positive number only, which never overflows to something else than 0.
    small = np.exp(-np.abs(steepness * received))
    on = np.where(received >= 0.0, 1.0 / (1.0 + small), small / (1.0 + small))
    return Substrate(on, (matrix != 0.0).astype(int), labels)
