"""Gap junctions as rows of partners; what they do is tested with circuits."""

from __future__ import annotations

import pytest

from neurallayers.circuits.gap_junctions import GapJunctions
from neurallayers.errors import InvalidInput, ShapeMismatch


def test_each_junction_is_seen_from_both_sides() -> None:
    begins, partners, conductances = GapJunctions("cells", [0, 2], [1, 0], [3.0, 4.0]).rows(3)
    assert begins.tolist() == [0, 2, 3, 4]
    assert partners.tolist() == [1, 2, 0, 0]
    assert conductances.tolist() == [3.0, 4.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("arguments", "error", "what"),
    [
        (([0], [0], 1.0), InvalidInput, "itself"),
        (([0], [1], -1.0), InvalidInput, "not negative"),
        (([0, 1], [1], 1.0), ShapeMismatch, "one partner"),
        (([0], [1], [1.0, 2.0]), ShapeMismatch, "conductance_ns"),
    ],
)
def test_impossible_junctions_are_refused(
    arguments: tuple[object, ...], error: type[Exception], what: str
) -> None:
    with pytest.raises(error, match=what):
        GapJunctions("cells", *arguments)


def test_cells_must_be_there() -> None:
    with pytest.raises(InvalidInput, match="0 to 1"):
        GapJunctions("cells", [0], [2], 1.0).rows(2)
