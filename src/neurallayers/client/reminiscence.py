"""What a service answers about a brain's mind: memories, nights, rules, reasons, alerts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

#: Rows of what was seen: bytes from dark to bright, or a tuple of channels for each place.
Picture: TypeAlias = tuple[tuple[int | tuple[int, ...], ...], ...]


@dataclass(frozen=True)
class Recollection:
    """An episode that came to mind.

    Attributes:
        entry: Its number in the brain's history.
        what: What it was said to be.
        where: Where it happened.
        when: When it happened, in the unit of who said it; its number if nobody did.
        who: Who told.
        likeness: Cosine between its key and that of the present stimulus.
        weight: Its share of what came to mind.
        surprise_bits: How surprising it was [bits].
        importance: How important it is, 0 to 1.
    """

    entry: int
    what: str | None
    where: str | None
    when: int
    who: str | None
    likeness: float
    weight: float
    surprise_bits: float
    importance: float


@dataclass(frozen=True)
class Conclusion:
    """What rules conclude from an answer.

    Attributes:
        statement: What, such as ``even(It)``.
        lower: It is at least so true.
        upper: It is at most so true; less than ``lower`` if rules contradict each other.
        reading: That in a word: true, false, unknown, uncertain or contradictory.
    """

    statement: str
    lower: float
    upper: float
    reading: str


@dataclass(frozen=True)
class Alert:
    """A vital sign that is not as usual for this brain.

    Attributes:
        vital: Which: ``"sensory.rate_hz"``, ``"confidence"``.
        level: ``"notice"``, ``"warning"`` or ``"critical"``.
        index: The index behind it, 0 to 1.
        risen: Whether the level is higher than after the entry before.
    """

    vital: str
    level: str
    index: float
    risen: bool


@dataclass(frozen=True)
class Sleep:
    """What a night did; episodes are named by their entries.

    Attributes:
        entry: Number of the night in the brain's history.
        replayed: Which episodes came back, in order.
        relearned: Those whose lesson wrote something again.
        change: Euclidean norm of all that was written to the fast weights.
        merged: Pairs of near duplicates; the second of each is gone.
        pruned: Which faded away.
        founded: How many concepts are new.
        changed: How many concepts moved.
    """

    entry: int
    replayed: tuple[int, ...]
    relearned: tuple[int, ...]
    change: float
    merged: tuple[tuple[int, int], ...]
    pruned: tuple[int, ...]
    founded: int
    changed: int


@dataclass(frozen=True)
class Episode:
    """An episode that is remembered.

    Attributes:
        entry: Its number in the brain's history.
        what: What it was said to be.
        where: Where it happened.
        when: When it happened, in the unit of who said it; its number if nobody did.
        who: Who told.
        surprise_bits: How surprising it was [bits].
        importance: How important it is, 0 to 1.
        picture: What was seen, rows of bytes.
    """

    entry: int
    what: str | None
    where: str | None
    when: int
    who: str | None
    surprise_bits: float
    importance: float
    picture: Picture


@dataclass(frozen=True)
class InMind:
    """Something that working memory holds.

    Attributes:
        strength: How strongly, 1 when it is fresh.
        entry: The episode that it is most like, if there is one.
        what: What that was said to be.
    """

    strength: float
    entry: int | None
    what: str | None


@dataclass(frozen=True)
class Concept:
    """What sleep made of episodes.

    Attributes:
        what: What they were said to be.
        examples: How many they were; fades with time.
        spread: Mean standard deviation of their keys.
    """

    what: str | None
    examples: float
    spread: float


@dataclass(frozen=True)
class Memories:
    """What a brain remembers.

    Attributes:
        episodes: What happened, in order.
        in_mind: What working memory holds, the strongest first.
        concepts: What sleep made of episodes, that of most examples first.
    """

    episodes: tuple[Episode, ...]
    in_mind: tuple[InMind, ...]
    concepts: tuple[Concept, ...]


@dataclass(frozen=True)
class Rule:
    """A rule over a brain's answers: its name, and the text that it was given as."""

    name: str
    text: str


@dataclass(frozen=True)
class FeatureShare:
    """What one neuron added to a score."""

    region: str
    neuron: int
    share: float


@dataclass(frozen=True)
class LessonShare:
    """What one lesson added to a score; no label for a reward."""

    entry: int
    label: str | None
    share: float


@dataclass(frozen=True)
class Proof:
    """Why a conclusion holds as far as it does, in words."""

    statement: str
    because: str


@dataclass(frozen=True)
class Explanation:
    """An answer taken apart; ``str`` of it says it in words.

    Attributes:
        label: The class explained.
        score: Its score: the sum of ``bias``, ``regions``, ``lessons`` and ``earlier``.
        rival: The next best class, if there is one, and its score.
        bias: Constant part that training gave.
        regions: What the slow weights of each region's neurons added.
        lessons: What each recorded lesson added, the strongest first.
        earlier: What lessons added that are no longer recorded one by one.
        features: The neurons that added most.
        recalled: The episodes that came to mind; they add nothing to the score.
        conclusions: What the brain's rules conclude, and why.
        words: All of it in words.
    """

    label: str
    score: float
    rival: tuple[str, float] | None
    bias: float
    regions: dict[str, float]
    lessons: tuple[LessonShare, ...]
    earlier: float
    features: tuple[FeatureShare, ...]
    recalled: tuple[Recollection, ...]
    conclusions: tuple[Proof, ...]
    words: str

    def __str__(self) -> str:
        return self.words
