r"""Surrogate gradients: a hard threshold forward, a smooth derivative backward.

A spike is :math:`s = H(u)`, with :math:`u` the membrane potential less the threshold and :math:`H`
the Heaviside step, whose derivative is zero almost everywhere. Training replaces that derivative by
one of the functions below. Review: Neftci, Mostafa & Zenke (2019), IEEE Signal Process. Mag. 36:51.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from neurallayers.errors import InvalidInput
from neurallayers.registry import Registry


@dataclass(frozen=True)
class Surrogate:
    """A spike function with a substitute derivative.

    Attributes:
        name: Its name in :data:`SURROGATES`.
        slope: Steepness; its meaning is in the maker's docstring [1 / unit of the potential].
        code: Small integer by which fused kernels know the derivative.
    """

    name: str
    slope: float
    code: int

    def __call__(self, distance: Tensor) -> Tensor:
        """Spikes (0 or 1) for the distance of the membrane potential from the threshold."""
        spikes: Tensor = _Spike.apply(distance, self.code, self.slope)
        return spikes

    def derivative(self, distance: Tensor) -> Tensor:
        """The derivative that stands in for that of the step."""
        return _DERIVATIVES[self.code](distance, self.slope)


def _fast_sigmoid(u: Tensor, slope: float) -> Tensor:
    return 0.5 * slope / (1.0 + slope * u.abs()) ** 2


def _arctan(u: Tensor, slope: float) -> Tensor:
    return 0.5 * slope / (1.0 + (0.5 * math.pi * slope * u) ** 2)


def _triangle(u: Tensor, slope: float) -> Tensor:
    return slope * (1.0 - slope * u.abs()).clamp(min=0.0)


def _superspike(u: Tensor, slope: float) -> Tensor:
    return 1.0 / (1.0 + slope * u.abs()) ** 2


def _straight_through(u: Tensor, slope: float) -> Tensor:
    return torch.full_like(u, slope)


_DERIVATIVES: tuple[Callable[[Tensor, float], Tensor], ...] = (
    _fast_sigmoid,
    _arctan,
    _triangle,
    _superspike,
    _straight_through,
)


class _Spike(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(distance: Tensor, code: int, slope: float) -> Tensor:
        return (distance >= 0).to(distance.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        distance, ctx.code, ctx.slope = inputs
        ctx.save_for_backward(distance)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (distance,) = ctx.saved_tensors
        return grad * _DERIVATIVES[ctx.code](distance, ctx.slope), None, None


SURROGATES: Registry[Surrogate] = Registry("surrogate gradient")


def _positive(slope: float) -> float:
    if not (math.isfinite(slope) and slope > 0):
        raise InvalidInput(f"slope is {slope}.", "A surrogate's slope is a positive number.")
    return float(slope)


@SURROGATES.register("fast_sigmoid")
def fast_sigmoid(slope: float = 4.0) -> Surrogate:
    r""":math:`k / 2(1 + k|u|)^2`, the derivative of :math:`\frac12 (1 + ku / (1 + k|u|))`.

    Source: Zenke & Ganguli (2018), Neural Comput. 30:1514, the fast sigmoid of section 3.
    """
    return Surrogate("fast_sigmoid", _positive(slope), 0)


@SURROGATES.register("arctan")
def arctan(slope: float = 2.0) -> Surrogate:
    r""":math:`\frac{k}{2} / (1 + (\frac{\pi}{2} k u)^2)`.

    Source: Fang et al. (2021), Incorporating learnable membrane time constant, ICCV, eq. 9.
    """
    return Surrogate("arctan", _positive(slope), 1)


@SURROGATES.register("triangle")
def triangle(slope: float = 1.0) -> Surrogate:
    r""":math:`k \max(0, 1 - k|u|)`: a triangle of area one and half-width :math:`1/k`.

    Source: Bellec et al. (2018), Long short-term memory in networks of spiking neurons, NeurIPS.
    """
    return Surrogate("triangle", _positive(slope), 2)


@SURROGATES.register("superspike")
def superspike(slope: float = 10.0) -> Surrogate:
    r""":math:`1 / (1 + k|u|)^2`: one at the threshold whatever the slope.

    Source: Zenke & Ganguli (2018), Neural Comput. 30:1514.
    """
    return Surrogate("superspike", _positive(slope), 3)


@SURROGATES.register("straight_through")
def straight_through(slope: float = 1.0) -> Surrogate:
    """A constant: the gradient passes as if there were no threshold.

    Source: Bengio, Leonard & Courville (2013), arXiv:1308.3432.
    """
    return Surrogate("straight_through", _positive(slope), 4)


def surrogate_by_name(name: str | Surrogate, slope: float | None = None) -> Surrogate:
    """The surrogate of that name, with its own slope unless one is given.

    >>> surrogate_by_name("arctan").slope
    2.0
    """
    if isinstance(name, Surrogate):
        return name
    return SURROGATES.make(name) if slope is None else SURROGATES.make(name, slope)
