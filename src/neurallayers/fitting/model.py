"""What a model that is to be fitted consists of: parameters with bounds, and its equations twice.

Compiled, the equations advance :data:`LANES` candidates at once through a sweep; on tensors, they
are followed by gradients. Both call the same functions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numba
import numpy as np
from numba import types
from numba.extending import intrinsic
from torch import Tensor

from neurallayers.dynamics.kernels.compiler import fingerprint
from neurallayers.dynamics.kernels.equations import OPTIONS
from neurallayers.errors import InvalidInput, UnknownName
from neurallayers.measures.spike_trains import Array
from neurallayers.registry import Registry, nearest_name

LANES = 32
"""Candidates that are simulated side by side."""


@dataclass(frozen=True)
class Parameter:
    """A number to be fitted.

    Args:
        name: Its name, with the unit.
        lower: Smallest value that is looked at.
        upper: Largest value that is looked at.
        logarithmic: Whether steps are in proportion to the value; for what must be positive.
    """

    name: str
    lower: float
    upper: float
    logarithmic: bool = False

    def value(self, place: Any) -> Any:
        """The value at a place from 0 (lower) to 1 (upper); of numbers or tensors."""
        if self.logarithmic:
            span = math.log(self.upper / self.lower)
            return (
                self.lower * (place * span).exp()
                if isinstance(place, Tensor)
                else (self.lower * np.exp(place * span))
            )
        return self.lower + (self.upper - self.lower) * place

    def place(self, value: float) -> float:
        """The place from 0 to 1 of a value; outside of the bounds, the nearer end."""
        if self.lower == self.upper:
            return 0.5
        if self.logarithmic:
            place = math.log(max(value, 1e-300) / self.lower) / math.log(self.upper / self.lower)
        else:
            place = (value - self.lower) / (self.upper - self.lower)
        return min(max(place, 0.0), 1.0)


class Trajectory(Protocol):
    """The equations on tensors, for gradients; see :mod:`neurallayers.fitting.gradient`."""

    def __call__(
        self, values: list[Tensor], windows: Any, step_ms: float
    ) -> tuple[Tensor, Tensor | None]:
        """Potential [mV] and distance to threshold [mV] or None, ``[time, rows]``."""
        ...


@dataclass(frozen=True)
class NeuronModel:
    """A neuron model that can be fitted.

    Attributes:
        name: Its name in :data:`MODELS`.
        parameters: What is fitted.
        step_ms: Length of a step [ms]; part of the model, as fitted values make up for its error.
        variables: Names of the state variables, the membrane potential first.
        coefficients: Makes of the parameters ``[parameters, lanes]`` and the step the numbers that
            a step needs, ``[coefficients, lanes]``.
        initial: The state ``[variables, lanes]`` at rest, of the parameters ``[parameters,
            lanes]`` and, where it is known, the membrane potential [mV].
        advance: The compiled loop over time; see :func:`sweep_kernel`.
        trajectory: The same on tensors.
        source: Where the equations are published.
    """

    name: str
    parameters: tuple[Parameter, ...]
    step_ms: float
    variables: tuple[str, ...]
    coefficients: Callable[[Array, float], Array]
    initial: Callable[[Array, float | None], Array]
    advance: Callable[..., Any]
    trajectory: Trajectory
    source: str

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return tuple(parameter.name for parameter in self.parameters)

    def with_bounds(self, bounds: Mapping[str, tuple[float, float]]) -> NeuronModel:
        """The same model, looked for within other bounds.

        Raises:
            UnknownName: If there is no such parameter.
            InvalidInput: If a lower bound is above the upper one, or a positive parameter
                could become zero or negative.
        """
        for name, (lower, upper) in bounds.items():
            if name not in self.names:
                raise UnknownName(
                    f"{self.name} has no parameter {name!r}.", nearest_name(name, list(self.names))
                )
            if not -math.inf < lower <= upper < math.inf:
                raise InvalidInput(
                    f"The bounds of {name} are {lower} and {upper}.",
                    "Give (lower, upper), or a value twice to fix it.",
                )
        parameters = []
        for old in self.parameters:
            lower, upper = bounds.get(old.name, (old.lower, old.upper))
            if old.logarithmic and lower <= 0.0:
                raise InvalidInput(
                    f"The lower bound of {old.name} is {lower}.", "It must stay positive."
                )
            parameters.append(Parameter(old.name, lower, upper, old.logarithmic))
        return NeuronModel(**{**self.__dict__, "parameters": tuple(parameters)})

    def values(self, places: Array) -> Array:
        """Parameter values of places from 0 to 1, ``[parameters, candidates]`` both."""
        return np.stack(
            [parameter.value(row) for parameter, row in zip(self.parameters, places, strict=True)]
        )


def _pointer(typing_context: Any, array: Any) -> Any:
    signature = types.CPointer(array.dtype)(array)

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return context.make_array(array)(context, builder, values[0]).data

    return signature, generate


pointer: Any = intrinsic(_pointer)
"""Where the numbers of an array are, in compiled code: for ``carray``, which gives them a length
that is known when a kernel is compiled."""


def sweep_kernel(function: Callable[..., Any], *sources: str) -> Callable[..., Any]:
    """Compile a loop over the steps of a sweep.

    It takes ``(block, current_pa, step_ms, potential_mv, spike_times_ms, counts)``: the block is
    one stretch of memory with a row of :data:`LANES` numbers for each state variable and then each
    coefficient; ``potential_mv`` ``[time, lanes]``, ``spike_times_ms`` ``[lanes, most]`` and
    ``counts`` ``[lanes]`` are written. A candidate that fires more often than there is room is
    counted on and not written.
    """
    # numba knows stored code by the function's own file; what it calls from ours is named here.
    function.__qualname__ += f".{fingerprint(*sources)}"
    compiled: Callable[..., Any] = numba.njit(cache=True, **OPTIONS)(function)
    return compiled


MODELS: Registry[NeuronModel] = Registry("neuron model")
