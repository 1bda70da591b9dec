"""Areas alike but for their place and pathways: the time scales that the paper found."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.integrate import quad_vec, solve_ivp
from scipy.linalg import expm
from scipy.stats import spearmanr

from neurallayers.circuits.models import MacaqueCortex
from neurallayers.data import load_macaque_cortex
from neurallayers.errors import DataUnavailable, InvalidInput, ShapeMismatch, UnknownName

FLN = np.array([[0.0, 0.3, 0.05], [0.4, 0.0, 0.2], [0.1, 0.5, 0.0]])
HIERARCHY = [0.0, 1.0, 3.0]


@pytest.fixture
def three() -> MacaqueCortex:
    return MacaqueCortex(["a", "b", "c"], FLN, HIERARCHY)


@pytest.fixture(scope="module")
def cortex() -> MacaqueCortex:
    try:
        areas = load_macaque_cortex()
    except DataUnavailable as error:
        pytest.skip(str(error))
    return MacaqueCortex(
        areas.areas, areas.fraction_of_labelled_neurons, areas.hierarchy, dt_ms=0.5
    )


def slopes(rates: np.ndarray, stimulus_pa: np.ndarray) -> np.ndarray:
    """The equations of the paper, written once more."""
    e, i = rates[:3], rates[3:]
    h = 1.0 + 0.68 * np.array(HIERARCHY) / 3.0
    rest = FLN @ np.full(3, 10.0)
    far = FLN @ e
    background_e = 10.0 / 0.066 - h * (24.3 * 10.0 + 33.7 * rest) + 19.7 * 35.0
    background_i = 35.0 / 0.351 - h * (12.2 * 10.0 + 25.3 * rest) + 12.5 * 35.0
    to_e = h * (24.3 * e + 33.7 * far) - 19.7 * i + background_e + stimulus_pa
    to_i = h * (12.2 * e + 25.3 * far) - 12.5 * i + background_i
    return np.concatenate(
        [(0.066 * np.maximum(to_e, 0) - e) / 20.0, (0.351 * np.maximum(to_i, 0) - i) / 10.0]
    )


def test_areas_rest_at_ten_hertz(three: MacaqueCortex) -> None:
    rates, _ = three.run(torch.zeros(1, 1, 3, dtype=torch.float64), steps=500)
    np.testing.assert_allclose(rates.numpy(), 10.0, rtol=1e-9)


@pytest.mark.parametrize("amplitude", [100.0, -800.0])
def test_rates_follow_the_equations(three: MacaqueCortex, amplitude: float) -> None:
    # The second amplitude silences the area: the response is at its threshold.
    stimulus = np.array([amplitude, 0.0, 20.0])
    frames = torch.from_numpy(stimulus)[None, None]
    rates, state = three.run(frames, steps=1000)
    exact = solve_ivp(
        lambda t, y: slopes(y, stimulus), (0.0, 200.0), [10.0] * 3 + [35.0] * 3, "DOP853",
        rtol=1e-11, atol=1e-11, t_eval=np.linspace(0.2, 200.0, 1000), max_step=1.0,
    )  # fmt: skip
    np.testing.assert_allclose(rates[:, 0].numpy(), exact.y[:3].T, atol=1e-4 * abs(amplitude) / 100)
    np.testing.assert_allclose(state.inhibitory_rate[0].numpy(), exact.y[3:, -1], atol=1e-3)


def test_the_jacobian_is_that_of_the_equations(three: MacaqueCortex) -> None:
    rest = np.array([10.0] * 3 + [35.0] * 3)
    columns = [(slopes(rest + d, np.zeros(3)) - slopes(rest - d, np.zeros(3))) / 0.02
               for d in 0.01 * np.eye(6)]  # fmt: skip
    np.testing.assert_allclose(three.jacobian(), np.array(columns).T, atol=1e-10)


def test_time_constants_are_integrals_of_autocorrelations(three: MacaqueCortex) -> None:
    matrix = three.jacobian()
    noise = np.diag([1.0, 0, 0, 0, 0, 0])
    # The stationary covariance and its integral over lags, by quadrature.
    covariance, _ = quad_vec(
        lambda t: expm(matrix * t) @ noise @ expm(matrix.T * t), 0.0, 16000.0, epsrel=1e-10
    )
    lasting, _ = quad_vec(lambda t: expm(matrix * t) @ covariance, 0.0, 16000.0, epsrel=1e-10)
    expected = (np.diag(lasting) / np.diag(covariance))[:3]
    np.testing.assert_allclose(three.time_constants_ms(["a"]), expected, rtol=1e-6)


def test_without_a_hierarchy_or_pathways_areas_are_alike() -> None:
    alike = MacaqueCortex(["a", "b"], np.zeros((2, 2)), [0.0, 1.0], hierarchy_gain=0.0)
    low, high = alike.time_constants_ms()
    assert low == pytest.approx(high, rel=1e-12)


def test_rows_of_a_batch_never_meet(three: MacaqueCortex) -> None:
    frames = torch.linspace(-300.0, 900.0, 50 * 2 * 3, dtype=torch.float64).reshape(50, 2, 3)
    both, _ = three.run(frames)
    one, _ = three.run(frames[:, 1:])
    assert torch.equal(both[:, 1:], one)


def test_the_real_cortex_has_the_time_scales_of_the_paper(cortex: MacaqueCortex) -> None:
    found = dict(zip(cortex.areas, cortex.time_constants_ms(), strict=True))
    order = spearmanr(list(found.values()), np.arange(29))
    assert order.statistic > 0.8
    frontal = [found[name] for name in ("9/46d", "46d", "10", "8B", "24c", "F7")]
    assert found["V1"] == min(found.values())
    assert found["V1"] < 60.0
    assert min(frontal) > 4.0 * found["V1"]
    into_v1 = cortex.time_constants_ms(["V1"])
    assert spearmanr(into_v1, np.arange(29)).statistic > 0.75


def test_a_pulse_into_v1_answers_as_in_the_authors_program(cortex: MacaqueCortex) -> None:
    # Their 41.8646 Hz for 250 ms, here a current, was chosen to raise V1 by 100 Hz.
    pulse = torch.zeros(1200, 1, 29, dtype=torch.float64)
    pulse[200:700, 0, cortex.area("V1")] = 41.8646 / 0.066
    rates, _ = cortex.run(pulse)
    raised = rates[:, 0] - 10.0
    assert raised[:, cortex.area("V1")].max().item() == pytest.approx(100.0, abs=0.02)
    # 250 ms after its end V1 has forgotten, and the top of the hierarchy has not.
    after = (raised[-1] / raised.max(0).values).numpy()
    assert after[cortex.area("V1")] < 0.01
    assert after[cortex.area("24c")] > 0.2


def test_what_does_not_fit_is_refused(three: MacaqueCortex) -> None:
    with pytest.raises(ShapeMismatch, match="2 areas"):
        MacaqueCortex(["a", "b"], FLN, HIERARCHY)
    with pytest.raises(InvalidInput, match="labelled"):
        MacaqueCortex(["a", "b", "c"], FLN + np.eye(3), HIERARCHY)
    with pytest.raises(InvalidInput, match="hierarchy reaches"):
        MacaqueCortex(["a", "b", "c"], FLN, [0.0, 0.0, 0.0])
    with pytest.raises(InvalidInput, match="hierarchy_gain"):
        MacaqueCortex(["a", "b", "c"], FLN, HIERARCHY, hierarchy_gain=-1.0)
    with pytest.raises(InvalidInput, match="dt_ms"):
        MacaqueCortex(["a", "b", "c"], FLN, HIERARCHY, dt_ms=0.0)
    with pytest.raises(UnknownName, match="no area 'd'"):
        three.area("d")
    with pytest.raises(InvalidInput, match="grows"):
        MacaqueCortex(["a", "b", "c"], 6.0 * FLN, HIERARCHY).time_constants_ms()
