"""Numbers as PyNN's scripts give them: one, one for each cell, or drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurallayers.circuits.distributions import Distribution, LogNormal, Normal, Uniform
from neurallayers.errors import InvalidInput

PARAMETERS = {
    "uniform": ("low", "high"),
    "normal": ("mu", "sigma"),
    "normal_clipped": ("mu", "sigma", "low", "high"),
    "lognormal": ("mu", "sigma"),
}


class NumpyRNG:
    """A generator of random numbers, for scripts that make one.

    Numbers come from streams of the simulation's own seed, so that they do not hang on the order in
    which a script asks for them.

    Args:
        seed: Kept, not used.
        parallel_safe: Kept, not used.
    """

    def __init__(self, seed: int | None = None, parallel_safe: bool = True) -> None:
        self.seed, self.parallel_safe = seed, parallel_safe


class RandomDistribution:
    """Something numbers are drawn from.

    Args:
        distribution: ``"uniform"`` (low, high), ``"normal"`` (mu, sigma), ``"normal_clipped"`` (mu,
            sigma, low, high; what lies outside is drawn again) or ``"lognormal"`` (mu and sigma of
            the logarithm).
        parameters_pos: Its parameters in that order.
        rng: Not used; see :class:`NumpyRNG`.
        **parameters_named: Its parameters by name.

    Raises:
        InvalidInput: If the distribution is another one, or its parameters are.

    >>> RandomDistribution("uniform", (-70.0, -50.0)).parameters
    {'low': -70.0, 'high': -50.0}
    """

    def __init__(
        self,
        distribution: str,
        parameters_pos: Sequence[float] | None = None,
        rng: Any = None,
        **parameters_named: float,
    ) -> None:
        names = PARAMETERS.get(distribution)
        if names is None:
            raise InvalidInput(
                f"The distribution {distribution!r} is outside of the subset.",
                f"Choose one of {', '.join(PARAMETERS)}.",
            )
        given = dict(parameters_named)
        if parameters_pos is not None:
            given |= dict(zip(names, parameters_pos, strict=False))
        if given.keys() != {*names} or (
            parameters_pos is not None and len(parameters_pos) != len(names)
        ):
            raise InvalidInput(
                f"{distribution!r} has the parameters {parameters_pos or given}.",
                f"It takes {', '.join(names)}.",
            )
        self.name, self.parameters, self.rng = distribution, given, rng


@dataclass(frozen=True)
class Scaled(Distribution):
    """Numbers of a distribution in another unit.

    Attributes:
        of: The distribution.
        factor: By which its numbers are multiplied.
    """

    of: Distribution
    factor: float

    def draw(self, numbers: np.random.Generator, size: int) -> Any:
        """Drawn, then multiplied."""
        return self.factor * self.of.draw(numbers, size)


def drawn_from(given: Any) -> Distribution:
    """Our distribution for PyNN's: ``pyNN.random.RandomDistribution`` or the one above.

    Raises:
        InvalidInput: If it is outside of the subset.
    """
    checked = RandomDistribution(given.name, None, None, **given.parameters)
    p = {name: float(value) for name, value in checked.parameters.items()}
    if checked.name == "uniform":
        return Uniform(p["low"], p["high"])
    if checked.name == "lognormal":
        mean = math.exp(p["mu"] + 0.5 * p["sigma"] ** 2)
        return LogNormal(mean, mean * math.sqrt(math.expm1(p["sigma"] ** 2)))
    return Normal(p["mu"], p["sigma"], p.get("low", -math.inf), p.get("high", math.inf))


def is_drawn(given: Any) -> bool:
    """Whether it is a distribution, of this module or of ``pyNN.random``."""
    return hasattr(given, "parameters") and isinstance(getattr(given, "name", None), str)


def in_unit(given: Any, factor: float, what: str) -> Any:
    """A number, array or distribution in our unit: what a population or projection takes.

    Raises:
        InvalidInput: If it is an expression or a function, which would need positions.
    """
    if is_drawn(given):
        return Scaled(drawn_from(given), factor)
    if isinstance(given, str) or callable(given):
        raise InvalidInput(
            f"{what} is {given!r}.",
            "Functions of the distance are outside of the subset; give numbers or a "
            "RandomDistribution.",
        )
    if np.ndim(given) == 0:
        return float(given) * factor
    return np.asarray(given, dtype=np.float64) * factor
