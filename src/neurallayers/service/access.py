"""The key that clients show.

There is one key for the service. It comes from the settings or is generated at the first start and
kept in the data folder. What a client shows is compared as HMAC-SHA256 digests under a pepper of
this process (RFC 2104), in constant time: neither the time nor the length tells anything.
"""

from __future__ import annotations

import base64
import contextlib
import hmac
import logging
import os
import secrets
import stat
from pathlib import Path
from typing import Self

from neurallayers.errors import InvalidInput
from neurallayers.service.failures import Unauthorized, Unavailable
from neurallayers.service.settings import KEY_CHARACTERS_AT_LEAST, PREFIX, Settings

log = logging.getLogger(__name__)

FILE_NAME = "api-key"
_SCHEME = b"bearer "
_RANDOM_BYTES = 32
_FILE_BYTES_AT_MOST = 4096


class ApiKey:
    """A key, and whether what a client shows is it.

    Args:
        text: The key; visible ASCII characters.
    """

    __slots__ = ("_digest", "_pepper", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._pepper = secrets.token_bytes(32)
        self._digest = hmac.digest(self._pepper, text.encode("ascii"), "sha256")

    @classmethod
    def generate(cls) -> Self:
        """A new key of 256 random bits."""
        random = base64.urlsafe_b64encode(secrets.token_bytes(_RANDOM_BYTES)).rstrip(b"=")
        return cls(f"nl_{random.decode()}")

    @classmethod
    def load_or_create(cls, settings: Settings) -> tuple[Self, bool]:
        """The key of the settings, or that of the data folder, which is created when missing.

        Processes that start at once on one folder agree on one key.

        Returns:
            The key, and whether it was created just now.

        Raises:
            InvalidInput: If the file holds something else.
            Unavailable: If the file can neither be read nor written.
        """
        if settings.api_key is not None:
            return cls(settings.api_key.get_secret_value()), False
        path = settings.data / FILE_NAME
        try:
            if path.exists():
                return cls(_read(path)), False
            key = cls.generate()
            created = _write_once(path, key.reveal())
            return (key, True) if created else (cls(_read(path)), False)
        except OSError as error:
            raise Unavailable(
                f"The key cannot be kept in {str(path)!r} ({error.strerror}).",
                f"Make the folder writable, or set {PREFIX}API_KEY.",
            ) from error

    def admits(self, authorization: bytes | None) -> bool:
        """Whether a value of the header ``Authorization`` shows this key."""
        if authorization is None or authorization[:7].lower() != _SCHEME:
            return False
        shown = hmac.digest(self._pepper, authorization[7:].strip(), "sha256")
        return hmac.compare_digest(shown, self._digest)

    def reveal(self) -> str:
        """The key itself, for the one place that shows it to its owner."""
        return self._text

    def __repr__(self) -> str:
        return "ApiKey(...)"


def unauthorized(authorization: bytes | None) -> Unauthorized:
    """What a client without the key is told."""
    problem = (
        "The request shows no key."
        if authorization is None
        else "The request does not show the key of this service."
    )
    return Unauthorized(
        problem,
        f"Send `Authorization: Bearer <key>`; the key is printed by the service or set "
        f"by {PREFIX}API_KEY.",
    )


def _read(path: Path) -> str:
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        content = file.read(_FILE_BYTES_AT_MOST).strip()
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        log.warning("access.key_file_was_readable_by_others", extra={"path": str(path)})
        path.chmod(0o600)
    if len(content) < KEY_CHARACTERS_AT_LEAST or not all(33 <= byte <= 126 for byte in content):
        raise InvalidInput(
            f"{str(path)!r} does not hold a key: {KEY_CHARACTERS_AT_LEAST} or more visible ASCII "
            "characters are expected.",
            "Delete the file, and the next start generates a key.",
        )
    return content.decode("ascii")


def _write_once(path: Path, text: str) -> bool:
    """Write a file whole or not at all; False if somebody else was first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, fails where the name is taken.
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    return True
