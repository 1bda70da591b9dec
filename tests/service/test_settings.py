"""Settings come from options, the environment, a file and the defaults, in this order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from neurallayers.errors import InvalidInput
from neurallayers.service.settings import Settings, is_loopback, variable_of

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "settings.md"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable_of(name), raising=False)


def test_the_defaults_serve_this_machine_only() -> None:
    settings = Settings.load()
    assert (settings.host, settings.port) == ("127.0.0.1", 8077)
    assert settings.api_key is None
    assert settings.models == ("hasn-nano-digits",)


def test_options_win_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "service.toml"
    file.write_text('port = 1\nbatch_at_most = 2\nqueue_at_most = 3\nmodels = ["a", "b"]\n')
    monkeypatch.setenv("NEURALLAYERS_CONFIG", str(file))
    monkeypatch.setenv("NEURALLAYERS_PORT", "10")
    monkeypatch.setenv("NEURALLAYERS_BATCH_AT_MOST", "20")
    settings = Settings.load(port=100, host=None)
    assert (settings.port, settings.batch_at_most, settings.queue_at_most) == (100, 20, 3)
    assert settings.models == ("a", "b")
    assert Settings.load(config=file).queue_at_most == 3


def test_the_folder_of_data_sets_is_not_the_folder_of_the_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NEURALLAYERS_DATA", "data-sets")
    assert Settings.load().data == Path("neurallayers-data")
    monkeypatch.setenv("NEURALLAYERS_SERVICE_DATA", "brains")
    assert Settings.load().data == Path("brains")
    assert Settings.load(data="elsewhere").data == Path("elsewhere")


@pytest.mark.parametrize(
    ("text", "models"),
    [("one", ("one",)), ("one, two,", ("one", "two")), ('["one", "a,b"]', ("one", "a,b"))],
)
def test_models_are_separated_by_commas_or_json(
    text: str, models: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEURALLAYERS_MODELS", text)
    assert Settings.load().models == models


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("port", 70_000, "less than or equal to 65535"),
        ("port", "eighty", "valid integer"),
        ("body_timeout_s", 0, "greater than 0"),
        ("request_timeout_s", float("nan"), "finite number"),
        ("log_level", "loud", "'debug', 'info'"),
        ("models", "", "at least 1"),
        ("models", "[", "not a JSON list"),
        ("api_key", "too-short", "can be guessed"),
        ("api_key", "with a space in the middle", "visible ASCII"),
        ("prot", 8077, "There are: config, host, port"),
    ],
)
def test_a_wrong_value_is_named_and_explained(name: str, value: Any, words: str) -> None:
    with pytest.raises(InvalidInput, match=name) as caught:
        Settings.load(**{name: value})
    assert words in str(caught.value)


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURALLAYERS_PORT", "-4")
    with pytest.raises(InvalidInput, match=r"port is '-4' \(environment: NEURALLAYERS_PORT\)"):
        Settings.load()


def test_a_key_never_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURALLAYERS_API_KEY", "s3cret")
    with pytest.raises(InvalidInput) as caught:
        Settings.load()
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(Settings.load(api_key="s3cret-s3cret-s3cret"))


def test_an_empty_key_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURALLAYERS_API_KEY", "")
    assert Settings.load().api_key is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org"])
def test_strangers_are_let_in_only_with_a_chosen_key(host: str) -> None:
    with pytest.raises(InvalidInput, match=host) as caught:
        Settings.load(host=host)
    assert "NEURALLAYERS_API_KEY" in caught.value.remedy
    assert Settings.load(host=host, api_key="k" * 16).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_this_machine_needs_no_chosen_key(host: str) -> None:
    assert is_loopback(host)
    assert Settings.load(host=host).host == host


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("port: 8077")
    with pytest.raises(InvalidInput, match="not TOML"):
        Settings.load(config=broken)
    with pytest.raises(InvalidInput, match="cannot be read"):
        Settings.load(config=tmp_path / "missing.toml")
    broken.write_text("ports = 8077")
    with pytest.raises(InvalidInput, match="ports is not a setting"):
        Settings.load(config=broken)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings.load().port = 1  # type: ignore[misc]


def test_a_child_process_gets_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.load(
        port=0, models="a,b", api_key="k" * 20, data="folder", public_metrics=False
    )
    for name, value in settings.as_environment().items():
        monkeypatch.setenv(name, value)
    assert Settings.load() == settings


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_every_setting_is_documented(name: str) -> None:
    field = Settings.model_fields[name]
    default = field.get_default()
    if default is None:
        shown = "not set"
    elif isinstance(default, tuple):
        shown = f"`{','.join(default)}`"
    else:
        shown = f"`{str(default).lower() if isinstance(default, bool) else default}`"
    row = f"| `{name}` | `{variable_of(name)}` | {shown} | {field.description} |"
    assert row in REFERENCE.read_text(encoding="utf-8"), f"Add to docs/reference/settings.md: {row}"
