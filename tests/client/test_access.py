"""Where the service is, and whose key is shown to whom."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from neurallayers.client.access import access
from neurallayers.errors import InvalidInput


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def keep(folder: Path, key: str) -> None:
    (folder / "neurallayers-data").mkdir()
    (folder / "neurallayers-data" / "api-key").write_text(f"{key}\n", encoding="ascii")


def test_the_key_is_looked_for_in_order(folder: Path) -> None:
    url, shown = "http://127.0.0.1:8077", "http://127.0.0.1:8077/#key=nl_shown"
    environment = {"NEURALLAYERS_API_KEY": "nl_environment"}
    assert access(url, None, {}).key is None
    keep(folder, "nl_kept")
    assert access(url, None, {}).key == "nl_kept"
    assert access(url, None, environment).key == "nl_environment"
    assert access(shown, None, environment).key == "nl_shown"
    assert access(shown, "nl_given", environment).key == "nl_given"


@pytest.mark.parametrize("url", ["https://brains.example", "http://192.0.2.7:8077"])
def test_the_key_of_this_machine_is_never_shown_to_another(folder: Path, url: str) -> None:
    keep(folder, "nl_kept")
    assert access(url, None, {}).key is None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8077", "http://localhost:8077", "http://[::1]:8077"]
)
def test_this_machine_is_known(url: str) -> None:
    assert access(url, None, {}).on_this_machine
    assert not access("http://127.0.0.1.example", None, {}).on_this_machine


def test_an_address_may_have_a_path_and_loses_its_end() -> None:
    assert access("https://example.org/brains/", None, {}).url == "https://example.org/brains"


@pytest.mark.parametrize(
    "url",
    ["", "127.0.0.1:8077", "ftp://example.org", "http://", "http://a:99999", "http://a?x=1", "x"],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match=r"http://127\.0\.0\.1:8077|query"):
        access(url, None, {})


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(InvalidInput) as refused:
        access("http://ada:secret@example.org", None, {})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("key", ["a b", "a\nb", "schlüssel"])
def test_what_is_no_key_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        access("http://127.0.0.1", key, {})
    assert key not in str(refused.value)


def test_a_key_that_goes_unencrypted_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        access("http://127.0.0.1", "nl_k", {})
        access("https://brains.example", "nl_k", {})
        assert not caplog.records
        access("http://brains.example", "nl_k", {})
    assert "unencrypted" in caplog.text
    assert "nl_k" not in caplog.text


def test_the_key_is_in_the_headers_and_not_in_the_repr() -> None:
    way = access("http://127.0.0.1", "nl_k", {})
    assert way.headers()["Authorization"] == "Bearer nl_k"
    assert way.headers()["User-Agent"].startswith("neurallayers/")
    assert "nl_k" not in repr(way)
    assert "Authorization" not in access("http://127.0.0.1", None, {}).headers()
