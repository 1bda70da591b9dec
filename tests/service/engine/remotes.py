"""An engine in a process of its own, for several tests in turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec

from neurallayers.service.engine import Engine
from neurallayers.service.engine.remote import RemoteEngine
from neurallayers.service.engine.tally import Tally
from neurallayers.service.schemas import ThoughtsOut

START_S = 60.0
encode = msgspec.json.Encoder(enc_hook=str).encode


class Running:
    """An engine whose loop runs while a test wants it to."""

    def __init__(self, folder: Path, network: str) -> None:
        self.folder, self.network = folder, network
        self.told = Tally()
        self.runner = asyncio.Runner()
        self.engine = RemoteEngine(folder, models=[network], observer=self.told)

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """What it gives."""
        return self.runner.run(coroutine)

    @property
    def pid(self) -> int:
        """The process now."""
        return pid_of(self.engine)


def pid_of(engine: RemoteEngine) -> int:
    """The process of an engine."""
    assert engine._process is not None
    return engine._process.pid


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and waits to be noticed does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


async def until(true: Callable[[], bool], within_s: float = START_S) -> None:
    """Wait for something."""
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.01)


async def born(engine: RemoteEngine | Engine, **what: Any) -> str:
    """The id of a new brain."""
    return str(msgspec.json.decode(encode_answer(await engine.create(**what)))["id"])


def encode_answer(answer: Any) -> bytes:
    """An answer of either engine as JSON."""
    if isinstance(answer, list):
        return encode(ThoughtsOut(answer))
    return answer if isinstance(answer, bytes) else encode(answer)
