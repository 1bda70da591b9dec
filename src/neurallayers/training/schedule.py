r"""Learning rate and momentum as pure functions of the step, so that a schedule has no state.

With :math:`p` the share of all steps that is over, and :math:`w` the share that warms up:

* ``constant``: :math:`\eta`;
* ``cosine``: :math:`\eta (1 + \cos \pi q) / 2` with :math:`q = (p - w) / (1 - w)`. Source:
  Loshchilov & Hutter (2017), SGDR, ICLR, eq. 5, without restarts;
* ``step``: :math:`\eta`, a tenth of it from :math:`q = 1/2`, a hundredth from :math:`q = 3/4`.
  Source: He, Zhang, Ren & Sun (2016), Deep residual learning, CVPR, section 4.2;
* ``one_cycle``: along half cosines from :math:`\eta / 25` up to :math:`\eta` and down to
  :math:`\eta / 250000`, the momentum the other way from 0.95 to 0.85 and back. Source: Smith &
  Topin (2018), Super-convergence, arXiv:1708.07120; the numbers are those of
  ``torch.optim.lr_scheduler.OneCycleLR``.

The first three warm up along a straight line from :math:`\eta / 25`.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from neurallayers.errors import InvalidInput

ScheduleName = Literal["constant", "cosine", "one_cycle", "step"]

_START = 1 / 25
_END_OF_CYCLE = 1 / 25 / 1e4
_HIGH_MOMENTUM, _LOW_MOMENTUM = 0.95, 0.85


class Pace(NamedTuple):
    """How an optimiser walks at one step."""

    learning_rate: float
    momentum: float | None  # None: as the optimiser is set


def pace(
    schedule: ScheduleName, step: int, steps: int, learning_rate: float, warmup_fraction: float
) -> Pace:
    """Learning rate and momentum at one step.

    Args:
        schedule: Name of the schedule.
        step: Which step, from 0.
        steps: How many steps there are in all.
        learning_rate: The highest learning rate.
        warmup_fraction: Share of the steps during which it rises.

    Raises:
        InvalidInput: If ``step`` is not one of ``steps``.

    >>> pace("constant", 5, 10, 0.1, 0.0)
    Pace(learning_rate=0.1, momentum=None)
    """
    if not 0 <= step < steps:
        raise InvalidInput(f"step is {step} of {steps}.", "Count from 0 to steps - 1.")
    if schedule == "one_cycle":
        return _one_cycle(step, steps, learning_rate, warmup_fraction)
    warmup = warmup_fraction * steps
    if step < warmup:
        return Pace(learning_rate * (_START + (1 - _START) * step / warmup), None)
    over = (step - warmup) / max(1.0, steps - warmup)
    return Pace(learning_rate * _decay(schedule, over), None)


def _decay(schedule: ScheduleName, over: float) -> float:
    if schedule == "cosine":
        return (1 + math.cos(math.pi * over)) / 2
    if schedule == "step":
        return 1.0 if over < 0.5 else 0.1 if over < 0.75 else 0.01
    return 1.0


def _one_cycle(step: int, steps: int, learning_rate: float, warmup_fraction: float) -> Pace:
    top = max(warmup_fraction * steps - 1, 0.0)
    if step <= top and top > 0:
        over = step / top
        return Pace(
            _along_cosine(learning_rate * _START, learning_rate, over),
            _along_cosine(_HIGH_MOMENTUM, _LOW_MOMENTUM, over),
        )
    over = (step - top) / max(1.0, steps - 1 - top)
    return Pace(
        _along_cosine(learning_rate, learning_rate * _END_OF_CYCLE, over),
        _along_cosine(_LOW_MOMENTUM, _HIGH_MOMENTUM, over),
    )


def _along_cosine(start: float, end: float, over: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * over)) / 2
