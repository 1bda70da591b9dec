"""What a brain in a folder learned survives crashes and full disks, and can be forgotten."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.brain.individuals import bits, live_through, looped_spec, pictures, small_network

from neurallayers.brain import Brain, BrainNetwork, Life, live
from neurallayers.brain import home as home_module
from neurallayers.brain import replay as replay_module
from neurallayers.brain.journal import Entry, FileJournal
from neurallayers.errors import InvalidInput, JournalError, SnapshotError

NETWORK = small_network()
IMAGES = pictures(40, NETWORK)


def replayed(entries: list[Entry], network: BrainNetwork = NETWORK, seed: int = 0) -> Life:
    """The life of whoever lived through these entries, without any folder."""
    life = Life.begin(network, seed)
    for entry in entries:
        life, _ = live(network, life, entry)
    return life


def without_number(life: Life) -> dict[str, Any]:
    return {**bits(life), "sequence": None}


def snapshots(folder: Path) -> list[int]:
    return sorted(int(path.name) for path in (folder / "snapshots").iterdir())


@contextmanager
def journal_of(folder: Path) -> Iterator[FileJournal]:
    journal = FileJournal.open(folder / "journal")
    try:
        yield journal
    finally:
        journal.close()


# -- open, close, open again ----------------------------------------------------------------


@pytest.mark.parametrize("snapshot_every", [1, 4, 100])
def test_a_brain_is_the_same_after_it_was_closed(tmp_path: Path, snapshot_every: int) -> None:
    plain = Brain(NETWORK)
    for first in (1, 6, 13):
        with Brain.open(tmp_path, NETWORK, snapshot_every=snapshot_every) as brain:
            assert bits(brain.life) == bits(plain.life)
            for individual in (brain, plain):
                live_through(individual, range(first, first + 7))
            assert bits(brain.life) == bits(plain.life)
    with Brain.open(tmp_path) as brain:
        assert bits(brain.life) == bits(plain.life)
        assert brain.network.fingerprint() == NETWORK.fingerprint()


def test_the_journal_alone_gives_the_same_bits(tmp_path: Path) -> None:
    with Brain.open(tmp_path, NETWORK, snapshot_every=3) as brain:
        live_through(brain, range(1, 12))
        lived = bits(brain.life)
    with journal_of(tmp_path) as journal:
        assert bits(replayed(list(journal.read()))) == lived
    for path in (tmp_path / "snapshots").iterdir():
        path.unlink()
    with Brain.open(tmp_path) as brain:
        assert bits(brain.life) == lived


def test_a_noisy_brain_is_replayed_with_its_own_noise(tmp_path: Path) -> None:
    network = BrainNetwork(looped_spec("poisson", rate_hz=500.0))
    image = pictures(1, network)[0]
    with Brain.open(tmp_path, network, seed=7) as brain:
        brain.process(image, stateful=True)
        brain.learn(image, "new")
        lived = bits(brain.life)
    with Brain.open(tmp_path, seed=8) as brain:  # the seed is that of its birth
        assert bits(brain.life) == lived


def test_snapshots_are_taken_and_the_last_are_kept(tmp_path: Path) -> None:
    with Brain.open(tmp_path, NETWORK, snapshot_every=2) as brain:
        live_through(brain, range(1, 4))
        assert snapshots(tmp_path) == [2]
        live_through(brain, range(4, 12))
        assert snapshots(tmp_path) == [6, 8, 10]
        assert home_module.SNAPSHOTS_KEPT == 3


def test_only_what_came_after_the_snapshot_is_lived_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Brain.open(tmp_path, NETWORK, snapshot_every=5) as brain:
        live_through(brain, range(1, 8))
    seen: list[int] = []

    def counting(network: BrainNetwork, life: Life, entry: Entry) -> Any:
        seen.append(entry.sequence)
        return live(network, life, entry)

    monkeypatch.setattr(replay_module, "live", counting)
    with Brain.open(tmp_path):
        assert seen == [6, 7]


def test_thinking_leaves_nothing_in_the_journal(tmp_path: Path) -> None:
    with Brain.open(tmp_path, NETWORK) as brain:
        brain.process(IMAGES[0])
        brain.process_batch(IMAGES)
        brain.explain(IMAGES[0])
        brain.checkpoint()
        with brain.fork() as twin:
            twin.learn(IMAGES[0], "new")
        assert brain.sequence == 0
    with journal_of(tmp_path) as journal:
        assert journal.position == 0


def test_a_closed_brain_still_thinks_and_no_longer_learns(tmp_path: Path) -> None:
    brain = Brain.open(tmp_path, NETWORK)
    brain.learn(IMAGES[0], "new")
    brain.close()
    brain.close()
    before = bits(brain.life)
    assert brain.process(IMAGES[0]).label is not None
    with pytest.raises(JournalError, match="closed"):
        brain.learn(IMAGES[1], "new")
    assert bits(brain.life) == before
    twin = brain.fork()
    twin.learn(IMAGES[1], "new")
    assert twin.sequence == 2


# -- forgetting -----------------------------------------------------------------------------


@pytest.mark.parametrize("forgotten", [[1], [5], [11], [2, 3, 10], list(range(1, 12))])
def test_a_forgotten_entry_was_never_lived(tmp_path: Path, forgotten: list[int]) -> None:
    with Brain.open(tmp_path, NETWORK, snapshot_every=2) as brain:
        live_through(brain, range(1, 12))
        with journal_of(tmp_path) as journal:
            kept = [entry for entry in journal.read() if entry.sequence not in forgotten]
        expected = without_number(replayed(kept))
        brain.forget(forgotten if len(forgotten) > 1 else forgotten[0])
        assert without_number(brain.life) == expected
        assert brain.sequence == 11
        assert brain.learn(IMAGES[0], "later").entry == 12
        after = bits(brain.life)
    with Brain.open(tmp_path) as brain:
        assert bits(brain.life) == after


def test_no_file_holds_what_was_forgotten(tmp_path: Path) -> None:
    with Brain.open(tmp_path, NETWORK, snapshot_every=1) as brain:
        live_through(brain, range(1, 4))
        secret = brain.learn(IMAGES[0], "a very secret name")
        live_through(brain, range(5, 7))
        assert any(b"a very secret name" in p.read_bytes() for p in files_of(tmp_path))
        brain.forget(secret.entry)
        assert not any(b"a very secret name" in p.read_bytes() for p in files_of(tmp_path))
        assert snapshots(tmp_path)[-1] == 6


def files_of(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_crash_while_forgetting_leaves_no_snapshot_with_the_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brain = Brain.open(tmp_path, NETWORK, snapshot_every=2)
    live_through(brain, range(1, 8))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", interrupted)
        with pytest.raises(KeyboardInterrupt):
            brain.forget(3)
    brain.close()
    assert snapshots(tmp_path) == [2, 4, 6]
    with journal_of(tmp_path) as journal:
        expected = without_number(replayed(list(journal.read())))
        assert journal.removed == {3}
    with Brain.open(tmp_path) as again:
        assert snapshots(tmp_path) == [2]
        assert without_number(again.life) == expected


def interrupted(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_what_is_not_there_cannot_be_forgotten(tmp_path: Path) -> None:
    with Brain.open(tmp_path, NETWORK) as brain:
        live_through(brain, range(1, 4))
        brain.rollback(1)
        before = bits(brain.life)
        wrong: list[Any] = [0, 9, [1, 9], [], 4]  # 4 is the rollback
        for numbers in wrong:
            with pytest.raises(JournalError, match="no lesson or stimulus"):
                brain.forget(numbers)
        brain.forget(np.int64(1))
        with pytest.raises(JournalError, match="no lesson or stimulus"):
            brain.forget(1)
        assert bits(brain.life) != before


# -- returning to a moment ------------------------------------------------------------------


@pytest.mark.parametrize("snapshot_every", [1, 2, 100])
def test_a_rollback_is_recorded(tmp_path: Path, snapshot_every: int) -> None:
    with Brain.open(tmp_path, NETWORK, snapshot_every=snapshot_every) as brain:
        moments = [without_number(brain.life)]
        for number in range(1, 9):
            live_through(brain, range(number, number + 1))
            moments.append(without_number(brain.life))
        point = brain.checkpoint()
        brain.rollback(3)
        assert without_number(brain.life) == moments[3]
        assert brain.sequence == 9
        live_through(brain, range(10, 12))
        branch = without_number(brain.life)
        lived = bits(brain.life)
    with Brain.open(tmp_path) as brain:
        assert bits(brain.life) == lived
        brain.rollback(0)
        assert without_number(brain.life) == moments[0]
        brain.rollback(11)  # to before that rollback
        assert without_number(brain.life) == branch
        brain.rollback(point)  # to what the first rollback had undone
        assert without_number(brain.life) == moments[8]
        brain.rollback(9)  # to the first rollback itself
        assert without_number(brain.life) == moments[3]
        live_through(brain, range(16, 18))
        lived = bits(brain.life)
    with Brain.open(tmp_path) as brain:
        assert bits(brain.life) == lived


def test_a_rollback_goes_beyond_the_snapshots_that_are_left(tmp_path: Path) -> None:
    with Brain.open(tmp_path, NETWORK, snapshot_every=1) as brain:
        live_through(brain, range(1, 3))
        early = without_number(brain.life)
        live_through(brain, range(3, 9))
        assert min(snapshots(tmp_path)) > 2
        brain.rollback(2)
        assert without_number(brain.life) == early


def test_what_is_forgotten_is_gone_from_every_moment(tmp_path: Path) -> None:
    with Brain.open(tmp_path, NETWORK, snapshot_every=2) as brain:
        live_through(brain, range(1, 7))
        brain.rollback(4)
        live_through(brain, range(8, 10))
        with journal_of(tmp_path) as journal:
            entries = {entry.sequence: entry for entry in journal.read()}
        brain.forget(2)
        expected = replayed([entries[number] for number in (1, 3, 4, 8, 9)])
        assert without_number(brain.life) == without_number(expected)
        brain.rollback(3)
        early = replayed([entries[number] for number in (1, 3)])
        assert without_number(brain.life) == without_number(early)


def test_a_moment_that_never_was_is_refused(tmp_path: Path) -> None:
    with Brain.open(tmp_path, NETWORK) as brain:
        live_through(brain, range(1, 4))
        before = bits(brain.life)
        for number in (-1, 4, 99):
            with pytest.raises(InvalidInput, match=f"no entry {number} to return to"):
                brain.rollback(number)
        assert bits(brain.life) == before
        brain.forget(2)
        with pytest.raises(InvalidInput, match="no entry 2"):
            brain.rollback(2)


# -- folders --------------------------------------------------------------------------------


def test_a_folder_is_the_home_of_one_process(tmp_path: Path) -> None:
    brain = Brain.open(tmp_path, NETWORK)
    with pytest.raises(JournalError, match="is in use by process"):
        Brain.open(tmp_path)
    brain.learn(IMAGES[0], "new")
    brain.close()
    with Brain.open(tmp_path) as again:
        assert again.labels == ("a", "b", "new")


def test_a_folder_is_the_home_of_one_network(tmp_path: Path) -> None:
    Brain.open(tmp_path, NETWORK).close()
    with pytest.raises(JournalError, match="another network than the one given"):
        Brain.open(tmp_path, small_network(name="other"))
    Brain.open(tmp_path, small_network()).close()
    foreign = tmp_path / "foreign"
    Brain.open(foreign, small_network(name="other")).close()
    (tmp_path / "network.safetensors").write_bytes((foreign / "network.safetensors").read_bytes())
    with pytest.raises(JournalError, match="belongs to another network"):
        Brain.open(tmp_path)


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("all of it")
    for network in (NETWORK, None):
        with pytest.raises(JournalError, match=r"holds thesis\.txt"):
            Brain.open(tmp_path, network)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(JournalError, match="cannot be a home"):
        Brain.open(tmp_path / "thesis.txt", NETWORK)


def test_a_misspelt_folder_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="No brain lives in"):
        Brain.open(tmp_path / "aad")
    assert not (tmp_path / "aad").exists()


def test_a_brain_can_be_born_again_where_a_birth_was_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(FileJournal, "create", interrupted)
        with pytest.raises(KeyboardInterrupt):
            Brain.open(tmp_path, small_network(name="other"))
    with Brain.open(tmp_path, NETWORK) as brain:
        assert brain.network.spec.name == "small"


@pytest.mark.parametrize("damage", ["altered", "missing"])
def test_a_damaged_network_file_is_refused(tmp_path: Path, damage: str) -> None:
    Brain.open(tmp_path, NETWORK).close()
    path = tmp_path / "network.safetensors"
    whole = path.read_bytes()
    path.unlink()
    if damage == "altered":
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    for _ in range(2):  # the lock was given back
        with pytest.raises(SnapshotError):
            Brain.open(tmp_path)


def test_a_damaged_journal_is_refused(tmp_path: Path) -> None:
    with Brain.open(tmp_path, NETWORK) as brain:
        live_through(brain, range(1, 4))
    path = tmp_path / "journal"
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    for _ in range(2):
        with pytest.raises(JournalError, match="damaged"):
            Brain.open(tmp_path)


def test_another_platform_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Brain.open(tmp_path, NETWORK).close()
    monkeypatch.setattr(home_module, "numeric_platform", lambda: {"machine": "abacus"})
    with caplog.at_level(logging.WARNING):
        Brain.open(tmp_path).close()
    assert "journal.other_platform" in caplog.text


def test_options_are_checked(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="snapshot_every is 0"):
        Brain.open(tmp_path, NETWORK, snapshot_every=0)


def test_a_brain_is_born_with_a_network_from_a_folder(tmp_path: Path) -> None:
    from neurallayers.brain import save_pretrained

    folder = save_pretrained(NETWORK, tmp_path / "network")
    with Brain.open(tmp_path / "home", folder) as brain:
        assert brain.network.fingerprint() == NETWORK.fingerprint()
        assert torch.equal(brain.network.readout.weight, NETWORK.readout.weight)


def test_a_checkpoint_of_another_life_is_no_moment_of_this_one(tmp_path: Path) -> None:
    with Brain.open(tmp_path, NETWORK) as brain:
        live_through(brain, range(1, 3))
        twin = brain.fork()
        live_through(brain, range(3, 5))
        live_through(twin, range(5, 7))
        before = bits(brain.life)
        with pytest.raises(InvalidInput, match="not of this brain's history"):
            brain.rollback(twin.checkpoint())
        assert bits(brain.life) == before


def test_what_leaned_on_a_forgotten_lesson_is_lived_through_without_it(tmp_path: Path) -> None:
    image = pictures(1, NETWORK)[0]
    with Brain.open(tmp_path, NETWORK) as brain:
        for label in brain.labels:
            brain.forget_class(label)
        lesson = brain.learn(image, "only").entry
        brain.learn(image, reward=1.0)
        brain.forget_class("only")
        brain.forget(lesson)
        assert brain.labels == ()
        with pytest.raises(InvalidInput, match="knows no class"):
            brain.learn(image, reward=1.0)
        lived = bits(brain.life)
    with Brain.open(tmp_path) as brain:
        assert bits(brain.life) == lived
