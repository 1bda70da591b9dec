"""What a brain in a folder was taught survives killed processes, full disks and damaged files."""

from __future__ import annotations

import errno
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.brain.individuals import bits, live_through, pictures, small_network

from neurallayers.brain import Brain
from neurallayers.errors import JournalError

NETWORK = small_network()
IMAGES = pictures(2, NETWORK)
ROOT = Path(__file__).resolve().parent.parent.parent

TEACHER = """
import sys
from tests.brain.individuals import live_through, small_network
from neurallayers.brain import Brain
with Brain.open(sys.argv[1], small_network(), snapshot_every=3) as brain:
    print("open", flush=True)
    while True:
        live_through(brain, range(brain.sequence + 1, brain.sequence + 2))
        print(brain.sequence, flush=True)
"""


def teach_until_killed(folder: Path, lessons: int, delay_seconds: float) -> int:
    """The last lesson that was acknowledged before the process was killed."""
    acknowledged = 0
    with subprocess.Popen(
        [sys.executable, "-c", TEACHER, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])},
    ) as process:
        assert process.stdout is not None
        killer = threading.Timer(delay_seconds, process.send_signal, [signal.SIGKILL])
        for count, line in enumerate(process.stdout):
            if count == lessons:
                killer.start()  # at any moment of one of the next lessons
            if line.strip() != "open":
                acknowledged = int(line)
        killer.join()
    assert process.returncode == -signal.SIGKILL
    return acknowledged


def test_a_killed_process_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    for lessons, delay_seconds in ((1, 0.0), (4, 0.003), (7, 0.011)):
        acknowledged = teach_until_killed(tmp_path, lessons, delay_seconds)
        with Brain.open(tmp_path) as brain:
            assert brain.sequence >= acknowledged > 0
            uninterrupted = Brain(NETWORK)
            live_through(uninterrupted, range(1, brain.sequence + 1))
            assert bits(brain.life) == bits(uninterrupted.life)


@pytest.mark.parametrize("damage", ["altered", "truncated", "empty", "of another life", "a folder"])
def test_a_damaged_snapshot_is_skipped_with_a_warning(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Brain.open(tmp_path / "home", NETWORK, snapshot_every=4) as brain:
        live_through(brain, range(1, 7))
        lived = bits(brain.life)
    path = tmp_path / "home" / "snapshots" / f"{4:012d}"
    whole = path.read_bytes()
    if damage == "of another life":
        with Brain.open(tmp_path / "other", NETWORK, snapshot_every=4) as other:
            live_through(other, range(2, 7))
        whole = (tmp_path / "other" / "snapshots" / path.name).read_bytes()
    if damage == "a folder":
        path.unlink()
        path.mkdir()
    else:
        altered = whole[:-7] + bytes([whole[-7] ^ 1]) + whole[-6:]
        contents = {"altered": altered, "truncated": whole[:-50], "empty": b""}
        path.write_bytes(contents.get(damage, whole))
    with caplog.at_level(logging.WARNING), Brain.open(tmp_path / "home") as brain:
        assert bits(brain.life) == lived
    skipped = [record for record in caplog.records if record.message == "snapshot.skipped"]
    # What is of another history is removed at once, as it may hold what was forgotten.
    assert len(skipped) == (0 if damage == "of another life" else 1)
    assert path.exists() == (damage != "of another life")


@pytest.mark.parametrize("call", ["fsync", "write"])
@pytest.mark.parametrize("what", ["learn", "reward", "process", "forget_class", "rollback"])
def test_a_failing_disk_leaves_the_brain_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, what: str
) -> None:
    brain = Brain.open(tmp_path, NETWORK)
    live_through(brain, range(1, 6))
    before, life = bits(brain.life), brain.life
    actions: dict[str, Callable[[], object]] = {
        "learn": lambda: brain.learn(IMAGES[0], "late"),
        "reward": lambda: brain.learn(IMAGES[0], reward=1.0),
        "process": lambda: brain.process(IMAGES[0], stateful=True),
        "forget_class": lambda: brain.forget_class("a"),
        "rollback": lambda: brain.rollback(2),
    }

    def fail(*_: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(JournalError, match="No space left"):
            actions[what]()
    assert brain.life is life
    assert bits(brain.life) == before
    brain.close()
    with Brain.open(tmp_path) as again:
        assert bits(again.life) == before
        again.learn(IMAGES[0], "late")


def test_a_snapshot_that_cannot_be_written_does_not_hinder_the_lesson(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "snapshots").write_text("in the way")
    with caplog.at_level(logging.WARNING):
        with Brain.open(tmp_path / "home", NETWORK, snapshot_every=1) as brain:
            brain.learn(IMAGES[0], "new")
            lived = bits(brain.life)
        assert "snapshot.failed" in caplog.text
    with Brain.open(tmp_path / "home") as brain:
        assert bits(brain.life) == lived
