"""Weighted programs in our syntax, and how ProbLog writes them."""

from __future__ import annotations

import random

from neurallayers.logic.arithmetic import BUILT_IN
from neurallayers.logic.rules import Choice, Program, Rule
from neurallayers.logic.syntax import parse_program
from neurallayers.logic.terms import And, Atom, Constant, Formula, Literal, Not, Or, Term

ALARM = """
0.001 :: burglary
0.002 :: earthquake
0.95 :: alarm <- burglary & earthquake
0.94 :: alarm <- burglary & !earthquake
0.29 :: alarm <- !burglary & earthquake
0.001 :: alarm <- !burglary & !earthquake
0.9 :: calls(John) <- alarm
0.05 :: calls(John) <- !alarm
0.7 :: calls(Mary) <- alarm
0.01 :: calls(Mary) <- !alarm
query burglary
query earthquake
query alarm
evidence calls(John)
evidence calls(Mary)
"""

SMOKERS = """
0.3 :: stress(x) <- person(x)
0.2 :: influences(x, y) <- person(x) & person(y)
smokes(x) <- stress(x)
smokes(x) <- friend(x, y) & influences(y, x) & smokes(y)
0.4 :: asthma(x) <- smokes(x)
person(Angelika). person(Joris). person(Jonas). person(Dimitar)
friend(Joris, Jonas). friend(Joris, Angelika). friend(Joris, Dimitar). friend(Angelika, Jonas)
friend(Jonas, Angelika). friend(Dimitar, Joris)
query smokes(x)
query asthma(x)
evidence smokes(Jonas)
evidence !influences(Angelika, Joris)
"""

BLOOD = """
0.27 :: mother_gene(x, A) ; 0.06 :: mother_gene(x, B) ; 0.67 :: mother_gene(x, O) <- founder(x)
0.27 :: father_gene(x, A) ; 0.06 :: father_gene(x, B) ; 0.67 :: father_gene(x, O) <- founder(x)
0.5 :: mother_gene(x, g) ; 0.5 :: mother_gene(x, h) <- mother(m, x) & mother_gene(m, g) & \
father_gene(m, h)
0.5 :: father_gene(x, g) ; 0.5 :: father_gene(x, h) <- father(f, x) & mother_gene(f, g) & \
father_gene(f, h)
founder(Ann). founder(Bob). founder(Carl)
mother(Ann, Dora). father(Bob, Dora). mother(Dora, Eve). father(Carl, Eve)
blood(x, A) <- mother_gene(x, A) & (father_gene(x, A) | father_gene(x, O))
blood(x, A) <- mother_gene(x, O) & father_gene(x, A)
blood(x, B) <- mother_gene(x, B) & (father_gene(x, B) | father_gene(x, O))
blood(x, B) <- mother_gene(x, O) & father_gene(x, B)
blood(x, O) <- mother_gene(x, O) & father_gene(x, O)
blood(x, AB) <- mother_gene(x, A) & father_gene(x, B)
blood(x, AB) <- mother_gene(x, B) & father_gene(x, A)
query blood(Eve, t)
query blood(Ann, t)
evidence blood(Dora, A)
evidence blood(Bob, O)
"""

DICE = """
0.1 :: die(d, 1) ; 0.2 :: die(d, 2) ; 0.15 :: die(d, 3) ; 0.15 :: die(d, 4) ; 0.25 :: die(d, 5) ; \
0.15 :: die(d, 6) <- thrown(d)
thrown(First). thrown(Second). thrown(Third)
two(s) <- die(First, a) & die(Second, b) & s is a + b
three(s) <- two(t) & die(Third, c) & s is t + c
triple <- die(First, a) & die(Second, a) & die(Third, a)
rising <- die(First, a) & die(Second, b) & die(Third, c) & a < b & b < c
query three(s)
query triple
query rising
evidence !die(First, 1)
"""

WEATHER = """
0.5 :: weather(0, Sun) ; 0.5 :: weather(0, Rain)
0.6 :: weather(t, Sun) ; 0.4 :: weather(t, Rain) <- day(t) & t is s + 1 & day_before(s) & \
weather(s, Sun)
0.2 :: weather(t, Sun) ; 0.8 :: weather(t, Rain) <- day(t) & t is s + 1 & day_before(s) & \
weather(s, Rain)
0.9 :: umbrella(t) <- weather(t, Rain)
0.1 :: umbrella(t) <- weather(t, Sun)
day(1). day(2). day(3). day(4). day(5)
day_before(0). day_before(1). day_before(2). day_before(3). day_before(4)
query weather(5, w)
query weather(3, w)
evidence umbrella(1)
evidence umbrella(2)
evidence !umbrella(4)
"""


def _graph(edges: list[tuple[int, int, float]], source: int, *, limit: str = "") -> str:
    lines = [f"{p} :: edge({a}, {b})" for a, b, p in edges]
    lines += ["path(x, y) <- edge(x, y)", "path(x, y) <- edge(x, z) & path(z, y)"]
    return "\n".join([*lines, f"query path({source}, y)", limit])


_CYCLIC = [
    (1, 2, 0.6), (2, 3, 0.5), (3, 1, 0.4), (3, 4, 0.7), (4, 2, 0.3), (4, 5, 0.8), (5, 3, 0.2),
    (1, 5, 0.1), (5, 6, 0.9), (6, 4, 0.35), (2, 6, 0.25),
]  # fmt: skip
_GRID = [
    (4 * row + column, 4 * (row + down) + column + right, round(0.3 + 0.05 * row + 0.1 * right, 2))
    for row in range(4)
    for column in range(4)
    for down, right in ((0, 1), (1, 0))
    if row + down < 4 and column + right < 4
]  # fmt: skip

CLASSICS = {
    "alarm": ALARM,
    "smokers": SMOKERS,
    "blood": BLOOD,
    "dice": DICE,
    "weather": WEATHER,
    "cyclic graph": _graph(_CYCLIC, 1),
    "undirected grid": _graph(_GRID + [(b, a, p) for a, b, p in _GRID[:8]], 0),
}
"""Programs of the textbooks and of ProbLog's tutorials, in our syntax."""

_COMPUTED = ("sum", "<", "<=", "!=")
_NAMES = ("A", "B", "C", "D")


def random_program(chance: random.Random) -> str:
    """A program of facts, choices and rules, with evidence more often than not."""
    levels = [(f"p{i}", chance.choice((0, 1, 1, 2))) for i in range(6)]
    names = _NAMES[: chance.randint(2, 4)]
    lines = [_random_fact(chance, *chance.choice(levels[:3]), names) for _ in range(6)]
    lines += [_random_choice(chance, levels[:3], names) for _ in range(chance.randint(0, 2))]
    lines += [_random_rule(chance, levels, i) for i in range(2, 6) for _ in range(2)]
    for name, arity in levels[2:]:
        lines.append(f"query {_said(name, ['x', 'y'][:arity])}")
    for _ in range(chance.choice((0, 0, 1, 1, 2))):
        name, arity = chance.choice(levels)
        sign = chance.choice(("", "", "!"))
        lines.append(f"evidence {sign}{_said(name, chance.choices(names, k=arity))}")
    return "\n".join(lines)


def _said(name: str, terms: list[str]) -> str:
    return f"{name}({', '.join(terms)})" if terms else name


def _weight(chance: random.Random) -> str:
    return f"{chance.randint(1, 19) / 20} :: "


def _random_fact(chance: random.Random, name: str, arity: int, names: tuple[str, ...]) -> str:
    weight = _weight(chance) if chance.random() < 0.85 else ""
    return weight + _said(name, chance.choices(names, k=arity))


def _random_choice(
    chance: random.Random, levels: list[tuple[str, int]], names: tuple[str, ...]
) -> str:
    shares = chance.choice(([0.2, 0.8], [0.3, 0.3, 0.25], [0.5, 0.25, 0.25], [0.1, 0.4]))
    heads = [(name, chance.choices(names, k=arity)) for name, arity in chance.choices(levels, k=3)]
    said = [f"{p} :: {_said(*head)}" for p, head in zip(shares, heads, strict=False)]
    return " ; ".join(said)


def _random_rule(chance: random.Random, levels: list[tuple[str, int]], place: int) -> str:
    """A safe rule; negation looks at lower levels only, so that the program is stratified."""
    body, variables = [], []
    for _ in range(chance.randint(1, 3)):
        name, arity = chance.choice(levels[: place + 1])
        terms = [chance.choice(("x", "y", "z")) for _ in range(arity)]
        variables += terms
        body.append(_said(name, terms))
    known = sorted(set(variables)) or ["A"]
    if chance.random() < 0.5:
        name, arity = chance.choice(levels[:place])
        body.append("!" + _said(name, chance.choices(known, k=arity)))
    if len(known) > 1 and chance.random() < 0.3:
        body.append(f"{known[0]} != {known[1]}")
    name, arity = levels[place]
    weight = _weight(chance) if chance.random() < 0.4 else ""
    return f"{weight}{_said(name, chance.choices(known, k=arity))} <- {' & '.join(body)}"


def as_problog(text: str) -> str:
    """The same program as ProbLog writes it."""
    program = parse_program(text)
    lines = [_statement(statement) for statement in program.statements]  # type: ignore[arg-type]
    lines += _never_defined(program)
    lines += [f"evidence({_literal(literal)})." for literal in program.evidence]
    lines += [f"query({_formula(formula)})." for formula in program.queries]
    return "\n".join(lines)


def _never_defined(program: Program) -> list[str]:
    """ProbLog takes a predicate without rules for a slip; such a rule never fires."""
    heads = {(rule.head_atom.predicate, rule.head_atom.arity) for rule in program.rules}
    heads |= {(fact.head_atom.predicate, fact.head_atom.arity) for fact in program.facts}
    heads |= {(a.predicate, a.arity) for choice in program.choices for _, a in choice.alternatives}
    return [
        f"{_literal(Atom(name, tuple(Constant('none') for _ in range(arity))))} :- fail."
        for name, arity in program.predicates()
        if (name, arity) not in heads and (name, arity) not in BUILT_IN
    ]


def _statement(statement: Rule | Choice) -> str:
    if isinstance(statement, Choice):
        head = "; ".join(f"{p!r}::{_formula(atom)}" for p, atom in statement.alternatives)
    else:
        weight = "" if statement.weight is None else f"{statement.weight!r}::"
        head = weight + _formula(statement.head)
    return f"{head}." if statement.body is None else f"{head} :- {_formula(statement.body)}."


def _literal(literal: Literal) -> str:
    return _formula(literal)


def _formula(formula: Formula) -> str:
    match formula:
        case Atom(predicate, terms):
            return _atom(predicate, [_term(term) for term in terms])
        case Not(operand):
            return f"\\+({_formula(operand)})"
        case And(operands):
            # What is computed comes after what binds its terms; the order means nothing to us.
            late = [o for o in operands if isinstance(o, Atom) and o.predicate in _COMPUTED]
            first = [o for o in operands if o not in late]
            return f"({', '.join(map(_formula, first + late))})"
        case Or(operands):
            return f"({'; '.join(map(_formula, operands))})"
    raise ValueError(f"{formula} has no translation")


def _atom(predicate: str, terms: list[str]) -> str:
    infix = {"=": "=", "!=": "\\=", "<": "<", "<=": "=<"}
    if predicate in infix:
        return f"{terms[0]} {infix[predicate]} {terms[1]}"
    if predicate == "sum":
        return f"{terms[2]} is {terms[0]} + {terms[1]}"
    return f"{predicate}({', '.join(terms)})" if terms else predicate


def _term(term: Term) -> str:
    if isinstance(term, Constant):
        return str(term.name) if isinstance(term.name, int) else f"'{term.name}'"
    return f"V_{term.name}"
