"""Questions of reasoning: premises, a statement, and whether it is true, false or open.

FOLIO gives first-order formulas with its sentences; ProofWriter, ProntoQA and Logical Deduction are
controlled English made by a grammar. None needs a language model:
:mod:`neurallayers.logic.proving` decides the formulas, :mod:`neurallayers.logic.english` reads the
sentences.

Sources: S. Han et al. (2022), FOLIO, arXiv:2209.00840 (CC BY-SA 4.0); O. Tafjord et al. (2021),
ProofWriter, arXiv:2012.13048; A. Saparov and H. He (2023), ProntoQA, arXiv:2210.01240; BIG-bench
collaboration (2022), arXiv:2206.04615; the samples of L. Pan et al. (2023), Logic-LM,
arXiv:2305.12295.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurallayers.data.folders import find_file
from neurallayers.errors import DataUnavailable, UnknownName
from neurallayers.registry import nearest_name

FOLIO_PARTS = {"train": "train.jsonl.gz", "validation": "validation_public.jsonl.gz"}
"""Parts of FOLIO and their files. The formulas of conclusions are given for validation only."""

REASONING_SETS = ("ProofWriter", "ProntoQA", "LogicalDeduction")
"""Sets of questions in controlled English."""

_LOGIC_QA = "logic_qa_public.jsonl.gz"
_LABELS = {"True": "True", "False": "False", "Unknown": "Unknown", "Uncertain": "Unknown"}


@dataclass(frozen=True)
class Entailment:
    """Does a conclusion follow from premises?

    Attributes:
        premises: Sentences.
        premise_formulas: Their first-order formulas, one for each sentence.
        conclusion: A sentence.
        conclusion_formula: Its formula; empty where the set gives none.
        label: ``"True"`` (it follows), ``"False"`` (its negation does) or ``"Unknown"``.
    """

    premises: tuple[str, ...]
    premise_formulas: tuple[str, ...]
    conclusion: str
    conclusion_formula: str
    label: str


@dataclass(frozen=True)
class ReasoningQuestion:
    """A question on a text in controlled English, with the answers to choose from.

    Attributes:
        set: One of :data:`REASONING_SETS`.
        split: ``"train"``, ``"dev"`` or ``"test"``.
        id: The question's name in its set.
        context: Facts and rules.
        question: What is asked.
        options: The answers, without their letters.
        answer: The letter of the right one.
        explanation: The sentences of a proof, where given.
    """

    set: str
    split: str
    id: str
    context: str
    question: str
    options: tuple[str, ...]
    answer: str
    explanation: tuple[str, ...] = ()

    @property
    def right_option(self) -> str:
        """The words of the right answer."""
        return self.options[ord(self.answer) - ord("A")]


def load_folio(part: str = "validation", folder: str | Path | None = None) -> list[Entailment]:
    """One part of FOLIO.

    It is looked for in ``$NEURALLAYERS_DATA/folio``, beside the checkout in
    ``../shared/data/folio``, and in the cache.

    Args:
        part: One of :data:`FOLIO_PARTS`.
        folder: The one place to look in.

    Raises:
        UnknownName: If there is no such part.
        DataUnavailable: If the file is nowhere or damaged.
    """
    if part not in FOLIO_PARTS:
        raise UnknownName(f"FOLIO has no part {part!r}.", nearest_name(part, list(FOLIO_PARTS)))
    path = find_file("folio", FOLIO_PARTS[part], folder)
    return [_entailment(row) for row in _rows(path)]


def load_reasoning_questions(
    name: str, split: str | None = None, folder: str | Path | None = None
) -> list[ReasoningQuestion]:
    """The questions of one set.

    They are looked for in ``$NEURALLAYERS_DATA/logic_qa``, beside the checkout in
    ``../shared/data/logic_qa``, and in the cache.

    Args:
        name: One of :data:`REASONING_SETS`.
        split: ``"train"``, ``"dev"`` or ``"test"``; all where None.
        folder: The one place to look in.

    Raises:
        UnknownName: If there is no such set or split.
        DataUnavailable: If the file is nowhere or damaged.
    """
    if name not in REASONING_SETS:
        raise UnknownName(f"There is no set {name!r}.", nearest_name(name, list(REASONING_SETS)))
    path = find_file("logic_qa", _LOGIC_QA, folder)
    questions = [_question(row) for row in _rows(path) if row.get("set") == name]
    splits = sorted({question.split for question in questions})
    if split is not None and split not in splits:
        raise UnknownName(f"{name} has no split {split!r}.", nearest_name(split, splits))
    return [question for question in questions if split in (None, question.split)]


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """The objects of a file of JSON lines; what is wrong in it is said with its line."""
    read = 0
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for text in lines:
                row = json.loads(text)
                if not isinstance(row, dict):
                    raise TypeError(f"expected an object, found {type(row).__name__}")
                yield row
                read += 1
    # The consumer's KeyError does not come through here: a generator sees only its own.
    except (OSError, EOFError, ValueError, TypeError, zlib.error) as error:
        raise DataUnavailable(
            f"{path} cannot be read after {read} lines ({error}).",
            "Replace the damaged file by a fresh copy.",
        ) from error


def _entailment(row: Mapping[str, Any]) -> Entailment:
    try:
        premises, formulas = row["premises"], row["premises-FOL"]
        return Entailment(
            premises=tuple(map(str, premises)),
            premise_formulas=tuple(map(str, formulas)),
            conclusion=str(row["conclusion"]),
            conclusion_formula=str(row.get("conclusion-FOL", "")),
            label=_LABELS[row["label"]],
        )
    except (KeyError, TypeError) as error:
        raise _incomplete(row, error) from error


def _question(row: Mapping[str, Any]) -> ReasoningQuestion:
    try:
        options = tuple(option.split(")", 1)[1].strip() for option in row["options"])
        question = ReasoningQuestion(
            set=str(row["set"]),
            split=str(row["split"]),
            id=str(row["id"]),
            context=str(row["context"]),
            question=str(row["question"]),
            options=options,
            answer=str(row["answer"]),
            explanation=tuple(map(str, row.get("explanation", ()))),
        )
        if question.answer not in list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: len(options)]):
            raise KeyError(f"answer {question.answer!r} among {len(options)} options")
        return question
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise _incomplete(row, error) from error


def _incomplete(row: Mapping[str, Any], error: Exception) -> DataUnavailable:
    return DataUnavailable(
        f"A question lacks what it needs ({error}): {json.dumps(row)[:120]}",
        "Replace the damaged file by a fresh copy.",
    )
