"""A neuron with fitted parameters: run on any current, measured, saved and loaded as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from neurallayers.errors import DataUnavailable, InvalidInput, ShapeMismatch
from neurallayers.fitting.candidates import lived_before, simulate_lanes
from neurallayers.fitting.model import MODELS, NeuronModel
from neurallayers.fitting.sweep import Sweep, resampled
from neurallayers.measures import coincidence_factor
from neurallayers.measures.spike_trains import Array, Numbers, as_array, check_positive

_FORMAT = 1


class Simulation(NamedTuple):
    """What a fitted neuron did with a current."""

    spike_times_ms: Array  # [spikes], from the beginning of the current
    membrane_potential_mv: Array  # [time], one for each sample of the current
    dt_ms: float


@dataclass(frozen=True)
class FittedNeuron:
    """A neuron model with the parameters of one cell.

    Attributes:
        model: Name of the model.
        parameters: Value of each parameter; the names carry the units.
        step_ms: Step it was fitted with; part of the model.
        warm_up: What it lives through before a sweep; see
            :func:`~neurallayers.fitting.candidates.lived_before`.
        report: How it was found: method, seed, budget, sweeps, loss and Gamma on them.
    """

    model: str
    parameters: Mapping[str, float]
    step_ms: float
    warm_up: str = "repeat"
    report: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = self.neuron_model.names
        if set(self.parameters) != set(names):
            apart = sorted(set(self.parameters) ^ set(names))
            raise InvalidInput(
                f"The parameters of {self.model} differ in {', '.join(apart)}.",
                f"Give exactly {', '.join(names)}.",
            )
        wrong = [name for name in names if not np.isfinite(self.parameters[name])]
        if wrong:
            raise InvalidInput(f"{wrong[0]} is {self.parameters[wrong[0]]}.", "Give a number.")
        check_positive("step_ms", self.step_ms)
        lived_before(np.zeros(1), self.warm_up)

    @property
    def neuron_model(self) -> NeuronModel:
        """The equations."""
        return MODELS.make(self.model)

    def simulate(
        self,
        current_pa: Numbers,
        dt_ms: float,
        *,
        warm_up: str | None = None,
        membrane_potential_mv: float | None = None,
    ) -> Simulation:
        """What it does with a current, deterministically.

        The neuron runs on the step that it was fitted with; the current is averaged over each of
        these steps, and the potential is read between them.

        Args:
            current_pa: ``[time]``, injected current [pA].
            dt_ms: Time between its samples [ms].
            warm_up: ``"repeat"`` or ``"rest"``; the one of the fit when left out.
            membrane_potential_mv: Potential to start from; without one it starts from rest, and
                then lives through the warm-up.

        Raises:
            ShapeMismatch: If the current does not have one axis with a sample on it.
            InvalidInput: If the current is not finite or ``dt_ms`` not positive.
        """
        current = as_array(current_pa)
        if current.ndim != 1 or not current.size:
            raise ShapeMismatch(f"The current has shape {current.shape}.", "Pass [time].")
        if not np.isfinite(current).all():
            raise InvalidInput("The current is not finite.", "Give a number for each sample.")
        check_positive("dt_ms", dt_ms)
        model = self.neuron_model
        values = np.array([[self.parameters[name]] for name in model.names])
        steps = resampled(current, dt_ms, self.step_ms)
        before = lived_before(steps, self.warm_up if warm_up is None else warm_up)
        made = simulate_lanes(
            model,
            values,
            steps,
            before=before,
            potential_mv=membrane_potential_mv,
            step_ms=self.step_ms,
        )
        room = made.spike_times_ms.shape[1]
        spikes = made.spike_times_ms[0, : min(int(made.counts[0]), room)]
        duration_ms = current.size * dt_ms
        at_ms = np.arange(1, current.size + 1) * dt_ms
        ends_ms = np.arange(1, steps.size + 1) * self.step_ms
        potential = np.interp(at_ms, ends_ms, made.potential_mv[:, 0])
        return Simulation(spikes[spikes <= duration_ms].copy(), potential, float(dt_ms))

    def gamma(self, sweep: Sweep, *, precision_ms: float = 4.0) -> float:
        """Coincidence factor with a recording; see :func:`~.measures.coincidence_factor`."""
        made = self.simulate(sweep.current, sweep.dt_ms)
        return coincidence_factor(
            sweep.spike_times_ms,
            made.spike_times_ms,
            duration_ms=sweep.duration_ms,
            precision_ms=precision_ms,
        )

    def mean_gamma(self, sweeps: Sequence[Sweep], *, precision_ms: float = 4.0) -> float:
        """Gamma averaged over sweeps; where it is not defined it counts as 0, which is chance."""
        gammas = [self.gamma(sweep, precision_ms=precision_ms) for sweep in sweeps]
        return float(np.nan_to_num(gammas).mean()) if gammas else float("nan")

    def to_json(self) -> str:
        """Everything about it as text; :meth:`from_json` reads it."""
        return json.dumps({"format": _FORMAT, **asdict(self)}, indent=2, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> FittedNeuron:
        """The neuron that :meth:`to_json` wrote.

        Raises:
            DataUnavailable: If it is no such text.
            InvalidInput: If a parameter is missing, unknown or no number.
            UnknownName: If there is no such model.
        """
        try:
            content = json.loads(text)
            kind = content.pop("format")
            if kind != _FORMAT:
                raise ValueError(f"format {kind!r}, expected {_FORMAT}")
            numbers = {str(k): float(v) for k, v in content.pop("parameters").items()}
            return cls(parameters=numbers, **content)
        except InvalidInput:
            raise
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if isinstance(error, KeyError) and not isinstance(error.args[0], str):
                raise
            raise DataUnavailable(
                f"This is no fitted neuron ({error}).", "Pass what FittedNeuron.save wrote."
            ) from error

    def save(self, path: str | Path) -> Path:
        """Write it as JSON, under a temporary name first, so that a file of this name is whole."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{os.getpid()}.partial")
        try:
            temporary.write_text(self.to_json(), encoding="utf-8")
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        return target

    @classmethod
    def load(cls, path: str | Path) -> FittedNeuron:
        """Read what :meth:`save` wrote.

        Raises:
            DataUnavailable: If the file is missing or no fitted neuron.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise DataUnavailable(
                f"{path} cannot be read ({error}).", "Name a saved file."
            ) from error
        return cls.from_json(text)
