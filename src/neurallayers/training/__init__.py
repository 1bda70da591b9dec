"""Training of slow weights: fit with surrogate gradients, resume to the bit, evaluate."""

from neurallayers.training.augmentation import Augmentation
from neurallayers.training.config import FitConfig
from neurallayers.training.continual import (
    ContinualLearner,
    ContinualReport,
    Task,
    live_through,
    split_by_class,
)
from neurallayers.training.contract import Activity, Trainable
from neurallayers.training.evaluate import Evaluation, evaluate
from neurallayers.training.fit import FitResult, fit
from neurallayers.training.history import EpochRecord
from neurallayers.training.objective import Classification, Judgement, Objective
from neurallayers.training.receptive_fields import ReceptiveFields
from neurallayers.training.sleeping import SleepingLearner, SleepingState

__all__ = [
    "Activity",
    "Augmentation",
    "Classification",
    "ContinualLearner",
    "ContinualReport",
    "EpochRecord",
    "Evaluation",
    "FitConfig",
    "FitResult",
    "Judgement",
    "Objective",
    "ReceptiveFields",
    "SleepingLearner",
    "SleepingState",
    "Task",
    "Trainable",
    "evaluate",
    "fit",
    "live_through",
    "split_by_class",
]
