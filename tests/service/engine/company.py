"""Small brains in an engine, ways to make it do things in one turn, and a disk that fails."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import sqlite3
import threading
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

from tests.brain.individuals import pictures, small_network

from neurallayers.brain import Brain, Life
from neurallayers.service.engine import Engine, Limits, Model, RequestKey
from neurallayers.service.engine.resident import Resident
from neurallayers.service.engine.work import Chore, Errand
from neurallayers.service.failures import Unavailable


@functools.cache
def small_model(name: str = "small", seed: int = 1) -> Model:
    """A network of 32 neurons that knows two classes; it is never changed."""
    if seed == 1:
        return Model.of(name, small_network())
    return Model.of(name, type(small_network())(small_network().spec, seed=seed))


@functools.cache
def images() -> list[Any]:
    """Forty pictures that the small network can see, as nested lists."""
    found: list[Any] = pictures(40, small_model().network)[..., 0].tolist()
    return found


def small_engine(folder: Path | None = None, *models: Model, **limits: Any) -> Engine:
    """An engine with small networks and any limits."""
    return Engine(folder, models=models or (small_model(),), limits=Limits(**limits))


def key(name: str, asked: str = "") -> RequestKey:
    """The key of a request that asks for this."""
    return RequestKey(name, hashlib.sha256(asked.encode()).digest())


def alone(folder: Path | None = None, seed: int = 0) -> Brain:
    """The same brain outside of any engine."""
    network = small_model().network
    return Brain(network, seed=seed) if folder is None else Brain.open(folder, network, seed=seed)


async def resident_of(engine: Engine, brain_id: str) -> Resident:
    """A brain as the thread that computes has it."""
    found: Resident = await engine._submit(Errand, brain_id=brain_id, do=lambda one: one)
    return found


async def life_of(engine: Engine, brain_id: str) -> Life:
    """The life of a brain now."""
    return (await resident_of(engine, brain_id)).life


async def outcome(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What it gives, or the error that it raises."""
    try:
        return await coroutine
    except Exception as error:
        return error


@contextlib.asynccontextmanager
async def held(engine: Engine) -> AsyncIterator[None]:
    """Hold the thread that computes: what is asked within the block is done in one turn after."""
    begun, released = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        assert released.wait(20)

    holding = asyncio.create_task(engine._submit(Chore, do=hold))
    try:
        assert await asyncio.to_thread(begun.wait, 20)
        yield
        await asyncio.sleep(0)
    finally:
        released.set()
        await holding


async def in_one_turn(engine: Engine, *coroutines: Coroutine[Any, Any, Any]) -> list[Any]:
    """Results, or errors, of what was asked in this order and done in the same turn."""
    async with held(engine):
        tasks = [asyncio.create_task(outcome(coroutine)) for coroutine in coroutines]
    return await asyncio.gather(*tasks)


class Disk:
    """What SQLite writes to; it can fail at statements that begin in a certain way."""

    def __init__(self) -> None:
        self.error = ""
        self.at: tuple[str, ...] = ()
        self.failed = 0

    def fail(self, *at: str, error: str = "disk I/O error") -> None:
        """Fail from now on; at everything that writes when nothing is named."""
        self.error, self.at = error, at or ("BEGIN", "COMMIT")

    def heal(self) -> None:
        """Work again."""
        self.error = ""

    def check(self, statement: str) -> None:
        """Fail at this statement, if it is one of those."""
        if self.error and statement.startswith(self.at):
            self.failed += 1
            raise sqlite3.OperationalError(self.error)

    def connection(self) -> type[sqlite3.Connection]:
        """A class of connections that write to this disk."""
        disk = self

        class Connection(sqlite3.Connection):
            def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
                disk.check(statement)
                return super().execute(statement, *values)

            def executemany(self, statement: str, *values: Any) -> sqlite3.Cursor:
                disk.check(statement)
                return super().executemany(statement, *values)

        return Connection


async def recovered(engine: Engine, within_s: float = 5.0) -> None:
    """Wait until the engine takes everything again."""
    async with asyncio.timeout(within_s):
        while not (engine.ready and engine._opened.store.usable):
            await asyncio.sleep(0.02)


def refused(result: Any) -> bool:
    """Whether something was refused because of the store."""
    return isinstance(result, Unavailable) and result.reason == "store"
