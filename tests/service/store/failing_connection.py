"""A connection that fails where a test says."""

from __future__ import annotations

import sqlite3
from typing import Any


class FailingConnection:
    """A real connection but for one statement.

    Args:
        connection: The real one.
        statement: How the statement begins that fails.
        error: With what.
    """

    def __init__(
        self, connection: sqlite3.Connection, statement: str, error: sqlite3.Error
    ) -> None:
        self._connection, self._statement, self._error = connection, statement, error

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        if statement.startswith(self._statement):
            raise self._error
        return self._connection.execute(statement, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)
