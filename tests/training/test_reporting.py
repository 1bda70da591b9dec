from __future__ import annotations

import importlib.util
import io
import sys
import types

import pytest
import torch
from rich.console import Console

from neurallayers.errors import MissingExtra
from neurallayers.training.config import FitConfig
from neurallayers.training.history import EpochRecord
from neurallayers.training.reporting import ProgressBar, TensorBoard, reporters_for

RECORD = EpochRecord(
    epoch=1,
    loss=0.5,
    accuracy=0.75,
    validation_accuracy=0.625,
    validation_loss=0.9,
    learning_rate=0.1,
    gradient_norm=1.0,
    rates={"cortex": 0.1},
    seconds=2.0,
    samples_per_second=1234.0,
)


def test_nothing_is_shown_unless_asked_for_and_possible():
    assert reporters_for(FitConfig(), 10, 0) == []
    # The standard error of a test is no terminal.
    assert reporters_for(FitConfig(progress=True), 10, 0) == []


def test_the_bar_shows_loss_accuracy_and_speed():
    screen = io.StringIO()
    bar = ProgressBar(2, 10, 0, Console(file=screen, force_terminal=True, width=120))
    bar.step(1, torch.tensor(0.7), 5)
    bar.step(1, torch.tensor(0.6), 5)
    bar.epoch(RECORD)
    bar.close()
    shown = screen.getvalue()
    for part in ("epoch 1/2", "loss 0.500", "75.0%", "62.5%", "1,234 images/s"):
        assert part in shown


def test_the_bar_starts_where_a_resumed_run_stands():
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    bar = ProgressBar(4, 10, 3, console)
    bar.close()
    assert "epoch 4/4" in console.file.getvalue()


@pytest.mark.skipif(
    importlib.util.find_spec("tensorboard") is not None, reason="TensorBoard is installed"
)
def test_a_missing_tensorboard_names_its_extra(tmp_path):
    with pytest.raises(MissingExtra, match=r"neurallayers\[tensorboard\]"):
        reporters_for(FitConfig(tensorboard_folder=tmp_path), 10, 0)


def test_curves_have_a_point_an_epoch(monkeypatch):
    points, closed = {}, []

    class Writer:
        def __init__(self, folder):
            points["folder"] = folder

        def add_scalar(self, name, value, global_step):
            points[name] = (global_step, value)

        def close(self):
            closed.append(True)

    writers = types.ModuleType("torch.utils.tensorboard")
    writers.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, "tensorboard", types.ModuleType("tensorboard"))
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", writers)
    board = TensorBoard("curves")
    board.step(1, torch.tensor(0.7), 5)
    board.epoch(RECORD)
    board.close()
    assert points["folder"] == "curves"
    assert points["loss"] == (1, 0.5)
    assert points["validation_accuracy"] == (1, 0.625)
    assert points["rates/cortex"] == (1, 0.1)
    assert closed == [True]


def test_real_curves_are_written(tmp_path):
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")
    board = TensorBoard(str(tmp_path))
    board.epoch(RECORD)
    board.close()
    assert any(path.stat().st_size for path in tmp_path.iterdir())
