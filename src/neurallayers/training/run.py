"""One training run: what changes from step to step, and how it is stored and restored."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn

from neurallayers.errors import TrainingError
from neurallayers.seeding import stream
from neurallayers.training.augmentation import augment
from neurallayers.training.checkpoint import (
    Checkpoint,
    check_identity,
    read_checkpoint,
    write_checkpoint,
)
from neurallayers.training.config import FitConfig
from neurallayers.training.contract import Trainable
from neurallayers.training.evaluate import measure
from neurallayers.training.history import EpochRecord
from neurallayers.training.objective import Judgement
from neurallayers.training.optimization import (
    WeightAverage,
    make_optimizer,
    optimizer_tensors,
    restore_optimizer,
    set_pace,
    trained_parameters,
)
from neurallayers.training.reporting import Reporter
from neurallayers.training.samples import Samples

# How many steps may pass before a loss that is not finite is noticed; looking waits for a device.
_STEPS_BETWEEN_LOOKS = 32
_VALIDATION_BATCH = 256


class TrainingRun:
    """The state of a training run and its verbs.

    Args:
        network: What is trained.
        module: The same, as a module.
        objective: What is made small.
        train: What it is trained on.
        held_out: What it is validated on.
        config: How.

    Attributes:
        history: Records of the epochs that are done.
        best: The one that validated best.
    """

    def __init__(
        self,
        network: Trainable,
        module: nn.Module,
        objective: nn.Module,
        train: Samples,
        held_out: Samples | None,
        config: FitConfig,
    ) -> None:
        self.network, self.module, self.objective = network, module, objective
        self.train, self.held_out, self.config = train, held_out, config
        self.parameters = trained_parameters(network=module, objective=objective)
        self.optimizer = make_optimizer(config, self.parameters)
        self.average: WeightAverage | None = None
        if config.average_weights:
            averaged = trained_parameters(network=module)
            self.average = WeightAverage(averaged, config.average_weights)
        self.history: list[EpochRecord] = []
        self.best: EpochRecord | None = None
        self._best_weights: dict[str, Tensor] = {}
        self.steps_per_epoch = math.ceil(len(train) / config.batch_size)

    @property
    def finished(self) -> Literal["epochs", "patience"] | None:
        """Why there is nothing left to do; none while there is."""
        if len(self.history) >= self.config.epochs:
            return "epochs"
        best = self.best.epoch if self.best is not None else 0
        if self.config.patience is not None and len(self.history) - best >= self.config.patience:
            return "patience"
        return None

    # -- one epoch ----------------------------------------------------------------------------

    def epoch(self, reporters: Sequence[Reporter]) -> EpochRecord:
        """Go over the training set once and validate.

        Raises:
            TrainingError: If the loss or a gradient stops being finite; the network then has the
                weights from before this epoch.
        """
        started = time.monotonic()
        self.module.train()
        self.objective.train()
        before = _copies(self.module)
        try:
            figures = self._steps(reporters)
        except TrainingError:
            self.module.load_state_dict(before)
            raise
        trained = time.monotonic()
        validated = self._validate()
        record = EpochRecord(
            epoch=len(self.history) + 1,
            **figures,
            **validated,
            seconds=time.monotonic() - started,
            samples_per_second=len(self.train) / max(trained - started, 1e-9),
        )
        self.history.append(record)
        if self.held_out is not None and record.better_than(self.best):
            self.best = record
            if self.config.patience is not None:
                with self._averaged():
                    self._best_weights = _copies(self.module)
        return record

    def _steps(self, reporters: Sequence[Reporter]) -> dict[str, Any]:
        epoch, seed = len(self.history), self.config.seed
        order, augmentation, draws = (
            stream(seed, "fit", "epoch", epoch, purpose)
            for purpose in ("order", "augmentation", "objective")
        )
        device = self.train.labels.device
        shuffled = torch.randperm(len(self.train), generator=order).to(device)
        losses = torch.zeros(self.steps_per_epoch, device=device)
        norms = torch.zeros(self.steps_per_epoch, device=device)
        right = torch.zeros((), dtype=torch.int64, device=device)
        learning_rate = 0.0
        for i, index in enumerate(shuffled.split(self.config.batch_size)):
            step = epoch * self.steps_per_epoch + i
            learning_rate = set_pace(
                self.optimizer, self.config, step, self.config.epochs * self.steps_per_epoch
            )
            stimuli, targets = self.train.batch(index)
            stimuli = augment(stimuli, self.config.augment, augmentation)
            judgement, norms[i] = self._step(step, stimuli, targets, draws)
            losses[i] = judgement.loss.detach()
            right += (judgement.scores.detach().argmax(1) == targets).sum()
            for reporter in reporters:
                reporter.step(epoch + 1, losses[i], len(index))
            if (i + 1) % _STEPS_BETWEEN_LOOKS == 0 or i + 1 == self.steps_per_epoch:
                self._look(losses[: i + 1], norms[: i + 1], learning_rate)
        rates = {name: float(rate.detach()) for name, rate in judgement.activity.rates.items()}
        return {
            "loss": float(losses.mean()),
            "accuracy": int(right) / len(self.train),
            "learning_rate": learning_rate,
            "gradient_norm": float(norms.mean()),
            "rates": rates,
        }

    def _step(
        self, step: int, stimuli: Tensor, targets: Tensor, draws: torch.Generator
    ) -> tuple[Judgement, Tensor]:
        narrow = self.config.precision == "bfloat16"
        with torch.autocast(stimuli.device.type, dtype=torch.bfloat16, enabled=narrow):
            judgement = self.objective(self.network, stimuli, targets, draws)
        self.optimizer.zero_grad(set_to_none=True)
        judgement.loss.backward()
        longest = self.config.clip_norm or math.inf
        norm = nn.utils.clip_grad_norm_(self._of("network"), longest)
        # By itself, so that large errors of an auxiliary head do not shorten the network's steps.
        if self.config.clip_norm is not None and (heads := self._of("objective")):
            nn.utils.clip_grad_norm_(heads, longest)
        self.optimizer.step()
        if self.average is not None:
            self.average.update(step)
        return judgement, norm

    def _of(self, module: str) -> list[nn.Parameter]:
        return [p for name, p in self.parameters.items() if name.startswith(f"{module}.")]

    def _look(self, losses: Tensor, norms: Tensor, learning_rate: float) -> None:
        finite = losses.isfinite() & norms.isfinite()
        if bool(finite.all()):
            return
        i = int((~finite).nonzero()[0])
        what = "gradient" if bool(losses[i].isfinite()) else "loss"
        value = float(norms[i] if what == "gradient" else losses[i])
        epoch = len(self.history)
        raise TrainingError(
            f"The {what} became {value} at step {i + 1} of {self.steps_per_epoch} of epoch "
            f"{epoch + 1} (step {epoch * self.steps_per_epoch + i + 1} of the run), at a learning "
            f"rate of {learning_rate:.3g}.",
            f"Lower learning_rate (now {self.config.learning_rate:g}) or clip_norm (now "
            f"{self.config.clip_norm}), use precision 'float32', or warm up longer.",
        )

    def _validate(self) -> dict[str, float]:
        if self.held_out is None:
            return {}
        self.module.eval()
        with self._averaged():
            found = measure(self.network, self.held_out, _VALIDATION_BATCH)
        return {"validation_loss": found.loss, "validation_accuracy": found.accuracy}

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        if self.average is None:
            yield
            return
        with self.average.in_place():
            yield

    def keep_final_weights(self) -> None:
        """Give the network the best weights, or the averaged ones, or leave it the last."""
        if self._best_weights:
            self.module.load_state_dict(self._best_weights)
        elif self.average is not None:
            self.average.write()

    # -- checkpoints --------------------------------------------------------------------------

    def checkpoint(self, *, must: bool = False) -> None:
        """Write a checkpoint if one is due, or must be."""
        folder = self.config.checkpoint_folder
        due = len(self.history) % self.config.checkpoint_every_epochs == 0
        if folder is None or not (due or must or self.finished):
            return
        tensors = {
            **_prefixed("network", self.module.state_dict()),
            **_prefixed("objective", self.objective.state_dict()),
            **_prefixed("optimizer", optimizer_tensors(self.optimizer, self.parameters)),
            **_prefixed("average", self.average.averages if self.average else {}),
            **_prefixed("best", self._best_weights),
        }
        progress = {
            "history": [record.model_dump() for record in self.history],
            "best": None if self.best is None else self.best.epoch,
        }
        write_checkpoint(folder, Checkpoint(self._identity(), progress, tensors))

    def resume(self) -> None:
        """Go on from the checkpoint if the configuration says so and there is one.

        Raises:
            TrainingError: If it is damaged or belongs to another run.
        """
        if not self.config.resume or self.config.checkpoint_folder is None:
            return
        stored = read_checkpoint(self.config.checkpoint_folder)
        if stored is None:
            return
        check_identity(stored.identity, self._identity())
        self.module.load_state_dict(_with_prefix("network", stored.tensors))
        self.objective.load_state_dict(_with_prefix("objective", stored.tensors))
        restore_optimizer(
            self.optimizer, self.parameters, _with_prefix("optimizer", stored.tensors)
        )
        if self.average is not None:
            self.average.load(_with_prefix("average", stored.tensors))
        self._best_weights = _with_prefix("best", stored.tensors)
        self.history = [EpochRecord(**record) for record in stored.progress["history"]]
        best = stored.progress["best"]
        self.best = None if best is None else self.history[best - 1]

    def _identity(self) -> dict[str, Any]:
        """What must be the same when a run is taken up again."""
        return {
            "config": self.config.decisive(),
            "network": _shapes(self.module),
            "spec": _digest(repr(getattr(self.network, "spec", ""))),
            "objective": {"kind": type(self.objective).__name__, **_shapes(self.objective)},
            "data": self.train.digest(),
            "validation": None if self.held_out is None else self.held_out.digest(),
        }


def _copies(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}


def _shapes(module: nn.Module) -> dict[str, str]:
    return {
        name: f"{tensor.dtype} {list(tensor.shape)}" for name, tensor in module.state_dict().items()
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _prefixed(prefix: str, tensors: Any) -> dict[str, Tensor]:
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def _with_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    start = f"{prefix}/"
    return {name[len(start) :]: t for name, t in tensors.items() if name.startswith(start)}
