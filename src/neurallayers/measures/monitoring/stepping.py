"""One step of the index in torch: the specification of the compiled one, and differentiable."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from neurallayers.measures.monitoring.kernels import (
    MEAN_ROWS,
    ROUNDING,
    SHAPE_NOVELTY_ROWS,
    STATISTICS,
    TINY,
)
from neurallayers.measures.monitoring.settings import (
    MonitorSettings,
)

_LN_2 = math.log(2.0)
Statistics = dict[str, Tensor]


class Parts(NamedTuple):
    """What one step says, ``[batch, channels]`` each; components have an axis of four behind."""

    index: Tensor  # type: ignore[assignment]  # hides tuple.index
    components: Tensor
    level: Tensor
    alarm: Tensor


def advance(
    x: Tensor, memory: Tensor, statistics: Tensor, settings: MonitorSettings, weights: Tensor
) -> tuple[Parts, Tensor, Tensor]:
    """One value of each stream: what it says, and memory and statistics after it.

    Args:
        x: ``[batch, channels]``; what is not finite is missing.
        memory: ``[batch, channels, rows]``, oldest first.
        statistics: ``[batch, channels, 14]``.
        settings: Spans and limits.
        weights: ``[4]``.
    """
    missing = ~torch.isfinite(x)
    before = dict(zip(STATISTICS, statistics.unbind(-1), strict=True))
    value = torch.where(missing, before["mean"], x)
    # Before birth all was as the first value.
    unborn = (before["count"] == 0).unsqueeze(-1)
    past = torch.where(unborn, value.unsqueeze(-1), memory)
    values = torch.cat([past[..., 1:], value.unsqueeze(-1)], dim=-1)
    warm = before["count"] >= settings.warm_rows
    unusual, novelties = _novelty(values, before, settings)
    first_three, after = _compare(value, before, settings)
    components = torch.stack([*first_three, _half_at(unusual)], dim=-1)
    components = torch.where(warm.unsqueeze(-1), components, torch.zeros_like(components))
    index = (components * weights.to(components.dtype)).sum(-1)
    after |= novelties
    after |= _decide(index.detach(), components[..., 3].detach(), before, settings)
    alarm = _begins(components[..., 3].detach(), before, settings)
    after["count"] = before["count"] + 1
    stacked = torch.stack([after[name] for name in STATISTICS], dim=-1)
    absent = missing.unsqueeze(-1)
    nothing = torch.full_like(index, torch.nan)
    parts = Parts(
        torch.where(missing, nothing, index),
        torch.where(absent, nothing.unsqueeze(-1), components),
        torch.where(missing, before["level"], after["level"]),
        alarm & ~missing,
    )
    return parts, torch.where(absent, memory, values), torch.where(absent, statistics, stacked)


def _half_at(quantity: Tensor) -> Tensor:
    return 1 - torch.exp(-quantity * _LN_2)


def _root(variance: Tensor) -> Tensor:
    return variance.clamp(min=TINY).sqrt()


def _weight(rate: float, count: Tensor) -> Tensor:
    return torch.clamp(1 / (count + 1), min=rate)


def _moments(value: Tensor, mean: Tensor, variance: Tensor, rate: Tensor) -> tuple[Tensor, Tensor]:
    away = value - mean
    return mean + rate * away, (1 - rate) * (variance + rate * away * away)


def _compare(
    value: Tensor, s: Statistics, settings: MonitorSettings
) -> tuple[tuple[Tensor, Tensor, Tensor], Statistics]:
    """Deviation, trend and variation, and the statistics that they rest on."""
    count, alpha = s["count"], 1.0 / settings.recent_rows
    slow, quick = _weight(1.0 / settings.baseline_rows, count), _weight(alpha, count)
    rounding = ROUNDING * s["mean"].abs()
    spread = _root(s["variance"]) + rounding
    deviation = _half_at((value - s["mean"]).abs() / (spread * settings.deviation_limit))
    mean, variance = _moments(value, s["mean"], s["variance"], slow)
    recent, recent_variance = _moments(value, s["recent_mean"], s["recent_variance"], quick)
    once = torch.where(count == 0, value, s["smoothed"])
    twice = torch.where(count == 0, value, s["smoothed_twice"])
    once = once + alpha * (value - once)
    twice = twice + alpha * (once - twice)
    slope = alpha / max(1.0 - alpha, ROUNDING) * (once - twice)
    # Every quantity is in units of what was usual before this value.
    usual = _root(s["slope_square"]) + alpha * ROUNDING * mean.abs()
    trend = _half_at(slope.abs() / (usual * settings.trend_limit))
    now, before = _relative_spread(recent, recent_variance, variance), s["relative_spread"]
    before = torch.where(count == 0, torch.ones_like(before), before)
    variation = 1 - torch.minimum(before, now) / torch.maximum(before, now)
    after = {
        "mean": mean,
        "variance": variance,
        "recent_mean": recent,
        "recent_variance": recent_variance,
        "smoothed": once,
        "smoothed_twice": twice,
        "slope_square": s["slope_square"] + slow * (slope * slope - s["slope_square"]),
        "relative_spread": s["relative_spread"] + slow * (now - s["relative_spread"]),
    }
    return (deviation, trend, variation), after


def _relative_spread(mean: Tensor, variance: Tensor, usual: Tensor) -> Tensor:
    rounding = ROUNDING * mean
    return ((variance + rounding * rounding + TINY) / (mean * mean + usual + TINY)).sqrt()


def _nearest(distances: Tensor, lags: Tensor, first: int, last: Tensor, default: float) -> Tensor:
    """The least distance among lags from ``first`` to ``last``; the default where there is none."""
    eligible = (lags >= first) & (lags <= last.unsqueeze(-1))
    least = distances.masked_fill(~eligible, torch.inf).amin(-1)
    return torch.where(torch.isfinite(least), least, torch.full_like(least, default))


def _novelty(values: Tensor, s: Statistics, settings: MonitorSettings) -> tuple[Tensor, Statistics]:
    """The largest novelty of the views, in units of its limit, and the means they rest on."""
    past, rows, gap = s["count"], values.shape[-1], settings.gap_rows
    floor = ROUNDING * (s["mean"].abs() + _root(s["variance"]))
    lags = torch.arange(rows - 1, -1, -1, device=values.device)
    distances = (values - values[..., -1:]).abs()
    distance = _nearest(distances, lags, gap, past.clamp(max=rows - 1), 0.0)
    unusual, value_novelty = _scalar_novelty(
        distance, past - gap, s["value_novelty"], floor, settings.value_limit
    )
    reach = MEAN_ROWS - 1
    means = values.unfold(-1, MEAN_ROWS, 1).sum(-1) / MEAN_ROWS
    distances = (means - means[..., -1:]).abs()
    oldest = past.clamp(max=rows - 1) - reach
    distance = _nearest(distances, lags[reach:], gap, oldest, 0.0)
    other, mean_novelty = _scalar_novelty(
        distance, past - gap - reach, s["mean_novelty"], floor, settings.mean_limit
    )
    unusual = torch.maximum(unusual, other)
    after = {"value_novelty": value_novelty, "mean_novelty": mean_novelty}
    if settings.shape_rows == 0:
        kept = {name: s[name] for name in ("shape_novelty", "shape_spread")}
        return unusual, after | kept
    other, shapes = _shape_novelty(values, s, floor, settings)
    return torch.maximum(unusual, other), after | shapes


def _scalar_novelty(
    distance: Tensor, seen: Tensor, mean: Tensor, floor: Tensor, limit: float
) -> tuple[Tensor, Tensor]:
    scale = torch.where(seen > 0, (mean + floor) * limit, torch.ones_like(mean))
    unusual = torch.where(seen > 0, distance / scale, torch.zeros_like(distance))
    moved = mean + (distance - mean) / (seen.clamp(min=0) + 1)
    return unusual, torch.where(seen >= 0, moved, mean)


def _shape_novelty(
    values: Tensor, s: Statistics, floor: Tensor, settings: MonitorSettings
) -> tuple[Tensor, Statistics]:
    rows = settings.shape_rows
    pieces = values.unfold(-1, rows, 1)
    squares = (pieces - pieces[..., -1:, :]).square().sum(-1)
    lags = torch.arange(squares.shape[-1] - 1, -1, -1, device=values.device)
    last = (s["count"] - rows + 1).clamp(max=values.shape[-1] - rows - 1)
    least = _nearest(squares, lags, rows, last, TINY)
    distance = (least.clamp(min=TINY) / rows).sqrt()
    seen = s["count"] - (2 * rows - 1)
    mean, spread = s["shape_novelty"], s["shape_spread"]
    excess = distance - mean
    scale = torch.where(seen > 1, (spread + floor) * settings.shape_limit, torch.ones_like(spread))
    unusual = torch.where(seen > 1, excess.clamp(min=0) / scale, torch.zeros_like(excess))
    rate = _weight(1.0 / SHAPE_NOVELTY_ROWS, seen.clamp(min=0))
    rate = torch.where(seen >= 0, rate, torch.zeros_like(rate))
    after = {
        "shape_novelty": mean + rate * excess,
        "shape_spread": spread + rate * (excess.abs() - spread),
    }
    return unusual, after


def _decide(index: Tensor, anomaly: Tensor, s: Statistics, settings: MonitorSettings) -> Statistics:
    """The level, held by hysteresis, and the last row with something unusual."""
    high, held = torch.zeros_like(index), torch.zeros_like(index)
    for rise, fall in zip(settings.rise, settings.fall, strict=True):
        high = high + (index >= rise)
        held = held + (index >= fall)
    level, dwell = s["level"], s["dwell"] + 1
    up = high > level
    down = ~up & (held < level) & (dwell >= settings.dwell_rows)
    moved = torch.where(up, high, torch.where(down, held, level))
    unusual, row = anomaly >= 0.5, s["count"]
    return {
        "level": moved,
        "dwell": torch.where(up | down, torch.zeros_like(dwell), dwell),
        "anomalous_row": torch.where(unusual, row, s["anomalous_row"]),
    }


def _begins(anomaly: Tensor, s: Statistics, settings: MonitorSettings) -> Tensor:
    """Whether an anomaly begins: unusual, after quiet."""
    last, row = s["anomalous_row"], s["count"]
    quiet = torch.clamp(settings.quiet_share * row, min=float(settings.quiet_rows))
    return (anomaly >= 0.5) & ((last < 0) | (row - last >= quiet))
