"""Log lines of an engine in a process of its own, told to the serving process.

There they are written as all others are: with their fields, in the form and at the level that the
settings name.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

#: What every record has; the rest are the fields of the line.
_ORDINARY = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}

Line = list[Any]


class LineSender(logging.Handler):
    """Tells lines to the other process.

    Args:
        send: Gets each line; called within the loop.
        loop: The loop of the connection.
    """

    def __init__(self, send: Callable[[Line], None], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._send, self._loop = send, loop

    def emit(self, record: logging.LogRecord) -> None:
        """Tell a line; from any thread. When the loop is closed nobody hears it."""
        try:
            self._loop.call_soon_threadsafe(self._send, self._line(record))
        except Exception:
            self.handleError(record)

    def _line(self, record: logging.LogRecord) -> Line:
        fields = {
            name: _sendable(value)
            for name, value in record.__dict__.items()
            if name not in _ORDINARY
        }
        if record.exc_info:
            fields["exception"] = _sendable(logging.Formatter().formatException(record.exc_info))
        return [record.name, record.levelno, _sendable(record.getMessage()), fields]


def _sendable(value: Any) -> Any:
    """A number, or anything else as a text that can be encoded."""
    if isinstance(value, (bool, float)) or (isinstance(value, int) and abs(value) < 2**63):
        return value
    return str(value).encode("utf-8", "replace").decode()


def log_again(line: Line) -> None:
    """Log here what was logged in the other process."""
    name, level, message, fields = line
    logger = logging.getLogger(name)
    if logger.isEnabledFor(level):
        # As an argument: the text may hold a per cent sign.
        logger.log(level, "%s", message, extra=fields)
