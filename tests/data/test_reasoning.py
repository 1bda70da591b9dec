from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from neurallayers.data.reasoning import (
    FOLIO_PARTS,
    REASONING_SETS,
    load_folio,
    load_reasoning_questions,
)
from neurallayers.errors import DataUnavailable, UnknownName
from neurallayers.logic.english import read_english
from neurallayers.logic.english_order import read_order
from neurallayers.logic.proving import prove

QUESTION = {
    "set": "ProofWriter",
    "split": "train",
    "id": "one",
    "context": "Anne is cold. All cold people are kind.",
    "question": "Is it true? Anne is kind.",
    "options": ["A) True", "B) False", "C) Unknown"],
    "answer": "A",
}
ENTAILMENT = {
    "premises": ["Tom is a cat."],
    "premises-FOL": ["Cat(tom)"],
    "conclusion": "Tom is an animal.",
    "conclusion-FOL": "Animal(tom)",
    "label": "Uncertain",
}


def written(path: Path, *rows: object) -> Path:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return path.parent


def test_questions_are_read(tmp_path: Path) -> None:
    other = {**QUESTION, "set": "ProntoQA", "split": "dev", "explanation": ["Rex is a cat."]}
    folder = written(tmp_path / "logic_qa_public.jsonl.gz", QUESTION, other)
    (question,) = load_reasoning_questions("ProofWriter", folder=folder)
    assert question.right_option == "True"
    assert question.options == ("True", "False", "Unknown")
    (second,) = load_reasoning_questions("ProntoQA", "dev", folder)
    assert second.explanation == ("Rex is a cat.",)
    with pytest.raises(UnknownName, match="no split 'test'"):
        load_reasoning_questions("ProofWriter", "test", folder)
    with pytest.raises(UnknownName, match="ProofWriter"):
        load_reasoning_questions("ProofWritter", folder=folder)


def test_entailments_are_read(tmp_path: Path) -> None:
    without = {**ENTAILMENT, "label": "True"}
    del without["conclusion-FOL"]
    folder = written(tmp_path / FOLIO_PARTS["train"], ENTAILMENT, without)
    first, second = load_folio("train", folder)
    assert (first.label, first.conclusion_formula) == ("Unknown", "Animal(tom)")
    assert (second.label, second.conclusion_formula) == ("True", "")
    with pytest.raises(UnknownName, match="validation"):
        load_folio("validaton", folder)


@pytest.mark.parametrize(
    "row",
    [
        {**QUESTION, "answer": "D"},
        {**QUESTION, "answer": ""},
        {**QUESTION, "options": ["A True"]},
        {"set": "ProofWriter"},
    ],
)
def test_a_question_that_lacks_something_is_said(tmp_path: Path, row: object) -> None:
    folder = written(tmp_path / "logic_qa_public.jsonl.gz", row)
    with pytest.raises(DataUnavailable, match="lacks what it needs"):
        load_reasoning_questions("ProofWriter", folder=folder)


def test_damaged_files_are_said(tmp_path: Path) -> None:
    path = tmp_path / FOLIO_PARTS["train"]
    folder = written(path, ENTAILMENT, [1])
    with pytest.raises(DataUnavailable, match="after 1 lines"):
        load_folio("train", folder)
    written(path, {**ENTAILMENT, "label": "Perhaps"})
    with pytest.raises(DataUnavailable, match="Perhaps"):
        load_folio("train", folder)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataUnavailable, match="cannot be read"):
        load_folio("train", folder)
    path.write_bytes(b"no archive")
    with pytest.raises(DataUnavailable, match="cannot be read"):
        load_folio("train", folder)
    with pytest.raises(DataUnavailable, match="none of these folders"):
        load_folio("validation", tmp_path)


def test_the_real_questions_are_answered() -> None:
    """A sample of each set; benchmarks/reasoning.py answers all of them."""
    try:
        sets = {name: load_reasoning_questions(name) for name in REASONING_SETS}
    except DataUnavailable as error:
        pytest.skip(f"the public questions are not here: {error}")
    assert {name: len(found) for name, found in sets.items()} == {
        "ProofWriter": 3796,
        "ProntoQA": 334,
        "LogicalDeduction": 1404,
    }
    for name in ("ProofWriter", "ProntoQA"):
        for question in sets[name][::40]:
            statement = question.question.rpartition("?")[2]
            answer = read_english(question.context).answer(statement)
            assert answer.label == question.right_option, question.id
    pytest.importorskip("z3", reason="the extra logic is not installed")
    for question in sets["LogicalDeduction"][::100]:
        chosen = read_order(question.context).choose(question.options)
        assert chosen == ord(question.answer) - ord("A"), question.id


def test_the_real_formulas_are_decided() -> None:
    pytest.importorskip("z3", reason="the extra logic is not installed")
    try:
        found = load_folio("validation")
    except DataUnavailable as error:
        pytest.skip(f"the public formulas are not here: {error}")
    assert len(found) == 134
    for each in found[::9]:
        verdict = prove(each.premise_formulas, each.conclusion_formula, constants="free")
        assert verdict.decided
        assert verdict.answer == each.label, each.conclusion
