r"""Integrated information theory 4.0 of discrete systems: what it computes, in one place.

>>> from neurallayers.measures.integration import iit4
>>> from neurallayers.measures.integration.substrate import Substrate
>>> swap = Substrate([[0, 0], [0, 1], [1, 0], [1, 1]])  # two units that copy each other
>>> result = iit4.system_phi(swap, (1, 0))
>>> result.phi, result.cause_state, result.effect_state
(2.0, (0, 1), (0, 1))
>>> [found.nodes for found in iit4.complexes(swap, (1, 0))]
[(0, 1)]
>>> iit4.cause_effect_structure(swap, (1, 0)).big_phi
4.0

The numbers say how far a system, in its present state, constrains its own past and future as one
whole and not as separate parts. They are properties of a model; they are no evidence of experience.

Source: Albantakis, Barbosa, Findlay, Grasso et al. (2023), "Integrated information theory (IIT)
4.0: Formulating the properties of phenomenal existence in physical terms", PLoS Comput. Biol.
19(10):e1011465; its S1 Text for ties.
"""

from __future__ import annotations

from neurallayers.measures.integration.iit4_complexes import complexes
from neurallayers.measures.integration.iit4_distinctions import Distinction, Specification
from neurallayers.measures.integration.iit4_phi import (
    SystemPartition,
    SystemPhi,
    system_phi,
)
from neurallayers.measures.integration.iit4_relations import Relation, relations
from neurallayers.measures.integration.iit4_structure import (
    CauseEffectStructure,
    cause_effect_structure,
)
from neurallayers.measures.integration.iit4_units import logistic_substrate

__all__ = [
    "CauseEffectStructure",
    "Distinction",
    "Relation",
    "Specification",
    "SystemPartition",
    "SystemPhi",
    "cause_effect_structure",
    "complexes",
    "logistic_substrate",
    "relations",
    "system_phi",
]
