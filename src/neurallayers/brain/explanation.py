"""Why a brain gave an answer: which features and which lessons made it, exactly.

The read-out is linear in its trace, so that a score is a sum without remainder: the slow weights
that training gave, region by region and neuron by neuron, and what each lesson wrote since.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from neurallayers.brain.life import Life
from neurallayers.brain.network import BrainNetwork
from neurallayers.brain.remembering import Recollection
from neurallayers.brain.rulebook import rulebook
from neurallayers.brain.thinking import Thinking
from neurallayers.brain.thought import Thought
from neurallayers.logic.proofs import Proof


@dataclass(frozen=True)
class FeatureShare:
    """What one neuron added to a score.

    Attributes:
        region: Its region.
        neuron: Its number there.
        share: Its part of the score.
    """

    region: str
    neuron: int
    share: float


@dataclass(frozen=True)
class LessonShare:
    """What one lesson added to a score.

    Attributes:
        entry: Its number in the journal.
        label: The class that it taught; none for a reward.
        share: Its part of the score.
    """

    entry: int
    label: str | None
    share: float


@dataclass(frozen=True)
class Explanation:
    """An answer taken apart.

    Attributes:
        label: The class explained.
        score: Its score: the sum of ``bias``, ``regions``, ``lessons`` and ``earlier``.
        rival: The next best class, if there is one, and its score.
        bias: Constant part that training gave.
        regions: What the slow weights of each region's neurons added.
        lessons: What each recorded lesson added, the strongest first.
        earlier: What lessons added that are no longer recorded one by one.
        features: The neurons that added most, by slow and fast weights together.
        recalled: The episodes that came to mind, the one most like it first. They accompany the
            answer and add nothing to its score.
        proofs: Why each conclusion of the brain's rules holds as far as it does, in words.
    """

    label: str
    score: float
    rival: tuple[str, float] | None
    bias: float
    regions: dict[str, float]
    lessons: tuple[LessonShare, ...]
    earlier: float
    features: tuple[FeatureShare, ...]
    recalled: tuple[Recollection, ...] = ()
    proofs: tuple[Proof, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return {
            "label": self.label,
            "score": self.score,
            "rival": None if self.rival is None else list(self.rival),
            "bias": self.bias,
            "regions": self.regions,
            "lessons": [vars(lesson) for lesson in self.lessons],
            "earlier": self.earlier,
            "features": [vars(feature) for feature in self.features],
            "recalled": [episode.to_dict() for episode in self.recalled],
            "conclusions": [
                {"statement": str(proof.conclusion), "because": str(proof)} for proof in self.proofs
            ],
        }

    def __str__(self) -> str:
        taught = sum(lesson.share for lesson in self.lessons) + self.earlier
        lines = [f"{self.label!r} scored {self.score:.2f}"]
        if self.rival is not None:
            place = "ahead of" if self.score >= self.rival[1] else "behind"
            lines[0] += f", {place} {self.rival[0]!r} with {self.rival[1]:.2f}"
        trained = ", ".join(f"{name} {share:+.2f}" for name, share in self.regions.items())
        slow = f"{sum(self.regions.values()) + self.bias:+.2f} ({trained}, bias {self.bias:+.2f})"
        lines.append(f"  training gave {slow}")
        lines.append(f"  lessons gave {taught:+.2f}")
        for lesson in self.lessons[:5]:
            what = "a reward" if lesson.label is None else f"taught {lesson.label!r}"
            lines.append(f"    entry {lesson.entry} ({what}): {lesson.share:+.2f}")
        strongest = ", ".join(
            f"{neuron.region}[{neuron.neuron}] {neuron.share:+.2f}" for neuron in self.features[:5]
        )
        lines.append(f"  strongest neurons: {strongest}")
        lines += [f"  brings to mind {episode}" for episode in self.recalled]
        lines += [f"  {line}" for proof in self.proofs for line in str(proof).splitlines()]
        return "\n".join(lines)


@torch.no_grad()
def explain(
    network: BrainNetwork, life: Life, thinking: Thinking, label: str, *, most: int = 10
) -> Explanation:
    """Take the score of a class apart.

    Args:
        network: Network that thought.
        life: The individual before the thought.
        thinking: Its thought, one row.
        label: The class to explain.
        most: How many lessons and neurons are listed at most; the sums are complete.

    Raises:
        InvalidInput: If the individual does not know the class.
    """
    slot = life.slot(label)
    readout, trace = network.readout, thinking.features[0].double()
    slow = torch.zeros_like(trace)
    bias = 0.0
    if slot < readout.n_out:
        slow = readout.weight[slot].double() * trace
        bias = float(readout.bias[slot])
    fast = life.state.readout.fast_weight[0, slot].double() * trace
    fast_total = float(fast.sum()) + float(life.state.readout.fast_bias[0, slot])
    shares = _lesson_shares(life, trace, slot)
    listed = sorted(shares, key=lambda lesson: -abs(lesson.share))
    rivals = [
        (name, float(thinking.scores[0, life.slot(name)]))
        for name in life.known_labels
        if name != label
    ]
    return Explanation(
        label=label,
        score=float(thinking.scores[0, slot]),
        rival=max(rivals, key=lambda pair: pair[1], default=None),
        bias=bias,
        regions={name: float(slow[part].sum()) for name, part in feature_ranges(network).items()},
        lessons=tuple(listed[:most]),
        # The rest: lessons beyond the list or the ledger, and the start of a class at the floor.
        earlier=fast_total - sum(lesson.share for lesson in listed[:most]),
        features=_strongest(network, slow + fast, most),
    )


def with_reasons(explanation: Explanation, life: Life, thought: Thought) -> Explanation:
    """An explanation with the memories and conclusions of the thought that it explains.

    Args:
        explanation: Of the score alone.
        life: The individual before the thought.
        thought: Its thought.
    """
    rules = life.mind.rules
    book = rulebook(rules, tuple(sorted(thought.scores))) if rules else None
    proofs = () if book is None else book.proofs(thought.shares)
    return replace(explanation, recalled=thought.recalled, proofs=proofs)


def feature_ranges(network: BrainNetwork) -> dict[str, slice]:
    """Where the neurons of each region stand in the trace of the read-out."""
    ranges, first = {}, 0
    for name in network.spec.readout.sources:
        count = torch.Size(network.spec.region(name).shape).numel()
        ranges[name] = slice(first, first + count)
        first += count
    return ranges


def _lesson_shares(life: Life, trace: Tensor, slot: int) -> list[LessonShare]:
    ledger = life.ledger
    similarity = ledger.keys.double() @ trace + ledger.offsets.double()
    shares = (ledger.coefficients[:, slot].double() * similarity).tolist()
    entries, taught = ledger.entries.tolist(), ledger.taught.tolist()
    return [
        LessonShare(entry, None if target < 0 else life.labels[target], share)
        for entry, target, share in zip(entries, taught, shares, strict=True)
        if share != 0.0
    ]


def _strongest(network: BrainNetwork, shares: Tensor, most: int) -> tuple[FeatureShare, ...]:
    top = shares.abs().topk(min(most, len(shares))).indices.tolist()
    found = []
    for index in top:
        for name, part in feature_ranges(network).items():
            if part.start <= index < part.stop:
                found.append(FeatureShare(name, index - part.start, float(shares[index])))
    return tuple(found)
