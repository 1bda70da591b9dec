"""Where the faculties meet: anatomy, network, individual, and what keeps an individual."""

from neurallayers.brain.brain import Brain, Checkpoint, Lesson
from neurallayers.brain.explanation import Explanation
from neurallayers.brain.life import Life
from neurallayers.brain.living import live
from neurallayers.brain.network import Activity, BrainNetwork, BrainState
from neurallayers.brain.presets import PRESETS, preset
from neurallayers.brain.pretrained import load_pretrained, pretrained_names, save_pretrained
from neurallayers.brain.raster import Raster
from neurallayers.brain.spec import (
    BrainSpec,
    NeuronSpec,
    ReadoutSpec,
    RegionSpec,
    SenseSpec,
    TractSpec,
)
from neurallayers.brain.thinking import experience, reinforce, teach, think
from neurallayers.brain.thought import Thought, Vitals

__all__ = [
    "PRESETS",
    "Activity",
    "Brain",
    "BrainNetwork",
    "BrainSpec",
    "BrainState",
    "Checkpoint",
    "Explanation",
    "Lesson",
    "Life",
    "NeuronSpec",
    "Raster",
    "ReadoutSpec",
    "RegionSpec",
    "SenseSpec",
    "Thought",
    "TractSpec",
    "Vitals",
    "experience",
    "live",
    "load_pretrained",
    "preset",
    "pretrained_names",
    "reinforce",
    "save_pretrained",
    "teach",
    "think",
]
