"""Lempel-Ziv complexity: published counts, limits, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.measures.complexity import (
    binarized_amplitudes,
    lempel_ziv_76,
    lempel_ziv_complexity,
    lempel_ziv_welch,
    lempel_ziv_words,
    schartner_complexity,
)


@pytest.mark.parametrize(
    ("sequence", "count"),
    [
        ("0001101001000101", 6),  # Lempel and Ziv (1976), the example of their section II
        ("0000000000000000", 2),  # 0.000...
        ("0101010101010101", 3),  # 0.1.0101...
        ("0", 1),
        ("", 0),
    ],
)
def test_published_and_obvious_counts(sequence: str, count: int) -> None:
    assert lempel_ziv_76(sequence) == count


@pytest.mark.parametrize("kind", [str, list, np.array, torch.tensor])
def test_the_kind_of_the_symbols_does_not_matter(kind: type) -> None:
    bits = [0, 0, 0, 1, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 1]
    sequence = "".join(map(str, bits)) if kind is str else kind(bits)
    assert lempel_ziv_76(sequence) == 6


def test_words_make_up_the_text_and_each_is_new() -> None:
    text = "abracadabra abracadabra"
    cut = lempel_ziv_words(text)
    assert "".join(cut) == text
    begin = 0
    for word in cut[:-1]:  # the last may end with the text before it is new
        assert word not in text[: begin + len(word) - 1]
        begin += len(word)


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_the_rate_of_random_bits_tends_to_their_entropy(share: float) -> None:
    bits = np.random.default_rng(3).random(200_000) < share
    entropy = -share * np.log2(share) - (1 - share) * np.log2(1 - share)
    # Convergence goes with log log n / log n: slowly.
    assert lempel_ziv_complexity(bits) == pytest.approx(entropy, rel=0.05)


def test_order_lowers_and_disorder_raises_the_measure_of_schartner() -> None:
    generator = np.random.default_rng(0)
    noise = generator.normal(size=(4, 1000))
    together = np.repeat(generator.normal(size=(1, 1000)), 4, axis=0)
    assert schartner_complexity(noise) > 0.9
    assert schartner_complexity(together) < 0.6 * schartner_complexity(noise)
    assert schartner_complexity(noise, seed=1) == schartner_complexity(noise, seed=1)


def test_schartner_of_bits_is_their_dictionary_over_that_of_shuffled_bits() -> None:
    bits = np.random.default_rng(1).random((3, 400)) < 0.3
    text = "".join("1" if bit else "0" for bit in bits.T.reshape(-1))
    many = schartner_complexity(bits, shuffles=50)
    shuffled = [
        lempel_ziv_welch("".join(np.random.default_rng(i).permutation(list(text))))
        for i in range(50)
    ]
    assert many == pytest.approx(lempel_ziv_welch(text) / np.mean(shuffled), rel=0.01)


def test_amplitudes_are_binarized_around_their_mean() -> None:
    time = np.arange(2000) / 1000.0
    loud_in_the_middle = np.exp(-((time - 1.0) ** 2) / 0.02) * np.sin(2 * np.pi * 40 * time)
    above = binarized_amplitudes(loud_in_the_middle[None])
    assert above[0, 1000]
    assert not above[0, [0, 100, 1900]].any()


@pytest.mark.parametrize(
    ("sequence", "error", "words"),
    [
        ([0.0, float("nan")], InvalidInput, "NaN"),
        ([[0, 1], [1, 0]], ShapeMismatch, "one sequence"),
        ([1, "a", None], InvalidInput, "compared"),
        ([[0, 1], [1]], ShapeMismatch, "one sequence"),
    ],
)
def test_what_is_no_sequence_is_refused(
    sequence: object, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        lempel_ziv_76(sequence)  # type: ignore[arg-type]


def test_a_rate_needs_two_symbols_and_words_a_text() -> None:
    with pytest.raises(ShapeMismatch, match="1 symbols"):
        lempel_ziv_complexity("a")
    with pytest.raises(InvalidInput, match="list"):
        lempel_ziv_words([0, 1])  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="shuffles is 0"):
        schartner_complexity(np.zeros((2, 10)), shuffles=0)
    with pytest.raises(ShapeMismatch, match="channels, time"):
        schartner_complexity(np.zeros(10))
    with pytest.raises(InvalidInput, match="NaN"):
        schartner_complexity(np.full((2, 10), np.nan))
