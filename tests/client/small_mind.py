"""What the small service says of minds."""

from __future__ import annotations

from typing import Any

RECOLLECTION: dict[str, Any] = {
    "entry": 1,
    "what": "cross",
    "where": None,
    "when": 7,
    "who": "Ada",
    "likeness": 0.9,
    "weight": 1,
    "surprise_bits": 3.5,
    "importance": 0.5,
}
EXPLANATION: dict[str, Any] = {
    "label": "cross",
    "score": 1.5,
    "rival": ["0", 1],
    "bias": 0.25,
    "regions": {"cerebrum": 1.0},
    "lessons": [{"entry": 1, "label": None, "share": 0.25}],
    "earlier": 0,
    "features": [{"region": "cerebrum", "neuron": 3, "share": 0.5}],
    "recalled": [RECOLLECTION],
    "conclusions": [{"statement": "sign(It)", "because": "sign(It) is true, as it is a cross"}],
    "words": "'cross' scored 1.50",
}
