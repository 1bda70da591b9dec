"""The astrocyte against scipy with the published equations, and its gliotransmission."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from neurallayers.dynamics.membrane.astrocyte import (
    FREQUENCY_MODULATED,
    Astrocyte,
    AstrocyteConstants,
    AstrocyteState,
    gliotransmission,
    modulation_of_release,
    power_seven_tenths,
    resting_stores,
    rose_through,
    stores_after,
)
from neurallayers.dynamics.surrogate import surrogate_by_name
from neurallayers.errors import InvalidInput

LAW = settings(max_examples=40, deadline=None, derandomize=True, database=None)
AMPLITUDE = {"K_ER": 0.1, "v_beta": 0.2, "v_delta": 0.02, "r_5P": 0.04}
FREQUENCY = {"K_ER": 0.051, "v_beta": 0.5, "v_delta": 0.05, "r_5P": 0.05}


def hill(x: float, half: float, power: float) -> float:
    return float(x**power / (x**power + half**power))


def published(y: Any, glutamate: float, K_ER: float, **ip3: float) -> list[float]:
    """The right sides of the G-ChI model as De Pitta et al. (2009) print them [uM, s]."""
    C, h, I = y  # noqa: E741
    m, n = hill(I, 0.13, 1), hill(C, 0.08234, 1)
    inactive = 1.049 * (I + 0.13) / (I + 0.9434)
    store = 2.0 - 1.185 * C
    channel, leak = 6.0 * m**3 * n**3 * h**3 * store, 0.11 * store
    agonist = ip3["v_beta"] * hill(glutamate, 1.3 * (1 + 10.0 / 1.3 * hill(C, 0.6, 1)), 0.7)
    delta = ip3["v_delta"] / (1 + I / 1.5) * hill(C, 0.1, 2)
    kinase = 2.0 * hill(C, 0.7, 4) * hill(I, 1.0, 1)
    return [
        channel + leak - 0.9 * hill(C, K_ER, 2),
        (inactive / (inactive + C) - h) * 0.2 * (inactive + C),
        agonist + delta - kinase - ip3["r_5P"] * I,
    ]


def reference(start: list[float], glutamate: float, seconds: float, mode: dict[str, float]) -> Any:
    times = np.linspace(0.0, seconds, round(seconds * 2) + 1)
    return solve_ivp(
        lambda _, y: published(y, glutamate, **mode), (0.0, seconds), start,
        method="LSODA", rtol=1e-11, atol=1e-13, t_eval=times,
    ).y  # fmt: skip


def simulated(
    start: list[float], glutamate: float, seconds: float, p: AstrocyteConstants, dt_ms: float
) -> np.ndarray[Any, Any]:
    """Every half second; the equations run on numbers as they do on tensors."""
    stores = tuple(start)
    trace = [stores]
    every = round(500.0 / dt_ms)
    for step in range(1, round(seconds * 1000.0 / dt_ms) + 1):
        stores = stores_after(*stores, glutamate, p, dt_ms)
        if step % every == 0:
            trace.append(stores)
    return np.array(trace).T


# The spikes of the second are steep, so that an error in their times counts for more.
CASES = pytest.mark.parametrize(
    ("p", "mode", "glutamate", "error_um"),
    [(AstrocyteConstants(), AMPLITUDE, 1.5, 1e-4), (FREQUENCY_MODULATED, FREQUENCY, 8.0, 1.5e-3)],
    ids=["amplitude", "frequency"],
)


@CASES
def test_oscillations_are_those_of_the_paper(
    p: AstrocyteConstants, mode: dict[str, float], glutamate: float, error_um: float
) -> None:
    start = [store.item() for store in resting_stores(p)]
    expected = reference(start, glutamate, 60.0, mode)
    found = simulated(start, glutamate, 60.0, p, 2.0)
    calcium = expected[0]
    rises = ((calcium[1:-1] > calcium[:-2]) & (calcium[1:-1] > calcium[2:])).sum()
    assert rises >= 2  # it oscillates, so that phase errors would show
    assert np.abs(found - expected).max() < error_um


@CASES
def test_the_error_falls_with_the_square_of_the_step(
    p: AstrocyteConstants, mode: dict[str, float], glutamate: float, error_um: float
) -> None:
    start = [store.item() for store in resting_stores(p)]
    expected = reference(start, glutamate, 15.0, mode)
    errors = [
        np.abs(simulated(start, glutamate, 15.0, p, dt) - expected).max() for dt in (50, 25, 12.5)
    ]
    assert np.log2(np.array(errors[:-1]) / errors[1:]) == pytest.approx(2.0, abs=0.2)


def test_the_cell_runs_the_same_equations() -> None:
    cell = Astrocyte(1, dt_ms=10.0).double()
    start = AstrocyteState(*(part.double() for part in cell.initial_state()))
    x = torch.full((1, 1, 1), 1.5, dtype=torch.float64)
    with torch.no_grad():
        _, state = cell.run(x, start, steps=200)
    stores = [part.item() for part in start[:3]]
    expected = simulated(stores, 1.5, 2.0, AstrocyteConstants(), 10.0)[:, -1]
    assert [part.item() for part in state[:3]] == pytest.approx(expected, rel=1e-12)


def test_li_and_rinzel_at_constant_ip3() -> None:
    """The nullcline of h: at rest it is Q2 / (Q2 + C)."""
    calcium, gate, ip3 = (store.item() for store in resting_stores(AstrocyteConstants()))
    half = 1.049 * (ip3 + 0.13) / (ip3 + 0.9434)
    assert gate == pytest.approx(half / (half + calcium), rel=1e-9)
    assert published((calcium, gate, ip3), 0.0, **AMPLITUDE) == pytest.approx([0, 0, 0], abs=1e-10)


@given(
    calcium=st.floats(1e-4, 1.6), gate=st.floats(0.0, 1.0), ip3=st.floats(0.0, 10.0),
    glutamate=st.floats(0.0, 1e4), dt_ms=st.floats(0.01, 1e4),
)  # fmt: skip
@LAW
def test_stores_stay_in_their_bounds(
    calcium: float, gate: float, ip3: float, glutamate: float, dt_ms: float
) -> None:
    """Calcium between nothing and all of it in the cytosol, whatever the step."""
    after = stores_after(calcium, gate, ip3, glutamate, AstrocyteConstants(), dt_ms)
    assert 0.0 <= after[0] <= 2.0 / 1.185 + 1e-9
    assert 0.0 <= after[1] <= 1.0
    assert after[2] >= 0.0


def test_gliotransmitter_follows_its_closed_form() -> None:
    p = AstrocyteConstants()
    resources, outside, receptors = gliotransmission(1.0, 0.0, 0.0, 1.0, p, 0.01)
    for _ in range(9_999):
        resources, outside, receptors = gliotransmission(
            resources, outside, receptors, 0.0, p, 0.01
        )
    time_s = 0.1
    assert outside == pytest.approx(130.0 * 0.6 * np.exp(-60.0 * time_s), rel=1e-9)
    assert resources == pytest.approx(1.0 - 0.6 * np.exp(-0.6 * time_s), rel=1e-9)

    def law(t: float, y: Any) -> list[float]:
        return [1.5 * 78.0 * np.exp(-60.0 * t) * (1.0 - y[0]) - 0.5 / 60.0 * y[0]]

    expected = solve_ivp(law, (0.0, time_s), [0.0], method="DOP853", rtol=1e-11, atol=1e-13)
    assert receptors == pytest.approx(expected.y[0, -1], rel=1e-6)


def test_release_happens_once_at_each_crossing() -> None:
    cell = Astrocyte(1, dt_ms=50.0).double()
    state = AstrocyteState(*(part.double() for part in cell.initial_state()))
    x = torch.full((1, 1), 1.5, dtype=torch.float64)
    calcium, outside = [state.calcium.item()], [0.0]
    with torch.no_grad():
        for _ in range(600):
            _, state = cell(x, state)
            calcium.append(state.calcium.item())
            outside.append(state.gliotransmitter.item())
    level = np.array(calcium)
    crossings = ((level[:-1] < 0.5) & (level[1:] >= 0.5)).sum()
    releases = (np.diff(outside) > 1.0).sum()
    assert crossings == releases
    assert releases >= 1
    assert state.receptors.item() > 0.1


def test_bound_receptors_scale_the_release() -> None:
    p = AstrocyteConstants()
    assert modulation_of_release(0.0, p) == 1.0
    assert modulation_of_release(1.0, p) == pytest.approx(0.1)
    assert modulation_of_release(0.5, p._replace(modulation=2.0)) == 1.5


def test_a_crossing_is_upward_and_has_a_gradient() -> None:
    surrogate = surrogate_by_name("fast_sigmoid", 4.0)
    before = torch.tensor([0.4, 0.6, 0.4, 0.6])
    after = torch.tensor([0.6, 0.7, 0.45, 0.4], requires_grad=True)
    crossed = rose_through(0.5, before, after, surrogate)
    assert crossed.tolist() == [1.0, 0.0, 0.0, 0.0]
    crossed.sum().backward()
    assert after.grad is not None
    assert (after.grad > 0).tolist() == [True, False, True, False]


def test_the_power_is_that_of_numpy_and_has_no_infinite_slope() -> None:
    x = torch.tensor([0.0, 1e-3, 1.0, 50.0], dtype=torch.float64, requires_grad=True)
    found = power_seven_tenths(x)
    assert found.detach().numpy() == pytest.approx(x.detach().numpy() ** 0.7)
    found.sum().backward()
    assert x.grad is not None
    assert bool(x.grad.isfinite().all())


def test_each_astrocyte_may_have_its_own_constants() -> None:
    p = AstrocyteConstants(agonist_um_per_s=torch.tensor([0.2, 0.5]))
    own = Astrocyte(2, dt_ms=50.0, constants=p)
    x = torch.full((1, 1, 2), 2.0)
    both = own.run(x, steps=20)[1].calcium
    for i, rate in enumerate((0.2, 0.5)):
        alone = Astrocyte(1, dt_ms=50.0, constants=AstrocyteConstants(agonist_um_per_s=rate))
        assert alone.run(x[..., :1], steps=20)[1].calcium.item() == pytest.approx(
            both[0, i].item(), rel=1e-4
        )


def test_bad_constants_are_refused() -> None:
    with pytest.raises(InvalidInput, match="channel_per_s is -1"):
        Astrocyte(1, constants=AstrocyteConstants(channel_per_s=-1.0))
