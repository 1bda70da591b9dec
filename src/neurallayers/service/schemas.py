"""Bodies of requests and answers: what goes over the wire, and nothing else.

They are ``msgspec`` structures: decoded, checked and encoded in a few microseconds, refused with
the path of what is wrong, and described to OpenAPI from the same declaration.
"""

from __future__ import annotations

from typing import Annotated, Any

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


class ThoughtOut(Struct):
    """What a brain thought; scores from the highest to the lowest."""

    label: str | None
    confidence: float
    scores: dict[str, float]
    vitals: VitalsOut
    entry: int | None = None


class ThoughtsOut(Struct):
    """Thoughts in the order of the stimuli."""

    thoughts: list[ThoughtOut]


class LessonOut(Struct):
    """What came of a lesson; the thought is the one before it learned."""

    entry: int
    change: float
    thought: ThoughtOut


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
