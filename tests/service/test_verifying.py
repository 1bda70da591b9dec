"""Holding a service's data against itself."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from tests.brain.individuals import small_network
from tests.service.engine.company import images, key, small_engine

from neurallayers.brain import BrainNetwork
from neurallayers.brain.living import live
from neurallayers.brain.pretrained import save_pretrained
from neurallayers.brain.replay import Replay
from neurallayers.errors import JournalError, UnknownName
from neurallayers.service import verifying
from neurallayers.service.store import Store
from neurallayers.service.verifying import differing, verify


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network in a folder."""
    return save_pretrained(small_network(), tmp_path_factory.mktemp("networks") / "small")


async def live_mixed(folder: Path) -> list[str]:
    """Three brains: one new-born, one that learned, one that lived through everything."""
    async with small_engine(folder, snapshot_every=4) as engine:
        ids = [(await engine.create(seed=seed)).id for seed in range(3)]
        for number in range(6):
            await engine.learn(ids[1], images()[number], f"class {number % 2}")
        rich = ids[2]
        for number in range(5):
            await engine.learn(rich, images()[number], "first", request=key(str(number)))
        kept = await engine.snapshot(rich, "kept")
        await engine.learn(rich, images()[6], "second")
        await engine.process(rich, images()[7], stateful=True)
        await engine.learn(rich, images()[8], reward=0.5)
        await engine.restore(rich, kept.id)
        await engine.learn(rich, images()[9], "third")
        await engine.forget(rich, entries=[2])
        await engine.forget(rich, label="third")
        for number in range(10, 16):
            await engine.learn(rich, images()[number], "fourth")
    return ids


@pytest.fixture
def life(tmp_path: Path) -> tuple[Path, list[str]]:
    """A data folder and its brains."""
    return tmp_path, asyncio.run(live_mixed(tmp_path))


def alter(folder: Path, statement: str, *values: object) -> None:
    """Change the store behind everybody's back."""
    connection = sqlite3.connect(folder / "brains.sqlite3")
    with connection:
        assert connection.execute(statement, values).rowcount >= 1
    connection.close()


def forge(folder: Path, brain_id: str) -> None:
    """Put a snapshot there that is whole and valid, but of a brain that learned something else."""
    store = Store(folder)
    network: BrainNetwork = small_network()
    journal = store.journal(brain_id)
    last = None
    for entry in journal.read():
        last = entry if entry.kind == "lesson" else last
    assert last is not None
    honest = Replay(network, journal, lambda _: None).run()
    twice, _ = live(network, honest, last)
    twice = replace(twice, sequence=honest.sequence)
    store.keep_snapshot(journal, twice)
    store.close()


def test_a_mixed_life_verifies_and_is_left_as_it_is(
    life: tuple[Path, list[str]], network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, ids = life
    monkeypatch.setattr(verifying, "PAGE", 2)
    before = (folder / "brains.sqlite3").read_bytes()
    assert differing(folder, [network]) == []
    assert verify(folder, [network])
    assert (folder / "brains.sqlite3").read_bytes() == before
    assert len(ids) == 3


@pytest.mark.parametrize("place", [1, 2])
def test_a_snapshot_of_another_life_is_found(
    life: tuple[Path, list[str]], network: Path, place: int
) -> None:
    folder, ids = life
    forge(folder, ids[place])
    assert differing(folder, [network]) == [ids[place]]
    assert not verify(folder, [network])


def test_a_snapshot_that_cannot_be_used_is_not_used(
    life: tuple[Path, list[str]], network: Path
) -> None:
    folder, _ = life
    alter(folder, "UPDATE snapshots SET data = substr(data, 1, 100)")
    assert verify(folder, [network])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET payload = CAST(payload || x'00' AS BLOB) WHERE brain = 3",
        "UPDATE entries SET digest = zeroblob(32) WHERE brain = 3 AND sequence = 3",
        "DELETE FROM entries WHERE brain = 3 AND sequence = 3",
        "UPDATE entries SET payload = (SELECT max(payload) FROM entries) WHERE brain = 3",
        "UPDATE brains SET digest = zeroblob(32) WHERE number = 3",
        "UPDATE brains SET position = position - 1 WHERE number = 3",
        "UPDATE brains SET genesis = '{' WHERE number = 3",
        "UPDATE brains SET genesis = replace(genesis, '\"seed\":2', '\"seed\":1') WHERE number = 3",
    ],
    ids=["payload", "digest", "missing", "swapped", "end", "cut", "genesis", "seed"],
)
def test_an_altered_history_is_found_and_hides_no_other(
    life: tuple[Path, list[str]], network: Path, statement: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder, ids = life
    alter(folder, statement)
    forge(folder, ids[1])
    assert differing(folder, [network]) == [ids[1], ids[2]]
    assert [record.getMessage() for record in caplog.records] == ["brain.damaged"]
    assert caplog.records[0].__dict__["brain"] == ids[2]


def test_a_network_that_is_not_named_is_asked_for(life: tuple[Path, list[str]]) -> None:
    folder, ids = life
    with pytest.raises(UnknownName, match=f"Brain {ids[0]} has the network 'small'"):
        differing(folder)
    # The store is free again.
    Store(folder).close()


def test_a_network_that_does_not_exist_is_told(life: tuple[Path, list[str]]) -> None:
    with pytest.raises(UnknownName, match="no-such-network"):
        verify(life[0], ["no-such-network"])


def test_a_folder_without_data_is_no_service(tmp_path: Path, network: Path) -> None:
    with pytest.raises(JournalError, match=r"no brains\.sqlite3"):
        verify(tmp_path / "missing", [network])
    assert list(tmp_path.iterdir()) == []


def test_a_store_in_use_is_left_alone(
    life: tuple[Path, list[str]], network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = life
    monkeypatch.setattr("neurallayers.service.store.database.BUSY_TIMEOUT_S", 0.1)
    used = Store(folder)
    with pytest.raises(JournalError, match="cannot be used"):
        verify(folder, [network])
    used.close()
    assert verify(folder, [network])
