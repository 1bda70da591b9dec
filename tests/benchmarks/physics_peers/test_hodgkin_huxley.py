"""The reference of Hodgkin-Huxley, and how a trace is held against it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from benchmarks.physics_peers import hodgkin_huxley as hh


def trace(dt_ms: float) -> np.ndarray:
    """The potential of the accuracy test by another solver, at every step."""
    times = np.arange(round(hh.ACCURACY_MS / dt_ms) + 1) * dt_ms
    solution = solve_ivp(
        hh.slopes,
        (0.0, times[-1]),
        [hh.START_MV, *hh.steady_gates(hh.START_MV)],
        method="LSODA",
        rtol=1e-10,
        atol=1e-10,
        t_eval=times,
        args=(hh.ACCURACY_CURRENT_UA_PER_CM2,),
    )
    potential_mv: np.ndarray = solution.y[0]
    return potential_mv


def test_the_reference_agrees_with_another_solver() -> None:
    found = hh.accuracy(trace(hh.DT_MS))
    assert found["spikes"] == found["reference_spikes"] == 14
    # What remains is the straight line between two steps.
    assert found["spike_time_error_ms"] < 2e-4


def test_a_shifted_trace_is_wrong_by_its_shift() -> None:
    late = np.concatenate([np.full(4, hh.START_MV), trace(hh.DT_MS)])
    found = hh.accuracy(late)
    assert found["spike_time_error_ms"] == pytest.approx(4 * hh.DT_MS, abs=2e-4)


def test_another_number_of_spikes_is_no_error_in_time() -> None:
    found = hh.accuracy(np.full(8001, hh.START_MV))
    assert found["spikes"] == 0
    assert found["spike_time_error_ms"] is None


def test_crossings_are_interpolated_and_upward() -> None:
    assert hh.crossings_ms(np.array([-3.0, 1.0, -1.0, -2.0, 2.0]), 0.1) == pytest.approx(
        [0.075, 0.35]
    )


def test_gates_at_rest_are_those_of_the_squid() -> None:
    # Hodgkin & Huxley (1952), at their resting potential: m 0.053, h 0.60, n 0.318.
    assert hh.steady_gates(-65.0) == pytest.approx((0.0529, 0.5961, 0.3177), abs=1e-4)


def test_figures_are_a_neuron_and_step() -> None:
    assert hh.figures([2.0, 1.0, 3.0], 1000, 2000)["ns_per_neuron_step"] == pytest.approx(1000.0)
    assert hh.currents_ua_per_cm2(3) == pytest.approx([0.0, 10.0, 20.0])
