from __future__ import annotations

import inspect

import pytest

from neurallayers.measures.integration import iit4


@pytest.mark.parametrize("name", iit4.__all__)
def test_every_public_name_is_there_and_described(name: str) -> None:
    thing = getattr(iit4, name)
    assert inspect.getdoc(thing)
    if inspect.isfunction(thing):
        assert ">>>" in str(thing.__doc__) or name == "relations"


def test_the_parts_work_together() -> None:
    majority = iit4.logistic_substrate([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]], 2.0)
    state = (1, 1, 1)
    whole = iit4.system_phi(majority, state)
    first = iit4.complexes(majority, state)[0]
    assert first == whole
    structure = iit4.cause_effect_structure(majority, state)
    listed = list(iit4.relations(structure.distinctions))
    assert len(listed) == structure.relation_count
    assert sum(each.phi for each in listed) == pytest.approx(structure.sum_of_relations)
