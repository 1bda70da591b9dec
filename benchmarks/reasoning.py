"""Reasoning on given formulas and controlled English: how many answers are right, by set and depth.

    python -m benchmarks.reasoning

ProofWriter, ProntoQA and Logical Deduction are read by a grammar and decided by chaining or by
search; the formulas of FOLIO are decided by a prover, as they are annotated: what does not parse is
counted and not repaired. No language model, nothing is trained. Depth is the number of rules above
each other in the shallowest proof; where neither a statement nor its opposite follows there is
none.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from rich.progress import track

from benchmarks.results import write
from neurallayers.data.reasoning import (
    FOLIO_PARTS,
    ReasoningQuestion,
    load_folio,
    load_reasoning_questions,
)
from neurallayers.errors import LogicSyntaxError
from neurallayers.logic.conflicts import find_conflict
from neurallayers.logic.english import read_english
from neurallayers.logic.english_order import read_order
from neurallayers.logic.finite_sudoku import solve_sudoku
from neurallayers.logic.proving import prove
from neurallayers.logic.syntax import parse_formula

OPEN = "none"
SUDOKU_4 = "1...\n..3.\n.4..\n...2"
SUDOKU_9 = """53..7....\n6..195...\n.98....6.\n8...6...3\n4..8.3..1\n7...2...6\n.6....28.
...419..5\n....8..79"""


class Tally:
    """Right answers and questions, by split and by depth."""

    def __init__(self) -> None:
        self.right: Counter[tuple[str, str]] = Counter()
        self.asked: Counter[tuple[str, str]] = Counter()
        self.not_covered = 0

    def count(self, split: str, depth: str, right: bool) -> None:
        """One more question."""
        for key in (("split", split), ("depth", depth)):
            self.asked[key] += 1
            self.right[key] += right

    def results(self, seconds: float) -> dict[str, Any]:
        """The figures to write."""
        asked = sum(n for (kind, _), n in self.asked.items() if kind == "split")
        right = sum(n for (kind, _), n in self.right.items() if kind == "split")
        return {
            "accuracy": right / max(asked, 1),
            "questions": asked + self.not_covered,
            "not_covered_by_the_grammar": self.not_covered,
            "accuracy_by_split": self._by("split"),
            "accuracy_by_depth": self._by("depth"),
            "questions_by_depth": {
                name: n for (kind, name), n in sorted(self.asked.items()) if kind == "depth"
            },
            "seconds": seconds,
        }

    def _by(self, wanted: str) -> dict[str, float]:
        return {
            name: self.right[kind, name] / n
            for (kind, name), n in sorted(self.asked.items())
            if kind == wanted
        }


def answer_statement(question: ReasoningQuestion) -> tuple[str, str]:
    """The answer to a statement after a question mark, and the depth of its proof."""
    statement = question.question.rpartition("?")[2]
    answer = read_english(question.context).answer(statement)
    return answer.label, OPEN if answer.depth is None else str(answer.depth)


def choose_option(question: ReasoningQuestion) -> tuple[str, str]:
    """The option that follows, and how many things there are."""
    puzzle = read_order(question.context)
    chosen = puzzle.choose(question.options)
    words = "no option, or several" if chosen is None else question.options[chosen]
    return words, f"{len(puzzle.things)} things"


def measure(name: str, answer: Callable[[ReasoningQuestion], tuple[str, str]]) -> dict[str, Any]:
    """Every public question of a set."""
    tally = Tally()
    questions = load_reasoning_questions(name)
    begun = time.perf_counter()
    for question in track(questions, description=name):
        try:
            said, depth = answer(question)
        except LogicSyntaxError:
            tally.not_covered += 1
            continue
        tally.count(question.split, depth, said == question.right_option)
    return tally.results(time.perf_counter() - begun)


def same_proofs() -> dict[str, int]:
    """ProntoQA gives a proof: how often ours uses the same sentences and says the same."""
    same = 0
    questions = load_reasoning_questions("ProntoQA")
    for question in questions:
        theory = read_english(question.context)
        answer = theory.answer(question.question.rpartition("?")[2])
        if answer.proof is None:
            continue
        ours = {rule.name for rule in answer.proof.rules}
        ours |= {f"{theory.say(step.conclusion.literal)}." for step in answer.proof.steps}
        same += ours == set(question.explanation)
    return {"proofs": len(questions), "same_sentences_as_given": same}


def measure_folio() -> dict[str, Any]:
    """The formulas of FOLIO's validation part, and the premises of both."""
    items = load_folio("validation")
    right: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    unparsed, undecided, differing = 0, 0, []
    begun = time.perf_counter()
    for number, item in enumerate(track(items, description="FOLIO")):
        try:
            verdict = prove(item.premise_formulas, item.conclusion_formula, constants="free")
        except LogicSyntaxError:
            unparsed += 1
            continue
        asked[item.label] += 1
        right[item.label] += verdict.answer == item.label
        undecided += not verdict.decided
        if verdict.answer != item.label:
            differing.append(
                {
                    "item": number,
                    "label": item.label,
                    "formulas_say": verdict.answer,
                    "conclusion": item.conclusion,
                    "formula": item.conclusion_formula,
                    "premises_needed": list(verdict.used),
                }
            )
    seconds = time.perf_counter() - begun
    decided = sum(asked.values())
    return {
        "accuracy": sum(right.values()) / decided,
        "accuracy_by_label": {label: right[label] / n for label, n in sorted(asked.items())},
        "items": len(items),
        "items_that_do_not_parse": unparsed,
        "accuracy_over_all_items": sum(right.values()) / len(items),
        "undecided": undecided,
        "differing": differing,
        "seconds": seconds,
        "formulas": {part: _formulas(part) for part in FOLIO_PARTS},
    }


def _formulas(part: str) -> dict[str, int]:
    """How many formulas parse, and of how many stories the premises contradict each other."""
    stories = {item.premise_formulas for item in load_folio(part)}
    formulas = {formula for story in stories for formula in story}
    formulas |= {item.conclusion_formula for item in load_folio(part)} - {""}
    bad = {formula for formula in formulas if not _parses(formula)}
    contradictory = 0
    for story in track(sorted(stories), description=f"premises of {part}"):
        if not bad.intersection(story):
            named = {
                str(number): parse_formula(formula, constants="free")
                for number, formula in enumerate(story, start=1)
            }
            contradictory += find_conflict(named, distinct_names=False) is not None
    return {
        "different_formulas": len(formulas),
        "that_do_not_parse": len(bad),
        "stories": len(stories),
        "stories_with_a_formula_that_does_not_parse": sum(
            bool(bad.intersection(story)) for story in stories
        ),
        "stories_that_contradict_themselves": contradictory,
    }


def _parses(formula: str) -> bool:
    try:
        parse_formula(formula, constants="free")
    except LogicSyntaxError:
        return False
    return True


def measure_sudoku() -> dict[str, Any]:
    """Seconds to find a solution and that there is no other (fastest of five)."""
    return {
        name: {"solutions": solve_sudoku(puzzle).solutions, "seconds": min(_seconds(puzzle))}
        for name, puzzle in (("4x4", SUDOKU_4), ("9x9", SUDOKU_9))
    }


def _seconds(puzzle: str) -> Iterable[float]:
    for _ in range(5):
        begun = time.perf_counter()
        solve_sudoku(puzzle)
        yield time.perf_counter() - begun


def main() -> None:
    """Measure all sets and write."""
    results: dict[str, Any] = {
        "ProofWriter": measure("ProofWriter", answer_statement),
        "ProntoQA": measure("ProntoQA", answer_statement) | same_proofs(),
        "LogicalDeduction": measure("LogicalDeduction", choose_option),
        "FOLIO": measure_folio(),
        "sudoku": measure_sudoku(),
    }
    # Of puzzles of order, difficulty is the number of things and not a depth of proof.
    puzzles = results["LogicalDeduction"]
    puzzles["accuracy_by_things"] = puzzles.pop("accuracy_by_depth")
    puzzles["questions_by_things"] = puzzles.pop("questions_by_depth")
    write("reasoning", results, "python -m benchmarks.reasoning")


if __name__ == "__main__":
    main()
