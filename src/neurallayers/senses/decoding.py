"""Decoders: the activity of read-out neurons over time as one score for each of them.

Each is a pure function of activity ``[time, batch, n]`` that gives scores ``[batch, n]``; the
higher the score, the more the neuron speaks for its class. A row's scores depend on that row alone.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.registry import Registry

DECODERS: Registry[Tensor] = Registry("decoder")


def _check(activity: Tensor) -> None:
    if activity.ndim != 3 or activity.shape[0] == 0:
        raise ShapeMismatch(
            f"The activity has shape {tuple(activity.shape)}.",
            "Give [time, batch, n] with at least one step.",
        )


@DECODERS.register("spike_count")
def spike_count(activity: Tensor) -> Tensor:
    r"""How often a neuron fired: :math:`\frac1T \sum_t s_t`, in spikes a step (0 to 1).

    On potentials instead of spikes it is their mean. Differentiable.

    Source: rate as a spike count over the trial: Dayan & Abbott (2001), Theoretical Neuroscience,
    eq. 1.4.

    Args:
        activity: ``[time, batch, n]``.

    Returns:
        Scores ``[batch, n]``.

    Raises:
        ShapeMismatch: If the activity has other axes or no step.

    >>> spike_count(torch.tensor([[[1.0, 0.0]], [[1.0, 1.0]]]))
    tensor([[1.0000, 0.5000]])
    """
    _check(activity)
    return activity.mean(dim=0)


@DECODERS.register("first_spike")
def first_spike(activity: Tensor) -> Tensor:
    r"""Who fired first: :math:`1 - t/T` for a first spike in step :math:`t`, 0 for a silent neuron.

    A spike in the first step scores 1, in the last one 1/T; neurons that first fire in the same
    step tie. Gradients reach the first spike of each neuron (all steps of a silent one, alike),
    where a surrogate gradient takes them further.

    Source: Thorpe, Delorme & Van Rullen (2001), Neural Netw. 14:715.

    Args:
        activity: Spikes ``[time, batch, n]``, 0 or 1.

    Returns:
        Scores ``[batch, n]``.

    Raises:
        ShapeMismatch: If the activity has other axes or no step.

    >>> first_spike(torch.tensor([[[1.0, 0.0, 0.0]], [[1.0, 1.0, 0.0]]]))
    tensor([[1.0000, 0.5000, 0.0000]])
    """
    _check(activity)
    steps = activity.shape[0]
    earliness = 1.0 - torch.arange(steps, dtype=activity.dtype, device=activity.device) / steps
    return (activity * earliness[:, None, None]).amax(dim=0)


@DECODERS.register("leaky_integral")
def leaky_integral(activity: Tensor, *, tau_ms: float = 20.0, dt_ms: float = 1.0) -> Tensor:
    r"""What a leaky integrator holds at the end: the later a spike, the more it weighs.

    .. math:: \sum_t (1 - \alpha) \, \alpha^{T - 1 - t} \, s_t, \qquad \alpha = e^{-\Delta t/\tau}

    It is the exact solution of :math:`\tau \, dv/dt = -v + s` from rest, equal to the last output
    of :class:`~neurallayers.dynamics.neurons.LeakyIntegrator`. Differentiable.

    Source: Gerstner, Kistler, Naud & Paninski (2014), Neuronal Dynamics, section 1.3.

    Args:
        activity: ``[time, batch, n]``.
        tau_ms: Time constant [ms].
        dt_ms: Length of a step [ms].

    Returns:
        Scores ``[batch, n]``, in units of the activity.

    Raises:
        ShapeMismatch: If the activity has other axes or no step.
        InvalidInput: If a time is not positive.

    >>> scores = leaky_integral(torch.ones(1000, 1, 1))
    >>> round(scores.item(), 4)
    1.0
    """
    _check(activity)
    for name, value in (("tau_ms", tau_ms), ("dt_ms", dt_ms)):
        if not 0.0 < value < math.inf:
            raise InvalidInput(f"{name} is {value}.", "It must be positive (tau: 10 to 100 ms).")
    decay, share = math.exp(-dt_ms / tau_ms), -math.expm1(-dt_ms / tau_ms)
    # One step after the other: torch's sum takes another order, and gives other last bits, for
    # other numbers of rows.
    integral = torch.zeros_like(activity[0])
    for step in activity:
        integral = decay * integral + share * step
    return integral
