"""Which parts of a theory cannot hold together: the fewest, and all the fewest.

A set of parts that cannot hold together is minimal if any of its parts left out lets the rest hold
(a minimal unsatisfiable subset). One is found by deletion, all of them by MARCO: M. Liffiton, A.
Previti, A. Malik, J. Marques-Silva (2016), Constraints 21:223.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from neurallayers import extras
from neurallayers.logic.proving_smt import SmtTheory, Solver

_RESTRICT_BELOW = 0.5
_BLOCKS_ABOVE = 64


def check_theory(theory: SmtTheory) -> tuple[bool | None, Solver, list[int]]:
    """Whether a theory can hold; if not, with a solver near the reason and a core to shrink.

    Of many parts, neighbours are first switched together: a switch costs more than a part.

    Returns:
        The answer, a solver of all parts that matter, and the core (empty unless it cannot hold).
    """
    if len(theory.parts) > _BLOCKS_ABOVE:
        size = math.isqrt(len(theory.parts))
        blocks = Solver(theory.blocks(size))
        answer = blocks.check()
        if answer is not False:
            return answer, blocks, []
        parts = [
            part
            for block in blocks.core()
            for part in range(block * size, min((block + 1) * size, len(theory.parts)))
        ]
        solver = blocks.of(theory, parts)
    else:
        solver = Solver(theory)
    answer = solver.check()
    return answer, solver, solver.core() if answer is False else []


def shrink(solver: Solver, core: Sequence[int]) -> tuple[list[int], bool]:
    """Leave out of a core what it does not need, until nothing can be left out.

    Deletion (Chinneck and Dravnieks 1991, ORSA J. Comput. 3:157) with the solver's own smaller
    cores in between. What the solver cannot decide stays.

    Args:
        solver: The solver that found the core.
        core: Parts that cannot hold together.

    Returns:
        The parts that are left, and whether every check was decided, so that they are minimal.
    """
    if len(core) < _RESTRICT_BELOW * len(solver):
        solver = solver.restricted(core)
    needed: list[int] = []
    exact = True
    waiting = sorted(core)
    while waiting:
        part = waiting.pop()
        answer = solver.check([*needed, *waiting])
        if answer is False:
            smaller = set(solver.core())
            waiting = [each for each in waiting if each in smaller]
        else:
            needed.append(part)
            exact = exact and answer is True
    return sorted(needed), exact


def is_minimal(solver: Solver, core: Sequence[int]) -> bool:
    """Whether parts cannot hold together, and can if any of them is left out.

    Checked from the definition, without regard to how the parts were found.
    """
    solver = solver.restricted(core)
    return solver.check(core) is False and all(
        solver.check([each for each in core if each != part]) is True for part in core
    )


def minimal_cores(solver: Solver) -> Iterator[tuple[list[int], bool]]:
    """Every minimal set of parts that cannot hold together, one after the other.

    There may be exponentially many; take as many as are wanted.

    Args:
        solver: A solver over the parts.
    """
    parts = len(solver)
    chosen = _Map(parts)
    while (seed := chosen.unexplored()) is not None:
        if solver.check(seed) is False:
            core, exact = shrink(solver, solver.core())
            chosen.block_above(core)
            yield core, exact
        else:
            chosen.block_below(_grown(solver, seed, parts))


def _grown(solver: Solver, seed: Sequence[int], parts: int) -> list[int]:
    """Parts that hold together, with as many more as still do."""
    kept = list(seed)
    for part in sorted(set(range(parts)) - set(seed)):
        if solver.check([*kept, part]) is True:
            kept.append(part)
    return kept


class _Map:
    """Which sets of parts have not been decided yet."""

    def __init__(self, parts: int) -> None:
        z3 = extras.require("z3", extra="logic")
        self._z3 = z3
        self._context = z3.Context()
        self._solver = z3.SolverFor("QF_FD", self._context)
        self._inside = [z3.Bool(f"in{part}", self._context) for part in range(parts)]
        self._cores: list[frozenset[int]] = []

    def block_above(self, core: Sequence[int]) -> None:
        """Nothing that contains this needs to be looked at."""
        self._cores.append(frozenset(core))
        self._solver.add(self._any_of([self._z3.Not(self._inside[part]) for part in core]))

    def block_below(self, held: Sequence[int]) -> None:
        """Nothing inside this needs to be looked at."""
        kept = set(held)
        self._solver.add(
            self._any_of([each for part, each in enumerate(self._inside) if part not in kept])
        )

    def unexplored(self) -> list[int] | None:
        """A set that is not blocked and to which nothing can be added, or None."""
        if self._solver.check() != self._z3.sat:
            return None
        model = self._solver.model()
        chosen = {part for part, each in enumerate(self._inside) if self._z3.is_true(model[each])}
        for part in range(len(self._inside)):
            # A set that may be added to is still open to its sides: adding keeps it unblocked
            # unless that completes a conflict.
            if part not in chosen and not any(
                part in core and core <= chosen | {part} for core in self._cores
            ):
                chosen.add(part)
        return sorted(chosen)

    def _any_of(self, inside: list[Any]) -> Any:
        return self._z3.Or(*inside) if inside else self._z3.BoolVal(False, self._context)
