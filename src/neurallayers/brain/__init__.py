"""Where the faculties meet: anatomy, network, individual, and what keeps an individual.

The names below are imported when they are first used: a raster, say, needs no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurallayers.brain.alerts import Alert
    from neurallayers.brain.brain import Brain, Checkpoint
    from neurallayers.brain.explanation import Explanation
    from neurallayers.brain.life import Life
    from neurallayers.brain.living import live
    from neurallayers.brain.measuring import NetworkReport, measure
    from neurallayers.brain.network import Activity, BrainNetwork, BrainState
    from neurallayers.brain.outcome import Lesson
    from neurallayers.brain.presets import PRESETS, preset
    from neurallayers.brain.pretrained import load_pretrained, pretrained_names, save_pretrained
    from neurallayers.brain.raster import Raster
    from neurallayers.brain.remembering import Recollection
    from neurallayers.brain.rulebook import Conclusion
    from neurallayers.brain.sleeping import Sleep
    from neurallayers.brain.spec import (
        BrainSpec,
        MemorySpec,
        NeuronSpec,
        ReadoutSpec,
        RegionSpec,
        SenseSpec,
        TractSpec,
    )
    from neurallayers.brain.thinking import experience, reinforce, teach, think
    from neurallayers.brain.thought import Thought, Vitals

_HOMES = {
    "Alert": "alerts",
    "Brain": "brain",
    "Checkpoint": "brain",
    "Lesson": "outcome",
    "Explanation": "explanation",
    "Life": "life",
    "live": "living",
    "Activity": "network",
    "BrainNetwork": "network",
    "BrainState": "network",
    "PRESETS": "presets",
    "preset": "presets",
    "load_pretrained": "pretrained",
    "pretrained_names": "pretrained",
    "save_pretrained": "pretrained",
    "Raster": "raster",
    "BrainSpec": "spec",
    "MemorySpec": "spec",
    "NeuronSpec": "spec",
    "ReadoutSpec": "spec",
    "RegionSpec": "spec",
    "SenseSpec": "spec",
    "TractSpec": "spec",
    "experience": "thinking",
    "reinforce": "thinking",
    "teach": "thinking",
    "think": "thinking",
    "Conclusion": "rulebook",
    "NetworkReport": "measuring",
    "measure": "measuring",
    "Recollection": "remembering",
    "Sleep": "sleeping",
    "Thought": "thought",
    "Vitals": "thought",
}

__all__ = [
    "PRESETS",
    "Activity",
    "Alert",
    "Brain",
    "BrainNetwork",
    "BrainSpec",
    "BrainState",
    "Checkpoint",
    "Conclusion",
    "Explanation",
    "Lesson",
    "Life",
    "MemorySpec",
    "NetworkReport",
    "NeuronSpec",
    "Raster",
    "ReadoutSpec",
    "Recollection",
    "RegionSpec",
    "SenseSpec",
    "Sleep",
    "Thought",
    "TractSpec",
    "Vitals",
    "experience",
    "live",
    "load_pretrained",
    "measure",
    "preset",
    "pretrained_names",
    "reinforce",
    "save_pretrained",
    "teach",
    "think",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
