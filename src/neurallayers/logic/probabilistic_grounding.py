"""Grounding: the instances of clauses that can matter to what is asked, by joins from below.

Whatever can be true in some world is derived round by round (semi-naive evaluation of Datalog, with
negations taken to hold); each instance of a clause that fires is kept. What no query leads to is
then left out. There are no function symbols, so that only arithmetic could go on without end; a
limit stops it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from neurallayers.errors import InvalidInput
from neurallayers.logic.arithmetic import holds, solve
from neurallayers.logic.probabilistic_clauses import Branch, Clause, computes
from neurallayers.logic.terms import Atom, Constant, Term, Variable, substitute_atom

Name = str | int
GroundAtom = tuple[str, tuple[Name, ...]]
"""A predicate and the names of its constants."""

INSTANCES_AT_MOST = 1_000_000
"""How many ground instances are made before the program is taken to be too large."""

_Binding = dict[Variable, Name]


@dataclass(frozen=True)
class Instance:
    """A clause with constants for its variables.

    Attributes:
        clause: Number of the clause.
        binding: The constants, by the names of the variables; instances that differ only in the
            branch and agree here share one choice.
        heads: The ground heads, in the clause's order.
        positive: Ground atoms that must hold.
        negative: Ground atoms that must not.
    """

    clause: int
    binding: tuple[tuple[str, Name], ...]
    heads: tuple[GroundAtom, ...]
    positive: tuple[GroundAtom, ...]
    negative: tuple[GroundAtom, ...]


@dataclass
class _Known:
    """Atoms derived so far, found by any of their terms."""

    atoms: dict[GroundAtom, None] = field(default_factory=dict)
    by_signature: dict[tuple[str, int], list[tuple[Name, ...]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    indices: dict[tuple[str, tuple[int, ...]], dict[tuple[Name, ...], list[tuple[Name, ...]]]] = (
        field(default_factory=dict)
    )

    def add(self, atom: GroundAtom) -> bool:
        if atom in self.atoms:
            return False
        self.atoms[atom] = None
        predicate, names = atom
        self.by_signature[predicate, len(names)].append(names)
        for (of, places), index in self.indices.items():
            if of == predicate and (not places or places[-1] < len(names)):
                index[tuple(names[i] for i in places)].append(names)
        return True

    def matching(self, atom: Atom, binding: _Binding) -> Sequence[tuple[Name, ...]]:
        """Names of known atoms that agree with what is bound (their number of terms may differ)."""
        places, wanted = [], []
        for i, term in enumerate(atom.terms):
            name = term.name if isinstance(term, Constant) else binding.get(term)
            if name is not None:
                places.append(i)
                wanted.append(name)
        if not places:
            return self.by_signature[atom.predicate, atom.arity]
        index = self.indices.get((atom.predicate, tuple(places)))
        if index is None:
            index = defaultdict(list)
            for (predicate, arity), rows in self.by_signature.items():
                if predicate == atom.predicate and places[-1] < arity:
                    for names in rows:
                        index[tuple(names[i] for i in places)].append(names)
            self.indices[atom.predicate, tuple(places)] = index
        return index.get(tuple(wanted), ())


def ground(
    clauses: Sequence[Clause],
    wanted: Iterable[tuple[str, int]],
    *,
    instances_at_most: int = INSTANCES_AT_MOST,
) -> tuple[dict[GroundAtom, None], list[Instance]]:
    """All atoms that can be true and all instances that can fire, of the wanted predicates.

    Args:
        clauses: The program.
        wanted: Name and arity of the predicates that are asked for; others are made only if these
            depend on them.
        instances_at_most: Stop beyond so many.

    Raises:
        InvalidInput: If there are too many instances, or a computation has no integers.
    """
    grounder = _Grounder(_relevant(clauses, wanted), instances_at_most)
    grounder.run()
    return grounder.known.atoms, list(grounder.found)


class _Grounder:
    """Rounds of derivation, each from what the last one found."""

    def __init__(self, clauses: Sequence[Clause], instances_at_most: int) -> None:
        self.known = _Known()
        self.found: dict[Instance, None] = {}
        self._instances_at_most = instances_at_most
        self._fresh: dict[GroundAtom, None] = {}
        self._waiting: dict[tuple[str, int], list[tuple[Clause, Branch, int]]] = defaultdict(list)
        for clause in clauses:
            for branch in clause.branches:
                for place, atom in enumerate(branch.positive):
                    self._waiting[atom.predicate, atom.arity].append((clause, branch, place))
                if not branch.positive:
                    self._fire(clause, branch, [], {})

    def run(self) -> None:
        """Derive until nothing new comes."""
        while self._fresh:
            arrived, self._fresh = self._fresh, {}
            for key in arrived:
                self.known.add(key)
            for predicate, names in arrived:
                for clause, branch, place in self._waiting[predicate, len(names)]:
                    binding = _unified(branch.positive[place], names, {})
                    if binding is not None:
                        rest = branch.positive[:place] + branch.positive[place + 1 :]
                        self._fire(clause, branch, list(rest), binding)

    def _fire(self, clause: Clause, branch: Branch, rest: list[Atom], binding: _Binding) -> None:
        """Every instance of a branch that agrees with a binding."""
        for complete in _joined(rest, list(branch.builtin), binding, self.known):
            self._add(clause, branch, complete)
        if len(self.found) > self._instances_at_most:
            raise InvalidInput(
                f"The program has more than {self._instances_at_most} ground instances.",
                "Bind variables more tightly, or bound what arithmetic computes "
                "(such as n < 10); raise instances_at_most if it is really so large.",
            )

    def _add(self, clause: Clause, branch: Branch, binding: _Binding) -> None:
        heads = tuple(grounded(head, binding) for _, head in clause.heads)
        instance = Instance(
            clause.number,
            tuple(sorted((v.name, name) for v, name in binding.items() if v in clause.variables)),
            heads,
            tuple(grounded(atom, binding) for atom in branch.positive),
            tuple(grounded(atom, binding) for atom in branch.negative),
        )
        if instance in self.found:
            return
        self.found[instance] = None
        for head in heads:
            if head not in self.known.atoms:
                self._fresh[head] = None


def _relevant(clauses: Sequence[Clause], wanted: Iterable[tuple[str, int]]) -> list[Clause]:
    """Clauses that can matter for the wanted predicates."""
    by_head: dict[tuple[str, int], list[Clause]] = defaultdict(list)
    for clause in clauses:
        for _, head in clause.heads:
            by_head[head.predicate, head.arity].append(clause)
    seen: dict[tuple[str, int], None] = {}
    stack = list(wanted)
    chosen: dict[int, Clause] = {}
    while stack:
        signature = stack.pop()
        if signature in seen:
            continue
        seen[signature] = None
        for clause in by_head[signature]:
            chosen[clause.number] = clause
            stack.extend(
                (atom.predicate, atom.arity)
                for branch in clause.branches
                for atom in (*branch.positive, *branch.negative)
            )
    return [chosen[number] for number in sorted(chosen)]


def _joined(
    atoms: list[Atom], builtins: list[tuple[Atom, bool]], binding: _Binding, known: _Known
) -> Iterator[_Binding]:
    """Every way to bind the remaining variables, the most bound atom first."""
    progress = _computed(builtins, binding)
    if progress is None:
        return
    builtins, binding = progress
    if not atoms:
        yield binding
        return
    best = max(range(len(atoms)), key=lambda i: _boundness(atoms[i], binding))
    atom, rest = atoms[best], atoms[:best] + atoms[best + 1 :]
    # A copy, as what is found may be added to the same list.
    for names in list(known.matching(atom, binding)):
        extended = _unified(atom, names, binding)
        if extended is not None:
            yield from _joined(rest, builtins, extended, known)


def _boundness(atom: Atom, binding: Mapping[Variable, Name]) -> tuple[float, int]:
    bound = sum(isinstance(t, Constant) or t in binding for t in atom.terms)
    return (bound / max(atom.arity, 1), bound)


def _unified(atom: Atom, names: tuple[Name, ...], binding: _Binding) -> _Binding | None:
    """The binding that makes the atom have these names; None if there is none."""
    if len(names) != len(atom.terms):
        return None
    extended = dict(binding)
    for term, name in zip(atom.terms, names, strict=True):
        if isinstance(term, Constant):
            if term.name != name:
                return None
        elif extended.setdefault(term, name) != name:
            return None
    return extended


def _computed(
    builtins: list[tuple[Atom, bool]], binding: _Binding
) -> tuple[list[tuple[Atom, bool]], _Binding] | None:
    """Decide what is bound and compute what follows; None if something is false."""
    waiting = list(builtins)
    progress = True
    while progress and waiting:
        progress, still = False, []
        for atom, positive in waiting:
            answer = _decided(atom, positive, binding)
            if answer is False:
                return None
            if isinstance(answer, dict):
                binding, progress = answer, True
            else:
                still.append((atom, positive))
        waiting = still
    return waiting, binding


def _decided(atom: Atom, positive: bool, binding: _Binding) -> _Binding | Literal[False] | None:
    """The binding with what a built-in atom computes; False if it is false, None if it waits."""
    replacing = {
        term: Constant(binding[term])
        for term in atom.terms
        if isinstance(term, Variable) and term in binding
    }
    instance = substitute_atom(atom, replacing)
    if instance.is_ground:
        return binding if holds(instance) == positive else False
    if not positive or not computes(atom, set(binding)):
        return None
    solution = solve(instance)
    if solution is None:
        return False
    return {**binding, **{variable: value.name for variable, value in solution.items()}}


def grounded(atom: Atom, binding: Mapping[Variable, Name]) -> GroundAtom:
    """The atom with its variables replaced."""
    return atom.predicate, tuple(
        term.name if isinstance(term, Constant) else binding[term] for term in atom.terms
    )


def key_of(atom: Atom) -> GroundAtom:
    """The ground atom of an atom without variables."""
    return grounded(atom, {})


def atom_of(key: GroundAtom) -> Atom:
    """The atom of a ground atom: the inverse of :func:`key_of`."""
    terms: tuple[Term, ...] = tuple(Constant(name) for name in key[1])
    return Atom(key[0], terms)
