from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from neurallayers.data import download
from neurallayers.data.download import cache_folder, download_bar, fetch
from neurallayers.errors import DataUnavailable

CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("NEURALLAYERS_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("NEURALLAYERS_CACHE")
    assert cache_folder() == Path.home() / ".cache" / "neurallayers"


def test_a_file_is_fetched_whole_and_its_progress_told(server, tmp_path):
    server.files["/file.gz"] = CONTENT
    told = []
    path = fetch(
        [f"{server.address}/file.gz"],
        tmp_path / "new" / "file.gz",
        sha256=SHA256,
        advance=lambda done, total: told.append((done, total)),
    )
    assert path.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert list(path.parent.iterdir()) == [path]


def test_a_right_file_is_not_fetched_again(server, tmp_path):
    (tmp_path / "file.gz").write_bytes(CONTENT)
    fetch([f"{server.address}/file.gz"], tmp_path / "file.gz", sha256=SHA256)
    assert server.asked == []


def test_a_wrong_file_is_replaced(server, tmp_path):
    server.files["/file.gz"] = CONTENT
    (tmp_path / "file.gz").write_bytes(b"wrong")
    fetch([f"{server.address}/file.gz"], tmp_path / "file.gz", sha256=SHA256)
    assert (tmp_path / "file.gz").read_bytes() == CONTENT


def test_the_next_source_is_tried(server, tmp_path):
    server.files["/wrong/file.gz"] = b"something else"
    server.files["/right/file.gz"] = CONTENT
    urls = [f"{server.address}/{place}/file.gz" for place in ("missing", "wrong", "right")]
    assert fetch(urls, tmp_path / "file.gz", sha256=SHA256).read_bytes() == CONTENT
    assert server.asked == ["/missing/file.gz", "/wrong/file.gz", "/right/file.gz"]


def test_no_source_has_it(server, tmp_path):
    server.files["/wrong/file.gz"] = b"something else"
    urls = [f"{server.address}/{place}/file.gz" for place in ("missing", "wrong")]
    with pytest.raises(DataUnavailable) as caught:
        fetch(urls, tmp_path / "file.gz", sha256=SHA256)
    for part in ("404", "SHA-256 is", f"put the file into {tmp_path}"):
        assert part in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_connection_is_no_file(server, tmp_path):
    server.files["/file.gz"] = CONTENT
    server.announce = len(CONTENT) + 10
    with pytest.raises(DataUnavailable, match="could not be downloaded"):
        fetch([f"{server.address}/file.gz"], tmp_path / "file.gz", sha256=SHA256)
    assert list(tmp_path.iterdir()) == []


def test_an_endless_answer_is_cut(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_LARGEST_BYTES", 1000)
    server.files["/file.gz"] = CONTENT
    server.announce = None
    with pytest.raises(DataUnavailable, match="more than 1000 bytes"):
        fetch([f"{server.address}/file.gz"], tmp_path / "file.gz", sha256=SHA256)


def test_nothing_but_the_web_is_fetched(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(CONTENT)
    with pytest.raises(DataUnavailable, match="only http and https"):
        fetch([secret.as_uri()], tmp_path / "file.gz", sha256=SHA256)


def test_the_bar_is_shown_to_people_only(monkeypatch):
    with download_bar("file.gz") as advance:
        assert advance is None

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    with download_bar("file.gz") as advance:
        assert advance is not None
        advance(50, 100)
    assert "file.gz" in screen.getvalue()
