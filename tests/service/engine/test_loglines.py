"""Log lines that are written by another process than the one that made them."""

from __future__ import annotations

import asyncio
import logging
import threading
from pathlib import Path

import pytest

from neurallayers.service.engine import wire
from neurallayers.service.engine.loglines import Line, LineSender, log_again

NAME = "neurallayers.tests.loglines"


def lines_of(log: logging.Logger) -> list[Line]:
    """What a sender tells of some lines, of the loop's thread and of another."""
    told: list[Line] = []

    def speak() -> None:
        log.warning("100%% of %s", "it", extra={"brains": 3, "place": Path("x"), "good": True})
        try:
            raise ValueError("broken")
        except ValueError:
            log.exception("turn.failed")

    async def listen() -> None:
        sender = LineSender(told.append, asyncio.get_running_loop())
        log.addHandler(sender)
        try:
            speak()
            thread = threading.Thread(target=speak)
            thread.start()
            thread.join()
            await asyncio.sleep(0.01)
        finally:
            log.removeHandler(sender)

    asyncio.run(listen())
    return told


def test_a_line_keeps_name_level_fields_and_traceback(caplog: pytest.LogCaptureFixture) -> None:
    told = lines_of(logging.getLogger(NAME))
    assert told[0] == [
        NAME,
        logging.WARNING,
        "100% of it",
        {"brains": 3, "place": "x", "good": True},
    ]
    assert "ValueError: broken" in told[1][3]["exception"]
    assert [line[2] for line in told] == ["100% of it", "turn.failed"] * 2
    caplog.clear()
    for line in told:
        wire.pack(line)
        log_again(line)
    record = caplog.records[0]
    assert (record.name, record.levelno, record.getMessage()) == (NAME, 30, "100% of it")
    assert record.__dict__["brains"] == 3
    assert "broken" in caplog.records[1].__dict__["exception"]


def test_a_line_below_the_level_is_not_written(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger=NAME):
        log_again([NAME, logging.WARNING, "quiet", {}])
    assert caplog.records == []


def test_fields_that_cannot_be_sent_become_text() -> None:
    told: list[Line] = []

    async def listen() -> None:
        sender = LineSender(told.append, asyncio.get_running_loop())
        fields = {"huge": 2**80, "odd": "\ud800", "list": [1]}
        sender.emit(logging.makeLogRecord({"name": NAME, "msg": "odd \udfff", **fields}))
        await asyncio.sleep(0.01)

    asyncio.run(listen())
    wire.pack(told)
    assert told[0][3]["huge"] == str(2**80)
    assert told[0][3]["list"] == "[1]"


def test_a_closed_loop_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    loop = asyncio.new_event_loop()
    loop.close()
    sent: list[object] = []
    sender = LineSender(sent.append, loop)
    sender.emit(logging.makeLogRecord({"name": NAME, "msg": "late"}))
    assert sent == []
