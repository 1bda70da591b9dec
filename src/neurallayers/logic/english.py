"""Controlled English, read by a grammar and decided by rules: no language model.

ProofWriter (Tafjord et al. 2021, arXiv:2012.13048) and ProntoQA (Saparov and He 2023,
arXiv:2210.01240) write their theories by a grammar; :mod:`~neurallayers.logic.english_grammar`
reads it back, with an open vocabulary. What the grammar does not cover is an error with its place,
never a guess. Answers come by chaining (:mod:`~neurallayers.logic.proving_forward`), each with its
proof.

>>> theory = read_english(
...     "Anne is cold. The lion likes Anne. If something likes Anne then it is kind. "
...     "All cold people are not rough."
... )
>>> print(theory.program.rules[0].body, "|", theory.literal("Anne is not rough."))
like(x, Anne) | !rough(Anne)
>>> answer = theory.answer("Anne is rough.")
>>> answer.label
'False'
>>> print(answer.words)
1. Anne is cold is given.
2. Anne is not rough follows from 1 by "All cold people are not rough."
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from neurallayers.errors import InvalidInput
from neurallayers.logic.english_grammar import Reader, error, sentences
from neurallayers.logic.english_words import Lexicon
from neurallayers.logic.proving_deductions import Proof
from neurallayers.logic.proving_forward import Answer, Derivation, World, derive
from neurallayers.logic.rules import Program, Rule
from neurallayers.logic.terms import Formula, Literal


@dataclass(frozen=True, eq=False)
class EnglishAnswer:
    """Whether a statement follows from a text.

    Attributes:
        label: ``"True"``, ``"False"`` (its opposite follows) or ``"Unknown"``.
        statement: What was asked, as a literal.
        proof: The proof of the statement or of its opposite; None where neither follows.
        words: The proof in words.
    """

    label: Answer
    statement: Literal
    proof: Proof | None
    words: str

    @property
    def depth(self) -> int | None:
        """How many rules stand above each other in the proof; None without one."""
        return None if self.proof is None else self.proof.depth


@dataclass(frozen=True, eq=False)
class EnglishTheory:
    """The rules and facts of a text.

    Attributes:
        program: Each sentence as a rule or fact that has the sentence for its name.
        lexicon: The words it uses.
        world: Whether what does not follow is unknown (``"open"``) or false (``"closed"``).
    """

    program: Program
    lexicon: Lexicon = field(repr=False)
    world: World = "open"

    @cached_property
    def derivation(self) -> Derivation:
        """Everything that follows."""
        return derive(self.program, world=self.world)

    def literal(self, sentence: str) -> Literal:
        """A statement as a literal.

        Raises:
            LogicSyntaxError: If it is not one sentence that states one thing.

        >>> print(read_english("Rex is a wumpus.").literal("Rex is not a wumpus."))
        !wumpus(Rex)
        """
        found = sentences(_text(sentence))
        if len(found) != 1:
            raise InvalidInput(
                f"{sentence!r} holds {len(found)} sentences.", "Ask one thing at a time."
            )
        stated = Reader(self.lexicon).literals(found[0])
        if len(stated) != 1:
            raise error(found[0], "states more than one thing", "Ask one thing at a time.")
        return stated[0]

    def say(self, literal: Formula) -> str:
        """A literal as a sentence, without its full stop."""
        return self.lexicon.say(literal)

    def answer(self, statement: str) -> EnglishAnswer:
        """Whether a statement follows, with the proof in words.

        Args:
            statement: One sentence: ``"Anne is not cold."``

        Raises:
            LogicSyntaxError: If the grammar does not cover it.
        """
        literal = self.literal(statement)
        proof = self.derivation.proof(literal)
        label = self.derivation.answer(literal)
        if proof is None:
            words = f"Neither {self.say(literal)!r} nor its opposite follows from the text."
        else:
            words = _words(proof, self.lexicon)
        return EnglishAnswer(label, literal, proof, words)


def read_english(text: str, *, world: World = "open") -> EnglishTheory:
    """Read facts and rules in controlled English.

    Args:
        text: Sentences as the grammar of :mod:`~neurallayers.logic.english_grammar` has them.
        world: Whether what does not follow is unknown (``"open"``) or false (``"closed"``).

    Raises:
        LogicSyntaxError: If a sentence is not covered; says which and where.
    """
    lexicon = Lexicon()
    reader = Reader(lexicon)
    statements: list[Rule] = []
    for sentence in sentences(_text(text)):
        statements += reader.statements(sentence)
    program = Program(
        rules=tuple(rule for rule in statements if rule.body is not None),
        facts=tuple(rule for rule in statements if rule.body is None),
    )
    return EnglishTheory(program, lexicon, world)


def _text(text: object) -> str:
    if not isinstance(text, str) or not text.strip():
        raise InvalidInput(f"{text!r} is no text.", "Give sentences: 'Anne is cold.'")
    return text


def _words(proof: Proof, lexicon: Lexicon) -> str:
    lines = []
    for step in proof.to_dict(lexicon.say):
        reason = "is given"
        if step["kind"] == "absent":
            reason = "holds, as nothing says the opposite"
        elif step["kind"] == "derived":
            premises = " and ".join(map(str, step["premises"]))
            reason = f'follows from {premises} by "{step["rule"]}"'
        end = "" if reason.endswith('."') else "."
        lines.append(f"{step['step']}. {step['conclusion']} {reason}{end}")
    return "\n".join(lines)
