"""What an engine has while it runs: all of it, or nothing that stays behind."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from tests.brain.individuals import small_network
from tests.service.engine.company import small_model

from neurallayers.brain.exactness import numeric_platform
from neurallayers.brain.pretrained import save_pretrained
from neurallayers.errors import InvalidInput, JournalError, UnknownName
from neurallayers.service.engine import Limits, Model
from neurallayers.service.engine.activity import Activity
from neurallayers.service.engine.observing import Observer
from neurallayers.service.engine.opening import Opened, load
from neurallayers.service.failures import Conflict
from neurallayers.service.store import BrainRecord, Store

LIMITS = Limits()


def opened(folder: Path | None, *models: str | Path | Model, limits: Limits = LIMITS) -> Opened:
    """What is opened for these networks."""
    return load(folder, models or (small_model(),), limits, Activity(), Observer())


def record(name: str) -> BrainRecord:
    """What is known of a brain."""
    return BrainRecord(name, name, "small", small_model().fingerprint, "2024-01-01", 0, 0)


def born(one: Opened, name: str, key: str | None = None, limits: Limits = LIMITS) -> BrainRecord:
    """A brain kept there."""
    genesis = {"network": small_model().fingerprint, "platform": numeric_platform(), "seed": 0}
    return one.create(record(name), genesis, key, limits)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def test_a_folder_of_its_own_is_gone_at_the_end(temporary: Path) -> None:
    one = opened(None)
    assert [path.name[:13] for path in temporary.iterdir()] == ["neurallayers-"]
    one.close()
    assert list(temporary.iterdir()) == []


def test_networks_are_called_as_their_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save_pretrained(small_network(), tmp_path / "mine")
    for number, given in enumerate([folder, str(folder) + "/"]):
        one = opened(tmp_path / str(number), given)
        assert list(one.models) == ["mine"]
        assert one.models["mine"].fingerprint == small_network().fingerprint()
        one.close()
    monkeypatch.chdir(folder)
    one = opened(tmp_path / "here", ".", small_model("other"))
    assert list(one.models) == ["mine", "other"]
    one.close()


@pytest.mark.parametrize(
    ("models", "limits", "error"),
    [
        (["no-such-network"], LIMITS, UnknownName),
        ([small_model(), small_model()], LIMITS, InvalidInput),
        ([small_model()], Limits(queue_at_most=0), InvalidInput),
    ],
    ids=["unknown", "twice", "limits"],
)
def test_what_cannot_begin_leaves_nothing_behind(
    models: list[Any], limits: Limits, error: type[Exception], temporary: Path, tmp_path: Path
) -> None:
    with pytest.raises(error):
        opened(None, *models, limits=limits)
    assert list(temporary.iterdir()) == []
    with pytest.raises(error):
        opened(tmp_path / "kept", *models, limits=limits)
    # Nobody holds the store.
    opened(tmp_path / "kept").close()


def test_a_damaged_store_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "brains.sqlite3"
    file.write_bytes(b"not a database at all" * 500)
    with pytest.raises(JournalError, match="cannot be used"):
        opened(tmp_path)
    assert file.read_bytes() == b"not a database at all" * 500


def test_a_network_whose_batches_change_bits_is_served_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = save_pretrained(small_network(), tmp_path / "mine")
    monkeypatch.setattr("neurallayers.brain.brain.Brain.self_check", lambda _: False)
    opened(None, folder).close()
    assert "network.batches_change_bits" in caplog.text


def test_a_request_that_comes_again_gets_the_same_brain(tmp_path: Path) -> None:
    one = opened(tmp_path)
    first = born(one, "ada", "key")
    assert born(one, "eve", "key").id == first.id == "ada"
    assert born(one, "eve", "other").id == "eve"
    assert born(one, "ann").id == "ann"
    assert one.store.count() == 3
    one.close()


def test_there_are_no_more_brains_than_may_be(tmp_path: Path) -> None:
    limits = Limits(brains_at_most=1)
    one = opened(tmp_path)
    born(one, "ada", "key", limits)
    with pytest.raises(Conflict, match="There are 1 brains already"):
        born(one, "eve", None, limits)
    # Asked again, not for another one.
    assert born(one, "eve", "key", limits).id == "ada"
    one.close()


def test_the_store_is_closed_whatever_happens_at_the_end(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("no rest")

    for folder in (tmp_path / "kept", None):
        one = opened(folder)
        monkeypatch.setattr(one.stepper, "rest", broken)
        with pytest.raises(RuntimeError, match="no rest"):
            one.close()
        assert not one.store.usable
    assert list(temporary.iterdir()) == []
    Store(tmp_path / "kept").close()
