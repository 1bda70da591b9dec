from __future__ import annotations

import numpy as np
import pytest
from tests.measures.integration import iit4_by_definition as definition
from tests.measures.integration.iit4_substrates import FIGURE_1, FIGURE_1_STATE

from neurallayers.errors import InvalidInput
from neurallayers.measures.integration.iit4_distinctions import Distinction, Specification
from neurallayers.measures.integration.iit4_relations import (
    relation_count,
    relations,
    sum_of_relations,
)
from neurallayers.measures.integration.iit4_structure import cause_effect_structure


def distinctions(seed: int, count: int, units: int = 4) -> list[Distinction]:
    """Random causes and effects over few units, so that many overlap, some incongruently."""
    generator = np.random.default_rng(seed)
    found = []
    for index in range(count):
        sides = []
        for _ in range(2):
            size = int(generator.integers(1, units))
            purview = tuple(sorted(generator.permutation(units)[:size].tolist()))
            state = tuple((generator.random(size) < 0.3).astype(int).tolist())
            sides.append(Specification(purview, state, float(generator.random()), ()))
        found.append(Distinction((index,), *sides))
    return found


@pytest.mark.parametrize("seed", range(8))
def test_the_closed_forms_are_the_sums_over_all_faces(seed: int) -> None:
    given = distinctions(seed, seed)
    slow = [(each.phi, dict(each.cause.units), dict(each.effect.units)) for each in given]
    count, total = definition.sum_of_relations(slow)
    assert relation_count(given) == count
    assert sum_of_relations(given) == pytest.approx(total, abs=1e-12)
    listed = list(relations(given))
    assert len(listed) == count
    assert sum(relation.phi for relation in listed) == pytest.approx(total, abs=1e-12)


def test_the_relation_of_figure_4_has_its_published_value_and_faces() -> None:
    structure = cause_effect_structure(FIGURE_1, FIGURE_1_STATE, ["A", "B"])
    found = {
        tuple(each.mechanism for each in relation.distinctions): relation
        for relation in relations(structure.distinctions)
    }
    relation = found[((0,), (0, 1))]
    assert relation.phi == pytest.approx(0.07 / 2.0, abs=0.001)
    assert relation.faces == 9
    assert relation.purview == {(1, 0)}


def test_no_distinctions_have_no_relations() -> None:
    assert (relation_count([]), sum_of_relations([]), list(relations([]))) == (0, 0.0, [])


def test_too_many_relations_are_summed_and_not_listed() -> None:
    given = distinctions(1, 40)
    assert sum_of_relations(given) > 0.0
    assert relation_count(given) > 2**20
    with pytest.raises(InvalidInput, match="sum_of_relations"):
        next(relations(given))
