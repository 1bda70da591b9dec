"""Clients that do a bit of everything to brains of their own and remember what was acknowledged.

Each teller owns its brains and does one thing at a time, so that it knows what the history of each
must be, however often the server dies: what was acknowledged must be there, what was on its way
may be, anything else is wrong.
"""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass, field
from typing import Any

from benchmarks.connection import Asker, Prepared, request
from benchmarks.server import (
    AUTHORISED,
    HOST,
    JSON_HEADERS,
    NotServing,
    digit_rows,
    learn_request,
    process_request,
)

# What a teller does, and how often among 20.
ACTIONS = {"learn": 10, "process": 4, "live": 3, "forget": 2, "snapshot": 1}
PAGE = 100
NEW_CLASSES = 3


@dataclass(frozen=True)
class Happened:
    """An entry that a history must have.

    Attributes:
        kind: ``lesson`` or ``stimulus``.
        image: Number of the digit that was shown.
        target: What it was said to be.
    """

    kind: str
    image: int
    target: str | None = None


@dataclass
class History:
    """What must have become of a brain.

    Attributes:
        entries: What was acknowledged, by the number of its entry.
        forgotten: Entries whose removal was acknowledged.
        acknowledged: How often an entry or a removal was acknowledged.
        repeated: Answers that named an entry that was known already.
    """

    brain: str
    entries: dict[int, Happened] = field(default_factory=dict)
    forgotten: set[int] = field(default_factory=set)
    acknowledged: int = 0
    repeated: int = 0

    def acknowledge(self, number: int, happened: Happened) -> None:
        """An answer said that this happened."""
        self.acknowledged += 1
        self.repeated += number in self.entries or number in self.forgotten
        self.entries[number] = happened

    def forget(self, number: int) -> None:
        """An answer said that this never happened."""
        self.acknowledged += 1
        self.entries.pop(number)
        self.forgotten.add(number)


class Teller:
    """One connection with brains of its own."""

    def __init__(self, name: str, histories: list[History], seed: int) -> None:
        self.name = name
        self.histories = histories
        self.answers: list[tuple[float, str, int]] = []
        self._chance = random.Random(f"{seed} {name}")
        self._images, self._labels = digit_rows()
        self._lessons = 0
        # What has to be settled first: a lesson to repeat, a life or a removal to look up.
        self._unanswered: tuple[str, History, Any] | None = None
        self.stopping = False

    async def tell(self, port: int, pause_s: float = 0.0) -> None:
        """Act until told to stop, or until the server is gone."""
        asker = Asker(HOST, port)
        clock = asyncio.get_running_loop().time
        try:
            while not self.stopping:
                action, status = await self._act(asker)
                self.answers.append((clock(), action, status))
                if status in {0, 1}:
                    return
                # Whoever is refused waits a little.
                await asyncio.sleep(pause_s if status < 500 else max(pause_s, 0.02))
        finally:
            asker.close()

    async def settle(self, port: int) -> None:
        """Find out what became of what was on its way when the server went.

        Raises:
            NotServing: If the server does not answer what it should.
        """
        asker = Asker(HOST, port)
        try:
            for _ in range(100):
                if self._unanswered is None:
                    return
                _, status = await self._act(asker)
                if status // 100 != 2:
                    await asyncio.sleep(0.05)
            raise NotServing(f"{self._unanswered} could not be settled: {self.answers[-3:]}")
        finally:
            asker.close()

    async def _act(self, asker: Asker) -> tuple[str, int]:
        if self._unanswered is not None:
            action, history, what = self._unanswered
            if action == "learn":
                return action, await self._learn(asker, history, *what)
            return "look up", await self._look_up(asker, action, history, what)
        action = self._chance.choices(list(ACTIONS), list(ACTIONS.values()))[0]
        history = self._chance.choice(self.histories)
        image = self._chance.randrange(len(self._images))
        if action == "learn":
            return action, await self._learn(asker, history, *self._new_lesson(history, image))
        if action == "live":
            return action, await self._live(asker, history, image)
        if action == "forget" and history.entries:
            number = self._chance.choice(list(history.entries))
            return action, await self._forget(asker, history, number)
        if action == "snapshot":
            made = request("POST", f"/v1/brains/{history.brain}/snapshots", b"{}", JSON_HEADERS)
            return action, (await asker.ask(made))[0]
        asked = process_request(history.brain, self._images[image])
        return "process", (await asker.ask(asked))[0]

    # -- what changes a brain -----------------------------------------------------------------

    def _new_lesson(self, history: History, image: int) -> tuple[Prepared, Happened]:
        self._lessons += 1
        target = self._labels[image]
        if self._chance.random() < 0.2:
            target = f"new {self._chance.randrange(NEW_CLASSES)}"
        key = f"{self.name}-{self._lessons}"
        prepared = learn_request(history.brain, self._images[image], target, key)
        return prepared, Happened("lesson", image, target)

    async def _learn(
        self, asker: Asker, history: History, prepared: Prepared, happened: Happened
    ) -> int:
        """Teach; a lesson without an answer is repeated with the same key."""
        self._unanswered = ("learn", history, (prepared, happened))
        status, body = await asker.ask(prepared)
        if status == 200:
            history.acknowledge(json.loads(body)["entry"], happened)
            self._unanswered = None
        return status

    async def _live(self, asker: Asker, history: History, image: int) -> int:
        happened = Happened("stimulus", image)
        self._unanswered = ("live", history, happened)
        asked = process_request(history.brain, self._images[image], stateful=True)
        status, body = await asker.ask(asked)
        if status == 200:
            history.acknowledge(json.loads(body)["entry"], happened)
            self._unanswered = None
        return status

    async def _forget(self, asker: Asker, history: History, number: int) -> int:
        self._unanswered = ("forget", history, number)
        body = json.dumps({"entries": [number]}).encode()
        asked = request("POST", f"/v1/brains/{history.brain}/forget", body, JSON_HEADERS)
        status, _ = await asker.ask(asked)
        if status == 200:
            history.forget(number)
            self._unanswered = None
        return status

    async def _look_up(self, asker: Asker, action: str, history: History, what: Any) -> int:
        """Whether an unanswered life or removal has happened or not: the history tells."""
        after = what - 1 if action == "forget" else self._last(history)
        status, found = await _page(asker, history.brain, after, 1)
        if status != 200:
            return status
        there = {entry["sequence"]: entry["kind"] for entry in found["entries"]}
        if action == "forget" and what not in there:
            history.forget(what)
        if action == "live" and "stimulus" in there.values():
            history.acknowledge(min(there), what)
        self._unanswered = None
        return status

    def _last(self, history: History) -> int:
        return max([*history.entries, *history.forgotten], default=0)


async def _page(asker: Asker, brain: str, after: int, limit: int) -> tuple[int, Any]:
    target = f"/v1/brains/{brain}/entries?limit={limit}&after={after}"
    status, body = await asker.ask(request("GET", target, headers=AUTHORISED))
    return status, json.loads(body) if status == 200 else None


async def entries_of(port: int, brain: str) -> list[dict[str, Any]]:
    """The whole history that the server tells of a brain.

    Raises:
        NotServing: If a page cannot be read.
    """
    asker, found, after = Asker(HOST, port), [], 0
    try:
        while True:
            status, page = await _page(asker, brain, after, PAGE)
            if status != 200:
                raise NotServing(f"The entries of {brain} after {after} gave {status}.")
            found += page["entries"]
            if page["next"] is None:
                return found
            after = page["next"]
    finally:
        asker.close()


@dataclass
class Verdict:
    """What was wrong with the histories; all zero if nothing was.

    Attributes:
        lost: Acknowledged entries that are not there.
        altered: Entries of another kind or content than what was acknowledged.
        risen: Entries that are there although their removal was acknowledged.
        unexplained: Entries that nobody was told of.
        holes: Numbers that are missing without having been forgotten.
        repeated: Lessons that were acknowledged as an entry that was there before.
    """

    lost: int = 0
    altered: int = 0
    risen: int = 0
    unexplained: int = 0
    holes: int = 0
    repeated: int = 0

    def add(self, history: History, found: list[dict[str, Any]]) -> None:
        """Compare what must be with what is."""
        there = {entry["sequence"]: entry for entry in found}
        known = history.entries.keys() | history.forgotten
        self.lost += len(history.entries.keys() - there.keys())
        self.risen += len(history.forgotten & there.keys())
        self.unexplained += len(there.keys() - known)
        self.holes += len(set(range(1, max(there, default=0))) - there.keys() - history.forgotten)
        self.altered += sum(
            there[number]["kind"] != happened.kind
            or there[number]["content"].get("target") != happened.target
            for number, happened in history.entries.items()
            if number in there
        )
        self.repeated += history.repeated

    @property
    def wrong(self) -> int:
        """All of it."""
        return sum(vars(self).values())


async def verdict(port: int, tellers: list[Teller]) -> Verdict:
    """Compare every history with what the server tells."""
    result = Verdict()
    for teller in tellers:
        for history in teller.histories:
            result.add(history, await entries_of(port, history.brain))
    return result
