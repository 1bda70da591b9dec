"""Who is joined to whom in real brains: the worm's neurons and areas of the macaque's cortex.

Both are matrices for :class:`~neurallayers.circuits.Circuit` (``EdgeList`` or ``FromScipy``): the
worm's count synapses between neurons, the macaque's say what part of an area's input comes from
which other area.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurallayers.data.folders import find_file, read_arrays
from neurallayers.errors import InvalidInput, UnknownName
from neurallayers.registry import nearest_name

Array = np.ndarray[Any, Any]

CELEGANS_SHA256 = "ae4ab1ca8a64d1b0be92eb26fa678d20aab2f9abe5944d64cefc8bfb1ed8217f"
MACAQUE_SHA256 = "85e6cb52fb4cc862140ece4e492cb4970eeb673ca3751eae1787759c2b9bc3b6"

CELEGANS = ("cook2019", "varshney2011", "white1986", "witvliet7", "witvliet8")
"""Reconstructions of the worm: Cook et al. (2019), the hermaphrodite, Nature 571:63; Varshney et
al. (2011), PLoS Comput. Biol. 7:e1001066; White et al. (1986), Phil. Trans. R. Soc. B 314:1;
Witvliet et al. (2021), adults 7 and 8, Nature 596:257."""

NOT_NEURONS = ("body_wall_muscle", "other_cell")


@dataclass(frozen=True)
class Connectome:
    """Cells and the synapses between them.

    Attributes:
        name: Which reconstruction.
        cells: Names of the cells.
        kinds: What each cell is (``"sensory"``, ``"inter"``, ``"motor"``, ...); empty if unknown.
        chemical: Chemical synapses, ``[sender, receiver]``: how many, or how large.
        gap: Gap junctions, ``[cell, cell]``; without a direction.
        source: Whom to cite.
        licence: Under which licence the data are.
    """

    name: str
    cells: tuple[str, ...]
    kinds: tuple[str, ...]
    chemical: Array
    gap: Array
    source: str
    licence: str

    def __len__(self) -> int:
        return len(self.cells)

    def of(self, cells: Array) -> Connectome:
        """The part that joins the chosen cells (a mask or their places) with each other."""
        chosen = np.arange(len(self))[cells]
        square = np.ix_(chosen, chosen)
        return Connectome(
            self.name,
            tuple(self.cells[i] for i in chosen),
            tuple(self.kinds[i] for i in chosen) if self.kinds else (),
            self.chemical[square],
            self.gap[square],
            self.source,
            self.licence,
        )

    def index(self, cell: str) -> int:
        """The place of a cell.

        Raises:
            UnknownName: If there is none of that name.
        """
        if cell not in self.cells:
            raise UnknownName(
                f"There is no cell {cell!r} in {self.name}.",
                nearest_name(cell, list(self.cells)),
            )
        return self.cells.index(cell)


def load_celegans(
    name: str = "cook2019", *, neurons_only: bool = True, folder: str | Path | None = None
) -> Connectome:
    """A connectome of Caenorhabditis elegans.

    Args:
        name: One of :data:`CELEGANS`.
        neurons_only: Leave out muscles and other cells (where kinds are known: ``"cook2019"``).
        folder: Where ``celegans.npz`` is; otherwise ``$NEURALLAYERS_DATA/celegans_connectome``,
            ``../shared/data/celegans_connectome`` or the cache.

    Raises:
        UnknownName: If there is no such reconstruction.
        DataUnavailable: If the file is nowhere or damaged.
    """
    if name not in CELEGANS:
        raise UnknownName(
            f"There is no reconstruction {name!r}.", nearest_name(name, list(CELEGANS))
        )
    arrays = read_arrays(find_file("celegans_connectome", "celegans.npz", folder), CELEGANS_SHA256)
    kinds = arrays.get(f"{name}_kind")
    connectome = Connectome(
        name=name,
        cells=tuple(map(str, arrays[f"{name}_nodes"])),
        kinds=() if kinds is None else tuple(map(str, kinds)),
        chemical=arrays[f"{name}_chem"],
        gap=arrays[f"{name}_gap"],
        source="OpenWorm C. elegans Connectome Toolbox (cect), P. Gleeson et al., and the "
        "reconstruction's own paper (see CELEGANS)",
        licence="MIT (cect); the published tables are to be cited",
    )
    if neurons_only and connectome.kinds:
        return connectome.of(~np.isin(connectome.kinds, NOT_NEURONS))
    return connectome


@dataclass(frozen=True)
class CorticalAreas:
    """Areas of the macaque's cortex and what they send to each other.

    Attributes:
        areas: Names, from low to high in the hierarchy as given.
        fraction_of_labelled_neurons: FLN, ``[target, source]``: what part of the neurons that
            project to the target area lies in the source area; rows add up to at most one.
        fraction_supragranular: SLN, ``[target, source]``: what part of these lies in upper layers;
            high for feed-forward, low for feedback connections.
        hierarchy: Position in the hierarchy, from 0.
        source: Whom to cite.
        licence: Under which licence the data are.
    """

    areas: tuple[str, ...]
    fraction_of_labelled_neurons: Array
    fraction_supragranular: Array
    hierarchy: Array
    source: str
    licence: str

    def __post_init__(self) -> None:
        n = len(self.areas)
        for name in ("fraction_of_labelled_neurons", "fraction_supragranular"):
            shape = getattr(self, name).shape
            if shape != (n, n):
                raise InvalidInput(f"{name} is {shape} for {n} areas.", "Expected one row an area.")


def load_macaque_cortex(*, folder: str | Path | None = None) -> CorticalAreas:
    """The 29 areas of Markov et al. (2014) as used by Chaudhuri et al. (2015).

    Args:
        folder: Where ``chaudhuri2015_29areas.npz`` is; otherwise as for :func:`load_celegans`, in
            ``macaque_cortex29``.

    Raises:
        DataUnavailable: If the file is nowhere or damaged.
    """
    arrays = read_arrays(
        find_file("macaque_cortex29", "chaudhuri2015_29areas.npz", folder), MACAQUE_SHA256
    )
    return CorticalAreas(
        areas=tuple(map(str, arrays["areas"])),
        fraction_of_labelled_neurons=arrays["fln_mat"],
        fraction_supragranular=arrays["sln_mat"],
        hierarchy=arrays["hier_vals"],
        source="R. Chaudhuri et al., Neuron 88:419, 2015; N. Markov et al., Cerebral Cortex 24:17, "
        "2014, and J. Comp. Neurol. 522:225, 2014",
        licence="MIT (repository of X.-J. Wang's laboratory)",
    )
