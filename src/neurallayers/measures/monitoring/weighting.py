r"""Learning the weights of the index from windows that somebody has labelled.

The index :math:`w \cdot c` with weights on the simplex is a score; how likely a window was
remarkable is :math:`p = 1 / (1 + e^{-g (w \cdot c - b)})` with a gain g > 0 and a bias b. Weights,
gain and bias together maximise the likelihood of the labels, with a small penalty that keeps the
weights near those of the project where the labels do not say otherwise.

Source: logistic regression with a convex combination of scores; the softmax parametrisation of the
simplex is that of Bridle (1990), Neurocomputing NATO ASI 68:227.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch.nn import functional

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.measures.monitoring.settings import COMPONENTS, LIGHT

Window = tuple[int, int]


class FittedWeights(NamedTuple):
    """Weights of the four components and how well they tell the windows apart."""

    weights: tuple[float, float, float, float]
    gain: float
    bias: float  # the index above which a window is more likely remarkable than not
    log_likelihood: float  # mean over the windows [nats]


def window_components(components: ArrayLike, windows: Sequence[Window]) -> NDArray[np.float64]:
    """The components of each window: the row where they are largest in sum.

    Args:
        components: ``[rows, 4]`` of one stream, such as ``detect(...).components``.
        windows: First and last row of each, the last included.

    Raises:
        ShapeMismatch: If the components have another shape.
        InvalidInput: If a window does not lie in the stream or holds nothing but missing values.

    >>> window_components([[0, 0, 0, 0], [0.5, 0, 0, 0.25]], [(0, 1)]).tolist()
    [[0.5, 0.0, 0.0, 0.25]]
    """
    rows = _rows(components)
    chosen = []
    for first, last in windows:
        if not 0 <= first <= last < len(rows):
            raise InvalidInput(
                f"The window ({first}, {last}) does not lie in {len(rows)} rows.",
                "Give the first and the last row, both inside.",
            )
        piece = rows[first : last + 1]
        piece = piece[np.isfinite(piece).all(axis=1)]
        if not len(piece):
            raise InvalidInput(
                f"The window ({first}, {last}) has missing values only.", "Leave it out."
            )
        chosen.append(piece[piece.sum(axis=1).argmax()])
    return np.array(chosen).reshape(-1, len(COMPONENTS))


def fit_weights(
    components: ArrayLike, labels: ArrayLike, *, penalty: float = 1e-3, steps: int = 200
) -> FittedWeights:
    """The weights under which the index tells remarkable windows from others best.

    Args:
        components: ``[windows, 4]``, such as those of :func:`window_components`.
        labels: ``[windows]``, true where a window was remarkable.
        penalty: Of squared distance of the weights' logarithms from the project's, and of the gain.
        steps: Iterations at most.

    Raises:
        ShapeMismatch: If the shapes do not fit.
        InvalidInput: If there are not both kinds of window, or a value is missing.

    >>> anomaly = np.tile([0.1, 0.9], 20)
    >>> noise = np.tile([0.5, 0.5, 0.2, 0.2], 10)
    >>> parts = np.stack([noise, noise, noise, anomaly], axis=1)
    >>> fit_weights(parts, anomaly > 0.5).weights[3] > 0.5
    True
    """
    rows, truth = _rows(components), np.asarray(labels).astype(bool)
    if truth.shape != (len(rows),):
        raise ShapeMismatch(f"labels has shape {truth.shape}.", f"Give {len(rows)} labels.")
    if not np.isfinite(rows).all():
        raise InvalidInput("A component is nan or infinite.", "Leave out windows without values.")
    if truth.all() or not truth.any():
        raise InvalidInput(
            "All windows have the same label.", "Show remarkable windows and others."
        )
    return _maximise(torch.from_numpy(rows), torch.from_numpy(truth).double(), penalty, steps)


def _maximise(
    parts: torch.Tensor, truth: torch.Tensor, penalty: float, steps: int
) -> FittedWeights:
    prior = torch.tensor(LIGHT.weights, dtype=torch.float64).log()
    logits = prior.clone().requires_grad_()
    log_gain = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    bias = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [logits, log_gain, bias],
        max_iter=steps,
        line_search_fn="strong_wolfe",
        tolerance_grad=1e-9,
        tolerance_change=1e-12,
    )

    def loss() -> torch.Tensor:
        score = log_gain.exp() * (parts @ torch.softmax(logits, 0) - bias)
        return functional.binary_cross_entropy_with_logits(score, truth)

    def closure() -> Any:
        optimiser.zero_grad()
        held = (logits - prior).square().sum() + log_gain.square()
        total = loss() + penalty * held
        total.backward()
        return total

    with torch.enable_grad():
        optimiser.step(closure)
    weights = torch.softmax(logits.detach(), 0).tolist()
    return FittedWeights(
        weights=(weights[0], weights[1], weights[2], weights[3]),
        gain=float(log_gain.detach().exp()),
        bias=float(bias.detach()),
        log_likelihood=-float(loss().detach()),
    )


def _rows(components: ArrayLike) -> NDArray[np.float64]:
    try:
        rows = np.asarray(components, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"The components cannot be read ({error}).", "Give numbers, [rows, 4]."
        ) from error
    if rows.ndim != 2 or rows.shape[1] != len(COMPONENTS) or not len(rows):
        raise ShapeMismatch(
            f"The components have shape {rows.shape}.", "Give [rows, 4] with at least one row."
        )
    return rows
