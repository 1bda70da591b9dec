"""Which rules and facts clash: the fewest that cannot all hold, by an existing solver (z3).

A rule ``head <- body`` is read as "if the body, then the head", for everything its variables may
stand for. Weights do not count: a rule that holds to some degree still says what it says. A
conflict is minimal: leave out any of its members and the others can hold together.

>>> from neurallayers.logic.syntax import parse_program
>>> program = parse_program('''
...     bird: flies(x) <- bird(x)
...     penguin: bird(x) <- penguin(x)
...     grounded: !flies(x) <- penguin(x)
...     swims(x) <- penguin(x)
...     penguin(Tweety)
... ''')
>>> clash = find_conflict(program)
>>> clash.members
('bird', 'penguin', 'grounded', 'penguin(Tweety)')
>>> print(clash.words)
bird, penguin, grounded and penguin(Tweety) cannot all hold:
1. penguin(Tweety) is given.
2. bird(Tweety) follows from 1 by penguin.
3. flies(Tweety) follows from 2 by bird.
But also:
1. penguin(Tweety) is given.
2. !flies(Tweety) follows from 1 by grounded.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from neurallayers.errors import InvalidInput
from neurallayers.logic.conflicts_theory import Statements, Theory, theory_of
from neurallayers.logic.proving_cores import check_theory, minimal_cores, shrink
from neurallayers.logic.proving_deductions import listed
from neurallayers.logic.proving_smt import STEPS, Solver
from neurallayers.logic.terms import Atom, Constant, Formula, Literal


@dataclass(frozen=True)
class Conflict:
    """Statements that cannot all hold.

    Attributes:
        members: Their names (or their texts, where they have none).
        statements: What each of them says.
        minimal: Whether the others can hold together if any of them is left out. False only if the
            solver gave up on that question.
        words: What clashes and why.
        situation: For rules that clash only where their bodies hold: where that is; empty for
            statements that clash as they are.
    """

    members: tuple[str, ...]
    statements: Mapping[str, tuple[Formula, ...]]
    minimal: bool
    words: str
    situation: tuple[Literal, ...] = ()

    def __len__(self) -> int:
        return len(self.members)

    def __str__(self) -> str:
        return self.words

    def to_dict(self) -> dict[str, Any]:
        """The conflict as values of JSON."""
        return {
            "members": list(self.members),
            "statements": {
                name: [str(formula) for formula in formulas]
                for name, formulas in self.statements.items()
            },
            "minimal": self.minimal,
            "situation": [str(literal) for literal in self.situation],
            "words": self.words,
        }


def find_conflict(
    statements: Statements,
    *,
    exclusive: Iterable[Iterable[Atom | str]] = (),
    domain: Iterable[Constant | str | int] | None = None,
    distinct_names: bool = True,
    steps: int = STEPS,
) -> Conflict | None:
    """The fewest statements that cannot all hold, or None if all can.

    Args:
        statements: A program or its text; or rules, facts, axioms, formulas and texts; or formulas
            by name. A choice with probabilities asserts nothing and is left out of a program.
        exclusive: Groups of atoms of which at most one holds: ``[["odd(x)", "even(x)"]]``. They
            are not members of a conflict.
        domain: The things that there are. Without it there may be others than those that are named.
        distinct_names: Whether different constants name different things.
        steps: How far the solver goes in one check, in its own count.

    Raises:
        InvalidInput: If something is no statement, has too many instances, or was not decided.
        LogicSyntaxError: If a text cannot be read.
        MissingExtra: If z3-solver is not installed.

    >>> find_conflict(["a: p <- q", "b: !p <- q", "c: q", "d: r <- p"]).members
    ('a', 'b', 'c')
    >>> find_conflict(["a: p <- q", "b: !p <- q"]) is None
    True
    """
    theory = theory_of(
        statements, exclusive=exclusive, domain=domain, distinct_names=distinct_names
    )
    return conflict_of(theory, steps)


def conflicts(
    statements: Statements,
    *,
    limit: int = 10,
    exclusive: Iterable[Iterable[Atom | str]] = (),
    domain: Iterable[Constant | str | int] | None = None,
    distinct_names: bool = True,
    steps: int = STEPS,
) -> list[Conflict]:
    """Every minimal conflict, up to a limit: fewer than the limit means that these are all.

    Args:
        statements: As for :func:`find_conflict`.
        limit: How many to look for; their number can grow exponentially with the statements.
        exclusive: Groups of atoms of which at most one holds.
        domain: The things that there are; None for no others than needed.
        distinct_names: Whether different constants name different things.
        steps: How far the solver goes in one check, in its own count.

    Raises:
        InvalidInput: As for :func:`find_conflict`, and if the limit is not positive.

    >>> [clash.members for clash in conflicts(["a: p", "b: !p", "c: q <- p", "d: !q"])]
    [('a', 'b'), ('a', 'c', 'd')]
    """
    if limit < 1:
        raise InvalidInput(f"The limit is {limit}.", "Look for at least one conflict.")
    theory = theory_of(
        statements, exclusive=exclusive, domain=domain, distinct_names=distinct_names
    )
    if not theory.members:
        return []
    cores = minimal_cores(Solver(theory.texts(steps)))
    found = [_conflict(theory, core, exact) for core, exact in itertools.islice(cores, limit)]
    return sorted(found, key=lambda clash: (len(clash), clash.members))


def conflict_of(theory: Theory, steps: int = STEPS) -> Conflict | None:
    """The fewest members of a theory that cannot all hold, or None: see :func:`find_conflict`."""
    if theory.has_many_instances:
        chained = theory.chained_conflict()
        if chained is not None:
            names, proofs = chained
            near = [
                name
                for proof in proofs
                for step in proof.steps
                for name in step.conclusion.atom.terms
                if isinstance(name, Constant)
            ]
            found = _first(theory.of(names, near), steps)
            if found is not None:
                return found
    return _first(theory, steps)


def _first(theory: Theory, steps: int) -> Conflict | None:
    if not theory.members:
        return None
    answer, solver, core = check_theory(theory.texts(steps))
    if answer is None:
        raise InvalidInput(
            f"Whether the statements clash was not decided ({solver.why_unknown()}).",
            "Name a finite domain (domain=...), or raise steps=.",
        )
    if answer:
        return None
    return _conflict(theory, *shrink(solver, core))


def _conflict(theory: Theory, core: list[int], exact: bool) -> Conflict:
    names = list(theory.members)
    members = tuple(names[part] for part in core)
    statements = {name: theory.members[name] for name in members}
    return Conflict(members, statements, exact, _words(theory.of(members), members))


def _words(theory: Theory, members: tuple[str, ...]) -> str:
    if not members:
        return "The exclusive groups contradict themselves."
    verb = "can never hold" if len(members) == 1 else "cannot all hold"
    said = f"{listed([*members])} {verb}"
    if theory.exclusive:
        said += ", as at most one holds of " + " and of ".join(
            listed([str(atom) for atom in group]) for group in theory.exclusive
        )
    chained = theory.chained_conflict()
    if chained is None:
        reasons = [
            f"{name}: {formula}"
            for name, formulas in theory.members.items()
            for formula in formulas
            if str(formula) != name
        ]
        return f"{said} ({'; '.join(reasons)})." if reasons else f"{said}."
    held, denied = chained[1]
    return f"{said}:\n{held}\nBut also:\n{denied}"
