"""What is recorded, and what one can ask of it."""

from __future__ import annotations

import numpy as np
import pytest

from neurallayers.circuits import Circuit, PoissonDrive, PoissonSpikes, Record, RecordedSpikes
from neurallayers.circuits.recording import Spikes, whole_steps
from neurallayers.dynamics.neurons.integrate_and_fire import LeakyIntegrateAndFire
from neurallayers.errors import InvalidInput, UnknownName

SPIKES = Spikes(
    np.array([1.0, 2.0, 2.0, 9.0]), np.array([3, 0, 3, 1]), n=4, start_ms=0.0, stop_ms=10.0
)


def test_spikes_by_cell() -> None:
    assert len(SPIKES) == 4
    assert SPIKES.rate_hz == 100.0
    assert SPIKES.train_ms(3).tolist() == [1.0, 2.0]
    assert [train.tolist() for train in SPIKES.trains_ms()] == [[2.0], [9.0], [], [1.0, 2.0]]


def test_a_transient_is_left_out() -> None:
    later = SPIKES.after(2.0)
    assert later.times_ms.tolist() == [9.0]
    assert later.rate_hz == pytest.approx(1 / 4 / 8.0 * 1e3)


def circuit() -> Circuit:
    made = Circuit(dt_ms=0.1)
    made.add_population("noise", PoissonSpikes(100, 50.0))
    made.add_population("played", RecordedSpikes(2, [0.5, 1.2, 1.3], [0, 0, 1]))
    cell = LeakyIntegrateAndFire(3, dt_ms=0.1, tau_ms=20.0, resistance_mohm=100.0)
    made.add_population("cells", cell)
    return made


def test_rates_are_means_over_bins() -> None:
    record = Record(spikes="all", rates=("played", "noise"), rate_bin_ms=0.5)
    run = circuit().run(2.2, record=record)
    assert run.rates_hz["played"] == pytest.approx([1000.0, 0.0, 2000.0, 0.0])
    assert run.rate_times_ms == pytest.approx([0.5, 1.0, 1.5, 2.0])
    counts = np.histogram(run.spikes["noise"].times_ms, np.arange(5) * 0.5 + 0.05)[0]
    assert run.rates_hz["noise"] == pytest.approx(counts / 100 / 0.5 * 1e3)


def test_only_what_is_asked_for_is_kept() -> None:
    run = circuit().run(5.0, record=Record(spikes=("played",)))
    assert list(run.spikes) == ["played"]
    assert not run.variables
    assert run.times_ms.size == 0
    assert (run.start_ms, run.stop_ms) == (0.0, 5.0)


@pytest.mark.parametrize(
    ("record", "error", "what"),
    [
        (Record(spikes=("cels",)), UnknownName, "Did you mean 'cells'"),
        (Record(variables={"cells": ["drives"]}), UnknownName, "Did you mean 'drive'"),
        (Record(variables={"noise": ["x"]}), UnknownName, "no variable"),
        (Record(variables={"cells": ["drive"]}, cells=[3]), InvalidInput, "3 cells"),
        (Record(every_ms=0.25, variables={"cells": ["drive"]}), InvalidInput, "every_ms"),
        (Record(weights=("x",)), UnknownName, "projection"),
    ],
)
def test_what_is_not_there_is_not_recorded(
    record: Record, error: type[Exception], what: str
) -> None:
    with pytest.raises(error, match=what):
        circuit().run(1.0, record=record)


def test_durations_are_whole_steps() -> None:
    assert whole_steps(3600e3, 0.1, "duration") == 36_000_000
    assert whole_steps(0.3, 0.1, "duration") == 3
    for wrong in (0.0, -1.0, 0.25, 1000.04, float("nan"), float("inf")):
        with pytest.raises(InvalidInput, match="duration"):
            whole_steps(wrong, 0.1, "duration")


def test_a_drive_of_neurons_without_receptors_is_refused() -> None:
    with pytest.raises(InvalidInput, match="first"):
        circuit().drive("cells", PoissonDrive(1.0, 1.0))
