"""Words of Lempel and Ziv, held against definitions spelled out in the plainest way."""

from __future__ import annotations

import numpy as np
from benchmarks.complexity import words_by_flow_chart
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.measures.complexity.automaton import dictionary_words, words

LAW = settings(deadline=None, derandomize=True, database=None, max_examples=300)
codes = st.integers(1, 4).flatmap(
    lambda symbols: st.lists(st.integers(0, symbols - 1), min_size=1, max_size=60)
)


def ends_of_words(sequence: list[int]) -> list[int]:
    """Each word is the shortest piece that does not begin anywhere before."""
    found, start = [], 0
    while start < len(sequence):
        size = 1
        while start + size <= len(sequence) and _occurs(sequence, start, size):
            size += 1
        found.append(min(start + size, len(sequence)))
        start += size
    return found


def _occurs(sequence: list[int], start: int, size: int) -> bool:
    piece, before = sequence[start : start + size], sequence[: start + size - 1]
    return any(before[i : i + size] == piece for i in range(len(before) - size + 1))


@LAW
@given(codes)
def test_words_end_where_the_definition_says(sequence: list[int]) -> None:
    ends = np.zeros(len(sequence), np.bool_)
    ends[-1] = True
    found = np.flatnonzero(words(np.array(sequence, np.int64), ends)) + 1
    assert found.tolist() == ends_of_words(sequence)


@LAW
@given(st.integers(2, 9), st.integers(1, 9), st.floats(0.1, 0.9), st.integers(0, 10_000))
def test_words_of_columns_are_those_of_the_flow_chart(
    sources: int, moments: int, share: float, seed: int
) -> None:
    matrix = (np.random.default_rng(seed).random((sources, moments)) < share).astype(int)
    ends = np.zeros((moments, sources), np.bool_)
    ends[:, -1] = True
    found = words(np.ascontiguousarray(matrix.T).reshape(-1), ends.reshape(-1))
    assert int((found == 1).sum()) + 1 == words_by_flow_chart(matrix)


@LAW
@given(codes)
def test_the_dictionary_grows_as_welch_has_it(sequence: list[int]) -> None:
    known: set[tuple[int, ...]] = set()
    word: tuple[int, ...] = ()
    for code in sequence:
        longer = (*word, code)
        if longer in known:
            word = longer
        else:
            known.add(longer)
            word = (code,)
    array = np.array(sequence, np.int64)
    assert dictionary_words(array, int(array.max()) + 1) == len(known)
