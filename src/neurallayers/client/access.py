"""Where a service is and with which key one may enter.

The key is, in this order: the one given; the one in the address, as the service prints it for the
page (``http://127.0.0.1:8077/#key=...``); ``NEURALLAYERS_API_KEY``; and for a service on this
machine the file ``neurallayers-data/api-key`` in the current folder, where the service keeps it.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from neurallayers.errors import InvalidInput

DEFAULT_URL = "http://127.0.0.1:8077"
KEY_VARIABLE = "NEURALLAYERS_API_KEY"
KEY_FILE = Path("neurallayers-data") / "api-key"
_EXAMPLE = f"Give an address such as {DEFAULT_URL} or https://brains.example."

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Access:
    """An address and a key.

    Attributes:
        url: The address, without a slash at its end.
        key: The key; None if there is none.
        on_this_machine: Whether the address is one of this machine (loopback).
    """

    url: str
    key: str | None = field(repr=False)
    on_this_machine: bool

    def headers(self) -> dict[str, str]:
        """Headers that every request carries."""
        from neurallayers import __version__

        headers = {"User-Agent": f"neurallayers/{__version__}"}
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        return headers


def access(url: str, key: str | None = None, environment: Mapping[str, str] = os.environ) -> Access:
    """Check an address and find the key for it.

    Args:
        url: Address of a service.
        key: Key, if it is known.
        environment: Environment variables.

    Raises:
        InvalidInput: If the address or the key cannot be one.
    """
    parts = _parts(url)
    near = _is_loopback(parts.hostname or "")
    found = (
        key
        or urllib.parse.parse_qs(parts.fragment).get("key", [""])[0]
        or environment.get(KEY_VARIABLE)
        # Found by its place alone, so it is never shown to another machine.
        or (_kept_key() if near else None)
    )
    if found is not None and not (found.isascii() and found.isprintable() and " " not in found):
        raise InvalidInput(
            "The key holds characters that no key has.",
            "Copy it again; it is one word of visible ASCII characters, such as nl_....",
        )
    if found and parts.scheme == "http" and not near:
        log.warning("the key goes over the network unencrypted: %s", parts.netloc)
    address = urllib.parse.urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))
    return Access(address, found or None, near)


def _parts(url: str) -> urllib.parse.SplitResult:
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidInput(f"{url!r} is no address ({error}).", _EXAMPLE) from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise InvalidInput(f"{url!r} is no address of a service.", _EXAMPLE)
    if parts.username or parts.password or parts.query:
        raise InvalidInput(
            "The address holds a user name, a password or a query.", "Give the key as key=...."
        )
    return parts


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _kept_key() -> str | None:
    try:
        return KEY_FILE.read_text(encoding="ascii").strip() or None
    except (OSError, UnicodeDecodeError):
        return None
