"""The settings file that one copies says the truth about the settings."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from neurallayers.service.settings import Settings, variable_of

FILE = Path(__file__).resolve().parent.parent.parent / "deploy" / "neurallayers.toml"
TEXT = FILE.read_text(encoding="utf-8")
SAID = tomllib.loads(re.sub(r"^# (?=\w+ = )", "", TEXT, flags=re.MULTILINE))


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable_of(name), raising=False)


def test_it_is_read_as_it_is() -> None:
    settings = Settings.load(config=FILE)
    assert settings.models == ("hasn-nano-digits",)
    assert settings.log_format == "json"


def test_every_line_that_is_commented_out_is_a_default() -> None:
    assert len(SAID) > 15
    defaults = Settings.load()
    # The one that a comment in the file calls different.
    chosen = {name: value for name, value in SAID.items() if name != "log_format"}
    for name, value in chosen.items():
        default = getattr(defaults, name)
        assert str(tuple(value) if isinstance(value, list) else value) == str(default), name


def test_it_holds_no_key() -> None:
    assert "api_key" not in SAID
