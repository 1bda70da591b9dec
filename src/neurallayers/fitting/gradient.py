r"""Fitting by gradient, through the simulation itself, from several starts at once.

The recordings are cut into windows. In each the model starts from the recorded potential and, where
it resets, is given the recorded spikes for its own (teacher forcing), so that errors do not pile up
and no gradient has to pass through a spike. What is made smaller is

.. math:: L = \frac{1}{2 s^2} \langle (v - v_{rec})^2 \rangle_{quiet}
              + \frac{1}{N} \Big( \sum_t \lambda_t \Delta t - \sum_{spikes} \ln \lambda_t \Delta t
              \Big), \qquad \lambda = \tau_0^{-1} e^{(v - \vartheta) / \delta}

with the potential away from spikes and the likelihood of the spikes under escape noise. For models
that make their spikes by conductances there is no threshold, and the potential counts everywhere.

Source: Mensi et al. (2012), J. Neurophysiol. 107:1756, eq. 8 and 10; escape noise: Gerstner et al.
(2014), Neuronal Dynamics, eq. 9.5; optimiser: Kingma & Ba (2015), Adam.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from neurallayers.fitting.model import NeuronModel
from neurallayers.fitting.sweep import Sweep, resampled
from neurallayers.measures.spike_trains import Array
from neurallayers.seeding import stream

SPREAD_MV = 5.0  # s
ESCAPE_MV = 2.0  # delta
ESCAPE_MS = 5.0  # tau_0
_MEMORY_MS = 200.0
_MOST_BEFORE = 64
_QUIET_MS = (2.0, 6.0)
_LEARNING_RATE = 0.05


class Windows:
    """Windows of recordings, ``[windows]`` or ``[time, windows]``.

    Attributes:
        start_mv: Recorded potential at the beginning [mV].
        mean_before_mv: Its average over the 200 ms before [mV].
        potential_mv: What was recorded [mV].
        quiet: 1 away from recorded spikes, else 0.
        spikes: 1 in steps with a recorded spike, else 0.
    """

    def __init__(self, sweeps: Sequence[Sweep], step_ms: float, window_ms: float) -> None:
        length = round(window_ms / step_ms)
        cut = [part for sweep in sweeps for part in _cut(sweep, step_ms, length)]
        names = ("current", "potential_mv", "quiet", "spikes", "since")
        stacked = {
            name: torch.tensor(np.stack([part[name] for part in cut], axis=-1)) for name in names
        }
        self.current, self.since = stacked["current"], stacked["since"]
        self.potential_mv, self.quiet = stacked["potential_mv"], stacked["quiet"]
        self.spikes = stacked["spikes"]
        self.delays_ms = torch.tensor(np.stack([part["delays"] for part in cut]))
        self.start_mv = torch.tensor([float(part["start"]) for part in cut], dtype=torch.float64)
        self.mean_before_mv = torch.tensor(
            [float(part["mean"]) for part in cut], dtype=torch.float64
        )

    def __len__(self) -> int:
        return int(self.start_mv.shape[0])

    def chosen(self, places: Tensor) -> Windows:
        """Some of the windows."""
        part = object.__new__(Windows)
        for name, tensor in self.__dict__.items():
            first = name in ("delays_ms", "start_mv", "mean_before_mv")
            part.__dict__[name] = tensor[places] if first else tensor[:, places]
        return part

    def trace_before(self, tau_ms: Tensor) -> Tensor:
        """What exponentials of earlier spikes have left at the beginning, ``[starts, windows]``."""
        return torch.exp(-self.delays_ms / tau_ms[..., None]).sum(-1)

    def steps(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Current, spike and time since the last spike, of each step."""
        return zip(self.current, self.spikes, self.since, strict=True)


def _cut(sweep: Sweep, step_ms: float, length: int) -> Iterator[dict[str, Array]]:
    """The windows of a sweep, one after the other; a rest that does not fill one is left out."""
    current = resampled(sweep.current, sweep.dt_ms, step_ms)
    potential = resampled(sweep.potential, sweep.dt_ms, step_ms)
    time = np.arange(1, current.size + 1) * step_ms
    spikes = sweep.spike_times_ms
    fired = np.zeros(current.size)
    fired[np.minimum((spikes / step_ms).astype(np.int64), current.size - 1)] = 1.0
    quiet, since = np.ones(current.size), np.full(current.size, 1e3)
    for spike in spikes:
        quiet[(time > spike - _QUIET_MS[0]) & (time < spike + _QUIET_MS[1])] = 0.0
        since[time > spike + step_ms] = time[time > spike + step_ms] - spike
    memory = max(1, round(_MEMORY_MS / step_ms))
    for start in range(0, current.size - length + 1, length):
        part = slice(start, start + length)
        past = spikes[spikes < start * step_ms][-_MOST_BEFORE:]
        delays = np.full(_MOST_BEFORE, 1e9)
        delays[: past.size] = start * step_ms - past
        before = potential[max(0, start - memory) : start + 1]
        yield {
            "current": current[part],
            "potential_mv": potential[part],
            "quiet": quiet[part],
            "spikes": fired[part],
            "since": since[part],
            "delays": delays,
            "start": potential[max(0, start - 1)],
            "mean": np.minimum(before, -20.0).mean(),
        }


def window_loss(model: NeuronModel, places: Tensor, windows: Windows, step_ms: float) -> Tensor:
    """The loss of each start, ``[starts]``, differentiable.

    Args:
        model: The model.
        places: Parameters as places from 0 to 1, ``[starts, parameters]``.
        windows: The recordings.
        step_ms: Length of a step [ms], which the windows were cut with.
    """
    values = [parameter.value(places[:, k : k + 1]) for k, parameter in enumerate(model.parameters)]
    potential, margin = model.trajectory(values, windows, step_ms)
    apart = potential - windows.potential_mv[:, None]
    if margin is None:
        # Spikes of another width or place differ by 100 mV: a bounded slope keeps them in measure.
        return (torch.sqrt(1.0 + (apart / SPREAD_MV) ** 2) - 1.0).mean(dim=(0, 2))
    quiet = windows.quiet[:, None]
    below = (quiet * apart.clamp(-50.0, 50.0) ** 2).sum(dim=(0, 2)) / (2.0 * SPREAD_MV**2)
    raised = (margin / ESCAPE_MV).clamp(-15.0, 5.0)
    spikes = windows.spikes[:, None]
    free = (windows.since[:, None] > _QUIET_MS[1]) | (spikes > 0.0)
    expected = (torch.exp(raised) * (step_ms / ESCAPE_MS) * free).sum(dim=(0, 2))
    logs = ((raised + float(np.log(step_ms / ESCAPE_MS))) * spikes).sum(dim=(0, 2))
    return below / quiet.sum().clamp(min=1.0) + (expected - logs) / spikes.sum().clamp(min=1.0)


def descend(
    model: NeuronModel,
    sweeps: Sequence[Sweep],
    starts: Array,
    *,
    budget: int,
    seed: int = 0,
    window_ms: float = 100.0,
    batch: int = 48,
    look: Callable[[Array], None] | None = None,
) -> Array:
    """Improve several starts at once by Adam on random windows.

    Args:
        model: The model.
        sweeps: The recordings.
        starts: Places from 0 to 1, ``[parameters, starts]``.
        budget: Number of updates.
        seed: The one seed.
        window_ms: Length of a window [ms].
        batch: Windows an update.
        look: Shown the places after each update, ``[parameters, starts]``.

    Returns:
        The places after the last update.
    """
    # Twice the model's step is fine enough for a slope.
    step_ms = 2.0 * model.step_ms
    windows = Windows(sweeps, step_ms, min(window_ms, min(s.duration_ms for s in sweeps)))
    generator = stream(seed, "fitting", "gradient", "windows")
    # The logistic function keeps every parameter within its bounds.
    hidden = torch.logit(torch.tensor(starts.T).clamp(0.01, 0.99)).requires_grad_()
    optimizer = torch.optim.Adam([hidden], lr=_LEARNING_RATE)
    for update in range(budget):
        for group in optimizer.param_groups:
            group["lr"] = _LEARNING_RATE * 0.5 * (1.0 + np.cos(np.pi * update / budget))
        places = torch.sigmoid(hidden)
        some = windows.chosen(torch.randperm(len(windows), generator=generator)[:batch])
        loss = window_loss(model, places, some, step_ms)
        optimizer.zero_grad()
        loss.sum().backward()
        assert hidden.grad is not None
        # A start that blew up stays where it is and does not disturb the others.
        hidden.grad.nan_to_num_(nan=0.0, posinf=0.0, neginf=0.0)
        norms = hidden.grad.norm(dim=1, keepdim=True)
        hidden.grad /= norms.clamp(min=1.0)
        optimizer.step()
        if look is not None:
            look(torch.sigmoid(hidden.detach()).T.numpy())
    return torch.sigmoid(hidden.detach()).T.numpy()
