"""What was recorded, as arrays with the names of Neo's objects: block, segment, train, signal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

UNITS = {"v": "mV", "u": "mV/ms", "w": "nA", "gsyn_exc": "uS", "gsyn_inh": "uS"}


class SpikeTrain(np.ndarray[Any, np.dtype[np.float64]]):
    """Spike times of one cell [ms]: an array.

    Attributes:
        t_start: When the recording began [ms].
        t_stop: When it ended [ms].
        annotations: ``source_index``, the place of the cell in its population.
    """

    t_start: float
    t_stop: float
    annotations: Mapping[str, Any]

    def __new__(cls, times: NDArray[Any], t_stop: float, index: int) -> Self:
        """An array of times with what belongs to them."""
        train = np.asarray(times, dtype=np.float64).view(cls)
        train.t_start, train.t_stop = 0.0, t_stop
        train.annotations = {"source_index": index}
        return train

    def __array_finalize__(self, other: Any) -> None:
        self.t_start = getattr(other, "t_start", 0.0)
        self.t_stop = getattr(other, "t_stop", 0.0)
        self.annotations = getattr(other, "annotations", {})

    @property
    def times(self) -> NDArray[np.float64]:
        """As a plain array [ms]."""
        return np.asarray(self)

    magnitude = times


class AnalogSignal(np.ndarray[Any, np.dtype[np.float64]]):
    """A variable over time: an array ``[samples, cells]``, the first sample at time 0.

    Attributes:
        name: PyNN's name of the variable.
        units: Its unit, as text.
        sampling_period: Between two samples [ms].
        array_annotations: ``channel_index``, the places of the cells in their population.
    """

    name: str
    units: str
    sampling_period: float
    array_annotations: Mapping[str, Any]

    def __new__(
        cls, samples: NDArray[Any], name: str, period_ms: float, cells: NDArray[np.int64]
    ) -> Self:
        """An array of samples with what belongs to them."""
        signal = np.asarray(samples, dtype=np.float64).view(cls)
        signal.name, signal.units = name, UNITS.get(name, "")
        signal.sampling_period = period_ms
        signal.array_annotations = {"channel_index": cells}
        return signal

    def __array_finalize__(self, other: Any) -> None:
        self.name = getattr(other, "name", "")
        self.units = getattr(other, "units", "")
        self.sampling_period = getattr(other, "sampling_period", 0.0)
        self.array_annotations = getattr(other, "array_annotations", {})

    @property
    def times(self) -> NDArray[np.float64]:
        """When samples were taken [ms]."""
        return np.arange(len(self), dtype=np.float64) * self.sampling_period

    @property
    def magnitude(self) -> NDArray[np.float64]:
        """As a plain array."""
        return np.asarray(self)


@dataclass
class Segment:
    """What was recorded between two resets."""

    spiketrains: list[SpikeTrain] = field(default_factory=list)
    analogsignals: list[AnalogSignal] = field(default_factory=list)

    def filter(self, name: str) -> list[AnalogSignal]:
        """The signals of a name."""
        return [signal for signal in self.analogsignals if signal.name == name]


@dataclass
class Block:
    """Everything that a population recorded."""

    name: str
    segments: list[Segment] = field(default_factory=list)
