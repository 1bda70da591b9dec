"""Memories, rules and explanations in the form in which callers get them, and what changes them."""

from __future__ import annotations

from typing import Any

import msgspec

from neurallayers.brain.explanation import explain, with_reasons
from neurallayers.brain.feedback import as_label
from neurallayers.brain.life import Life
from neurallayers.brain.memories import concepts, in_mind
from neurallayers.brain.mind import Mind
from neurallayers.brain.network import BrainNetwork
from neurallayers.brain.outcome import Outcome
from neurallayers.brain.reflecting import reflect
from neurallayers.brain.remembering import all_episodes
from neurallayers.brain.rulebook import name_of, with_rules, without_rule
from neurallayers.brain.sleeping import Sleep
from neurallayers.brain.thinking import think
from neurallayers.brain.thought import decode
from neurallayers.errors import InvalidInput
from neurallayers.service.engine.answers import brain_out, recollection_out
from neurallayers.service.engine.resident import Resident
from neurallayers.service.engine.work import Stimulus
from neurallayers.service.schemas import (
    BrainOut,
    ConceptOut,
    EpisodeOut,
    ExplanationOut,
    ForgottenOut,
    InMindOut,
    MemoriesOut,
    ProofOut,
    RuleOut,
    RulesOut,
    ShareOut,
    SleepOut,
    TaughtOut,
)

InnerOut = BrainOut | ForgottenOut | RulesOut | SleepOut

#: What comes of each kind of entry that needs no thought.
_OUT: dict[str, type[msgspec.Struct]] = {
    "forget_memories": ForgottenOut,
    "rules": RulesOut,
    "sleep": SleepOut,
}
#: What those who watch a brain are told of it.
EVENTS = {
    "forget_class": "forgotten",
    "forget_memories": "forgotten",
    "rules": "rules",
    "sleep": "slept",
}


def inner_out(kind: str, resident: Resident, life: Life, outcome: Outcome) -> InnerOut:
    """The answer to an entry that needs no thought."""
    if outcome.sleep is not None:
        return sleep_out(outcome.sleep)
    if kind == "forget_memories":
        return ForgottenOut(list(outcome.forgotten))
    if kind == "rules":
        return rules_out(life.mind)
    return brain_out(resident, life)


def inner_again(kind: str, answer: bytes, resident: Resident, life: Life) -> InnerOut:
    """The answer to such an entry that came before with the same key."""
    if kind not in _OUT:
        return brain_out(resident, life)
    again = msgspec.json.decode(answer, type=_OUT[kind])
    assert isinstance(again, InnerOut)
    return again


def stored_inner(out: InnerOut) -> bytes:
    """Such an answer as it is kept for a request that comes again."""
    return b"" if isinstance(out, BrainOut) else msgspec.json.encode(out)


def inner_content(kind: str, said: dict[str, Any], life: Life) -> dict[str, Any]:
    """What an entry says, once it is known whose life it happens to.

    Raises:
        InvalidInput: If it makes no sense for this life.
        LogicSyntaxError: If rules cannot be read.
        MissingExtra: If rules are to be checked without the extra ``logic``.
    """
    if kind == "forget_class":
        life.slot(str(said["label"]))
    if kind != "rules":
        return said
    if "add" in said:
        return {"rules": list(with_rules(life.mind.rules, said["add"], life.known_labels)[0])}
    return {"rules": list(without_rule(life.mind.rules, said["remove"]))}


def sleep_out(sleep: Sleep) -> SleepOut:
    """A night."""
    return SleepOut(
        sleep.entry,
        list(sleep.replayed),
        list(sleep.relearned),
        sleep.change,
        [list(pair) for pair in sleep.merged],
        list(sleep.pruned),
        sleep.founded,
        sleep.changed,
    )


def rules_out(mind: Mind) -> RulesOut:
    """The rules of a brain."""
    return RulesOut([RuleOut(name_of(rule), rule) for rule in mind.rules])


def memories_out(network: BrainNetwork, mind: Mind) -> MemoriesOut:
    """All that a brain remembers."""
    pictures = mind.state.episodes.content[0]
    return MemoriesOut(
        [
            EpisodeOut(
                one.entry,
                one.what,
                one.where,
                one.when,
                one.who,
                one.surprise_bits,
                one.importance,
                pictures[slot].squeeze(-1).tolist(),
            )
            for slot, one in all_episodes(mind)
        ],
        [
            InMindOut(
                one.strength,
                None if one.recollection is None else one.recollection.entry,
                None if one.recollection is None else one.recollection.what,
            )
            for one in in_mind(network.faculties, mind)
        ],
        [ConceptOut(one.what, one.examples, one.spread) for one in concepts(mind)],
    )


def explanation_out(resident: Resident, stimulus: Stimulus, label: str | None) -> ExplanationOut:
    """Why a brain gives an answer.

    Raises:
        InvalidInput: If the stimulus is wrong, or the brain does not know the class or any.
    """
    network, life = resident.model.network, resident.life
    thinking = think(network, life.state, stimulus.prepared(network.spec.sense.shape))
    thought = decode(network, thinking, life.labels)
    (thought,) = reflect(network, {0: life.mind}, thinking, [thought])
    label = thought.label if label is None else as_label(label)
    if label is None:
        raise InvalidInput("This brain knows no class.", "Teach it one first.")
    reasons = with_reasons(explain(network, life, thinking, label), life, thought)
    return ExplanationOut(
        label,
        reasons.score,
        None if reasons.rival is None else list(reasons.rival),
        reasons.bias,
        reasons.regions,
        [TaughtOut(one.entry, one.label, one.share) for one in reasons.lessons],
        reasons.earlier,
        [ShareOut(one.region, one.neuron, one.share) for one in reasons.features],
        [recollection_out(one) for one in reasons.recalled],
        [ProofOut(str(proof.conclusion), str(proof)) for proof in reasons.proofs],
        str(reasons),
    )
