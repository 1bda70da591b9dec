"""One seed, named streams, and numbers that are computed from a counter."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from neurallayers.seeding import counter_uniform, derive_seed, philox, stream

LAW = settings(max_examples=40, deadline=None, derandomize=True, database=None)
MASK = 0xFFFFFFFF
WORDS = st.integers(0, MASK)
INT64 = st.integers(-(2**63), 2**63 - 1)
NAMES = st.lists(st.one_of(st.text("abc/.", max_size=4), st.integers(0, 20)), max_size=3)

# Known answers of Random123 (kat_vectors, philox4x32 with 10 rounds): counter, key, result.
KNOWN_ANSWERS = [
    (
        (0x00000000, 0x00000000, 0x00000000, 0x00000000),
        (0x00000000, 0x00000000),
        (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
    ),
    (
        (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF),
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def words(*values: int) -> tuple[Tensor, ...]:
    return tuple(torch.tensor(value, dtype=torch.int64) for value in values)


def philox_of_integers(counter: tuple[int, ...], key: tuple[int, ...]) -> list[int]:
    """The same from the paper in Python's integers, which cannot overflow."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & MASK, (p0 >> 32) ^ c3 ^ k1, p0 & MASK
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return [c0, c1, c2, c3]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_philox_gives_the_known_answers(
    counter: tuple[int, ...], key: tuple[int, ...], answer: tuple[int, ...]
) -> None:
    assert philox(words(*counter), words(*key)).tolist() == list(answer)  # type: ignore[arg-type]


@given(counter=st.tuples(WORDS, WORDS, WORDS, WORDS), key=st.tuples(WORDS, WORDS))
@LAW
def test_philox_agrees_with_exact_integers(counter: tuple[int, ...], key: tuple[int, ...]) -> None:
    found = philox(words(*counter), words(*key))  # type: ignore[arg-type]
    assert found.tolist() == philox_of_integers(counter, key)


def test_philox_broadcasts() -> None:
    block = torch.arange(5)[None, :]
    zero, key = torch.zeros(3, 1, dtype=torch.int64), torch.arange(3)[:, None]
    found = philox((block, zero, zero, zero), (key, zero))
    assert found.shape == (3, 5, 4)
    assert found[2, 4].tolist() == philox_of_integers((4, 0, 0, 0), (2, 0))


@given(seed=INT64, counter=st.integers(0, 2**62), n=st.integers(1, 9))
@LAW
def test_counter_uniform_is_the_top_24_bits_of_philox(seed: int, counter: int, n: int) -> None:
    """Also for seeds and counters beyond 32 bits, and for negative seeds."""
    drawn = counter_uniform(torch.tensor([seed]), torch.tensor([counter]), n)
    expected = [
        philox_of_integers(
            (i // 4, counter & MASK, (counter >> 32) & MASK, 0), (seed & MASK, (seed >> 32) & MASK)
        )[i % 4]
        for i in range(n)
    ]
    assert drawn.dtype == torch.float32
    assert drawn[0].tolist() == [(word >> 8) / 2**24 for word in expected]


@given(seeds=st.lists(INT64, min_size=2, max_size=6), n=st.integers(1, 20), data=st.data())
@LAW
def test_a_row_draws_the_same_whoever_its_neighbours(
    seeds: list[int], n: int, data: st.DataObject
) -> None:
    counters = data.draw(st.lists(st.integers(0, 2**40), min_size=len(seeds), max_size=len(seeds)))
    together = counter_uniform(torch.tensor(seeds), torch.tensor(counters), n)
    row = data.draw(st.integers(0, len(seeds) - 1))
    alone = counter_uniform(torch.tensor([seeds[row]]), torch.tensor([counters[row]]), n)
    assert torch.equal(together[row], alone[0])


@given(seed=INT64, n=st.integers(1, 20), more=st.integers(1, 20))
@LAW
def test_drawing_more_numbers_does_not_change_the_first(seed: int, n: int, more: int) -> None:
    seeds, counters = torch.tensor([seed]), torch.tensor([5])
    few, many = counter_uniform(seeds, counters, n), counter_uniform(seeds, counters, n + more)
    assert torch.equal(few[0], many[0, :n])


def uniform_sample() -> Tensor:
    return counter_uniform(torch.full((500,), 11), torch.arange(500), 400).double()


def test_the_numbers_are_uniform() -> None:
    """Chi-squared over 64 bins of 200,000 numbers: 63 degrees of freedom, five deviations."""
    sample = uniform_sample()
    assert 0.0 <= sample.min() < sample.max() < 1.0
    counts = torch.histc(sample, bins=64, min=0.0, max=1.0)
    expected = sample.numel() / 64
    chi_squared = ((counts - expected) ** 2 / expected).sum().item()
    assert abs(chi_squared - 63) < 5 * math.sqrt(2 * 63)


def test_the_moments_are_those_of_a_uniform_variable() -> None:
    sample = uniform_sample()
    n = sample.numel()
    assert abs(sample.mean().item() - 1 / 2) < 5 / math.sqrt(12 * n)
    assert abs(sample.var().item() - 1 / 12) < 5 / math.sqrt(180 * n)


@pytest.mark.parametrize("axis", ["element", "counter", "seed"])
def test_neighbouring_numbers_are_not_correlated(axis: str) -> None:
    if axis == "element":
        sample = uniform_sample()
        a, b = sample[:, :-1], sample[:, 1:]
    elif axis == "counter":
        sample = uniform_sample()
        a, b = sample[:-1], sample[1:]
    else:
        sample = counter_uniform(torch.arange(500), torch.zeros(500).long(), 400).double()
        a, b = sample[:-1], sample[1:]
    correlation = torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1].item()
    assert abs(correlation) < 5 / math.sqrt(a.numel())


def test_seed_and_counter_both_matter_in_all_their_bits() -> None:
    seeds = torch.tensor([0, 1, 1 << 32, 0, 0])
    counters = torch.tensor([0, 0, 0, 1, 1 << 32])
    drawn = counter_uniform(seeds, counters, 8)
    assert len({tuple(row) for row in drawn.tolist()}) == 5


def test_counter_uniform_works_inside_compiled_and_mapped_steps() -> None:
    seeds, counters = torch.tensor([3, 4]), torch.tensor([7, 8])
    expected = counter_uniform(seeds, counters, 6)
    mapped = torch.func.vmap(lambda s, c: counter_uniform(s[None], c[None], 6)[0])(seeds, counters)
    assert torch.equal(mapped, expected)


@given(seed=st.integers(0, 2**63), names=NAMES)
@LAW
def test_a_derived_seed_fits_a_generator_and_repeats(seed: int, names: list[str | int]) -> None:
    derived = derive_seed(seed, *names)
    assert 0 <= derived < 2**63
    assert derived == derive_seed(seed, *names)
    assert torch.equal(
        torch.rand(4, generator=stream(seed, *names)), torch.rand(4, generator=stream(seed, *names))
    )


@given(seed=st.integers(0, 99), first=NAMES, second=NAMES)
@LAW
def test_streams_of_other_names_or_seeds_differ(
    seed: int, first: list[str | int], second: list[str | int]
) -> None:
    """A number and its digits are one name; otherwise no two paths meet."""
    if [str(name) for name in first] != [str(name) for name in second]:
        assert derive_seed(seed, *first) != derive_seed(seed, *second)
    assert derive_seed(seed, *first) != derive_seed(seed + 1, *first)


def test_paths_are_not_glued_together() -> None:
    assert derive_seed(1, "ab", "c") != derive_seed(1, "a", "bc")
    assert derive_seed(1, "2") != derive_seed(12)


def test_a_seed_means_the_same_in_every_process_and_version() -> None:
    """Python's own hash is salted anew in each process; networks made from seeds must not be."""
    assert derive_seed(7, "cortex", 3) == 8788200360027358342
    assert derive_seed(0) == 2033344993903900207


def test_a_stream_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    torch.rand(5, generator=stream(7, "cortex"))
    counter_uniform(torch.tensor([1]), torch.tensor([1]), 5)
    assert torch.equal(torch.random.get_rng_state(), before)
