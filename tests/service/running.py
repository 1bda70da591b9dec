"""Starting the real service within the process of the tests."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from neurallayers.service.access import ApiKey
from neurallayers.service.app import compose
from neurallayers.service.connections import ServerConfig
from neurallayers.service.edge import Edge
from neurallayers.service.engine import Engine
from neurallayers.service.server import Server, listen, url_of
from neurallayers.service.settings import Settings

KEY = "nl_a-key-for-tests-only"
START_S, STOP_S = 60.0, 30.0


@dataclass(frozen=True)
class Served:
    """A running service.

    Attributes:
        url: Its address.
        key: Its key.
        edge: What answers.
    """

    url: str
    key: str
    edge: Edge

    @property
    def engine(self) -> Engine:
        """The engine behind the routes."""
        engine: Engine = self.edge.app.app.state.engine  # type: ignore[attr-defined]
        return engine

    def client(self, **options: Any) -> httpx.Client:
        """A client that shows the key."""
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30.0, **options)


@contextlib.contextmanager
def running(folder: Path, **options: Any) -> Iterator[Served]:
    """The service on a free port, with its data in a folder; stopped in order at the end."""
    chosen = {"port": 0, "data": folder, "api_key": KEY, "log_level": "warning"}
    # In this process, unless a test wants otherwise: it starts at once, and its coverage counts.
    chosen |= {"engine_process": False, **options}
    settings = Settings.load(**chosen)
    edge = compose(settings, ApiKey(KEY))
    listener = listen(settings)
    ready = threading.Event()
    server = Server(ServerConfig(edge, settings), url_of(listener), lambda _: ready.set())
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        assert ready.wait(START_S), "the service did not start"
        yield Served(url_of(listener), KEY, edge)
    finally:
        server.should_exit = True
        thread.join(STOP_S)
        listener.close()
        assert not thread.is_alive(), "the service did not stop"
