"""What each pass over the training set brought."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class EpochRecord(BaseModel):
    """One pass over the training set.

    Attributes:
        epoch: Which pass, from 1.
        loss: Mean loss of its steps, auxiliary tasks and penalties included.
        accuracy: Share of the training images that were answered rightly on the way.
        validation_loss: Mean cross-entropy on the validation images after it.
        validation_accuracy: Share of the validation images that were answered rightly after it.
        learning_rate: That of its last step.
        gradient_norm: Mean norm of the network's gradient before clipping.
        rates: Mean spikes a neuron a step in each region, in its last batch.
        seconds: How long it took, validation included [s].
        samples_per_second: Training images a second, validation not counted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    learning_rate: float
    gradient_norm: float
    rates: dict[str, float]
    seconds: float
    samples_per_second: float

    def better_than(self, other: EpochRecord | None) -> bool:
        """Whether it validated better: more right answers, or as many and a lower loss."""
        if other is None:
            return True
        return self._merit() > other._merit()

    def _merit(self) -> tuple[float, float]:
        accuracy, loss = self.validation_accuracy, self.validation_loss
        return (
            float("-inf") if accuracy is None else accuracy,
            float("-inf") if loss is None else -loss,
        )
