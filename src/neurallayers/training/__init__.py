"""Training of slow weights: fit with surrogate gradients, resume to the bit, evaluate."""

from neurallayers.training.augmentation import Augmentation
from neurallayers.training.config import FitConfig
from neurallayers.training.contract import Activity, Trainable
from neurallayers.training.evaluate import Evaluation, evaluate
from neurallayers.training.fit import FitResult, fit
from neurallayers.training.history import EpochRecord
from neurallayers.training.objective import Classification, Judgement, Objective

__all__ = [
    "Activity",
    "Augmentation",
    "Classification",
    "EpochRecord",
    "Evaluation",
    "FitConfig",
    "FitResult",
    "Judgement",
    "Objective",
    "Trainable",
    "evaluate",
    "fit",
]
