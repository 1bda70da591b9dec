r"""Power spectra and coherence of signals, such as the rate of a population.

Welch's method: the mean of the spectra of overlapping, windowed segments. One-sided densities: the
integral over frequency is the variance of the signal.

Source: Welch (1967), IEEE Trans. Audio Electroacoust. 15:70; computed by scipy.signal.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import signal as signals

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.measures.rates import MS_PER_SECOND
from neurallayers.measures.spike_trains import Array, Numbers, as_array, check_positive


class Spectrum(NamedTuple):
    """Power at each frequency."""

    frequency_hz: Array  # [frequencies]
    density: Array  # [*axes before time, frequencies], unit of the signal squared per Hz


class Coherence(NamedTuple):
    """How far two signals share each frequency, and with what delay."""

    frequency_hz: Array  # [frequencies]
    coherence: Array  # [frequencies], magnitude squared, 0 to 1
    phase_lag_rad: Array  # [frequencies], of the second signal behind the first, -pi to pi


def power_spectrum(
    signal: Numbers, dt_ms: float, *, segment_ms: float | None = None, overlap: float = 0.5
) -> Spectrum:
    r"""Welch's estimate of the one-sided power spectral density, Hann windows, mean removed.

    Of a Poisson spike train as counts divided by ``dt`` (a rate in Hz) it is flat at twice the
    rate [Hz²/Hz], twice because it is one-sided.

    Args:
        signal: ``[..., time]``, such as a population rate [Hz].
        dt_ms: Time between samples [ms].
        segment_ms: Length of a segment [ms]: the resolution is 1000 / segment_ms Hz. Left out, so
            that 8 segments of that overlap fill the signal.
        overlap: Share by which neighbouring segments overlap, from 0 to less than 1.

    Raises:
        ShapeMismatch: If the signal has no samples.
        InvalidInput: If the segment is longer than the signal or an option is out of range.

    >>> t_s = np.arange(0.0, 10.0, 0.001)
    >>> spectrum = power_spectrum(np.sin(2 * np.pi * 40.0 * t_s), dt_ms=1.0)
    >>> float(spectrum.frequency_hz[spectrum.density.argmax()].round())
    40.0
    """
    samples = as_array(signal)
    length, step = _segments(samples.shape, dt_ms, segment_ms, overlap)
    frequency, density = signals.welch(
        samples, fs=MS_PER_SECOND / dt_ms, window="hann", nperseg=length, noverlap=length - step
    )
    return Spectrum(frequency, density)


def coherence(
    first: Numbers,
    second: Numbers,
    dt_ms: float,
    *,
    segment_ms: float | None = None,
    overlap: float = 0.5,
) -> Coherence:
    r"""Magnitude-squared coherence of two signals.

    .. math:: C(f) = |S_{xy}(f)|^2 / (S_{xx}(f) S_{yy}(f))

    It is 1 everywhere if only one segment fits, and on average 1 / segments for independent
    signals: look at more than a few segments. nan where a signal has no power.

    Args:
        first: ``[time]``.
        second: ``[time]``.
        dt_ms: Time between samples [ms].
        segment_ms: As in :func:`power_spectrum`.
        overlap: As in :func:`power_spectrum`.

    Raises:
        ShapeMismatch: If the signals differ in length.
        InvalidInput: If the segment is longer than the signals or an option is out of range.

    Source: Carter (1987), Proc. IEEE 75:236, eq. 2.
    """
    x, y = as_array(first), as_array(second)
    if x.ndim != 1 or x.shape != y.shape:
        raise ShapeMismatch(
            f"The signals have shapes {x.shape} and {y.shape}.", "Pass two of shape [time]."
        )
    length, step = _segments(x.shape, dt_ms, segment_ms, overlap)
    options = {"fs": MS_PER_SECOND / dt_ms, "window": "hann", "nperseg": length}
    frequency, cross = signals.csd(x, y, noverlap=length - step, **options)
    power = [signals.welch(each, noverlap=length - step, **options)[1] for each in (x, y)]
    product = power[0] * power[1]
    shared = np.full(product.shape, np.nan)
    np.divide(np.abs(cross) ** 2, product, out=shared, where=product > 0.0)
    return Coherence(frequency, shared, -np.angle(cross))


def _segments(
    shape: tuple[int, ...], dt_ms: float, segment_ms: float | None, overlap: float
) -> tuple[int, int]:
    """Samples of a segment, and from the start of one to that of the next."""
    if not shape or shape[-1] < 2:
        raise ShapeMismatch(f"The signal has shape {shape}.", "Put time last, two samples or more.")
    check_positive("dt_ms", dt_ms)
    if not 0.0 <= overlap < 1.0:
        raise InvalidInput(f"overlap is {overlap}.", "It is a share from 0 to less than 1.")
    if segment_ms is None:
        # 8 segments, each a step of (1 - overlap) lengths after the one before.
        length = int(shape[-1] / (8.0 - 7.0 * overlap))
    else:
        length = round(check_positive("segment_ms", segment_ms) / dt_ms)
    if not 2 <= length <= shape[-1]:
        raise InvalidInput(
            f"A segment of {length} samples in a signal of {shape[-1]}.",
            "Choose segment_ms of at least 2 samples and at most the length of the signal.",
        )
    return length, max(1, length - int(length * overlap))
