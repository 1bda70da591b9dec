r"""UMI, the Unified Monitoring Index: how unusual a stream is now, between 0 and 1.

Four components, each 0 where all is as usual, one half at its limit and never above 1, with
:math:`h(q) = 1 - 2^{-q}` for a quantity in units of its limit; the index is their weighted sum.
The baseline has the exponentially weighted mean :math:`\mu` and variance :math:`\sigma^2` with the
time constant T (rows), recent values have m and v with :math:`\tau`; bars are means over T:

.. math::
    \text{deviation} &= h\left(\frac{|x - \mu|}{3 \sigma}\right) \\
    \text{trend} &= h\left(\frac{|b|}{3 \sqrt{\overline{b^2}}}\right),
        \quad b = \frac{\alpha}{1 - \alpha} (S' - S''), \quad \alpha = 1 / \tau \\
    \text{variation} &= 1 - \min(c / \bar c, \bar c / c), \quad c = \sqrt{v / (m^2 + \sigma^2)} \\
    \text{anomaly} &= h\left(\max\left(\frac{d_1}{30 \bar d_1}, \; \frac{d_4}{12 \bar d_4}, \;
        \frac{d_m - \bar d_m}{3.4 \, s_m}\right)\right)

with the limits of :data:`~.settings.THOROUGH`. :math:`S', S''` are the values smoothed once and
twice, so that b is the slope of the exponentially weighted least-squares line. :math:`d_1, d_4` and
:math:`d_m` are *novelty*: how far the value, the mean of the last four, and the shape of the last m
(root mean square) are from the nearest that is remembered; :math:`\bar d` its mean over life, for
shapes its mean and :math:`s_m` its mean absolute deviation over 500 rows. What happened once is
remembered and not new the second time.

Sources: exponentially weighted variance: West (1979), Comm. ACM 22:532; slope: Brown
(1963), Smoothing, Forecasting and Prediction of Discrete Time Series, chapter 9; novelty as
the distance to the nearest remembered case: Knorr & Ng (1998), VLDB; of shapes: Yeh et al. (2016),
Matrix profile I, ICDM (left matrix profile). The coefficient of variation has the baseline's spread
beside the mean, so that it is defined for a mean of zero. The weights 0.4, 0.3, 0.2 and 0.1 are
those of the project; they can be learned.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from neurallayers.dynamics.cell import CELLS, Cell, check_frames, initial_state_like
from neurallayers.dynamics.kernels import available
from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.measures.monitoring.kernels import (
    ALARM,
    ANOMALOUS_ROW,
    DEVIATION,
    LEVEL_NOW,
    STATISTICS,
    watch_streams,
)
from neurallayers.measures.monitoring.settings import COMPONENTS, LIGHT, MonitorSettings
from neurallayers.measures.monitoring.stepping import advance
from neurallayers.state import tensors


class MonitorState(NamedTuple):
    """What is remembered of each stream."""

    memory: Tensor  # [batch, channels, rows], the last values, oldest first
    statistics: Tensor  # [batch, channels, 14], in the order of kernels.STATISTICS


class Observation(NamedTuple):
    """All that a run of the index says, ``[time, batch, channels]`` each."""

    index: Tensor  # type: ignore[assignment]  # hides tuple.index, which nobody asks here
    components: Tensor  # [time, batch, channels, 4], in the order of settings.COMPONENTS
    level: Tensor  # int64, 0 normal to 3 critical
    alarm: Tensor  # bool, where an anomaly begins


@CELLS.register("UnifiedMonitoringIndex")
class UnifiedMonitoringIndex(Cell[MonitorState]):
    """The index of several streams at once; see the module for its equations.

    A missing value (nan or infinite) changes nothing in the state, and its index is nan.

    Args:
        channels: Number of streams.
        settings: Spans, limits, first weights, levels; :data:`~.settings.THOROUGH` for a long
            memory.
        dt_ms: Time between two values [ms]; the index counts rows and does not use it.

    Attributes:
        weight_logits: ``[4]``, learnable; the weights are their softmax and stay on the simplex.

    Raises:
        InvalidInput: If there is no channel.

    >>> index = UnifiedMonitoringIndex(1)
    >>> quiet = torch.sin(torch.arange(400.0)).reshape(-1, 1, 1)
    >>> quiet[390:] += 8
    >>> outputs, state = index.run(quiet)
    >>> bool(outputs[380] < 0.3), bool(outputs[391] > 0.6)
    (True, True)
    """

    numbers: Tensor

    def __init__(
        self, channels: int, *, settings: MonitorSettings = LIGHT, dt_ms: float = 1.0
    ) -> None:
        super().__init__()
        if not _is_count(channels):
            raise InvalidInput(f"channels is {channels!r}.", "Watch one stream or more.")
        self.in_shape = self.out_shape = (channels,)
        self.settings = settings
        self.dt_ms = float(dt_ms)
        first = torch.tensor(settings.weights, dtype=torch.float32).clamp(min=1e-6)
        self.weight_logits = nn.Parameter(first.log())

    @property
    def weights(self) -> Tensor:
        """The weights of deviation, trend, variation and anomaly; they add up to 1."""
        return torch.softmax(self.weight_logits, dim=0)

    @torch.no_grad()
    def set_weights(self, weights: tuple[float, float, float, float]) -> None:
        """Take weights, such as those of :func:`~.weighting.fit_weights`.

        Raises:
            InvalidInput: If they are negative or do not add up to 1.
        """
        checked = self.settings.replace(weights=weights).weights
        self.weight_logits.copy_(torch.tensor(checked).clamp(min=1e-6).log())

    def initial_state(self, batch: int = 1) -> MonitorState:
        """Streams of which nothing was seen yet."""
        channels = self.in_shape[0]
        statistics = torch.zeros(batch, channels, len(STATISTICS))
        statistics[..., ANOMALOUS_ROW] = -1.0
        return MonitorState(
            memory=torch.zeros(batch, channels, self.settings.memory_rows), statistics=statistics
        )

    def rest(self, state: MonitorState) -> MonitorState:
        """Levels go back to normal; baselines and memory, which were learned, stay."""
        kept = torch.ones_like(state.statistics[0, 0])
        kept[STATISTICS.index("level")] = 0.0
        kept[STATISTICS.index("dwell")] = 0.0
        return state._replace(statistics=state.statistics * kept)

    def forward(self, x: Tensor, state: MonitorState) -> tuple[Tensor, MonitorState]:
        """The index after one more value of each stream."""
        parts, memory, statistics = advance(
            x, state.memory, state.statistics, self.settings, self.weights
        )
        return parts.index, MonitorState(memory, statistics)

    def run(
        self, xs: Tensor, state: MonitorState | None = None, *, steps: int | None = None
    ) -> tuple[Tensor, MonitorState]:
        """The index along streams ``[time, batch, channels]``.

        Compiled where no gradient is asked of streams or state; weights learn in both ways.
        """
        check_frames(self, xs, steps)
        if state is None:
            state = initial_state_like(self, xs)
        if not _compiled(xs, state):
            return self.run_reference(xs, state, steps=steps)
        observed, after = self._observe(xs, state, steps)
        return observed.index, after

    def observe(
        self, xs: Tensor, state: MonitorState | None = None
    ) -> tuple[Observation, MonitorState]:
        """Index, components, levels and alarms along streams ``[time, batch, channels]``.

        Gradients reach the weights, not the streams.

        Raises:
            ShapeMismatch: If ``xs`` has another shape.
            InvalidInput: If the streams are not on a CPU or not of floating dtype.

        >>> observed, state = UnifiedMonitoringIndex(2).observe(torch.randn(50, 1, 2))
        >>> observed.components.shape
        torch.Size([50, 1, 2, 4])
        """
        check_frames(self, xs, None)
        if not xs.is_floating_point() or xs.device.type != "cpu":
            raise InvalidInput(
                f"The streams are {xs.dtype} on {xs.device}.",
                "Pass float32 or float64 on the CPU.",
            )
        state = initial_state_like(self, xs) if state is None else state
        return self._observe(xs, state, None)

    def _observe(
        self, xs: Tensor, state: MonitorState, steps: int | None
    ) -> tuple[Observation, MonitorState]:
        self._check_state(xs, state)
        frames = xs if steps is None else xs.expand(steps, *xs.shape[1:])
        time, batch, channels = frames.shape
        streams = frames.detach().permute(1, 2, 0).reshape(batch * channels, time)
        memory = _float64(state.memory).reshape(batch * channels, -1)
        statistics = _float64(state.statistics).reshape(batch * channels, -1)
        found = watch_streams(
            np.ascontiguousarray(streams.to(torch.float64).numpy()),
            memory,
            statistics,
            self.settings.numbers,
            self.weights.detach().double().numpy(),
        )
        shaped = torch.from_numpy(found).reshape(batch, channels, time, -1).permute(2, 0, 1, 3)
        components = shaped[..., DEVIATION:LEVEL_NOW].to(xs.dtype)
        index = (components * self.weights.to(xs.dtype)).sum(-1)
        after = MonitorState(
            memory=torch.from_numpy(memory).reshape(state.memory.shape).to(state.memory.dtype),
            statistics=torch.from_numpy(statistics)
            .reshape(state.statistics.shape)
            .to(state.statistics.dtype),
        )
        level, alarm = shaped[..., LEVEL_NOW].long(), shaped[..., ALARM] == 1.0
        return Observation(index, components, level, alarm), after

    def _check_state(self, xs: Tensor, state: MonitorState) -> None:
        expected = (xs.shape[1], *self.in_shape, self.settings.memory_rows)
        if tuple(state.memory.shape) != expected:
            raise ShapeMismatch(
                f"The state's memory has shape {tuple(state.memory.shape)}, expected {expected}.",
                "Use the state of an index with the same channels and memory_rows.",
            )

    def extra_repr(self) -> str:
        """Streams and memory, as ``print`` shows them."""
        return f"{self.in_shape[0]}, memory_rows={self.settings.memory_rows}"


__all__ = ["COMPONENTS", "MonitorState", "Observation", "UnifiedMonitoringIndex"]


def _float64(tensor: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """A copy that the kernel may write into."""
    return np.array(tensor.detach().to(torch.float64).numpy(), dtype=np.float64, order="C")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _compiled(xs: Tensor, state: MonitorState) -> bool:
    wanted = torch.is_grad_enabled() and any(t.requires_grad for t in (xs, *tensors(state)))
    return not wanted and xs.device.type == "cpu" and available(xs)
