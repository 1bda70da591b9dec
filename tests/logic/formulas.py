"""Random terms, formulas and degrees for the tests of logic."""

from __future__ import annotations

from hypothesis import strategies as st

from neurallayers.logic.terms import (
    And,
    Atom,
    Constant,
    Exists,
    Falsum,
    ForAll,
    Formula,
    Iff,
    Implies,
    Not,
    Or,
    Variable,
    Verum,
    Xor,
)

VARIABLES = st.sampled_from(["x", "y", "some_name", "X", "Anna", "not", "is"]).map(Variable)
CONSTANTS = st.one_of(
    st.sampled_from(
        ["Anna", "anna", "two words", 'a "quote"', "back\\slash", "line\nend", "x", "∀"]
    ),
    st.integers(-20, 20),
).map(Constant)
TERMS = st.one_of(VARIABLES, CONSTANTS)
PREDICATES = st.sampled_from(["p", "likes", "Smokes", "odd name", "not", "domain", "query", "is"])
ORDINARY = st.builds(Atom, PREDICATES, st.lists(TERMS, max_size=3).map(tuple))
COMPARED = st.builds(Atom, st.sampled_from(["=", "!=", "<", "<="]), st.tuples(TERMS, TERMS))
ARITHMETIC = st.builds(Atom, st.sampled_from(["sum", "product"]), st.tuples(TERMS, TERMS, TERMS))
ATOMS = st.one_of(ORDINARY, COMPARED, ARITHMETIC)


def _larger(inner: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    bound = st.lists(VARIABLES, min_size=1, max_size=2, unique=True).map(tuple)
    return st.one_of(
        st.builds(Not, inner),
        st.builds(And, several),
        st.builds(Or, several),
        st.builds(Implies, inner, inner),
        st.builds(Iff, inner, inner),
        st.builds(Xor, inner, inner),
        st.builds(ForAll, bound, inner),
        st.builds(Exists, bound, inner),
    )


FORMULAS: st.SearchStrategy[Formula] = st.recursive(
    st.one_of(ATOMS, st.just(Verum()), st.just(Falsum())), _larger, max_leaves=8
)
DEGREES = st.floats(0.0, 1.0, allow_nan=False)
PAIRS = st.tuples(DEGREES, DEGREES).map(lambda pair: (min(pair), max(pair)))
