r"""The shape of a neuron: cylinders joined to a tree.

The axial resistance between the middles of two neighbours is that of their halves,

.. math:: R_{ij} = \frac{2 R_a}{\pi} \left(\frac{l_i}{d_i^2} + \frac{l_j}{d_j^2}\right),

and no current leaves through the ends. Source: Rall (1977), Core conductor theory and cable
properties of neurons, Handbook of Physiology; Koch (1999), Biophysics of Computation, section 3.2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from neurallayers.errors import InvalidInput

UM2_PER_CM2 = 1e8


@dataclass(frozen=True)
class Morphology:
    """Compartments, each a cylinder; parents come before their children.

    Attributes:
        parents: Index of the parent of each compartment; -1 for the first one, the root.
        lengths_um: Length of each.
        diameters_um: Diameter of each.

    Raises:
        InvalidInput: If the numbers of entries differ, a compartment comes before its parent or a
            size is not positive.

    >>> soma = Morphology((-1, 0, 0), (20.0, 100.0, 100.0), (20.0, 2.0, 2.0))
    >>> round(1e8 * soma.area_cm2[0].item())
    1257
    """

    parents: tuple[int, ...]
    lengths_um: tuple[float, ...]
    diameters_um: tuple[float, ...]

    def __post_init__(self) -> None:
        sizes = {len(self.parents), len(self.lengths_um), len(self.diameters_um)}
        if len(sizes) > 1 or not self.parents:
            raise InvalidInput(
                f"There are {len(self.parents)} parents, {len(self.lengths_um)} lengths and "
                f"{len(self.diameters_um)} diameters.",
                "Give one of each for every compartment.",
            )
        for i, parent in enumerate(self.parents):
            if (parent != -1) if i == 0 else not 0 <= parent < i:
                raise InvalidInput(
                    f"The parent of compartment {i} is {parent}.",
                    "The first compartment is the root (-1); every other comes after its parent.",
                )
        for name, values in (("lengths_um", self.lengths_um), ("diameters_um", self.diameters_um)):
            for value in values:
                if not 0 < value < math.inf:
                    raise InvalidInput(f"{name} holds {value}.", "Sizes must be positive.")

    @classmethod
    def cable(cls, compartments: int, length_um: float, diameter_um: float) -> Morphology:
        """An unbranched cylinder cut into pieces of equal length."""
        if compartments < 1:
            raise InvalidInput(f"compartments is {compartments}.", "There must be at least one.")
        each = length_um / compartments
        return cls(
            tuple(range(-1, compartments - 1)),
            (each,) * compartments,
            (float(diameter_um),) * compartments,
        )

    def joined(self, other: Morphology, at: int) -> Morphology:
        """This tree with another one, by its root, on compartment ``at``."""
        size = len(self)
        if not 0 <= at < size:
            raise InvalidInput(f"There is no compartment {at}.", f"Choose one of 0 to {size - 1}.")
        moved = tuple(at if parent == -1 else parent + size for parent in other.parents)
        return Morphology(
            self.parents + moved,
            self.lengths_um + other.lengths_um,
            self.diameters_um + other.diameters_um,
        )

    def __len__(self) -> int:
        return len(self.parents)

    @property
    def area_cm2(self) -> Tensor:
        """Membrane of each compartment [cm2], without the ends of the cylinder, float64."""
        return math.pi * _double(self.lengths_um) * _double(self.diameters_um) / UM2_PER_CM2

    def axial_ms(self, resistivity_ohm_cm: float | Tensor) -> Tensor:
        """Conductance of each compartment to its parent [mS], float64; that of the root is 0.

        Args:
            resistivity_ohm_cm: Of the inside, one for all or one for each compartment.
        """
        lengths, diameters = _double(self.lengths_um), _double(self.diameters_um)
        half = resistivity_ohm_cm * (2.0 / math.pi) * lengths / diameters**2  # [ohm cm/um]
        parents = torch.tensor([0, *self.parents[1:]])
        # 1 ohm cm/um is 1e4 ohm, and the inverse of an ohm 1e3 mS.
        conductance = 0.1 / (half + half[parents])
        keep = torch.ones(len(self), dtype=torch.float64)
        keep[0] = 0.0
        return conductance * keep


def _double(values: Sequence[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)
