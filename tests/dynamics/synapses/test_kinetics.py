"""Kinetics against closed forms in fifty digits and against scipy's integration."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from neurallayers.dynamics.synapses.kinetics import (
    KINETICS,
    Alpha,
    Delta,
    DoubleExponential,
    Exponential,
    Kinetics,
    LinearKinetics,
    SecondMessenger,
    exact_step,
    kinetics_from,
    relative_peak,
)
from neurallayers.errors import InvalidInput, UnknownName

LAW = settings(max_examples=40, deadline=None, derandomize=True, database=None)
MEMBRANE_MS, CAPACITANCE_PF = 20.0, 250.0

times = st.floats(0.2, 200.0)
steps_ms = st.floats(0.01, 20.0)


@st.composite
def shaped(draw: st.DrawFn) -> Kinetics:
    """Any kinetics with a peak of one; the times may be equal or almost so."""
    kind = draw(st.sampled_from(["exponential", "alpha", "double", "nearly equal"]))
    rise = draw(times)
    if kind == "exponential":
        return Exponential(rise)
    if kind == "alpha":
        return Alpha(rise)
    factor = st.floats(1.0, 30.0) if kind == "double" else st.floats(1.0, 1.0 + 1e-7)
    return DoubleExponential(rise, rise * draw(factor))


def closed_form(kinetics: Kinetics) -> Callable[[Any], Any]:
    """The answer to a spike, from its textbook definition."""
    if isinstance(kinetics, Exponential):
        return lambda t: mpmath.exp(-t / mpmath.mpf(kinetics.tau_ms))
    if isinstance(kinetics, Alpha):
        return lambda t: t / mpmath.mpf(kinetics.tau_ms) * mpmath.exp(1 - t / kinetics.tau_ms)
    assert isinstance(kinetics, DoubleExponential)
    rise, decay = mpmath.mpf(kinetics.tau_rise_ms), mpmath.mpf(kinetics.tau_decay_ms)
    if rise == decay:
        return closed_form(Alpha(kinetics.tau_decay_ms))
    peak = rise * decay / (decay - rise) * mpmath.log(decay / rise)

    def difference(t: Any) -> Any:
        return mpmath.exp(-t / decay) - mpmath.exp(-t / rise)

    return lambda t: difference(t) / difference(peak)


def advance(k: LinearKinetics, x: float, y: float, w: float = 0.0) -> tuple[float, float, float]:
    """The step as the docstring of LinearKinetics gives it to whoever compiles it."""
    x, y = x + k.jump_x * w, y + k.jump_y * w
    output = k.output_x * x + k.output_y * y
    return k.decay_x * x, k.decay_y * y + k.coupling * x, output


# ------------------------------------------------------------------------------- exact steps


@given(kinetics=shaped(), dt_ms=steps_ms, count=st.integers(1, 6))
@LAW
def test_after_any_steps_the_value_is_that_of_the_closed_form(
    kinetics: Kinetics, dt_ms: float, count: int
) -> None:
    numbers = kinetics.coefficients(dt_ms)
    x, y, _ = advance(numbers, 0.0, 0.0, 1.0)
    for _ in range(count - 1):
        x, y, _ = advance(numbers, x, y)
    with mpmath.workdps(50):
        expected = float(closed_form(kinetics)(mpmath.mpf(dt_ms) * count))
    assert y == pytest.approx(expected, rel=1e-11, abs=1e-14)


@given(kinetics=shaped(), dt_ms=steps_ms, count=st.integers(0, 3))
@settings(LAW, max_examples=25)
def test_the_output_is_the_mean_of_the_closed_form_over_the_step(
    kinetics: Kinetics, dt_ms: float, count: int
) -> None:
    numbers = kinetics.coefficients(dt_ms)
    x, y, output = advance(numbers, 0.0, 0.0, 1.0)
    for _ in range(count):
        x, y, output = advance(numbers, x, y)
    with mpmath.workdps(30):
        start = mpmath.mpf(dt_ms) * count
        area = mpmath.quad(closed_form(kinetics), mpmath.linspace(start, start + dt_ms, 5))
        expected = float(area / dt_ms)
    assert output == pytest.approx(expected, rel=1e-10, abs=1e-14)


@given(kinetics=shaped(), dt_ms=steps_ms, pieces=st.integers(2, 7), membrane=st.booleans())
@LAW
def test_a_long_step_is_as_many_short_ones(
    kinetics: Kinetics, dt_ms: float, pieces: int, membrane: bool
) -> None:
    """Also what a leaky membrane makes of it: its potential is then exact for any step."""
    tau_ms = MEMBRANE_MS if membrane else 1e9

    def run(dt_ms: float, count: int) -> tuple[float, float, float]:
        numbers = kinetics.coefficients(dt_ms, tau_ms)
        decay = np.exp(-dt_ms / tau_ms)
        gain = -np.expm1(-dt_ms / tau_ms) * tau_ms / CAPACITANCE_PF
        x, y, v = 0.3, 0.1, 0.0
        for step in range(count):
            x, y, current = advance(numbers, x, y, 1.0 if step == 0 else 0.0)
            v = decay * v + gain * current
        return x, y, v

    assert run(dt_ms, 1) == pytest.approx(run(dt_ms / pieces, pieces), rel=1e-11, abs=1e-14)


@pytest.mark.parametrize(
    "kinetics",
    [Exponential(5.0), Alpha(2.0), DoubleExponential(0.5, 4.0), DoubleExponential(2.0, 20.0)],
)
@pytest.mark.parametrize("dt_ms", [0.1, 2.5])
def test_a_leaky_membrane_follows_its_differential_equation(
    kinetics: Kinetics, dt_ms: float
) -> None:
    """The second and third have the same time constants as the membrane or each other."""
    a, b, c, jump_x, jump_y = kinetics.pair()

    def right_hand_side(_: float, z: np.ndarray[Any, Any]) -> list[float]:
        x, y, v = z
        return [-a * x, -b * y + c * x, -v / MEMBRANE_MS + y / CAPACITANCE_PF]

    weight, duration = 80.0, 50.0
    found = solve_ivp(
        right_hand_side,
        (0.0, duration),
        [weight * jump_x, weight * jump_y, 0.0],
        method="DOP853",
        rtol=1e-12,
        atol=1e-14,
    ).y[:, -1]
    numbers = kinetics.coefficients(dt_ms, MEMBRANE_MS)
    decay = np.exp(-dt_ms / MEMBRANE_MS)
    x = y = v = 0.0
    for step in range(round(duration / dt_ms)):
        x, y, current = advance(numbers, x, y, weight if step == 0 else 0.0)
        v = decay * v + (1 - decay) * MEMBRANE_MS / CAPACITANCE_PF * current
    assert v == pytest.approx(found[2], rel=1e-10)
    assert y == pytest.approx(found[1], rel=1e-9)


# ------------------------------------------------------------------------------ area and peak


@given(kinetics=shaped(), dt_ms=st.floats(0.5, 20.0))
@settings(LAW, max_examples=12)
def test_no_charge_is_lost_whatever_the_step(kinetics: Kinetics, dt_ms: float) -> None:
    """The sum of outputs times dt is the area of the closed form."""
    numbers = kinetics.coefficients(dt_ms)
    x, y, total = advance(numbers, 0.0, 0.0, 1.0)
    while abs(x) + abs(y) > 1e-18:
        x, y, output = advance(numbers, x, y)
        total += output
    with mpmath.workdps(50):
        form, area = closed_form(kinetics), kinetics.area_ms
        ends = [0, area / 4, area, 4 * area, 20 * area, mpmath.inf]
        expected = float(mpmath.quad(form, ends))
    assert total * dt_ms == pytest.approx(area, rel=1e-10)
    assert area == pytest.approx(expected, rel=1e-10)


@given(kinetics=shaped())
@LAW
def test_the_peak_is_one_and_where_it_is_said_to_be(kinetics: Kinetics) -> None:
    peak_ms = kinetics.peak_ms
    if peak_ms:
        _, y, _ = advance(kinetics.coefficients(peak_ms), 0.0, 0.0, 1.0)
    else:
        y = kinetics.coefficients(1.0).jump_y
    assert y == pytest.approx(1.0, rel=1e-12)
    for other in (0.8, 0.99, 1.01, 1.2):
        if peak_ms:
            _, y, _ = advance(kinetics.coefficients(peak_ms * other), 0.0, 0.0, 1.0)
            assert y < 1.0


def test_area_and_peak_in_numbers() -> None:
    assert Exponential(5.0).area_ms == 5.0
    assert Alpha(2.0).area_ms == pytest.approx(2 * np.e)
    assert Alpha(2.0).peak_ms == pytest.approx(2.0)
    double = DoubleExponential(1.0, 2.0)  # difference peaks at 2 ln 2 with 1/4
    assert double.peak_ms == pytest.approx(2 * np.log(2))
    assert double.area_ms == pytest.approx(4.0)


def test_equal_times_are_the_alpha_function() -> None:
    assert DoubleExponential(3.0, 3.0).coefficients(0.1) == Alpha(3.0).coefficients(0.1)


@given(ratio=st.floats(0.5, 2.0) | st.floats(0.99, 1.01) | st.floats(1 - 1e-12, 1 + 1e-12))
@LAW
def test_the_time_of_the_peak_does_not_cancel(ratio: float) -> None:
    with mpmath.workdps(50):
        exact = mpmath.mpf(ratio)
        expected = 1.0 if ratio == 1 else float(mpmath.log(exact) / (exact - 1))
    assert relative_peak(ratio) == pytest.approx(expected, rel=1e-14)


# ---------------------------------------------------------------------------- charges at once


@pytest.mark.parametrize("dt_ms", [0.1, 1.0, 30.0])
def test_a_charge_makes_the_potential_jump(dt_ms: float) -> None:
    """1 mV at the beginning of the step has decayed by its end; one at the end has not."""
    decay = np.exp(-dt_ms / MEMBRANE_MS)
    gain = (1 - decay) * MEMBRANE_MS / CAPACITANCE_PF
    for at_end, expected in ((False, decay), (True, 1.0)):
        numbers = Delta(CAPACITANCE_PF, at_end=at_end).coefficients(dt_ms, MEMBRANE_MS)
        x, y, current = advance(numbers, 0.0, 0.0, 1.0)
        assert gain * current == pytest.approx(expected, rel=1e-12)
        assert (x, y) == (0.0, 0.0)
        assert advance(numbers, x, y)[2] == 0.0


def test_without_a_membrane_a_charge_flows_evenly() -> None:
    assert advance(Delta().coefficients(0.5), 0.0, 0.0, 3.0)[2] * 0.5 == 3.0
    assert Delta(2.0).area_ms == 2.0
    assert Delta().peak_ms == 0.0
    with pytest.raises(InvalidInput, match="no time course"):
        Delta().pair()


# --------------------------------------------------------------------------- second messenger


def test_the_messenger_follows_its_differential_equation() -> None:
    """Receptor and G protein after a pulse of transmitter, for GABA-B."""
    k1, k2, k3, k4, transmitter, pulse = 0.52, 0.0013, 0.098, 0.033, 0.5, 0.3

    def right_hand_side(t: float, z: np.ndarray[Any, Any]) -> list[float]:
        binding = k1 * transmitter if t < pulse else 0.0
        return [binding * (1 - z[0]) - k2 * z[0], k3 * z[0] - k4 * z[1]]

    state = [0.0, 0.0]
    for span in ((0.0, pulse - 1e-12), (pulse, 100.0)):
        state = solve_ivp(right_hand_side, span, state, "DOP853", rtol=1e-12, atol=1e-15).y[:, -1]
    x, y, _ = advance(SecondMessenger().coefficients(100.0), 0.0, 0.0, 1.0)
    # The pulse of 0.3 ms comes at once: half of it early, and none is lost meanwhile.
    assert x == pytest.approx(state[0], rel=5e-4)
    assert y == pytest.approx(state[1], rel=3e-3)
    assert SecondMessenger().peak_ms == pytest.approx(np.log(k4 / k2) / (k4 - k2))


# --------------------------------------------------------------------------------- gradients


def test_gradients_of_the_time_constants() -> None:
    def numbers(rise: torch.Tensor, decay: torch.Tensor) -> tuple[torch.Tensor, ...]:
        pair = DoubleExponential(1.0, 1.0).pair(tau_rise_ms=rise, tau_decay_ms=decay)
        return tuple(exact_step(pair, 0.5, MEMBRANE_MS))

    for rise, decay in ((1.0, 5.0), (3.0, 3.001)):
        at = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (rise, decay)]
        assert torch.autograd.gradcheck(numbers, at)


# ------------------------------------------------------------------------------ descriptions


@pytest.mark.parametrize(
    "kinetics",
    [
        Delta(200.0, at_end=True),
        Exponential(5.0),
        Alpha(1.0),
        DoubleExponential(1.0, 2.0),
        SecondMessenger(unbinding_per_ms=0.002),
    ],
)
def test_kinetics_are_json_and_back(kinetics: Kinetics) -> None:
    assert kinetics_from(json.loads(json.dumps(kinetics.to_dict()))) == kinetics
    assert KINETICS.get(kinetics.kind) is type(kinetics)
    assert len({kinetics, kinetics_from(kinetics.to_dict())}) == 1


def test_what_is_wrong_is_said() -> None:
    for wrong in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InvalidInput, match="tau_ms is"):
            Exponential(wrong)
    with pytest.raises(InvalidInput, match="exchange"):
        DoubleExponential(5.0, 2.0)
    with pytest.raises(InvalidInput, match="dt_ms is"):
        Alpha(2.0).coefficients(0.0)
    with pytest.raises(InvalidInput, match="tau_membrane_ms is"):
        Delta().coefficients(0.1, -20.0)
    with pytest.raises(InvalidInput, match="capacitance_pf is"):
        Delta(0.0)
    with pytest.raises(UnknownName, match="Did you mean 'Exponential'"):
        kinetics_from({"kind": "exponential", "tau_ms": 1.0})
    with pytest.raises(InvalidInput, match="It takes: tau_ms"):
        kinetics_from({"kind": "Alpha", "tau": 1.0})
