"""Bodies of requests and answers: what goes over the wire, and nothing else.

They are ``msgspec`` structures: decoded, checked and encoded in a few microseconds, refused with
the path of what is wrong, and described to OpenAPI from the same declaration.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

BRAIN_ID_PATTERN = "^[0-9a-f]{32}$"
STIMULI_AT_MOST = 256
CHANNELS_AT_MOST = 16
PNG_TEXT_AT_MOST = 2 * 2**20

Label = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        description="Name of a class, in characters that can be printed.",
        examples=["triangle"],
    ),
]
Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        description="A name for people, in characters that can be printed.",
        examples=["Ada"],
    ),
]
Picture = Annotated[
    str,
    Meta(
        max_length=PNG_TEXT_AT_MOST,
        description="A PNG file, in base64 (RFC 4648).",
        extra_json_schema={"contentEncoding": "base64", "contentMediaType": "image/png"},
    ),
]
Reward = Annotated[float, Meta(ge=-1000, le=1000)]
Channels = Annotated[list[float], Meta(max_length=CHANNELS_AT_MOST)]
Pixels = Annotated[
    list[list[float | Channels]],
    Meta(
        min_length=1,
        max_length=1024,
        description="Rows of intensities, 0 is dark; a list of channels each for colour.",
    ),
]
Stimulus = Pixels | Picture
Maximum = Annotated[
    float,
    Meta(gt=0, le=65535, description="The intensity that white has: 1, 255, or 16 for digits."),
]
Fit = Annotated[bool, Meta(description="Bring arrays of another size to the network's size.")]
Invert = Annotated[
    bool, Meta(description="Turn a dark drawing on light ground into a light one on dark ground.")
]
Where = Annotated[
    str, Meta(min_length=1, max_length=200, description="Where it happens, for its memory.")
]
Who = Annotated[
    str, Meta(min_length=1, max_length=200, description="Who shows or says it, for its memory.")
]
Time = Annotated[
    int,
    Meta(ge=0, le=2**53, description="A time, in your own unit, such as seconds since 1970."),
]
Sequence = Annotated[int, Meta(ge=1, le=2**53, description="Number of an entry.")]


class NewBrain(Struct, forbid_unknown_fields=True):
    """A brain to be born."""

    model: str | None = None
    name: Name | None = None
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1, description="Of noise within its steps.")] = 0


class ToProcess(Struct, forbid_unknown_fields=True):
    """One stimulus to think about."""

    stimulus: Stimulus
    maximum: Maximum = 1.0
    fit: Fit = False
    invert: Invert = False
    stateful: Annotated[
        bool, Meta(description="Live through it: activity goes on, and it becomes an entry.")
    ] = False
    where: Where | None = None
    when: Time | None = None
    who: Who | None = None


class ManyToProcess(Struct, forbid_unknown_fields=True):
    """Stimuli to think about, each from rest."""

    stimuli: Annotated[list[Stimulus], Meta(min_length=1, max_length=STIMULI_AT_MOST)]
    maximum: Maximum = 1.0
    fit: Fit = False
    invert: Invert = False


class ToLearn(Struct, forbid_unknown_fields=True):
    """A lesson: a stimulus with what it is, or with a reward for the brain's own answer."""

    stimulus: Stimulus
    target: Label | None = None
    reward: Reward | None = None
    maximum: Maximum = 1.0
    fit: Fit = False
    invert: Invert = False
    where: Where | None = None
    when: Time | None = None
    who: Who | None = None
    pinned: Annotated[bool, Meta(description="Never let other episodes displace it.")] = False


class ToExplain(Struct, forbid_unknown_fields=True):
    """A stimulus whose answer is to be explained."""

    stimulus: Stimulus
    label: Label | None = None
    maximum: Maximum = 1.0
    fit: Fit = False
    invert: Invert = False


class ToSleep(Struct, forbid_unknown_fields=True):
    """A night."""

    cycles: Annotated[int, Meta(ge=1, le=20, description="Cycles of replay.")] = 4


class ToForgetMemories(Struct, forbid_unknown_fields=True):
    """Which episodes to forget: those for which all that is given holds."""

    what: Label | None = None
    where: Where | None = None
    who: Who | None = None
    first: Time | None = None
    last: Time | None = None
    clock: Annotated[
        Literal["when", "entry"],
        Meta(description="Whether first and last are times that were said, or entries."),
    ] = "when"
    like: Stimulus | None = None
    likeness: Annotated[float, Meta(ge=-1, le=1, description="Least cosine of the keys.")] = 0.9
    maximum: Maximum = 1.0
    fit: Fit = False
    invert: Invert = False


class NewRules(Struct, forbid_unknown_fields=True):
    """Rules to take on, a line each."""

    text: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=10_000,
            description="Such as `parity: even(x) <- digit(x, 2) | digit(x, 4)`.",
        ),
    ]


class ToForget(Struct, forbid_unknown_fields=True):
    """What to forget: a class, or entries as if they had never happened."""

    label: Label | None = None
    entries: Annotated[list[Sequence], Meta(min_length=1, max_length=10_000)] | None = None


class NewSnapshot(Struct, forbid_unknown_fields=True):
    """A moment to keep."""

    name: Name | None = None


# ------------------------------------------------------------------------------------ answers


class RegionOut(Struct):
    """A region of a network."""

    name: str
    neurons: int
    kind: str


class ModelOut(Struct):
    """A network that brains can be born with."""

    name: str
    fingerprint: str
    image_shape: list[int]
    labels: list[str]
    regions: list[RegionOut]
    parameters: int
    steps: int
    dt_ms: float
    spec: dict[str, Any] | None = None


class ModelsOut(Struct):
    """All networks."""

    models: list[ModelOut]


class BrainOut(Struct):
    """A brain."""

    id: str
    name: str
    model: str
    created_at: str
    sequence: int
    labels: list[str]


class BrainSummary(Struct):
    """A brain in a list."""

    id: str
    name: str
    model: str
    created_at: str
    sequence: int


class BrainsOut(Struct):
    """A page of brains; ``next`` is the ``after`` of the next page."""

    brains: list[BrainSummary]
    next: str | None


class VitalsOut(Struct):
    """The condition of a brain during a thought."""

    rates_hz: dict[str, float]
    active_fraction: dict[str, float]
    spikes: int
    excitability: dict[str, float]


class RecollectionOut(Struct):
    """An episode that came to mind."""

    entry: int
    what: str | None
    where: str | None
    when: int
    who: str | None
    likeness: float
    weight: float
    surprise_bits: float
    importance: float


class ConclusionOut(Struct):
    """What rules conclude: at least and at most so true, and that in a word."""

    statement: str
    lower: float
    upper: float
    reading: str


class AlertOut(Struct):
    """A vital sign that is not as usual; ``risen`` where the level has just risen."""

    vital: str
    level: str
    index: float
    risen: bool


class ThoughtOut(Struct):
    """What a brain thought; scores from the highest to the lowest."""

    label: str | None
    confidence: float
    scores: dict[str, float]
    vitals: VitalsOut
    entry: int | None = None
    recalled: list[RecollectionOut] = []
    conclusions: list[ConclusionOut] = []
    alerts: list[AlertOut] = []


class ThoughtsOut(Struct):
    """Thoughts in the order of the stimuli."""

    thoughts: list[ThoughtOut]


class LessonOut(Struct):
    """What came of a lesson; the thought is the one before it learned."""

    entry: int
    change: float
    thought: ThoughtOut


class ShareOut(Struct):
    """What one neuron added to a score."""

    region: str
    neuron: int
    share: float


class TaughtOut(Struct):
    """What one lesson added to a score; no label for a reward."""

    entry: int
    label: str | None
    share: float


class ProofOut(Struct):
    """Why a conclusion holds as far as it does."""

    statement: str
    because: str


class ExplanationOut(Struct):
    """A score taken apart: it is the sum of bias, regions, lessons and earlier."""

    label: str
    score: float
    rival: list[str | float] | None
    bias: float
    regions: dict[str, float]
    lessons: list[TaughtOut]
    earlier: float
    features: list[ShareOut]
    recalled: list[RecollectionOut]
    conclusions: list[ProofOut]
    words: str


class SleepOut(Struct):
    """What a night did; episodes are named by their entries."""

    entry: int
    replayed: list[int]
    relearned: list[int]
    change: float
    merged: list[list[int]]
    pruned: list[int]
    founded: int
    changed: int


class EpisodeOut(Struct):
    """An episode that is remembered, with what was seen: rows of bytes, or of channels."""

    entry: int
    what: str | None
    where: str | None
    when: int
    who: str | None
    surprise_bits: float
    importance: float
    picture: list[list[int | list[int]]]


class ConceptOut(Struct):
    """What sleep made of episodes."""

    what: str | None
    examples: float
    spread: float


class InMindOut(Struct):
    """Something that working memory holds, and the entry of the episode that it is most like."""

    strength: float
    entry: int | None
    what: str | None


class MemoriesOut(Struct):
    """What a brain remembers."""

    episodes: list[EpisodeOut]
    in_mind: list[InMindOut]
    concepts: list[ConceptOut]


class ForgottenOut(Struct):
    """The entries of the episodes that were forgotten."""

    entries: list[int]


class RuleOut(Struct):
    """A rule."""

    name: str
    text: str


class RulesOut(Struct):
    """The rules of a brain, in the order in which it took them on."""

    rules: list[RuleOut]


class SnapshotOut(Struct):
    """A moment that was kept."""

    id: str
    name: str | None
    sequence: int
    created_at: str


class SnapshotsOut(Struct):
    """A page of snapshots, the latest first."""

    snapshots: list[SnapshotOut]
    next: str | None


class EntryOut(Struct):
    """An entry of a brain's history."""

    sequence: int
    kind: str
    content: dict[str, Any]


class EntriesOut(Struct):
    """A page of entries, in order."""

    entries: list[EntryOut]
    next: int | None


class RasterOut(Struct):
    """The spikes of the last thought: ``[step, neuron]`` by region."""

    label: str | None
    dt_ms: float
    steps: int
    neurons: dict[str, int]
    spikes: dict[str, list[list[int]]]


class HealthOut(Struct):
    """Whether the service lives, or can work."""

    status: str
    checks: dict[str, str] = msgspec.field(default_factory=dict)


class Problem(Struct, omit_defaults=True):
    """A problem document (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    remedy: str
    request_id: str = ""
    errors: list[str] = msgspec.field(default_factory=list)
