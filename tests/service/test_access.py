"""One key, made once, shown to nobody but its owner."""

from __future__ import annotations

import stat
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.serving import settings_of

from neurallayers.errors import InvalidInput
from neurallayers.service.access import FILE_NAME, ApiKey, unauthorized
from neurallayers.service.failures import Unavailable


def load(folder: Path) -> tuple[ApiKey, bool]:
    return ApiKey.load_or_create(settings_of(api_key="", data=folder))


def test_a_key_of_the_settings_is_taken_and_nothing_is_written(tmp_path: Path) -> None:
    key, created = ApiKey.load_or_create(settings_of(api_key="k" * 20, data=tmp_path / "data"))
    assert (key.reveal(), created) == ("k" * 20, False)
    assert not (tmp_path / "data").exists()


def test_a_generated_key_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    key, created = load(tmp_path / "data")
    assert created
    assert key.reveal().startswith("nl_")
    assert len(key.reveal()) == 3 + 43  # 32 bytes in base64
    path = tmp_path / "data" / FILE_NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again, created = load(tmp_path / "data")
    assert (again.reveal(), created) == (key.reveal(), False)
    assert [one.name for one in (tmp_path / "data").iterdir()] == [FILE_NAME]


def test_who_starts_at_once_agrees_on_one_key(tmp_path: Path) -> None:
    keys: list[tuple[str, bool]] = []
    barrier = threading.Barrier(8)

    def start() -> None:
        barrier.wait()
        key, created = load(tmp_path)
        keys.append((key.reveal(), created))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len({key for key, _ in keys}) == 1
    assert sum(created for _, created in keys) == 1


def test_a_key_that_others_could_read_is_closed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / FILE_NAME
    path.write_text("a-key-that-somebody-wrote\n")
    path.chmod(0o644)
    key, created = load(tmp_path)
    assert (key.reveal(), created) == ("a-key-that-somebody-wrote", False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "readable_by_others" in caplog.text


@pytest.mark.parametrize("content", ["", "short", "with spaces in the middle", "ä" * 20])
def test_a_file_that_holds_no_key_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE_NAME).write_text(content)
    with pytest.raises(InvalidInput, match="does not hold a key") as caught:
        load(tmp_path)
    assert "Delete the file" in caught.value.remedy


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unavailable, match="cannot be kept") as caught:
        load(tmp_path / "file" / "data")
    assert "NEURALLAYERS_API_KEY" in caught.value.remedy


def test_the_key_is_admitted_in_the_scheme_bearer() -> None:
    key = ApiKey.generate()
    shown = key.reveal().encode()
    assert key.admits(b"Bearer " + shown)
    assert key.admits(b"bearer  " + shown)
    for wrong in (None, b"", b"Bearer", b"Bearer ", shown, b"Basic " + shown):
        assert not key.admits(wrong)


@given(st.binary(max_size=200))
def test_nothing_else_is_admitted(shown: bytes) -> None:
    key = ApiKey.generate()
    assert not key.admits(b"Bearer " + shown)
    assert not key.admits(shown)


def test_two_generated_keys_differ() -> None:
    assert ApiKey.generate().reveal() != ApiKey.generate().reveal()


def test_a_key_does_not_show_by_accident() -> None:
    key = ApiKey.generate()
    assert key.reveal() not in f"{key!r} {key}"


def test_looking_at_a_key_costs_microseconds() -> None:
    key, header = ApiKey("k" * 46), b"Bearer " + b"x" * 46
    begin = time.perf_counter()
    for _ in range(1000):
        key.admits(header)
    assert (time.perf_counter() - begin) / 1000 < 100e-6


def test_a_client_is_told_whether_it_showed_a_key() -> None:
    assert "no key" in unauthorized(None).problem
    assert "does not show the key" in unauthorized(b"Bearer x").problem
