"""Lines: JSON with all fields for machines, text for people."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from tests.service.serving import settings_of

from neurallayers.service.logs import (
    REQUEST_ID,
    LineBuffer,
    RequestLine,
    RequestLog,
    configure_logging,
)

LINE = RequestLine("GET", "/v1/brains/{brain_id}", 404, 1.234, "r-1", 0, "not-found")


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[IO[str]]:
    """Where logs go in a test; afterwards logging is as it was."""
    loggers = [logging.getLogger(name) for name in (None, "neurallayers", "uvicorn")]
    before = [(one, one.handlers[:], one.level, one.propagate) for one in loggers]
    with (tmp_path / "log").open("w+") as file:
        yield file
    for logger, handlers, level, propagate in before:
        logger.handlers[:], logger.propagate = handlers, propagate
        logger.setLevel(level)


def written(stream: IO[str]) -> str:
    stream.flush()
    return Path(stream.name).read_text()


def test_the_fields_of_the_library_are_in_the_json(stream: IO[str]) -> None:
    configure_logging(settings_of(log_format="json"), stream)
    token = REQUEST_ID.set("r-7")
    try:
        logging.getLogger("neurallayers.brain").info(
            "brain.restored", extra={"brain": "ada", "path": Path("x")}
        )
    finally:
        REQUEST_ID.reset(token)
    line = json.loads(written(stream))
    assert line["event"] == "brain.restored"
    assert line["level"] == "info"
    assert line["logger"] == "neurallayers.brain"
    assert (line["brain"], line["path"], line["request_id"]) == ("ada", "x", "r-7")
    assert line["timestamp"].endswith("Z")


def test_a_traceback_stays_in_one_line(stream: IO[str]) -> None:
    configure_logging(settings_of(log_format="json"), stream)
    try:
        raise ValueError("what happened")
    except ValueError:
        logging.getLogger("neurallayers.x").exception("it.failed")
    [line] = written(stream).splitlines()
    assert "ValueError: what happened" in json.loads(line)["exception"]


def test_people_get_text(stream: IO[str]) -> None:
    log = configure_logging(settings_of(log_format="text"), stream)
    assert log is not None
    logging.getLogger("neurallayers.x").warning("disk.slow", extra={"seconds": 3})
    log.write(LINE)
    log.lines.flush()
    text = written(stream)
    assert "disk.slow" in text
    assert "seconds=3" in text
    assert "404 GET    /v1/brains/{brain_id} 1.2 ms  r-1  not-found\n" in text


def test_the_level_leaves_out_what_is_less(stream: IO[str]) -> None:
    assert configure_logging(settings_of(log_level="warning"), stream) is None
    logging.getLogger("neurallayers.x").info("not.wanted")
    logging.getLogger("neurallayers.x").warning("wanted")
    logging.getLogger("uvicorn.error").info("not.wanted")
    assert [json.loads(line)["event"] for line in written(stream).splitlines()] == ["wanted"]


def test_configuring_twice_does_not_write_twice(stream: IO[str]) -> None:
    configure_logging(settings_of(), stream)
    configure_logging(settings_of(), stream)
    logging.getLogger("neurallayers.x").warning("once")
    [line] = written(stream).splitlines()
    assert set(json.loads(line)) == {"event", "level", "logger", "timestamp"}


def test_lines_wait_to_be_written_together() -> None:
    reader, writer = os.pipe()
    lines = LineBuffer(writer)
    log = RequestLog(lines, text=False)
    os.set_blocking(reader, False)
    assert log.write(LINE)  # the first one: somebody has to flush
    assert not log.write(LINE)
    with pytest.raises(BlockingIOError):
        os.read(reader, 1)
    lines.flush()
    first, second = [json.loads(line) for line in os.read(reader, 65536).splitlines()]
    assert first["event"] == second["event"] == "request"
    assert (first["status"], first["problem"]) == (404, "not-found")
    assert log.write(LINE)
    os.close(reader)
    os.close(writer)


def test_many_lines_do_not_wait(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as file:
        log = RequestLog(LineBuffer(file.fileno()), text=False)
        for _ in range(1000):
            log.write(LINE)
        assert (tmp_path / "log").stat().st_size > 64 * 1024


def test_nobody_reading_is_no_reason_to_stop() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    log = RequestLog(LineBuffer(writer), text=False)
    log.write(LINE)
    log.lines.flush()
    assert log.write(LINE)
    os.close(writer)
