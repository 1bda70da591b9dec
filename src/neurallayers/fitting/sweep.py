"""A sweep of a current-clamp recording: what went in and what came out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.measures import crossing_times_ms
from neurallayers.measures.spike_trains import Array, Numbers, as_array, check_positive


@dataclass(frozen=True, eq=False)
class Sweep:
    """A current that was injected and the membrane potential that was recorded.

    Args:
        current_pa: ``[time]``, injected current [pA].
        membrane_potential_mv: ``[time]``, recorded potential [mV].
        dt_ms: Time between samples [ms].
        name: What it is called in reports.
        threshold_mv: A spike is an upward crossing of this potential [mV].

    Raises:
        ShapeMismatch: If current and potential are not of one length.
        InvalidInput: If a number is not finite or ``dt_ms`` not positive.

    >>> sweep = Sweep([0.0] * 4, [-70.0, -10.0, 30.0, -70.0], dt_ms=0.1)
    >>> sweep.duration_ms, sweep.spike_times_ms.tolist()
    (0.4, [0.125])
    """

    current_pa: Numbers
    membrane_potential_mv: Numbers
    dt_ms: float
    name: str = ""
    threshold_mv: float = 0.0

    def __post_init__(self) -> None:
        current, potential = as_array(self.current_pa), as_array(self.membrane_potential_mv)
        if current.ndim != 1 or current.shape != potential.shape or not current.size:
            raise ShapeMismatch(
                f"Sweep {self.name!r}: current {current.shape}, potential {potential.shape}.",
                "Both are [time], with one number for each sample.",
            )
        if not (np.isfinite(current).all() and np.isfinite(potential).all()):
            raise InvalidInput(
                f"Sweep {self.name!r} holds a number that is not finite.",
                "Cut the sweep before the recording was lost.",
            )
        check_positive("dt_ms", self.dt_ms)
        object.__setattr__(self, "current_pa", current)
        object.__setattr__(self, "membrane_potential_mv", potential)

    @property
    def current(self) -> Array:
        """The current as float64 [pA], ``[time]``."""
        return as_array(self.current_pa)

    @property
    def potential(self) -> Array:
        """The potential as float64 [mV], ``[time]``."""
        return as_array(self.membrane_potential_mv)

    @property
    def duration_ms(self) -> float:
        """How long it lasts [ms]."""
        return self.current.size * self.dt_ms

    @cached_property
    def spike_times_ms(self) -> Array:
        """When the cell fired [ms], between samples."""
        return crossing_times_ms(self.potential, self.dt_ms, threshold_mv=self.threshold_mv)


def resampled(signal: Array, dt_ms: float, step_ms: float) -> Array:
    """A signal that is constant between samples, averaged over steps of another length.

    Exact whatever the two lengths are, so that no charge is lost; what is left of a last step that
    does not fill up holds the last sample.

    Args:
        signal: ``[time]``.
        dt_ms: Time between its samples [ms].
        step_ms: Length of a step [ms].

    >>> resampled(np.array([1.0, 3.0, 5.0, 5.0]), dt_ms=0.05, step_ms=0.1).tolist()
    [2.0, 5.0]
    """
    if abs(dt_ms - step_ms) < 1e-9 * step_ms:
        return signal
    steps = max(1, int(np.ceil(signal.size * dt_ms / step_ms - 1e-6)))
    edges = np.minimum(np.arange(steps + 1) * (step_ms / dt_ms), signal.size)
    # The integral of the signal is piecewise linear, with corners at the samples.
    integral = np.concatenate([[0.0], np.cumsum(signal)])
    sums = np.diff(np.interp(edges, np.arange(signal.size + 1), integral))
    widths = np.diff(edges)
    means: Array = np.where(widths > 1e-6, sums / np.maximum(widths, 1e-6), signal[-1])
    return means
