"""Memory: working, episodic and semantic; sleep that joins them; forgetting; associative networks.

* :mod:`~neurallayers.memory.working`: a few items for seconds.
* :mod:`~neurallayers.memory.episodic`: what happened, found again by likeness.
* :mod:`~neurallayers.memory.semantic`: what episodes have in common, and what goes with what.
* :mod:`~neurallayers.memory.dreaming`: what classes look like, to be imagined without examples.
* :mod:`~neurallayers.memory.consolidation`: sleep replays, strengthens, generalises and prunes.
* :mod:`~neurallayers.memory.hopfield`, :mod:`~neurallayers.memory.dense_hopfield`,
  :mod:`~neurallayers.memory.modern_hopfield`: associative networks, and
  :mod:`~neurallayers.memory.capacity`, how much they hold in theory.

What is remembered is a state that the caller holds: named tuples of tensors with a batch axis.
"""

from neurallayers.memory.associative_store import AssociativeStore, Found
from neurallayers.memory.capacity import (
    critical_load,
    exponential_capacity,
    polynomial_capacity,
    retrieval_overlap,
)
from neurallayers.memory.consolidation import (
    Consolidation,
    Night,
    SleepReport,
    replay_priority,
    replay_schedule,
)
from neurallayers.memory.dense_hopfield import DenseHopfieldNetwork
from neurallayers.memory.dreaming import DreamingMemory, DreamingState, Dreams
from neurallayers.memory.episode import Episode, Episodes, Placement, Recollections
from neurallayers.memory.episodic import EpisodicMemory
from neurallayers.memory.forgetting import ebbinghaus_savings, retention, strengthened
from neurallayers.memory.hopfield import STORAGE_RULES, HopfieldNetwork, Settled, overlap
from neurallayers.memory.modern_hopfield import (
    HopfieldLayer,
    ModernHopfieldNetwork,
    Retrieval,
)
from neurallayers.memory.salience import (
    bayesian_surprise_bits,
    importance,
    novelty,
    surprise_bits,
)
from neurallayers.memory.semantic import Concepts, Learned, Recognition, SemanticMemory
from neurallayers.memory.working import Reading, WorkingMemory, WorkingMemoryState

__all__ = [
    "STORAGE_RULES",
    "AssociativeStore",
    "Concepts",
    "Consolidation",
    "DenseHopfieldNetwork",
    "DreamingMemory",
    "DreamingState",
    "Dreams",
    "Episode",
    "Episodes",
    "EpisodicMemory",
    "Found",
    "HopfieldLayer",
    "HopfieldNetwork",
    "Learned",
    "ModernHopfieldNetwork",
    "Night",
    "Placement",
    "Reading",
    "Recognition",
    "Recollections",
    "Retrieval",
    "SemanticMemory",
    "Settled",
    "SleepReport",
    "WorkingMemory",
    "WorkingMemoryState",
    "bayesian_surprise_bits",
    "critical_load",
    "ebbinghaus_savings",
    "exponential_capacity",
    "importance",
    "novelty",
    "overlap",
    "polynomial_capacity",
    "replay_priority",
    "replay_schedule",
    "retention",
    "retrieval_overlap",
    "strengthened",
    "surprise_bits",
]
