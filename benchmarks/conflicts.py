"""A contradiction planted among 1,000 rules: how long until it is found, and is it minimal?

    python -m benchmarks.conflicts

The time is from the parsed program to the named conflict: writing the theory out, making the
solver, finding a conflict and shrinking it; also as time of the processor, which other work on the
machine does not lengthen. Each kind of plant is measured with several programs; the first program
of all is solved once before, as it also imports z3. What is found has to be the plant, and is
checked to be minimal by the definition: the members clash, and no longer do without any of them.

Where the rules have no variables, z3's own interface for Python is measured beside it
(assert_and_track with core.minimize).
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from typing import Any

from rich.progress import track

from benchmarks.results import write
from neurallayers.logic.conflicts import Conflict, find_conflict
from neurallayers.logic.conflicts_rules import check_rules
from neurallayers.logic.rules import Program, Rule
from neurallayers.logic.syntax import parse_program
from neurallayers.logic.terms import Atom, Formula, Not

RULES, PROGRAMS = 1_000, 9
Plant = tuple[list[str], list[list[str]]]


def propositions(generator: random.Random) -> list[str]:
    """Rules and facts without variables, free of conflict: no rule denies."""
    rules = [
        f"r{i}: a{generator.randrange(300)} <- b{generator.randrange(300)} & "
        f"!c{generator.randrange(300)}"
        for i in range(RULES)
    ]
    return rules + [f"b{i}" for i in range(0, 300, 4)] + [f"!c{i}" for i in range(0, 300, 5)]


def of_one_variable(generator: random.Random) -> list[str]:
    """Rules of one variable for twenty things."""
    rules = [
        f"r{i}: a{generator.randrange(300)}(x) <- b{generator.randrange(300)}(x) & "
        f"!c{generator.randrange(300)}(x)"
        for i in range(RULES)
    ]
    facts = [f"b{i}(Thing{i % 20})" for i in range(0, 300, 4)]
    return rules + facts + [f"!c{i}(Thing{i % 20})" for i in range(0, 300, 5)]


def of_three_variables(generator: random.Random) -> list[str]:
    """Rules that join three variables, for twenty things."""
    rules = [
        f"r{i}: a{generator.randrange(300)}(x, z) <- b{generator.randrange(300)}(x, y) & "
        f"b{generator.randrange(300)}(y, z)"
        for i in range(RULES)
    ]
    return rules + [f"b{i}(Thing{i % 20}, Thing{i % 7})" for i in range(300)]


PLANTS: dict[str, tuple[Callable[[random.Random], list[str]], list[str]]] = {
    "fact_and_denial": (propositions, ["p1: planted", "p2: !planted"]),
    "two_rules": (propositions, ["p1: hit <- u & v", "p2: !hit <- u", "p3: u", "p4: v"]),
    "chain_of_ten": (
        propositions,
        ["p0: d0", *(f"p{i + 1}: d{i + 1} <- d{i}" for i in range(9)), "p10: !d9"],
    ),
    "by_cases": (propositions, ["p1: d <- e", "p2: d <- !e", "p3: f <- d", "p4: !f"]),
    "one_variable": (
        of_one_variable,
        [
            "p1: hit(x) <- u(x) & v(x)",
            "p2: !hit(x) <- w(x)",
            "p3: u(Thing3)",
            "p4: v(Thing3)",
            "p5: w(Thing3)",
        ],
    ),
    "three_variables": (
        of_three_variables,
        [
            "p1: far(x, z) <- near(x, y) & near(y, z)",
            "p2: !far(x, z) <- near(z, x)",
            "p3: near(Thing1, Thing2)",
            "p4: near(Thing2, Thing3)",
            "p5: near(Thing3, Thing1)",
        ],
    ),
}


def programs(kind: str) -> list[Program]:
    """Programs with the same plant in different places of different programs."""
    background, plant = PLANTS[kind]
    made = []
    for seed in range(PROGRAMS):
        generator = random.Random(seed)
        lines = background(generator) + plant
        generator.shuffle(lines)
        made.append(parse_program("\n".join(lines)))
    return made


def planted(kind: str) -> set[str]:
    """The names of the plant's statements."""
    return {line.partition(":")[0] for line in PLANTS[kind][1]}


def is_minimal(program: Program, clash: Conflict) -> bool:
    """By the definition, each time from the start."""
    by_name = {rule.label: rule for rule in (*program.rules, *program.facts)}
    members = [by_name[name] for name in clash.members]
    return find_conflict(members) is not None and all(
        find_conflict([each for each in members if each is not left_out]) is None
        for left_out in members
    )


def measure(kind: str) -> dict[str, Any]:
    """Times of one kind of plant, and whether each was found."""
    wall, processor, found, minimal = [], [], 0, 0
    for program in track(programs(kind), description=kind):
        begun, begun_processor = time.perf_counter(), time.process_time()
        clash = find_conflict(program)
        wall.append(time.perf_counter() - begun)
        processor.append(time.process_time() - begun_processor)
        if clash is not None:
            found += set(clash.members) == planted(kind)
            minimal += clash.minimal and is_minimal(program, clash)
    return {
        "programs": PROGRAMS,
        "found_as_planted": found,
        "minimal": minimal,
        "members": len(planted(kind)),
        "median_ms": 1000.0 * statistics.median(wall),
        "largest_ms": 1000.0 * max(wall),
        "median_processor_ms": 1000.0 * statistics.median(processor),
    }


def measure_z3(kind: str) -> dict[str, Any]:
    """The same programs through z3's interface for Python."""
    import z3

    seconds, sizes = [], []
    for program in programs(kind):
        begun = time.perf_counter()
        context = z3.Context()
        solver = z3.Solver(ctx=context)
        solver.set("core.minimize", True)
        for rule in (*program.rules, *program.facts):
            solver.assert_and_track(_expression(rule, context, z3), rule.label)
        assert solver.check() == z3.unsat
        sizes.append(len(solver.unsat_core()))
        seconds.append(time.perf_counter() - begun)
    return {"median_ms": 1000.0 * statistics.median(seconds), "largest_core": max(sizes)}


def _expression(rule: Rule, context: Any, z3: Any) -> Any:
    head = _of(rule.head, context, z3)
    return head if rule.body is None else z3.Implies(_of(rule.body, context, z3), head)


def _of(formula: Formula, context: Any, z3: Any) -> Any:
    if isinstance(formula, Atom):
        return z3.Bool(str(formula), context)
    if isinstance(formula, Not):
        return z3.Not(_of(formula.operand, context, z3))
    return z3.And(*(_of(each, context, z3) for each in formula.operands))  # type: ignore[union-attr]


def measure_checking() -> dict[str, float]:
    """Seconds to check rules before any fact is known, with a clash and ten labels."""
    labels = [f"digit(x, {i})" for i in range(10)]
    figures = {}
    for count in (10, 100):
        rules = [f"digit(x, {i % 10}) <- stroke{i}(x) & !loop{i}(x)" for i in range(count)]
        begun = time.perf_counter()
        clashes = check_rules(rules, exclusive=[labels], limit=1)
        figures[f"{count}_rules_first_clash_ms"] = 1000.0 * (time.perf_counter() - begun)
        assert len(clashes) == 1
    return figures


def main() -> None:
    """Measure every kind of plant and write."""
    begun = time.perf_counter()
    find_conflict(programs("fact_and_denial")[0])
    first = 1000.0 * (time.perf_counter() - begun)
    plants: dict[str, dict[str, Any]] = {kind: measure(kind) for kind in PLANTS}
    for kind in ("fact_and_denial", "two_rules", "chain_of_ten", "by_cases"):
        plants[kind]["z3_interface"] = measure_z3(kind)
    results = {
        "rules": RULES,
        "largest_median_ms": max(each["median_ms"] for each in plants.values()),
        "largest_median_processor_ms": max(e["median_processor_ms"] for e in plants.values()),
        "all_found_as_planted": all(e["found_as_planted"] == PROGRAMS for e in plants.values()),
        "all_minimal": all(each["minimal"] == PROGRAMS for each in plants.values()),
        "first_call_with_import_ms": first,
        "plants": plants,
        "checking_rules": measure_checking(),
    }
    write("conflicts", results, "python -m benchmarks.conflicts")


if __name__ == "__main__":
    main()
