"""The parts of an engine share one way to ask; none of them stands alone."""

from __future__ import annotations

import pytest

from neurallayers.service.engine import Engine
from neurallayers.service.engine.asked import Asked
from neurallayers.service.engine.history import History
from neurallayers.service.engine.mindful import Mindful


@pytest.mark.parametrize("part", [Asked, History, Mindful])
def test_a_part_is_no_engine(part: type[Asked]) -> None:
    with pytest.raises(TypeError, match="abstract"):
        part()


def test_an_engine_has_all_parts() -> None:
    assert issubclass(Engine, History)
    assert issubclass(Engine, Mindful)
    assert Asked.__abstractmethods__ == {"_opened", "_run", "_submit"}
    assert not Engine.__abstractmethods__
