"""How a network is trained: frozen, checked, JSON and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from neurallayers.errors import InvalidInput
from neurallayers.training.augmentation import Augmentation
from neurallayers.training.schedule import ScheduleName

# What may differ between a run and its continuation: none of it reaches the weights.
NOT_COMPARED_ON_RESUME = frozenset(
    {
        "checkpoint_folder",
        "checkpoint_every_epochs",
        "progress",
        "resume",
        "tensorboard_folder",
        "time_limit_seconds",
    }
)


class FitConfig(BaseModel):
    """How :func:`~neurallayers.training.fit.fit` trains.

    Attributes:
        epochs: Passes over the training set.
        batch_size: Images a step.
        learning_rate: The highest learning rate of the schedule.
        schedule: ``"constant"``, ``"cosine"``, ``"one_cycle"`` or ``"step"``; see
            :mod:`~neurallayers.training.schedule`.
        warmup_fraction: Share of all steps during which the learning rate rises.
        weight_decay: Decoupled weight decay of the matrices (biases and time constants are free).
        optimizer: ``"adamw"`` or ``"sgd"`` (with Nesterov momentum).
        momentum: Momentum of ``"sgd"`` where the schedule does not set it.
        clip_norm: Longest gradient of the network and of the objective; none for no limit.
        label_smoothing: Share of each target that is spread over all classes.
        orientation_weight: Weight of telling class and orientation of turned and mirrored images
            from the features; keeps the features rich enough to learn new classes from later. Needs
            square images and doubles the batch; 0 for off, at no cost.
        reconstruction_weight: Weight of the squared error of rebuilding the image from the features
            by a linear map; 0 for off, at no cost.
        rate_target: Lowest and highest mean spikes a neuron a step that a region may have.
        rate_penalty: Weight of the squared distance of regions' rates from that band.
        augment: How training images are changed at random.
        seed: Seed of the order, the augmentation, the validation part and the auxiliary heads.
        patience: Stop after so many epochs without a better validation accuracy, and go back to
            the best weights; none for the full number of epochs and the last weights.
        validation_fraction: Share of the training set kept aside for validation, when no
            validation set is given.
        average_weights: Decay of an exponential moving average of the weights, which is then what
            is validated and kept; 0 for none. Source: Polyak & Juditsky (1992), SIAM J. Control
            Optim. 30:838, in the exponential form.
        precision: ``"float32"``, or ``"bfloat16"`` for automatic mixed precision.
        threads: Threads to compute with; none for as many as torch has.
        checkpoint_folder: Where training can be taken up again from; none for no checkpoints.
        checkpoint_every_epochs: How often a checkpoint is written (and always after the last).
        resume: Go on from the checkpoint in ``checkpoint_folder`` if there is one.
        tensorboard_folder: Where TensorBoard finds the curves; none for no curves.
        progress: Show a progress bar if the terminal can.
        time_limit_seconds: Begin no epoch that would probably end after this time [s].

    Raises:
        InvalidInput: If a field is unknown or out of range; names it, its value and what is right.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    epochs: int = Field(default=12, ge=1, le=100_000)
    batch_size: int = Field(default=64, ge=1, le=1_000_000)
    learning_rate: float = Field(default=5e-3, gt=0, le=10)
    schedule: ScheduleName = "one_cycle"
    warmup_fraction: float = Field(default=0.2, ge=0, lt=1)
    weight_decay: float = Field(default=1e-3, ge=0, le=10)
    optimizer: Literal["adamw", "sgd"] = "adamw"
    momentum: float = Field(default=0.9, ge=0, lt=1)
    clip_norm: float | None = Field(default=1.0, gt=0)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    orientation_weight: float = Field(default=1.0, ge=0)
    reconstruction_weight: float = Field(default=20.0, ge=0)
    rate_target: tuple[float, float] = (0.01, 0.2)
    rate_penalty: float = Field(default=0.0, ge=0)
    augment: Augmentation = Augmentation()
    seed: int = Field(default=0, ge=0)
    patience: int | None = Field(default=None, ge=1)
    validation_fraction: float = Field(default=0.0, ge=0, lt=1)
    average_weights: float = Field(default=0.0, ge=0, lt=1)
    precision: Literal["float32", "bfloat16"] = "float32"
    threads: int | None = Field(default=None, ge=1, le=1024)
    checkpoint_folder: Path | None = None
    checkpoint_every_epochs: int = Field(default=1, ge=1)
    resume: bool = False
    tensorboard_folder: Path | None = None
    progress: bool = False
    time_limit_seconds: float | None = Field(default=None, gt=0)

    if not TYPE_CHECKING:  # so that type checkers see the fields

        def __init__(self, **fields: Any) -> None:
            try:
                super().__init__(**fields)
            except ValidationError as error:
                raise InvalidInput(_problem(error), "Correct the field and try again.") from None

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        low, high = self.rate_target
        if not 0 <= low <= high <= 1:
            raise ValueError(
                f"rate_target is {self.rate_target}; it must be a lowest and a highest mean rate, "
                "0 <= lowest <= highest <= 1"
            )
        if self.resume and self.checkpoint_folder is None:
            raise ValueError(
                "resume is set without checkpoint_folder; name the folder to go on from"
            )
        return self

    def changed(self, **fields: Any) -> FitConfig:
        """The same configuration with some fields replaced and checked.

        >>> FitConfig().changed(epochs=3).epochs
        3
        """
        return FitConfig(**{**self.model_dump(), **fields})

    def decisive(self) -> dict[str, Any]:
        """The fields that the trained weights depend on, as JSON values."""
        return self.model_dump(mode="json", exclude=set(NOT_COMPARED_ON_RESUME))


def _problem(error: ValidationError) -> str:
    found = []
    for detail in error.errors():
        path = ".".join(str(step) for step in detail["loc"])
        message = str(detail["msg"]).removeprefix("Value error, ")
        found.append(f"{path} is {detail['input']!r}: {message}" if path else message)
    return f"The training configuration is wrong: {'; '.join(found)}."
