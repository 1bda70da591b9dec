"""Regions of a brain and the tracts between them."""

from neurallayers.regions.region import Region, RegionState
from neurallayers.regions.tract import Tract

__all__ = ["Region", "RegionState", "Tract"]
