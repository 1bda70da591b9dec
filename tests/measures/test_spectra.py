from __future__ import annotations

import numpy as np
import pytest
from tests.measures.references import BIN_MS, ELEPHANT, STOP_MS, TRAINS

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.measures import binned_counts, coherence, power_spectrum

RATES_HZ = binned_counts(TRAINS, BIN_MS, stop_ms=STOP_MS) * (1000.0 / BIN_MS)


def test_the_spectrum_is_that_of_elephant() -> None:
    expected = ELEPHANT["welch"]
    found = power_spectrum(RATES_HZ[0], BIN_MS, segment_ms=expected["segment_bins"] * BIN_MS)
    assert found.frequency_hz == pytest.approx(expected["frequency_hz"])
    assert found.density == pytest.approx(expected["density"], rel=1e-9)


def test_the_coherence_is_that_of_elephant() -> None:
    expected = ELEPHANT["coherence"]
    found = coherence(RATES_HZ[0], RATES_HZ[5], BIN_MS, segment_ms=25 * BIN_MS)
    assert found.frequency_hz == pytest.approx(expected["frequency_hz"])
    assert found.coherence == pytest.approx(expected["coherence"], rel=1e-9)
    away = np.angle(np.exp(1j * (np.abs(found.phase_lag_rad) - np.abs(expected["phase_lag_rad"]))))
    assert away == pytest.approx(np.zeros(away.size), abs=1e-9)


def test_the_integral_of_the_density_is_the_variance() -> None:
    noise = np.random.default_rng(2).normal(0.0, 3.0, size=200_000)
    spectrum = power_spectrum(noise, 1.0, segment_ms=500.0)
    width_hz = spectrum.frequency_hz[1]
    assert spectrum.density.sum() * width_hz == pytest.approx(9.0, rel=0.02)


def test_a_poisson_train_is_flat_at_twice_its_rate() -> None:
    generator = np.random.default_rng(4)
    rate_hz, dt_ms = 40.0, 1.0
    counts = generator.poisson(rate_hz * dt_ms / 1000.0, size=400_000)
    spectrum = power_spectrum(counts * (1000.0 / dt_ms), dt_ms, segment_ms=256.0)
    middle = spectrum.density[2:-2]
    assert middle.mean() == pytest.approx(2.0 * rate_hz, rel=0.03)
    assert middle.std() < 0.1 * middle.mean()


def test_a_sine_stands_at_its_frequency_in_every_row() -> None:
    t_s = np.arange(0.0, 8.0, 0.001)
    rows = np.sin(2 * np.pi * np.array([[10.0], [60.0]]) * t_s)
    spectrum = power_spectrum(rows, 1.0, segment_ms=1000.0)
    assert spectrum.frequency_hz[spectrum.density.argmax(axis=1)].tolist() == [10.0, 60.0]


def test_a_delayed_copy_is_coherent_and_lags_in_proportion_to_frequency() -> None:
    noise = np.random.default_rng(6).normal(size=100_000)
    found = coherence(noise[5:], noise[:-5], 1.0, segment_ms=500.0)  # the second is 5 ms late
    below = (found.frequency_hz > 5.0) & (found.frequency_hz < 80.0)
    assert found.coherence[below].min() > 0.95
    expected = 2 * np.pi * found.frequency_hz[below] * 0.005
    assert found.phase_lag_rad[below] == pytest.approx(expected, abs=0.05)


def test_independent_signals_have_the_coherence_of_chance() -> None:
    generator = np.random.default_rng(8)
    found = coherence(
        generator.normal(size=50_000), generator.normal(size=50_000), 1.0, segment_ms=500.0,
        overlap=0.0,
    )  # fmt: skip
    assert found.coherence[1:-1].mean() == pytest.approx(1 / 100, abs=0.003)


def test_a_signal_without_power_has_no_coherence() -> None:
    found = coherence(np.zeros(1000), np.sin(np.arange(1000.0)), 1.0, segment_ms=100.0)
    assert np.isnan(found.coherence).all()


def test_segments_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InvalidInput, match="200 samples in a signal of 100"):
        power_spectrum(np.zeros(100), 1.0, segment_ms=200.0)
    with pytest.raises(InvalidInput, match="overlap is 1"):
        power_spectrum(np.zeros(100), 1.0, overlap=1.0)
    with pytest.raises(ShapeMismatch, match="time last"):
        power_spectrum(np.zeros(()), 1.0)
    with pytest.raises(ShapeMismatch, match="two of shape"):
        coherence(np.zeros(10), np.zeros(11), 1.0)
