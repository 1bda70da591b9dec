"""Entropies: published examples, closed forms, and definitions spelled out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.measures.complexity import (
    entropy_bits,
    multiscale_entropy,
    permutation_entropy,
    sample_entropy,
    shannon_entropy,
    spectral_entropy,
)


def test_entropy_of_symbols_and_weights() -> None:
    assert shannon_entropy("abcd") == 2.0
    assert shannon_entropy([7, 7, 7]) == 0.0
    assert entropy_bits([3.0, 1.0]) == pytest.approx(2.0 - 0.75 * math.log2(3.0), rel=1e-12)
    assert entropy_bits([1.0, 0.0]) == 0.0


def test_permutation_entropy_of_the_example_of_bandt_and_pompe() -> None:
    series = [4, 7, 9, 10, 6, 11, 3]
    expected = -(4 / 6) * math.log2(4 / 6) - (2 / 6) * math.log2(2 / 6)
    assert permutation_entropy(series, order=2) == pytest.approx(expected, rel=1e-12)
    thirds = -2 * (2 / 5) * math.log2(2 / 5) - (1 / 5) * math.log2(1 / 5)
    assert permutation_entropy(series, order=3) == pytest.approx(thirds, rel=1e-12)


def test_permutation_entropy_of_order_and_noise() -> None:
    assert permutation_entropy(np.arange(50.0)) == 0.0
    noise = np.random.default_rng(0).normal(size=20_000)
    assert permutation_entropy(noise, order=4, normalize=True) > 0.999
    assert permutation_entropy(noise, delay=3, normalize=True) > 0.999


@pytest.mark.parametrize("order", [1, 2, 3])
def test_sample_entropy_counts_pairs_as_defined(order: int) -> None:
    samples = np.random.default_rng(order).normal(size=120)
    radius = 0.2 * samples.std()

    def pairs(size: int) -> int:
        count = 0
        for i in range(len(samples) - order):
            for j in range(i):
                count += np.abs(samples[i : i + size] - samples[j : j + size]).max() <= radius
        return count

    expected = -math.log(pairs(order + 1) / pairs(order))
    assert sample_entropy(samples, order=order) == pytest.approx(expected, rel=1e-12)


def test_sample_entropy_without_likeness() -> None:
    assert sample_entropy([0.0, 1.0, 0.0, 5.0, 9.0], order=1, tolerance=0.1) == math.inf
    assert math.isnan(sample_entropy([0.0, 1.0, 2.0, 3.0, 4.0], order=1, tolerance=0.1))


def test_spectral_entropy_of_a_tone_and_of_noise() -> None:
    time = np.arange(4096) / 1000.0
    assert spectral_entropy(np.sin(2 * np.pi * 50.0 * time), dt_ms=1.0) < 0.3
    assert spectral_entropy(np.random.default_rng(0).normal(size=40_960), dt_ms=1.0) > 0.97


def test_white_noise_loses_and_pink_noise_keeps_entropy_over_scales() -> None:
    white = np.random.default_rng(0).normal(size=6000)
    spectrum = np.fft.rfft(white)
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    pink = np.fft.irfft(spectrum)
    falling = multiscale_entropy(white, 8)
    steady = multiscale_entropy(pink, 8)
    assert falling[0] > steady[0]
    assert falling[7] < 0.6 * falling[0]
    assert steady[7] > 0.85 * steady[0]


def test_what_has_no_entropy_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no distribution"):
        entropy_bits([0.0, 0.0])
    with pytest.raises(InvalidInput, match="no distribution"):
        entropy_bits([1.0, -1.0])
    with pytest.raises(ShapeMismatch, match="empty"):
        shannon_entropy("")
    with pytest.raises(InvalidInput, match="order is 1"):
        permutation_entropy([1.0, 2.0], order=1)
    with pytest.raises(ShapeMismatch, match="3 samples or more"):
        permutation_entropy([1.0, 2.0])
    with pytest.raises(InvalidInput, match="NaN"):
        sample_entropy([1.0, np.nan, 2.0, 3.0])
    with pytest.raises(InvalidInput, match="tolerance"):
        sample_entropy([1.0, 2.0, 3.0, 4.0], tolerance=0.0)
    with pytest.raises(InvalidInput, match="never changes"):
        spectral_entropy(np.ones(100), dt_ms=1.0)
    with pytest.raises(InvalidInput, match="never changes"):
        multiscale_entropy(np.ones(100), 2)
    with pytest.raises(InvalidInput, match="scales is 0"):
        multiscale_entropy(np.ones(100), 0)
