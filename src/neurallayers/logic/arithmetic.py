"""Predicates whose truth follows from their terms alone: equality, order, sum and product.

========================  =====================================  ======================
written                   atom                                   true where
========================  =====================================  ======================
``x = y``                 ``Atom("=", (x, y))``                  the same constant
``x != y``                ``Atom("!=", (x, y))``                 another constant
``x < y``, ``y > x``      ``Atom("<", (x, y))``                  integers, x below y
``x <= y``, ``y >= x``    ``Atom("<=", (x, y))``                 integers, x at most y
``z is x + y``            ``Atom("sum", (x, y, z))``             integers, x + y is z
``z is x - y``            ``Atom("sum", (z, y, x))``             integers, z + y is x
``z is x * y``            ``Atom("product", (x, y, z))``         integers, x times y is z
========================  =====================================  ======================

Constants of different names are different things (the unique names assumption of databases).
"""

from __future__ import annotations

from collections.abc import Callable

from neurallayers.errors import InvalidInput
from neurallayers.logic.terms import Atom, Constant, Term, Variable

BUILT_IN = {("=", 2), ("!=", 2), ("<", 2), ("<=", 2), ("sum", 3), ("product", 3)}
"""Name and arity of the predicates of this module; other arities are ordinary predicates."""

_ORDERS: dict[str, Callable[[int, int], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
}


def is_built_in(atom: Atom) -> bool:
    """Whether an atom is decided by its terms alone."""
    return (atom.predicate, atom.arity) in BUILT_IN


def holds(atom: Atom) -> bool:
    """Whether a built-in atom without variables is true.

    Raises:
        InvalidInput: If it has a variable, is not built in, or counts with what is no integer.

    >>> holds(Atom("sum", (Constant(2), Constant(3), Constant(5))))
    True
    """
    if not atom.is_ground or not is_built_in(atom):
        raise InvalidInput(
            f"'{atom}' cannot be decided by its terms.",
            "Replace its variables by constants; built in are = != < <= sum(x, y, z) product.",
        )
    if atom.predicate in {"=", "!="}:
        return (atom.terms[0] == atom.terms[1]) == (atom.predicate == "=")
    values = [_integer(term, atom) for term in atom.terms]
    if atom.predicate in _ORDERS:
        return _ORDERS[atom.predicate](*values)
    first, second, result = values
    return (first + second if atom.predicate == "sum" else first * second) == result


def solve(atom: Atom) -> dict[Variable, Constant] | None:
    """The only values of the variables that make a built-in atom true.

    An equation with one side known, a sum with two terms known and a product with two terms known
    have one solution at most; an atom without variables is decided.

    Returns:
        The value of each variable (empty where there are none), or None where nothing makes it
        true.

    Raises:
        InvalidInput: If more than one value would do: bind the other variables first.

    >>> x = Variable("x")
    >>> solve(Atom("sum", (Constant(2), x, Constant(5))))
    {Variable(name='x'): Constant(name=3)}
    """
    unknown = [term for term in atom.terms if isinstance(term, Variable)]
    if not unknown:
        return {} if holds(atom) else None
    value = _only_value(atom, atom.terms.index(unknown[0])) if len(unknown) == 1 else None
    if value is None:
        raise InvalidInput(
            f"'{atom}' does not say what {', '.join(map(str, dict.fromkeys(unknown)))} is.",
            "Bind the variable by an ordinary atom of the same body, such as number(x).",
        )
    return {unknown[0]: value[0]} if value else None


def is_solvable(atom: Atom, known: set[Variable]) -> bool:
    """Whether :func:`solve` will find the variables of an atom once these are known."""
    unknown = [term for term in atom.terms if isinstance(term, Variable) and term not in known]
    if not is_built_in(atom) or len(unknown) != 1:
        return is_built_in(atom) and not unknown
    return atom.predicate in {"=", "sum"}


def _only_value(atom: Atom, place: int) -> list[Constant] | None:
    """The one value for a place, as a list; empty for none; None where there may be several."""
    others: list[Term] = [term for index, term in enumerate(atom.terms) if index != place]
    if atom.predicate == "=":
        assert isinstance(others[0], Constant)
        return [others[0]]
    if atom.predicate not in {"sum", "product"}:
        return None
    first, second = (_integer(term, atom) for term in others)
    if atom.predicate == "sum":
        return [Constant(first + second if place == 2 else second - first)]
    if place == 2:
        return [Constant(first * second)]
    if first == 0:
        return [] if second else None
    return [] if second % first else [Constant(second // first)]


def _integer(term: Term, atom: Atom) -> int:
    if isinstance(term, Constant) and isinstance(term.name, int):
        return term.name
    raise InvalidInput(
        f"'{atom}' counts with {term}, which is no integer.",
        "Use integer constants in sums, products and comparisons of size.",
    )
