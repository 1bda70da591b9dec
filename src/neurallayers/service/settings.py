"""What can be set: options, then the environment, then a TOML file, then the defaults here.

Nothing is read when this module is imported; whoever composes the service calls
:meth:`Settings.load` once and hands the result to everything else.
"""

from __future__ import annotations

import ipaddress
import json
import os
import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUseDefault
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from neurallayers.errors import InvalidInput

PREFIX = "NEURALLAYERS_"
KEY_CHARACTERS_AT_LEAST = 16
# NEURALLAYERS_DATA is taken: it names the folder of data sets that are on this machine already.
DATA_VARIABLE = "NEURALLAYERS_SERVICE_DATA"

LogLevel = Literal["debug", "info", "warning", "error", "critical"]
LogFormat = Literal["json", "text"]
Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]


class Settings(BaseSettings):
    """Everything about the service that can be chosen; frozen once it is made."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
    )

    config: Path | None = Field(None, description="A TOML file with any of these settings.")
    host: str = Field(
        "127.0.0.1",
        min_length=1,
        max_length=255,
        description="Address to listen on; another than this machine's own needs `api_key`.",
    )
    port: int = Field(8077, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    data: Path = Field(
        Path("neurallayers-data"),
        description="Folder in which brains, their journals and the generated key are kept.",
    )
    models: tuple[str, ...] = Field(
        ("hasn-nano-digits",),
        min_length=1,
        description="Networks to serve: names, or folders of your own; separated by commas, or a "
        "JSON list. The first is the default of new brains.",
    )
    api_key: SecretStr | None = Field(
        None,
        description=f"The key that clients must show, at least {KEY_CHARACTERS_AT_LEAST} visible "
        "ASCII characters; when not set, one is generated and kept in `<data>/api-key`.",
    )
    public_metrics: bool = Field(True, description="Whether `/metrics` is readable without key.")

    body_limit_bytes: int = Field(
        4 * 2**20, ge=1, le=2**30, description="Largest body of a request [bytes]."
    )
    bodies_limit_bytes: int = Field(
        64 * 2**20,
        ge=1,
        le=2**36,
        description="Bodies held in memory at once, of all requests together [bytes].",
    )
    header_limit_bytes: int = Field(
        32 * 2**10, ge=1024, le=2**20, description="Largest head of a request [bytes]."
    )
    body_timeout_s: Seconds = Field(10.0, description="Time a client has to send a body [s].")
    header_timeout_s: Seconds = Field(
        10.0, description="Time a client has to send the head of a request [s]."
    )
    request_timeout_s: Seconds = Field(
        10.0, description="Time the service has to answer, event streams excepted [s]."
    )
    keep_alive_s: int = Field(
        30, ge=1, le=3600, description="Time an idle connection is kept open [s]."
    )
    connections_at_most: int = Field(
        1024, ge=1, le=100_000, description="Open connections; those beyond are answered 503."
    )
    events_at_most: int = Field(64, ge=0, le=10_000, description="Open streams of events.")

    engine_process: bool = Field(
        True,
        description="Compute in a process of its own, beside the one that serves; for one process "
        "in all, with less memory and half the throughput, set it to false.",
    )
    queue_at_most: int = Field(
        1024, ge=1, le=1_000_000, description="Requests that may wait for the compute thread."
    )
    queue_wait_ms: float = Field(
        30.0,
        gt=0,
        le=60_000,
        allow_inf_nan=False,
        description="Expected wait above which a thought is refused [ms]; what fits into one "
        "batch never is.",
    )
    lesson_wait_ms: float = Field(
        250.0,
        gt=0,
        le=60_000,
        description="Expected wait above which anything else that needs a brain is refused [ms].",
    )
    batch_at_most: int = Field(
        64, ge=1, le=4096, description="Stimuli that one micro-batch computes together."
    )
    pixels_at_most: int = Field(
        1_048_576, ge=1, le=2**28, description="Pixels of a PNG before it is scaled."
    )

    brains_at_most: int = Field(
        100_000, ge=1, le=10**9, description="Brains that the service keeps."
    )
    brains_in_memory_mib: int = Field(
        1024, ge=1, le=2**24, description="Memory for the states of live brains [MiB]."
    )
    snapshot_every: int = Field(
        100, ge=1, le=10**6, description="Entries between two automatic snapshots of a brain."
    )
    drain_timeout_s: int = Field(
        20, ge=1, le=3600, description="Time that accepted work has to finish at a shutdown [s]."
    )

    log_level: LogLevel = Field(
        "info", description="Least level that is logged; requests are logged at `info`."
    )
    log_format: LogFormat | None = Field(
        None, description="Form of the log lines; when not set, text on a terminal, else JSON."
    )

    @field_validator("models", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        if value.lstrip().startswith("["):
            try:
                return json.loads(value)
            except json.JSONDecodeError as error:
                raise ValueError(f"this is not a JSON list ({error})") from error
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("api_key", mode="before")
    @classmethod
    def _no_key_is_none(cls, value: object) -> object:
        # `NEURALLAYERS_API_KEY=` in a compose file means that nobody chose one.
        if isinstance(value, str) and not value.strip():
            raise PydanticUseDefault
        return value.strip() if isinstance(value, str) else value

    @field_validator("api_key")
    @classmethod
    def _key_is_strong(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            key = value.get_secret_value()
            if len(key) < KEY_CHARACTERS_AT_LEAST:
                raise ValueError(
                    f"a key of {len(key)} characters can be guessed; at least "
                    f"{KEY_CHARACTERS_AT_LEAST} are expected"
                )
            if not all("!" <= character <= "~" for character in key):
                raise ValueError("a key consists of visible ASCII characters without spaces")
        return value

    @model_validator(mode="after")
    def _strangers_need_a_key(self) -> Self:
        if self.api_key is None and not is_loopback(self.host):
            raise InvalidInput(
                f"host is {self.host!r}, which other machines can reach, and no api_key is set.",
                f"Set {PREFIX}API_KEY to a secret of at least {KEY_CHARACTERS_AT_LEAST} "
                "characters, or listen on 127.0.0.1.",
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Options win over the environment, and that over the file."""
        return init_settings, _Environment(settings_cls), _TomlFile(settings_cls)

    @classmethod
    def load(cls, **options: Any) -> Self:
        """Read the settings of this process.

        Args:
            options: Settings by name, such as those of a command line; ``None`` means not given.

        Raises:
            InvalidInput: If a value is wrong; names the setting, the value and what is expected.
        """
        given = {name: value for name, value in options.items() if value is not None}
        try:
            return cls(**given)
        except ValidationError as error:
            raise _explain(error) from error

    @property
    def text_logs(self) -> bool:
        """Whether logs are for people: as chosen, otherwise if they read them on a terminal."""
        if self.log_format is not None:
            return self.log_format == "text"
        return sys.stderr.isatty()

    def as_environment(self) -> dict[str, str]:
        """The settings that differ from the defaults, as variables for a child process."""
        fields = type(self).model_fields
        chosen = {
            name: getattr(self, name)
            for name in self.model_fields_set
            if getattr(self, name) != fields[name].get_default() and name != "config"
        }
        return {variable_of(name): _as_text(value) for name, value in chosen.items()}


class _Environment(PydanticBaseSettingsSource):
    """One variable for each setting, as :func:`variable_of` names it, and no other spelling."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return os.environ.get(variable_of(field_name)), field_name, False

    def __call__(self) -> dict[str, Any]:
        names = self.settings_cls.model_fields
        return {
            name: os.environ[variable_of(name)] for name in names if variable_of(name) in os.environ
        }


class _TomlFile(PydanticBaseSettingsSource):
    """The file that ``config`` names, whether as an option or in the environment."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        raise NotImplementedError  # the protocol asks for it; the whole file is given at once

    def __call__(self) -> dict[str, Any]:
        path = self.current_state.get("config")
        if not path:
            return {}
        try:
            content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise InvalidInput(
                f"config is {str(path)!r}, which cannot be read ({error.strerror}).",
                "Name a TOML file that exists, or none.",
            ) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidInput(
                f"config is {str(path)!r}, which is not TOML ({error}).",
                'Write one setting a line, such as: port = 8077 or host = "127.0.0.1".',
            ) from error
        content.pop("config", None)
        return content


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def variable_of(name: str) -> str:
    """The environment variable of a setting.

    >>> variable_of("port")
    'NEURALLAYERS_PORT'
    """
    return DATA_VARIABLE if name == "data" else PREFIX + name.upper()


def _as_text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple):
        return json.dumps(value)
    return str(value)


def _explain(error: ValidationError) -> InvalidInput:
    """Our error for the first thing that is wrong."""
    first = error.errors(include_url=False)[0]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, InvalidInput):
        return cause
    name = str(first["loc"][0]) if first["loc"] else "the settings"
    field = Settings.model_fields.get(name)
    if field is None:
        return InvalidInput(
            f"{name} is not a setting.", f"There are: {', '.join(Settings.model_fields)}."
        )
    # A key must never show up in a log or on a screen.
    value = "not usable" if name == "api_key" else repr(first["input"])
    source = f" (environment: {variable_of(name)})" if variable_of(name) in os.environ else ""
    expected = first["msg"].removeprefix("Value error, ").rstrip(".")
    return InvalidInput(
        f"{name} is {value}{source}: {expected[:1].lower()}{expected[1:]}.",
        f"Expected: {(field.description or '').replace('`', '')}",
    )
