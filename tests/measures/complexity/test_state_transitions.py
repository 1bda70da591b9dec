"""PCIst, held against the equations of the paper computed matrix by matrix."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.complexity import pcist_by_matrices

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.measures.complexity import state_transition_complexity
from neurallayers.measures.complexity.state_transitions import transitions

TIMES_MS = np.arange(-400.0, 301.0)


def evoked(channels: int = 6, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    noise = 0.1 * generator.normal(size=(channels, len(TIMES_MS)))
    waves = [
        np.sin(TIMES_MS / period + 6.0 * generator.random((channels, 1)))
        * np.exp(-TIMES_MS.clip(0.0) / decay)
        for period, decay in ((10.0, 100.0), (23.0, 60.0))
    ]
    return noise + np.where(TIMES_MS > 0.0, sum(waves), 0.0)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_equal_to_the_matrices_of_the_paper(seed: int) -> None:
    found = state_transition_complexity(evoked(seed=seed), TIMES_MS)
    assert found.differences == pytest.approx(pcist_by_matrices(evoked(seed=seed)), rel=1e-9)
    assert found.pcist == pytest.approx(found.differences.sum(), rel=1e-12)
    assert (found.signal_to_noise > 1.1).all()


def test_options_are_those_of_the_equations() -> None:
    found = state_transition_complexity(evoked(), TIMES_MS, k=2.0, n_steps=37)
    assert found.differences == pytest.approx(
        pcist_by_matrices(evoked(), k=2.0, steps=37), rel=1e-9
    )


def test_scale_and_offset_of_the_signal_do_not_matter() -> None:
    plain = state_transition_complexity(evoked(), TIMES_MS, center=True).pcist
    other = state_transition_complexity(3.0 * evoked() + 7.0, TIMES_MS, center=True).pcist
    assert other == pytest.approx(plain, rel=1e-6)
    centred = evoked() - evoked()[:, :350].mean(1, keepdims=True)
    assert state_transition_complexity(centred, TIMES_MS).pcist == pytest.approx(plain, rel=1e-9)


def test_a_window_begins_with_its_begin_and_ends_before_its_end() -> None:
    # Samples between the grid of the window: those within it count, not the nearest.
    shifted = TIMES_MS + 0.6
    found = state_transition_complexity(evoked(), shifted, response_window_ms=(0.0, 300.0))
    cut = state_transition_complexity(
        evoked()[:, :700], shifted[:700], response_window_ms=(0.0, 300.0)
    )
    assert found.pcist == pytest.approx(cut.pcist, rel=1e-9)


def test_without_a_response_there_is_no_complexity() -> None:
    silent = np.zeros((4, len(TIMES_MS)))
    assert state_transition_complexity(silent, TIMES_MS).pcist == 0.0
    noise = np.random.default_rng(0).normal(size=(4, len(TIMES_MS)))
    assert state_transition_complexity(noise, TIMES_MS, min_snr=1.5).pcist == 0.0


def test_transitions_count_crossings_at_every_threshold() -> None:
    signal = np.random.default_rng(4).normal(size=50)
    thresholds = np.linspace(0.1, 3.0, 11)
    distances = np.abs(signal[:, None] - signal[None])
    expected = [np.abs(np.diff(distances <= threshold)).sum() for threshold in thresholds]
    assert transitions(signal, thresholds).tolist() == expected


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"times_ms": TIMES_MS[:-1]}, ShapeMismatch, "a time for each sample"),
        ({"times_ms": TIMES_MS[::-1]}, InvalidInput, "do not rise"),
        ({"signal": np.full((2, len(TIMES_MS)), np.nan)}, InvalidInput, "NaN"),
        ({"baseline_window_ms": (-900.0, -50.0)}, InvalidInput, "baseline_window_ms"),
        ({"response_window_ms": (0.0, 0.5)}, InvalidInput, "response_window_ms"),
        ({"n_steps": 1}, InvalidInput, "n_steps 1"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    change: dict[str, object], error: type[Exception], words: str
) -> None:
    given: dict[str, object] = {"signal": evoked(2), "times_ms": TIMES_MS, **change}
    with pytest.raises(error, match=words):
        state_transition_complexity(**given)  # type: ignore[arg-type]
