"""Serving: a socket, uvicorn with our limits on it, and an orderly end.

At SIGTERM or SIGINT no connection is accepted any more, what is accepted is finished within
``drain_timeout_s``, and the process ends with 0. A second SIGINT ends it at once.
"""

from __future__ import annotations

import errno
import ipaddress
import logging
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import IO, cast

import uvicorn
from uvicorn.supervisors import ChangeReload

import neurallayers
from neurallayers.errors import InvalidInput
from neurallayers.service.access import ApiKey
from neurallayers.service.connections import Served, ServerConfig
from neurallayers.service.failures import Unavailable
from neurallayers.service.settings import Settings

log = logging.getLogger(__name__)

FACTORY = "neurallayers.service.app:from_environment"
# Sockets of connections that are refused, the store, logs, libraries.
_FILES_BESIDE_CONNECTIONS = 256
_BACKLOG = 2048


def serve(
    app: Served, settings: Settings, *, on_ready: Callable[[str], None] | None = None
) -> None:
    """Serve until a signal ends it.

    Args:
        app: The application behind its edge.
        settings: Where and how.
        on_ready: Called with the address, such as ``http://127.0.0.1:8077``, when it answers.

    Raises:
        InvalidInput: If the address cannot be listened on.
        Unavailable: If the application cannot start; the log says why.
    """
    _allow_files(settings)
    listener = listen(settings)
    server = Server(ServerConfig(app, settings), url_of(listener), on_ready)
    try:
        server.run(sockets=[listener])
    except SystemExit as error:  # uvicorn's way to say that the lifespan failed
        raise _not_started() from error
    finally:
        listener.close()
    if not server.started:
        raise _not_started()


def serve_reloading(
    settings: Settings,
    *,
    on_ready: Callable[[str], None] | None = None,
    factory: str = FACTORY,
    folder: Path | None = None,
) -> None:
    """Serve, and start again whenever a source file changes; for development.

    The application is made in a child process by the factory, which reads the settings from the
    environment; they are written there.

    Args:
        settings: Where and how.
        on_ready: Called with the address before the first start.
        factory: Import string of a function without arguments that gives a :class:`Served`.
        folder: What is watched; the package itself if not given.
    """
    _allow_files(settings)
    os.environ.update(settings.as_environment())
    listener = listen(settings)
    config = ServerConfig(factory, settings)
    config.reload = True
    config.reload_dirs = [(folder or Path(neurallayers.__file__).parent).resolve()]
    if on_ready is not None:
        on_ready(url_of(listener))
    server = Server(config, url_of(listener), None)
    ChangeReload(config, target=server.run, sockets=[listener]).run()


def announce(url: str, key: ApiKey, *, created: bool, stream: IO[str] | None = None) -> None:
    """Tell a person where the page is and what the key is.

    Args:
        url: The address.
        key: The key; it is shown, so this is for the terminal of its owner.
        created: Whether it was generated just now.
        stream: Where to; the standard error if not given.
    """
    target = stream if stream is not None else sys.stderr
    note = "  (generated now and kept in the data folder)" if created else ""
    target.write(
        f"NeuralLayers {neurallayers.__version__} is serving.\n"
        f"  playground  {url}/#key={key.reveal()}\n"
        f"  API         {url}/v1  ({url}/docs)\n"
        f"  key         {key.reveal()}{note}\n"
    )
    target.flush()


def listen(settings: Settings) -> socket.socket:
    """A socket bound to the address of the settings.

    Raises:
        InvalidInput: If the port is taken or not allowed, or the host is not one of this machine.
    """
    host, port = settings.host, settings.port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError) as error:
        raise InvalidInput(
            f"host is {host!r}, which is not an address ({error}).",
            "Use 127.0.0.1 for this machine only, or 0.0.0.0 for all of its addresses.",
        ) from error
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            # After a restart old connections may linger; elsewhere this would allow two servers.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _cannot_listen(host, port, error) from error
    listener.set_inheritable(True)
    return listener


def port_is_free(settings: Settings) -> bool:
    """Whether the address of the settings can be listened on."""
    try:
        listen(settings).close()
    except InvalidInput:
        return False
    return True


def url_of(listener: socket.socket) -> str:
    """The address of a bound socket, as a browser on this machine writes it."""
    host, port = listener.getsockname()[:2]
    address = ipaddress.ip_address(host.partition("%")[0])
    if address.is_unspecified:
        host = "127.0.0.1" if address.version == 4 else "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """uvicorn's server, which ends in order.

    Args:
        config: Ours.
        url: Its address.
        on_ready: Called with it when it answers.
    """

    config: ServerConfig

    def __init__(
        self, config: ServerConfig, url: str, on_ready: Callable[[str], None] | None
    ) -> None:
        super().__init__(config)
        self._url = url
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then accept."""
        await super().startup(sockets)
        if self.started:
            log.info("server.started", extra={"url": self._url})
            if self._on_ready is not None:
                self._on_ready(self._url)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let nothing new in, finish what is accepted, end the application."""
        log.info("server.stopping", extra={"requests": len(self.server_state.tasks)})
        cast(Served, self.config.loaded_app).drain()
        await super().shutdown(sockets)
        log.info("server.stopped", extra={"requests": self.server_state.total_requests})

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal; unlike uvicorn's, an end in order has the exit code 0."""
        super().handle_exit(sig, frame)
        # What is captured is raised again at the end, and would end the process by the signal.
        self._captured_signals.clear()


def _not_started() -> Unavailable:
    return Unavailable("The service did not start.", "The log above says why.")


def _cannot_listen(host: str, port: int, error: OSError) -> InvalidInput:
    if error.errno == errno.EADDRINUSE:
        return InvalidInput(
            f"port is {port}, which another program on {host} listens on already.",
            "Stop it, or choose another port: --port or NEURALLAYERS_PORT; 0 picks a free one.",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return InvalidInput(
            f"port is {port}, which this user may not listen on.", "Choose one above 1023."
        )
    return InvalidInput(
        f"host is {host!r} and port {port}, which cannot be listened on ({error.strerror}).",
        "Use an address of this machine, such as 127.0.0.1.",
    )


def _allow_files(settings: Settings) -> None:
    """Let the process open as many files as it may have connections, if it is allowed to."""
    try:
        import resource
    except ImportError:  # not a POSIX system; there is no such limit
        return
    wanted = 2 * settings.connections_at_most + _FILES_BESIDE_CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < wanted:
        log.warning("server.few_open_files", extra={"allowed": allowed, "wanted": wanted})
