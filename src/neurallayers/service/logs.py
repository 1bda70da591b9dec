"""Log lines: JSON for machines, text for people on a terminal.

The library logs through :mod:`logging` with its fields in ``extra``; here those fields, the time
and the name of the request become one line each. Requests have a line of their own kind, written
without the detour through :mod:`logging`, as there are thousands a second.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import IO, Any

import msgspec
import structlog
from structlog.types import EventDict, Processor

from neurallayers.service.settings import Settings

# Set by the edge for the task of each request; empty outside of requests.
REQUEST_ID: ContextVar[str] = ContextVar("neurallayers_request_id", default="")

_FLUSH_AT_BYTES = 64 * 1024


class LineBuffer:
    """Collects lines, to be written together.

    Args:
        descriptor: Where to write.

    A write per line costs a system call; the edge flushes a fraction of a second later. What does
    not fit is written at once, and nothing is lost at an orderly end.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: list[bytes] = []
        self._bytes = 0
        self._turn = threading.Lock()

    def add(self, line: bytes) -> bool:
        """Keep a line; gives whether it is the first one, so that a flush is to be arranged."""
        with self._turn:
            first = not self._lines
            self._lines.append(line)
            self._bytes += len(line)
            full = self._bytes >= _FLUSH_AT_BYTES
        if full:
            self.flush()
        return first

    def flush(self) -> None:
        """Write what is kept."""
        with self._turn:
            content = b"".join(self._lines)
            self._lines.clear()
            self._bytes = 0
            while content:
                try:
                    written = os.write(self._descriptor, content)
                except OSError:
                    return  # nobody reads any more; a service does not stop for that
                content = content[written:]


class RequestLine(msgspec.Struct):
    """The line of one request."""

    method: str
    route: str
    status: int
    duration_ms: float
    request_id: str
    bytes_in: int
    problem: str | None = None
    event: str = "request"
    level: str = "info"
    timestamp: datetime | None = None


class RequestLog:
    """Writes the lines of requests.

    Args:
        lines: Where to.
        text: For people instead of machines.
    """

    def __init__(self, lines: LineBuffer, *, text: bool) -> None:
        self.lines = lines
        self._text = text
        self._encoder = msgspec.json.Encoder()

    def write(self, line: RequestLine) -> bool:
        """Write one line; gives whether somebody has to flush :attr:`lines` a little later."""
        if self._text:
            return self.lines.add(_request_text(line).encode("utf-8", "replace"))
        line.timestamp = datetime.now(UTC)
        return self.lines.add(self._encoder.encode(line) + b"\n")


def _request_text(line: RequestLine) -> str:
    now = datetime.now().astimezone().strftime("%H:%M:%S")
    problem = f"  {line.problem}" if line.problem else ""
    return (
        f"{now} {line.status} {line.method:<6} {line.route} {line.duration_ms:.1f} ms  "
        f"{line.request_id}{problem}\n"
    )


def configure_logging(settings: Settings, stream: IO[str] | None = None) -> RequestLog | None:
    """Make every logger of this process write lines as chosen, to the standard error.

    Called by whoever composes the service, once; nothing in the library calls it.

    Args:
        settings: Level and form.
        stream: Where to write instead, such as a file of a test.

    Returns:
        What writes the lines of requests; None if the level leaves them out.
    """
    target = stream if stream is not None else sys.stderr
    handler = logging.StreamHandler(target)
    handler.setFormatter(_formatter(text=settings.text_logs))
    root = logging.getLogger()
    for old in [one for one in root.handlers if getattr(one, "neurallayers", False)]:
        root.removeHandler(old)
    handler.neurallayers = True  # type: ignore[attr-defined]
    root.addHandler(handler)
    level = settings.log_level.upper()
    logging.getLogger("neurallayers").setLevel(level)
    # The server's own "startup complete" lines are of interest to nobody but its authors.
    uvicorn = logging.getLogger("uvicorn")
    uvicorn.setLevel("DEBUG" if level == "DEBUG" else max(logging.WARNING, getattr(logging, level)))
    uvicorn.handlers.clear()
    uvicorn.propagate = True
    if not logging.getLogger("neurallayers").isEnabledFor(logging.INFO):
        return None
    return RequestLog(LineBuffer(_descriptor_of(target)), text=settings.text_logs)


def _descriptor_of(stream: IO[str]) -> int:
    try:
        return stream.fileno()
    except OSError:
        return 2  # a stream that a test put in place of the standard error has none


def _formatter(*, text: bool) -> logging.Formatter:
    before: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        _add_request_id,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if text else "iso", utc=not text),
    ]
    after: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if text:
        after.append(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()))
    else:
        after += [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_as_json),
        ]
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=after)


def _add_request_id(_logger: Any, _method: str, event: EventDict) -> EventDict:
    request_id = REQUEST_ID.get()
    if request_id:
        event.setdefault("request_id", request_id)
    # Copies of the text: uvicorn's coloured one, and what another handler left in the record.
    event.pop("color_message", None)
    event.pop("message", None)
    return event


def _as_json(event: EventDict, **_options: Any) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode("utf-8")
