"""How the present of several channels goes with their past: the covariances of a Gaussian process.

All Gaussian measures of integration depend on three matrices only: the covariance of the past, of
the present, and between the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_discrete_lyapunov

from neurallayers.errors import InvalidInput, ShapeMismatch

Array = NDArray[np.float64]

SMALLEST_EIGENVALUE = 1e-12
"""Of a correlation matrix; below it a channel is a combination of others but for rounding."""


@dataclass(frozen=True)
class LaggedCovariance:
    """The covariances of channels at one time and ``lag`` steps later.

    Args:
        past: ``[channels, channels]``, covariance of the earlier time.
        cross: ``[channels, channels]``, ``cross[i, j]`` is the covariance of channel i at the later
            time with channel j at the earlier one.
        present: ``[channels, channels]``, covariance of the later time; for a stationary process
            that of the past, which stands in if it is left out.

    Raises:
        ShapeMismatch: If a matrix has another shape.
        InvalidInput: If a number is not finite, a covariance is not symmetric, or past and present
            together are not positive definite: a channel is constant, is a combination of others,
            or is wholly determined by the past (then its information is infinite).

    >>> from neurallayers.measures.integration.gaussian_covariance import LaggedCovariance
    >>> LaggedCovariance([[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.0], [0.0, 0.5]]).channels
    2
    """

    past: Array
    cross: Array
    present: Array

    def __init__(self, past: ArrayLike, cross: ArrayLike, present: ArrayLike | None = None) -> None:
        earlier = _square("past", past)
        later = earlier if present is None else _square("present", present)
        between = _square("cross", cross)
        if not earlier.shape == between.shape == later.shape:
            raise ShapeMismatch(
                f"past is {earlier.shape}, cross {between.shape}, present {later.shape}.",
                "Give three matrices [channels, channels] of the same channels.",
            )
        for name, matrix in (("past", earlier), ("present", later)):
            _check_symmetric(name, matrix)
        _check_definite(np.block([[earlier, between.T], [between, later]]))
        for name, matrix in (("past", earlier), ("cross", between), ("present", later)):
            frozen = matrix.copy()
            frozen.flags.writeable = False
            object.__setattr__(self, name, frozen)

    @property
    def channels(self) -> int:
        """How many channels there are."""
        return int(self.past.shape[0])

    @classmethod
    def of_data(cls, data: Any, *, lag_steps: int = 1) -> LaggedCovariance:
        """Estimate from a recording, each pair of times ``lag_steps`` apart being one sample.

        Args:
            data: ``[time, channels]``, numpy, torch or nested sequences. Means are taken off.
            lag_steps: Steps between past and present, at least 1.

        Raises:
            ShapeMismatch: If the data do not have two axes.
            InvalidInput: If a value is not finite, if there are not more pairs of times than twice
                the channels, or if the estimate is not positive definite.

        >>> import numpy as np
        >>> noise = np.random.default_rng(0).normal(size=(1000, 3))
        >>> LaggedCovariance.of_data(noise).channels
        3
        """
        values = _recording(data)
        if isinstance(lag_steps, bool) or not isinstance(lag_steps, int | np.integer):
            raise InvalidInput(f"lag_steps is {lag_steps!r}.", "Give a whole number of steps.")
        if lag_steps < 1:
            raise InvalidInput(f"lag_steps is {lag_steps}.", "Take at least 1 step.")
        times, channels = values.shape
        if times - lag_steps <= 2 * channels:
            raise InvalidInput(
                f"{times} times at a lag of {lag_steps} leave {max(times - lag_steps, 0)} pairs for"
                f" {channels} channels.",
                "Give more than twice as many pairs as channels (hundreds for a useful estimate).",
            )
        # Both ends of a pair in one sample: the estimate is positive semidefinite by construction.
        pairs = np.concatenate([values[:-lag_steps], values[lag_steps:]], axis=1)
        joint = np.cov(pairs, rowvar=False)
        return cls(
            joint[:channels, :channels], joint[channels:, :channels], joint[channels:, channels:]
        )

    @classmethod
    def of_autoregression(
        cls, coefficients: ArrayLike, noise: ArrayLike, *, lag_steps: int = 1
    ) -> LaggedCovariance:
        r"""The exact covariances of a stationary process x(t) = A x(t - 1) + e(t).

        .. math:: \Sigma = A \Sigma A^T + \Sigma_e, \qquad \mathrm{Cov}(x_t, x_{t-k}) = A^k \Sigma

        Args:
            coefficients: A, ``[channels, channels]``: entry i, j is the weight from j to i.
            noise: Covariance of the noise e, ``[channels, channels]``.
            lag_steps: k, at least 1.

        Raises:
            InvalidInput: If the process is not stationary (an eigenvalue of A has a modulus of 1 or
                more) or something is not a finite square matrix.

        >>> process = LaggedCovariance.of_autoregression([[0.6]], [[1.0]])
        >>> round(float(process.past[0, 0]), 6), round(float(process.cross[0, 0]), 6)
        (1.5625, 0.9375)
        """
        weights, shocks = _square("coefficients", coefficients), _square("noise", noise)
        if weights.shape != shocks.shape:
            raise ShapeMismatch(
                f"coefficients are {weights.shape} and noise {shocks.shape}.",
                "Give both for the same channels.",
            )
        _check_symmetric("noise", shocks)
        if lag_steps < 1:
            raise InvalidInput(f"lag_steps is {lag_steps}.", "Take at least 1 step.")
        radius = float(np.abs(np.linalg.eigvals(weights)).max())
        if radius >= 1.0:
            raise InvalidInput(
                f"The spectral radius of the coefficients is {radius:g}: not stationary.",
                "Scale the coefficients so that every eigenvalue has a modulus below 1.",
            )
        covariance = solve_discrete_lyapunov(weights, shocks)
        covariance = (covariance + covariance.T) / 2.0
        return cls(covariance, np.linalg.matrix_power(weights, int(lag_steps)) @ covariance)

    def standardized(self) -> LaggedCovariance:
        """The same with unit variances, which changes no measure of information."""
        earlier = 1.0 / np.sqrt(np.diag(self.past))
        later = 1.0 / np.sqrt(np.diag(self.present))
        return LaggedCovariance(
            self.past * np.outer(earlier, earlier),
            self.cross * np.outer(later, earlier),
            self.present * np.outer(later, later),
        )


def _recording(data: Any) -> Array:
    if isinstance(data, torch.Tensor):
        data = data.detach().cpu().numpy()
    values = _numbers("The data", data)
    if values.ndim != 2 or not values.size:
        raise ShapeMismatch(
            f"The data have shape {values.shape}, expected [time, channels].",
            "Put time first and the channels second.",
        )
    if not np.isfinite(values).all():
        time, channel = np.argwhere(~np.isfinite(values))[0]
        raise InvalidInput(
            f"The data are {values[time, channel]} at time {time} in channel {channel}.",
            "Cut out or interpolate what was not recorded.",
        )
    return values


def _numbers(name: str, values: Any) -> Array:
    try:
        numbers = np.asarray(values)
        if np.iscomplexobj(numbers):
            raise InvalidInput(f"{name}: complex numbers.", "Give real numbers.")
        return np.asarray(numbers, dtype=np.float64)
    except InvalidInput:
        raise
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"{name}: no array of numbers ({error}).", "Give real numbers."
        ) from None


def _square(name: str, matrix: ArrayLike) -> Array:
    if isinstance(matrix, torch.Tensor):
        matrix = matrix.detach().cpu().numpy()
    values = _numbers(name, matrix)
    if values.ndim != 2 or values.shape[0] != values.shape[1] or not values.size:
        raise ShapeMismatch(
            f"{name} has shape {values.shape}, expected [channels, channels].",
            "Give a square matrix, also for one channel: [[1.0]].",
        )
    if not np.isfinite(values).all():
        raise InvalidInput(f"{name} has an entry that is not finite.", "Give finite numbers.")
    return values


def _check_symmetric(name: str, matrix: Array) -> None:
    scale = float(np.abs(matrix).max())
    if float(np.abs(matrix - matrix.T).max()) > 1e-9 * scale:
        raise InvalidInput(
            f"{name} is not symmetric.", "A covariance is: pass (matrix + matrix.T) / 2 if you may."
        )


def _check_definite(joint: Array) -> None:
    variances = np.diag(joint)
    if (variances <= 0.0).any():
        channel = int(np.argmax(variances <= 0.0)) % (joint.shape[0] // 2)
        raise InvalidInput(
            f"Channel {channel} has the variance {variances.min():g}.",
            "Leave out channels that never change.",
        )
    scale = 1.0 / np.sqrt(variances)
    smallest = float(np.linalg.eigvalsh(joint * np.outer(scale, scale))[0])
    if smallest < SMALLEST_EIGENVALUE:
        raise InvalidInput(
            "Past and present together are not positive definite: the smallest eigenvalue of their"
            f" correlation matrix is {smallest:.3g}.",
            "Leave out channels that are combinations of others (an average reference makes one),"
            " or add a little independent noise; what the past determines wholly carries infinite"
            " information.",
        )
