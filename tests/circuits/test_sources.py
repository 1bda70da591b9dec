"""Sources of spikes: rates, reproducibility, the grid."""

from __future__ import annotations

import numpy as np
import pytest

from neurallayers.circuits import Circuit, PoissonSpikes, RecordedSpikes, Spikes
from neurallayers.circuits.sources import steps_of_times
from neurallayers.errors import InvalidInput, ShapeMismatch


def spikes_of(source: PoissonSpikes | RecordedSpikes, duration_ms: float, seed: int = 1) -> Spikes:
    circuit = Circuit(dt_ms=0.1, seed=seed)
    circuit.add_population("source", source)
    return circuit.run(duration_ms).spikes["source"]


def test_a_poisson_source_has_its_rate_and_no_memory() -> None:
    spikes = spikes_of(PoissonSpikes(300, 50.0), 4000.0)
    expected = -np.expm1(-50.0 * 1e-4) / 1e-4
    assert spikes.rate_hz == pytest.approx(expected, rel=4.0 / np.sqrt(len(spikes)))
    counts = np.bincount(spikes.senders, minlength=300)
    assert counts.var() / counts.mean() == pytest.approx(1.0, abs=0.3)
    intervals = np.concatenate([np.diff(train) for train in spikes.trains_ms()])
    assert intervals.std() / intervals.mean() == pytest.approx(1.0, abs=0.02)


def test_each_cell_may_have_a_rate_of_its_own() -> None:
    rates = np.repeat([0.0, 20.0, 200.0], 100)
    spikes = spikes_of(PoissonSpikes(300, rates), 2000.0)
    counts = np.bincount(spikes.senders, minlength=300).reshape(3, 100).mean(axis=1) / 2.0
    assert counts[0] == 0.0
    assert counts[1] == pytest.approx(20.0, rel=0.1)
    assert counts[2] == pytest.approx(200.0, rel=0.05)


def test_cells_of_another_block_draw_numbers_of_their_own() -> None:
    small, large = (spikes_of(PoissonSpikes(n, 100.0), 50.0) for n in (200, 600))
    inside = large.senders < 200
    assert np.array_equal(small.times_ms, large.times_ms[inside])
    first, second = ((large.senders // 256 == block) for block in (0, 1))
    assert not np.array_equal(large.times_ms[first], large.times_ms[second])


def test_recorded_spikes_are_played_back_on_the_grid() -> None:
    times, senders = [5.0, 0.1, 5.04, 299.9, 5.0], [270, 0, 1, 2, 270]
    spikes = spikes_of(RecordedSpikes(300, times, senders), 350.0)
    assert spikes.times_ms == pytest.approx([0.1, 5.0, 5.0, 299.9])
    assert spikes.senders.tolist() == [0, 1, 270, 2]


def test_spikes_of_a_step_lie_together() -> None:
    first, begins, cells, order = steps_of_times(
        np.array([0.3, 0.1, 0.3]), np.array([2, 5, 1]), 0.1
    )
    assert (first, begins.tolist(), cells.tolist(), order.tolist()) == (
        0, [0, 1, 1, 3], [5, 1, 2], [1, 2, 0],
    )  # fmt: skip
    with pytest.raises(InvalidInput, match="half a step"):
        steps_of_times(np.array([0.01]), np.array([0]), 0.1)


@pytest.mark.parametrize(
    ("make", "error", "what"),
    [
        (lambda: PoissonSpikes(0, 1.0), InvalidInput, "at least one cell"),
        (lambda: PoissonSpikes(2, -1.0), InvalidInput, "zero or more"),
        (lambda: PoissonSpikes(2, [1.0, 2.0, 3.0]), ShapeMismatch, "2 of them"),
        (lambda: RecordedSpikes(2, [1.0, 2.0], [0]), ShapeMismatch, "one cell for each"),
        (lambda: RecordedSpikes(2, [0.0], [0]), InvalidInput, "above zero"),
        (lambda: RecordedSpikes(2, [1.0], [2]), InvalidInput, "0 to 1"),
    ],
)
def test_impossible_sources_are_refused(make: object, error: type[Exception], what: str) -> None:
    with pytest.raises(error, match=what):
        make()  # type: ignore[operator]
