"""Integrated information: of discrete systems (IIT 3.0 and 4.0) and of Gaussian data.

.. code-block:: python

    from neurallayers.measures.integration import integrated_information

    copy_loop = [[0, 0], [0, 1], [1, 0], [1, 1]]  # row: state now (A first); each copies the other
    print(integrated_information(copy_loop, state=(1, 0)))  # phi 1, cut, concepts

These are measures of models: how far a system constrains its own past and future as a whole. They
are no evidence of experience.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurallayers.measures.integration.analysis import integrated_information
    from neurallayers.measures.integration.iit3 import complexes, major_complex
    from neurallayers.measures.integration.iit3_candidate import CandidateSystem
    from neurallayers.measures.integration.iit3_concepts import (
        Concept,
        Irreducibility,
        SystemIrreducibility,
    )
    from neurallayers.measures.integration.partitions import Bipartition, Cut
    from neurallayers.measures.integration.substrate import Substrate

# Imported when they are first used, as they compile kernels.
_HOMES = {
    "Bipartition": "partitions",
    "CandidateSystem": "iit3_candidate",
    "Concept": "iit3_concepts",
    "Cut": "partitions",
    "Irreducibility": "iit3_concepts",
    "Substrate": "substrate",
    "SystemIrreducibility": "iit3_concepts",
    "complexes": "iit3",
    "integrated_information": "analysis",
    "major_complex": "iit3",
}

__all__ = [
    "Bipartition",
    "CandidateSystem",
    "Concept",
    "Cut",
    "Irreducibility",
    "Substrate",
    "SystemIrreducibility",
    "complexes",
    "integrated_information",
    "major_complex",
]


def __getattr__(name: str) -> Any:
    """A public name, from the module that it lives in."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
