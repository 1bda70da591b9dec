"""PyNN's connectors: who is connected to whom."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from neurallayers.circuits.connectivity import (
    AllToAll,
    Connectivity,
    EdgeList,
    FixedInDegree,
    FixedOutDegree,
    FixedProbability,
    FixedTotal,
    OneToOne,
)
from neurallayers.errors import InvalidInput, ShapeMismatch

COLUMNS = ("weight", "delay")


class Connector(ABC):
    """A rule of who is connected to whom, as PyNN names it."""

    @abstractmethod
    def connectivity(self) -> Connectivity:
        """Our rule."""

    def listed(self, name: str) -> Any:
        """Weights (``"weight"``) or delays (``"delay"``) that the connector lists; None if not."""
        return None


class AllToAllConnector(Connector):
    """Every sender to every receiver.

    Args:
        allow_self_connections: Whether a cell connects to itself.
    """

    def __init__(self, allow_self_connections: bool = True) -> None:
        self.allow_self_connections = allow_self_connections

    def connectivity(self) -> Connectivity:
        """All pairs."""
        return AllToAll(self.allow_self_connections)


class OneToOneConnector(Connector):
    """Sender i to receiver i."""

    def connectivity(self) -> Connectivity:
        """The diagonal."""
        return OneToOne()


class FixedProbabilityConnector(Connector):
    """Each pair with the probability ``p_connect``."""

    def __init__(
        self, p_connect: float, allow_self_connections: bool = True, rng: Any = None
    ) -> None:
        self.rule = FixedProbability(float(p_connect), allow_self_connections)

    def connectivity(self) -> Connectivity:
        """Independent pairs."""
        return self.rule


class FixedNumberPreConnector(Connector):
    """Each receiver has ``n`` senders."""

    def __init__(
        self,
        n: int,
        allow_self_connections: bool = True,
        with_replacement: bool = False,
        rng: Any = None,
    ) -> None:
        self.rule = FixedInDegree(int(n), with_replacement, allow_self_connections)

    def connectivity(self) -> Connectivity:
        """A fixed in-degree."""
        return self.rule


class FixedNumberPostConnector(Connector):
    """Each sender has ``n`` receivers."""

    def __init__(
        self,
        n: int,
        allow_self_connections: bool = True,
        with_replacement: bool = False,
        rng: Any = None,
    ) -> None:
        self.rule = FixedOutDegree(int(n), with_replacement, allow_self_connections)

    def connectivity(self) -> Connectivity:
        """A fixed out-degree."""
        return self.rule


class FixedTotalNumberConnector(Connector):
    """``n`` synapses in all, drawn with replacement; a cell may connect to itself.

    Raises:
        InvalidInput: If they are to be drawn without replacement or without self-connections.
    """

    def __init__(
        self,
        n: int,
        allow_self_connections: bool = True,
        with_replacement: bool = True,
        rng: Any = None,
    ) -> None:
        if not (with_replacement and allow_self_connections):
            raise InvalidInput(
                "FixedTotalNumberConnector without replacement or self-connections.",
                "Outside of the subset: leave both allowed.",
            )
        self.rule = FixedTotal(int(n))

    def connectivity(self) -> Connectivity:
        """A fixed total."""
        return self.rule


class FromListConnector(Connector):
    """Synapses that are listed.

    Args:
        conn_list: Rows of sender, receiver and further columns, or an array of them.
        column_names: Names of the further columns, ``"weight"`` and ``"delay"``; left out, four
            columns are these two.

    Raises:
        ShapeMismatch: If rows and names do not fit.
        InvalidInput: If a column is neither weight nor delay.
    """

    def __init__(
        self, conn_list: Any, column_names: Sequence[str] | None = None, **ignored: Any
    ) -> None:
        rows = np.asarray(conn_list, dtype=np.float64)
        rows = rows.reshape(len(rows), -1) if rows.size else np.zeros((0, 2))
        names = list(column_names) if column_names is not None else []
        if names[:2] == ["i", "j"]:
            names = names[2:]
        if column_names is None and rows.shape[1] == 4:
            names = list(COLUMNS)
        if rows.shape[1] != 2 + len(names):
            raise ShapeMismatch(
                f"The list has {rows.shape[1]} columns and the names {names}.",
                "Give sender, receiver, and a name for each further column.",
            )
        strange = [name for name in names if name not in COLUMNS]
        if strange:
            raise InvalidInput(
                f"The list has columns {strange}.", "Inside of the subset are weight and delay."
            )
        self.rows = rows
        self.columns = {name: rows[:, 2 + place] for place, name in enumerate(names)}

    def connectivity(self) -> Connectivity:
        """The list."""
        return EdgeList(self.rows[:, 0].astype(np.int64), self.rows[:, 1].astype(np.int64))

    def listed(self, name: str) -> Any:
        """A column of the list."""
        return self.columns.get(name)
