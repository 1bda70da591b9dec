r"""The words into which Lempel and Ziv cut a sequence, counted in a time linear in its length.

A word is the shortest piece that cannot be copied from what came before it. What came before is
kept as a suffix automaton, which grows by one symbol at a time and knows after each whether the
piece under way occurs in it; so that every symbol is looked at a bounded number of times.

Sources: Lempel and Ziv (1976), IEEE Trans. Inf. Theory 22:75, the exhaustive history; Blumer et al.
(1985), Theor. Comput. Sci. 40:31, the automaton.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]
NOWHERE = -1


@numba.njit(cache=True)
def _follow(first, following, symbol, target, state, code):  # type: ignore[no-untyped-def]
    """The edge of a state with that symbol, or nowhere."""
    edge = first[state]
    while edge != NOWHERE and symbol[edge] != code:
        edge = following[edge]
    return edge


@numba.njit(cache=True)
def _clone(first, following, symbol, target, length, link, counts, state, new_length):  # type: ignore[no-untyped-def]
    """A copy of a state for its shorter pieces; the original keeps the longer ones."""
    copy = counts[0]
    counts[0] += 1
    length[copy] = new_length
    link[copy] = link[state]
    edge = first[state]
    while edge != NOWHERE:
        new = counts[1]
        counts[1] += 1
        symbol[new], target[new], following[new] = symbol[edge], target[edge], first[copy]
        first[copy] = new
        edge = following[edge]
    link[state] = copy
    return copy


@numba.njit(cache=True)
def _redirect(first, following, symbol, target, link, state, code, old, new):  # type: ignore[no-untyped-def]
    """Let shorter pieces lead to the copy."""
    while state != NOWHERE:
        edge = _follow(first, following, symbol, target, state, code)
        if edge == NOWHERE or target[edge] != old:
            return
        target[edge] = new
        state = link[state]


@numba.njit(cache=True)
def _append(first, following, symbol, target, length, link, counts, last, code):  # type: ignore[no-untyped-def]
    """Let the automaton know one more symbol; the state of all that was read since the start."""
    edge = _follow(first, following, symbol, target, last, code)
    if edge != NOWHERE:  # an earlier column begins like this one
        old = target[edge]
        if length[last] + 1 == length[old]:
            return old
        copy = _clone(first, following, symbol, target, length, link, counts, old, length[last] + 1)
        _redirect(first, following, symbol, target, link, last, code, old, copy)
        return copy
    state = counts[0]
    counts[0] += 1
    length[state] = length[last] + 1
    before = last
    while before != NOWHERE:
        edge = _follow(first, following, symbol, target, before, code)
        if edge != NOWHERE:
            break
        new = counts[1]
        counts[1] += 1
        symbol[new], target[new], following[new] = code, state, first[before]
        first[before] = new
        before = link[before]
    if before == NOWHERE:
        link[state] = 0
        return state
    old = target[edge]
    if length[before] + 1 == length[old]:
        link[state] = old
        return state
    copy = _clone(first, following, symbol, target, length, link, counts, old, length[before] + 1)
    _redirect(first, following, symbol, target, link, before, code, old, copy)
    link[state] = copy
    return state


@numba.njit(cache=True)
def words(codes, ends):  # type: ignore[no-untyped-def]
    """Where the words of columns end.

    Args:
        codes: Symbols as whole numbers, int64 ``[time * sources]``, one column after the other.
        ends: bool, whether a column ends with this symbol. No word goes beyond the end of a column,
            and words are looked for in whole columns before and in the present one.

    Returns:
        int8 for each symbol: 1 where a word ends that was not to be found before, 2 where a column
        ends within a word that was.
    """
    n = codes.size
    states = 2 * n + 2
    first = np.full(states, NOWHERE, np.int32)
    link = np.full(states, NOWHERE, np.int32)
    length = np.zeros(states, np.int32)
    # An automaton has less than two states and three edges a symbol.
    edges = 4 * n + 8
    following = np.empty(edges, np.int32)
    symbol = np.empty(edges, np.int64)
    target = np.empty(edges, np.int32)
    counts = np.zeros(2, np.int64)
    counts[0] = 1  # the root
    found = np.zeros(n, np.int8)
    last, match, matched = 0, 0, 0
    for place in range(n):
        code = codes[place]
        edge = _follow(first, following, symbol, target, match, code)
        if edge == NOWHERE:
            found[place] = 1
            match, matched = 0, 0
        else:
            match = target[edge]
            matched += 1
        last = _append(first, following, symbol, target, length, link, counts, last, code)
        while match != 0 and matched <= length[link[match]]:
            match = link[match]
        if ends[place]:
            if matched > 0:
                found[place] = 2
            last, match, matched = 0, 0, 0
    return found


@numba.njit(cache=True)
def dictionary_words(codes, symbols):  # type: ignore[no-untyped-def]
    """How many words the dictionary of Welch's variant holds at the end.

    A word that the dictionary lacks is added, and the next one begins with the symbol that made it
    new. The dictionary is a tree; single symbols are its trunk, of which only the first that is
    read counts as a word.

    Args:
        codes: Symbols as whole numbers from 0, int64 ``[length]``, at least one.
        symbols: How many there are.
    """
    size = codes.size + symbols
    child = np.full(size, NOWHERE, np.int64)  # the first of each node's children
    sibling = np.full(size, NOWHERE, np.int64)
    symbol = np.empty(size, np.int64)
    nodes = symbols
    node = codes[0]
    for code in codes[1:]:
        longer = child[node]
        while longer != NOWHERE and symbol[longer] != code:
            longer = sibling[longer]
        if longer == NOWHERE:
            symbol[nodes], sibling[nodes] = code, child[node]
            child[node] = nodes
            nodes += 1
            node = code
        else:
            node = longer
    return nodes - symbols + 1
