"""What is asked of another process is what the engine there takes; answers: see test_remote."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import pytest
from tests.service.engine.company import images, key

from neurallayers.service.engine import Stimulus
from neurallayers.service.engine.history import History
from neurallayers.service.engine.mindful import Mindful
from neurallayers.service.engine.remote_mind import RemoteMind
from neurallayers.service.engine.wire import key_from, pack, stimulus_from

SHOWN = Stimulus(images()[0])


class Listening(RemoteMind):
    """Notes what would be sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []

    async def _call(
        self, method: str, *, thought: bool = False, rows: int = 1, **arguments: Any
    ) -> bytes:
        self.sent.append((method, arguments))
        return b"{}"


ASKED: list[tuple[str, Callable[[RemoteMind], Any], dict[str, Any]]] = [
    ("entries", lambda mind: mind.entries("b", 3, 4), {"limit": 3, "after": 4}),
    ("snapshot", lambda mind: mind.snapshot("b", "n", request_key="k"), {"name": "n"}),
    ("snapshots", lambda mind: mind.snapshots("b", 3, "4"), {"limit": 3, "after": "4"}),
    ("restore", lambda mind: mind.restore("b", "s", request=key("k")), {"snapshot_id": "s"}),
    ("raster", lambda mind: mind.raster("b"), {}),
    ("sleep", lambda mind: mind.sleep("b", 2, request=key("k")), {"cycles": 2}),
    ("memories", lambda mind: mind.memories("b"), {}),
    (
        "forget_memories",
        lambda mind: mind.forget_memories("b", like=SHOWN, request=key("k"), likeness=0.5),
        {"likeness": 0.5},
    ),
    ("rules", lambda mind: mind.rules("b"), {}),
    ("add_rules", lambda mind: mind.add_rules("b", "t", request=key("k")), {"text": "t"}),
    ("remove_rule", lambda mind: mind.remove_rule("b", "n", request=key("k")), {"name": "n"}),
    ("explain", lambda mind: mind.explain("b", SHOWN, "l"), {"label": "l"}),
]


@pytest.mark.parametrize(("method", "ask", "said"), ASKED, ids=[one[0] for one in ASKED])
def test_a_question_goes_over_whole(method: str, ask: Any, said: dict[str, Any]) -> None:
    mind = Listening()
    assert asyncio.run(ask(mind)) == b"{}"
    ((called, arguments),) = mind.sent
    assert called == method
    assert arguments["brain_id"] == "b"
    assert said.items() <= arguments.items()
    if "request" in arguments:
        assert key_from(arguments["request"]) == key("k")
    for name in ("stimulus", "like"):
        if name in arguments:
            assert stimulus_from(arguments[name]) == SHOWN
    assert pack(["", 0, called, arguments])


def test_who_gives_no_key_and_no_image_sends_none() -> None:
    mind = Listening()
    asyncio.run(mind.forget_memories("b", who="Ben"))
    assert mind.sent == [
        ("forget_memories", {"brain_id": "b", "like": None, "request": None, "who": "Ben"})
    ]


@pytest.mark.parametrize("part", [History, Mindful])
def test_it_is_asked_as_the_engine_is(part: type) -> None:
    for name, method in vars(part).items():
        # The thought itself cannot leave its process; its raster can.
        if inspect.isfunction(method) and not name.startswith("_") and name != "thought":
            theirs = inspect.signature(getattr(RemoteMind, name)).parameters
            assert list(theirs) == list(inspect.signature(method).parameters), name
