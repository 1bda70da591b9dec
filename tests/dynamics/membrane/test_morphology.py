"""Areas and axial conductances of trees of cylinders."""

from __future__ import annotations

import math

import pytest

from neurallayers.dynamics.membrane import Morphology
from neurallayers.errors import InvalidInput


def test_the_area_of_a_cable_does_not_depend_on_its_pieces() -> None:
    for pieces in (1, 3, 50):
        area = Morphology.cable(pieces, 1000.0, 2.0).area_cm2
        assert area.sum().item() == pytest.approx(math.pi * 1000e-4 * 2e-4, rel=1e-12)


def test_the_resistance_between_two_middles() -> None:
    """Two cylinders by hand: half of each, R = Ra l / (pi d^2 / 4), in cm and ohm."""
    tree = Morphology((-1, 0), (100.0, 50.0), (4.0, 2.0))
    ra = 150.0
    first = ra * 50e-4 / (math.pi * (4e-4) ** 2 / 4)
    second = ra * 25e-4 / (math.pi * (2e-4) ** 2 / 4)
    assert tree.axial_ms(ra).tolist() == pytest.approx([0.0, 1e3 / (first + second)], rel=1e-12)


def test_trees_are_joined_by_the_root() -> None:
    soma = Morphology((-1,), (20.0,), (20.0,))
    dendrite = Morphology.cable(3, 300.0, 2.0)
    cell = soma.joined(dendrite, at=0).joined(dendrite, at=2)
    assert cell.parents == (-1, 0, 1, 2, 2, 4, 5)
    assert len(cell) == 7
    with pytest.raises(InvalidInput, match="no compartment 9"):
        soma.joined(dendrite, at=9)


@pytest.mark.parametrize(
    ("parents", "lengths", "diameters", "said"),
    [
        ((), (), (), "0 parents"),
        ((-1, 0), (1.0,), (1.0, 1.0), "1 lengths"),
        ((0,), (1.0,), (1.0,), "parent of compartment 0"),
        ((-1, 1), (1.0, 1.0), (1.0, 1.0), "parent of compartment 1"),
        ((-1,), (0.0,), (1.0,), "lengths_um holds 0"),
        ((-1,), (1.0,), (float("nan"),), "diameters_um holds nan"),
    ],
)
def test_bad_trees_are_refused(
    parents: tuple[int, ...], lengths: tuple[float, ...], diameters: tuple[float, ...], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        Morphology(parents, lengths, diameters)


def test_a_cable_has_at_least_one_piece() -> None:
    with pytest.raises(InvalidInput, match="at least one"):
        Morphology.cable(0, 10.0, 1.0)
