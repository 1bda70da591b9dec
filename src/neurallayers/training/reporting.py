"""What people see of a training run: a progress bar in a terminal, curves in TensorBoard."""

from __future__ import annotations

import time
from typing import Any, Protocol

from torch import Tensor

from neurallayers.extras import require
from neurallayers.training.config import FitConfig
from neurallayers.training.history import EpochRecord

_REFRESH_SECONDS = 0.1


class Reporter(Protocol):
    """Someone who is told how training goes."""

    def step(self, epoch: int, loss: Tensor, rows: int) -> None:
        """A step over ``rows`` images is done; reading the loss may wait for the device."""
        ...

    def epoch(self, record: EpochRecord) -> None:
        """An epoch is done."""
        ...

    def close(self) -> None:
        """Training is over, however it ended."""
        ...


def reporters_for(config: FitConfig, samples: int, done_epochs: int) -> list[Reporter]:
    """Those that a configuration asks for and the terminal can show.

    Args:
        config: What was asked for.
        samples: Images an epoch.
        done_epochs: Epochs that a resumed run has behind it.

    Raises:
        MissingExtra: If TensorBoard is asked for and not installed.
    """
    found: list[Reporter] = []
    if config.tensorboard_folder is not None:
        found.append(TensorBoard(str(config.tensorboard_folder)))
    if config.progress:
        from rich.console import Console

        console = Console(stderr=True)
        if console.is_terminal:
            found.append(ProgressBar(config.epochs, samples, done_epochs, console))
    return found


class ProgressBar:
    """Epoch, loss, accuracy, images a second and the time that is left.

    Args:
        epochs: How many there are.
        samples: Images an epoch.
        done_epochs: How many are behind it.
        console: The rich console to draw on.
    """

    def __init__(self, epochs: int, samples: int, done_epochs: int, console: Any) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._epochs, self._waiting, self._shown_at = epochs, 0, 0.0
        self._accuracy = ""
        self._bar = Progress(
            TextColumn("[bold]epoch {task.fields[epoch]}/{task.fields[epochs]}"),
            BarColumn(),
            TextColumn("{task.fields[figures]}"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._bar.add_task(
            "training",
            total=epochs * samples,
            completed=done_epochs * samples,
            epoch=min(done_epochs + 1, epochs),
            epochs=epochs,
            figures="",
            rate="",
        )
        self._bar.start()

    def step(self, epoch: int, loss: Tensor, rows: int) -> None:
        """Count the images; redraw at most ten times a second."""
        self._waiting += rows
        now = time.monotonic()
        if now - self._shown_at < _REFRESH_SECONDS:
            return
        self._shown_at = now
        self._advance(epoch=epoch, figures=f"loss {float(loss):.3f}{self._accuracy}")

    def epoch(self, record: EpochRecord) -> None:
        """Show what the epoch brought."""
        self._accuracy = f"  accuracy {record.accuracy:.1%}"
        if record.validation_accuracy is not None:
            self._accuracy += f"  validation {record.validation_accuracy:.1%}"
        self._advance(
            epoch=record.epoch,
            figures=f"loss {record.loss:.3f}{self._accuracy}",
            rate=f"{record.samples_per_second:,.0f} images/s",
        )

    def close(self) -> None:
        """Leave the last line on the screen."""
        self._bar.stop()

    def _advance(self, **fields: Any) -> None:
        self._bar.update(self._task, advance=self._waiting, **fields)
        self._waiting = 0


class TensorBoard:
    """Curves of the figures of each epoch.

    Args:
        folder: Where TensorBoard finds them.

    Raises:
        MissingExtra: If TensorBoard is not installed.
    """

    def __init__(self, folder: str) -> None:
        require("tensorboard", extra="tensorboard")
        self._writer = require("torch.utils.tensorboard", extra="tensorboard").SummaryWriter(folder)

    def step(self, epoch: int, loss: Tensor, rows: int) -> None:
        """Nothing: the curves have one point an epoch."""

    def epoch(self, record: EpochRecord) -> None:
        """Add one point to each curve."""
        figures = record.model_dump(exclude={"epoch", "rates"}, exclude_none=True)
        figures |= {f"rates/{region}": rate for region, rate in record.rates.items()}
        for name, value in figures.items():
            self._writer.add_scalar(name, value, global_step=record.epoch)

    def close(self) -> None:
        """Write what is still in memory."""
        self._writer.close()
