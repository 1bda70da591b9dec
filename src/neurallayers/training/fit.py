"""Trains the slow weights of a network with surrogate gradients.

The order of the images, their augmentation and the draws of the objective come from streams named
by the epoch, and the schedule is a function of the step. So a run that was interrupted after any
epoch and is resumed from its checkpoint gives, on a CPU with as many threads, the same weights as
one that was not, to the bit.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
from torch import nn

from neurallayers.errors import InvalidInput
from neurallayers.training.config import FitConfig
from neurallayers.training.contract import Trainable, module_of
from neurallayers.training.evaluate import device_of, unchanged_mode
from neurallayers.training.history import EpochRecord
from neurallayers.training.objective import Objective, classification_for
from neurallayers.training.reporting import Reporter, reporters_for
from neurallayers.training.run import TrainingRun
from neurallayers.training.samples import Samples

log = logging.getLogger(__name__)

StopReason = Literal["epochs", "patience", "time_limit"]


@dataclass(frozen=True)
class FitResult:
    """What training brought.

    Attributes:
        history: One record an epoch, those before a resume included.
        best: The epoch that validated best; none without validation.
        seconds: How long all epochs took, those before a resume included [s].
        samples_per_second: Training images a second over all epochs.
        stopped: Why it ended: all ``"epochs"`` done, out of ``"patience"``, or ``"time_limit"``.
    """

    history: tuple[EpochRecord, ...]
    best: EpochRecord | None
    seconds: float
    samples_per_second: float
    stopped: StopReason


def fit(
    network: Trainable,
    data: Any,
    config: FitConfig | None = None,
    *,
    validation: Any = None,
    objective: Objective | None = None,
    on_epoch: Callable[[EpochRecord], object] | None = None,
) -> FitResult:
    """Train a network in place.

    Afterwards the network holds the best weights (with ``patience``), the averaged ones (with
    ``average_weights``) or the last; and what on-line learning needs is set from the training set
    (``calibrate``, ``set_rate_targets``) if the network asks for it.

    Args:
        network: What is trained; see :class:`~neurallayers.training.contract.Trainable`.
        data: ``(images, labels)`` or an object with both; see
            :meth:`~neurallayers.training.samples.Samples.of`.
        config: How.
        validation: Images that early stopping judges by, in the form of ``data``; left out,
            ``validation_fraction`` of the data.
        objective: What is made small; left out,
            :class:`~neurallayers.training.objective.Classification` with the weights of ``config``.
        on_epoch: Called with each record, after the checkpoint of that epoch; what it raises ends
            training.

    Raises:
        InvalidInput: If the network, the data or the combination of options is wrong.
        TrainingError: If the loss stops being a finite number, or a checkpoint does not fit.
        MissingExtra: If TensorBoard is asked for and not installed.
    """
    config = config or FitConfig()
    module = module_of(network)
    device = device_of(module)
    everything = Samples.of(data).to(device)
    train, held_out = _divide(everything, validation, config, device)
    with _compute_threads(config.threads), unchanged_mode(module):
        _check_labels(network, everything, held_out)
        chosen = objective or _default_objective(network, train, config)
        run = TrainingRun(network, module, cast(nn.Module, chosen), train, held_out, config)
        run.resume()
        stopped = _train(run, on_epoch)
        run.keep_final_weights()
        leave_behind(network, module, everything, config.batch_size)
    seconds = sum(record.seconds for record in run.history)
    training = sum(len(train) / record.samples_per_second for record in run.history)
    log.info(
        "training.finished",
        extra={"epochs": len(run.history), "seconds": seconds, "stopped": stopped},
    )
    return FitResult(
        history=tuple(run.history),
        best=run.best,
        seconds=seconds,
        samples_per_second=len(train) * len(run.history) / training,
        stopped=stopped,
    )


def _divide(
    everything: Samples, validation: Any, config: FitConfig, device: torch.device
) -> tuple[Samples, Samples | None]:
    if validation is not None:
        held_out = Samples.of(validation).to(device)
        if held_out.images.shape[1:] != everything.images.shape[1:]:
            raise InvalidInput(
                f"Validation images have shape {tuple(held_out.images.shape[1:])}, training "
                f"images {tuple(everything.images.shape[1:])}.",
                "Give images of one shape.",
            )
        return everything, held_out
    if config.validation_fraction:
        return everything.part(config.validation_fraction, config.seed)
    if config.patience is not None:
        raise InvalidInput(
            f"patience is {config.patience}, but there is nothing to validate on.",
            "Pass validation data or set validation_fraction.",
        )
    return everything, None


@torch.no_grad()
def _check_labels(network: Trainable, everything: Samples, held_out: Samples | None) -> None:
    """Refuse labels that the network has no score for, before anything is trained."""
    first = torch.zeros(1, dtype=torch.int64, device=everything.labels.device)
    n_labels = network.perceive(everything.batch(first)[0]).scores.shape[1]
    everything.check_labels(n_labels)
    if held_out is not None:
        held_out.check_labels(n_labels)


def _default_objective(network: Trainable, train: Samples, config: FitConfig) -> Objective:
    first = torch.zeros(1, dtype=torch.int64, device=train.labels.device)
    stimuli, _ = train.batch(first)
    return classification_for(network, stimuli, config)


def _train(run: TrainingRun, on_epoch: Callable[[EpochRecord], object] | None) -> StopReason:
    """Run epochs until there is a reason to stop."""
    if run.finished is not None:
        return run.finished
    started = time.monotonic()
    reporters = reporters_for(run.config, len(run.train), len(run.history))
    try:
        while run.finished is None:
            record = run.epoch(reporters)
            late = _too_late(run, record, time.monotonic() - started)
            run.checkpoint(must=late)
            _tell(record, reporters, on_epoch)
            if late and run.finished is None:
                return "time_limit"
    finally:
        for reporter in reporters:
            reporter.close()
    return run.finished


def _too_late(run: TrainingRun, record: EpochRecord, elapsed: float) -> bool:
    """Whether another epoch as long as the last would probably end after the limit."""
    limit = run.config.time_limit_seconds
    return limit is not None and elapsed + record.seconds > limit


def _tell(
    record: EpochRecord,
    reporters: list[Reporter],
    on_epoch: Callable[[EpochRecord], object] | None,
) -> None:
    log.info("training.epoch", extra={"record": record.model_dump()})
    for reporter in reporters:
        reporter.epoch(record)
    if on_epoch is not None:
        on_epoch(record)


@torch.no_grad()
def leave_behind(network: Trainable, module: nn.Module, samples: Samples, batch_size: int) -> None:
    """Give a trained network the statistics of its training set that on-line learning needs.

    Args:
        network: What was trained; without ``calibrate`` and ``set_rate_targets`` nothing is done.
        module: The same.
        samples: The whole training set.
        batch_size: Images at a time.
    """
    calibrate = getattr(network, "calibrate", None)
    set_rate_targets = getattr(network, "set_rate_targets", None)
    if calibrate is None and set_rate_targets is None:
        return
    module.eval()
    features = []
    spikes: dict[str, torch.Tensor] = {}
    for index in torch.arange(len(samples), device=samples.labels.device).split(batch_size):
        activity = network.perceive(samples.batch(index)[0])
        features.append(activity.features.float())
        for name, fired in getattr(activity, "spikes", {}).items():
            each = fired.float().mean(0).sum(0)  # mean over time, sum over the batch
            spikes[name] = each if name not in spikes else spikes[name] + each
    if calibrate is not None:
        calibrate(torch.cat(features), samples.labels)
    if set_rate_targets is not None and spikes:
        set_rate_targets({name: total / len(samples) for name, total in spikes.items()})


@contextmanager
def _compute_threads(threads: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        if threads is not None:
            torch.set_num_threads(before)
