r"""Integrated information of continuous recordings, under the assumption that they are Gaussian.

One call measures a recording, finds the partition at which it holds together least, and says what
its parts know:

>>> import numpy as np
>>> from neurallayers.measures.integration import gaussian
>>> process = gaussian.LaggedCovariance.of_autoregression([[0.4, 0.4], [0.4, 0.4]], np.eye(2))
>>> result = gaussian.gaussian_integration(process, "phi_star")
>>> result.partition, round(result.phi_nats, 4), round(result.information_nats, 4)
(((0,), (1,)), 0.1468, 0.5108)

The measures and their equations are in
:mod:`~neurallayers.measures.integration.gaussian_measures`. They describe statistical dependence in
time; none of them says whether anything is conscious.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from neurallayers.errors import InvalidInput, UnknownName
from neurallayers.measures.integration.gaussian_covariance import LaggedCovariance
from neurallayers.measures.integration.gaussian_measures import (
    MEASURES,
    mismatched_information,
    time_delayed_information,
)
from neurallayers.measures.integration.gaussian_partitions import (
    NORMALIZATIONS,
    SEARCHES,
    Parts,
    checked_partition,
    entropy_scale_nats,
    minimum_information_bipartition,
)
from neurallayers.registry import nearest_name

__all__ = [
    "GaussianIntegration",
    "LaggedCovariance",
    "gaussian_integration",
    "gaussian_phi_r",
    "gaussian_phi_star",
    "mismatched_information",
    "time_delayed_information",
]

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class GaussianIntegration:
    """What was found about one process.

    Args:
        measure: Name of the measure.
        phi_nats: Its value at the partition [nats].
        partition: The parts, each a tuple of channels.
        normalized: The value over the normalization of the partition; the value itself without one.
        information_nats: Mutual information between the past and the present of the whole [nats].
        information_of_parts_nats: The same for each part alone [nats].
        partitions_tried: Among how many partitions this one was least; 1 if it was given.
        exact: Whether the search is proven to find the least one.
    """

    measure: str
    phi_nats: float
    partition: Parts
    normalized: float
    information_nats: float
    information_of_parts_nats: tuple[float, ...]
    partitions_tried: int
    exact: bool

    @property
    def phi_bits(self) -> float:
        """The value in bits.

        >>> import numpy as np
        >>> process = LaggedCovariance(np.eye(2), 0.5 * np.eye(2)[::-1])
        >>> result = gaussian_integration(process, "stochastic_interaction")
        >>> round(result.phi_nats / result.phi_bits, 6)
        0.693147
        """
        return self.phi_nats / math.log(2.0)

    def __str__(self) -> str:
        parts = " | ".join(",".join(str(channel) for channel in part) for part in self.partition)
        return (
            f"{self.measure} {self.phi_nats:.6g} nats across {parts}; the whole knows"
            f" {self.information_nats:.6g} nats of its present from its past"
        )


def gaussian_integration(
    data: Any,
    measure: str = "phi_star",
    *,
    lag_steps: int = 1,
    partition: Any = None,
    normalization: str = "none",
    search: str = "exhaustive",
    progress: Progress | None = None,
) -> GaussianIntegration:
    """Measure how far a recording or a Gaussian process is more than its parts.

    Args:
        data: A recording ``[time, channels]`` (numpy, torch or nested sequences), which is taken
            for stationary and Gaussian, or a :class:`LaggedCovariance`.
        measure: ``"phi_star"``, ``"phi_r"``, ``"phi_g"``, ``"whole_minus_sum"`` (phi_E and phi_AR),
            ``"stochastic_interaction"`` or ``"mutual_information"``.
        lag_steps: Steps between past and present; not used with a :class:`LaggedCovariance`.
        partition: Parts to measure across, such as ``[[0, 1], [2]]``, or ``"atomic"`` for each
            channel alone; the bipartition with the least value if left out.
        normalization: ``"none"``, or ``"entropy"`` to compare bipartitions by the value over the
            entropy of the smaller part (Barrett & Seth 2011), which is defined for
            channels whose parts have positive differential entropies only.
        search: ``"exhaustive"`` (up to 16 channels; 14 take seconds), or ``"queyranne"`` for many
            channels, exact for ``"mutual_information"`` and a good guess for the others.
        progress: Called as ``progress(done, total)`` during the search.

    Returns:
        The value, the partition, and the information of the whole and of the parts.

    Raises:
        InvalidInput: If the data are not finite, too short, degenerate, or an option is unknown.
        ShapeMismatch: If the data are not ``[time, channels]``.
        UnknownName: If the measure is unknown.

    >>> import numpy as np
    >>> apart = LaggedCovariance.of_autoregression([[0.8, 0.0], [0.0, 0.5]], np.eye(2))
    >>> abs(gaussian_integration(apart).phi_nats) < 1e-12
    True
    >>> copies = LaggedCovariance.of_autoregression([[0.4, 0.4], [0.4, 0.4]], np.eye(2))
    >>> gaussian_integration(copies, "phi_r").phi_nats > 0.0
    True
    """
    process = data if isinstance(data, LaggedCovariance) else None
    if process is None:
        process = LaggedCovariance.of_data(data, lag_steps=lag_steps)
    function = _measure(measure)
    for option, chosen, known in (
        ("normalization", normalization, NORMALIZATIONS),
        ("search", search, SEARCHES),
    ):
        if chosen not in known:
            raise InvalidInput(f"{option} is {chosen!r}.", f"Choose among: {', '.join(known)}.")
    if process.channels < 2:
        raise InvalidInput("One channel has no parts.", "Measure at least two channels.")
    tried, exact = 1, True
    # Measures do not depend on the units of the channels, rounding does.
    plain = process.standardized()
    if partition is None:
        parts, tried = minimum_information_bipartition(
            plain, function, scale=_scale(process, normalization), search=search, progress=progress
        )
        exact = search == "exhaustive" or (
            measure == "mutual_information" and normalization == "none"
        )
    else:
        parts = checked_partition(partition, process.channels)
    value = function(plain, parts)
    scale = _scale(process, normalization)(parts)
    return GaussianIntegration(
        measure=measure,
        phi_nats=value,
        partition=parts,
        normalized=value / scale,
        information_nats=time_delayed_information(plain),
        information_of_parts_nats=tuple(
            time_delayed_information(plain, part, part) for part in parts
        ),
        partitions_tried=tried,
        exact=exact,
    )


def gaussian_phi_star(data: Any, **options: Any) -> float:
    """Phi* of a recording or process at its minimum information bipartition [nats].

    Options are those of :func:`gaussian_integration`.

    >>> import numpy as np
    >>> process = LaggedCovariance.of_autoregression(np.full((2, 2), 0.4), np.eye(2))
    >>> round(gaussian_phi_star(process), 4)
    0.1468
    """
    return gaussian_integration(data, "phi_star", **options).phi_nats


def gaussian_phi_r(data: Any, **options: Any) -> float:
    """phi_R of a recording or process at its minimum information bipartition [nats].

    Options are those of :func:`gaussian_integration`.

    >>> import numpy as np
    >>> process = LaggedCovariance.of_autoregression(np.full((2, 2), 0.4), np.eye(2))
    >>> round(gaussian_phi_r(process), 4)
    0.2985
    """
    return gaussian_integration(data, "phi_r", **options).phi_nats


def _measure(name: str) -> Callable[[LaggedCovariance, Parts], float]:
    try:
        return MEASURES[name]
    except (KeyError, TypeError):
        raise UnknownName(
            f"There is no Gaussian measure of integration called {name!r}.",
            nearest_name(str(name), list(MEASURES)),
        ) from None


def _scale(process: LaggedCovariance, normalization: str) -> Callable[[Parts], float]:
    if normalization == "none":
        return lambda parts: 1.0
    return lambda parts: entropy_scale_nats(process, parts)
