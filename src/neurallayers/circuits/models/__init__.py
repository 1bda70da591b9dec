"""Published networks, ready to run."""

from neurallayers.circuits.models.brunel import brunel
from neurallayers.circuits.models.celegans import celegans
from neurallayers.circuits.models.macaque_cortex import MacaqueCortex, MacaqueCortexState
from neurallayers.circuits.models.potjans_diesmann import potjans_diesmann
from neurallayers.circuits.models.vogels_abbott import vogels_abbott

__all__ = [
    "MacaqueCortex",
    "MacaqueCortexState",
    "brunel",
    "celegans",
    "potjans_diesmann",
    "vogels_abbott",
]
