"""Tsodyks-Markram synapses against an event-driven integration by scipy, and their conventions."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numba
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from neurallayers.dynamics.kernels.equations import OPTIONS
from neurallayers.dynamics.synapses.short_term import (
    SHORT_TERM,
    ShortTermPlasticity,
    TsodyksMarkram,
    released,
    short_term_from,
)
from neurallayers.errors import InvalidInput, UnknownName

LAW = settings(max_examples=30, deadline=None, derandomize=True, database=None)
TRAIN_MS = [50.0 * i for i in range(10)] + [950.0, 1450.0]  # 20 Hz, then twice after 500 ms

DEPRESSING = TsodyksMarkram(utilization=0.5, tau_recovery_ms=800.0)
FACILITATING = TsodyksMarkram(utilization=0.05, tau_recovery_ms=125.0, tau_facilitation_ms=1200.0)
# Jumps of the synaptic current of iaf_psc_exp behind a tsodyks2_synapse of weight 1, NEST 3.10, for
# spikes at TRAIN_MS on a grid of 0.1 ms.
NEST_DEPRESSING = [
    0.5,
    0.26514673429663105,
    0.15483462147355664,
    0.10302030158728159,
    0.07868277711630017,
    0.06725128291400889,
    0.061881835423454434,
    0.059359770867095485,
    0.058175140672344194,
    0.05761871213256792,
    0.2477898228232563,
    0.2986854530089267,
]
NEST_FACILITATING = [
    0.05,
    0.09235865978511,
    0.12551232522172906,
    0.15030150101387726,
    0.16854115120823995,
    0.18210737579284844,
    0.19251562841582737,
    0.2008284366765446,
    0.20772453746722858,
    0.21361369658446086,
    0.26068412747356556,
    0.21396633704108634,
]
synapses = st.builds(
    TsodyksMarkram,
    utilization=st.floats(0.01, 1.0),
    tau_recovery_ms=st.floats(5.0, 2000.0),
    tau_facilitation_ms=st.just(0.0) | st.floats(5.0, 2000.0),
    convention=st.sampled_from(["tsodyks_markram", "mongillo"]),
)
intervals = st.lists(st.floats(0.5, 500.0), min_size=1, max_size=12)


def integrated(
    times_ms: list[float], utilization: float, recovery_ms: float, facilitation_ms: float
) -> list[float]:
    """Efficacies from the differential equations between spikes and the jumps at them."""

    def right_hand_side(_: float, z: np.ndarray[Any, Any]) -> list[float]:
        u, x = z
        return [-u / facilitation_ms if facilitation_ms else 0.0, (1.0 - x) / recovery_ms]

    state, last, found = np.array([0.0, 1.0]), times_ms[0], []
    for time in times_ms:
        if time > last:
            span = (last, time)
            state = solve_ivp(right_hand_side, span, state, "DOP853", rtol=1e-12, atol=1e-14).y[
                :, -1
            ]
        u = state[0] if facilitation_ms else 0.0
        u = u + utilization * (1.0 - u)
        efficacy = u * state[1]
        state, last = np.array([u, state[1] - efficacy]), time
        found.append(float(efficacy))
    return found


@pytest.mark.parametrize(("synapse"), [DEPRESSING, FACILITATING])
def test_amplitudes_of_a_train_and_its_recovery(synapse: TsodyksMarkram) -> None:
    """By the equation at each spike, and by the cell on grids of 0.5 and 10 ms."""
    expected = integrated(
        TRAIN_MS, synapse.utilization, synapse.tau_recovery_ms, synapse.tau_facilitation_ms
    )
    assert synapse.efficacies(TRAIN_MS) == pytest.approx(expected, rel=1e-10)
    for dt_ms in (0.5, 10.0):
        steps = [round(time / dt_ms) for time in TRAIN_MS]
        xs = torch.zeros(steps[-1] + 1, 1, 1, dtype=torch.float64)
        xs[steps] = 1.0
        outputs, _ = ShortTermPlasticity(1, synapse, dt_ms=dt_ms).double().run(xs)
        assert outputs[steps].flatten().tolist() == pytest.approx(expected, rel=1e-10)
        assert outputs.sum().item() == pytest.approx(sum(expected), rel=1e-10)


@pytest.mark.parametrize(
    ("synapse", "expected"), [(DEPRESSING, NEST_DEPRESSING), (FACILITATING, NEST_FACILITATING)]
)
def test_nest_has_the_same_amplitudes(synapse: TsodyksMarkram, expected: list[float]) -> None:
    assert synapse.efficacies(TRAIN_MS) == pytest.approx(expected, rel=1e-13)


def test_one_depresses_and_one_facilitates() -> None:
    """With 125 ms as recovery and 1200 ms as facilitation the second synapse grows."""
    weak, strong = DEPRESSING.efficacies(TRAIN_MS), FACILITATING.efficacies(TRAIN_MS)
    assert weak[0] == 0.5
    assert all(a > b for a, b in pairwise(weak[:10]))
    assert weak[9] < weak[10] < weak[11]
    assert strong[0] == pytest.approx(0.05)
    assert max(strong[:10]) > 3 * strong[0]
    assert SHORT_TERM.make("depressing") == DEPRESSING
    assert SHORT_TERM.make("facilitating") == FACILITATING


def test_the_steady_state_of_a_long_train() -> None:
    """Depression alone, in closed form: x = (1 - e) / (1 - (1 - U) e)."""
    e = np.exp(-50.0 / 800.0)
    efficacy = DEPRESSING.efficacies([50.0 * i for i in range(200)])[-1]
    assert efficacy == pytest.approx(0.5 * (1 - e) / (1 - 0.5 * e), rel=1e-12)


def nest_tsodyks2(times_ms: list[float], synapse: TsodyksMarkram) -> list[float]:
    """The recursion of Maass & Markram (2002), eq. 4 and 5, as NEST's tsodyks2_synapse has it."""
    u, x, found = synapse.utilization, 1.0, []
    for i, time in enumerate(times_ms):
        if i:
            gap = time - times_ms[i - 1]
            facilitation = synapse.tau_facilitation_ms
            kept = np.exp(-gap / facilitation) if facilitation else 0.0
            x = 1 + (x - x * u - 1) * np.exp(-gap / synapse.tau_recovery_ms)
            u = synapse.utilization + u * (1 - synapse.utilization) * kept
        found.append(u * x)
    return found


def release_then_raise(times_ms: list[float], synapse: TsodyksMarkram) -> list[float]:
    """The older order (Brian 1's STP): u rests at U, release with u as it is, then raise."""
    u, x, found = synapse.utilization, 1.0, []
    for i, time in enumerate(times_ms):
        if i:
            gap = time - times_ms[i - 1]
            facilitation = synapse.tau_facilitation_ms
            kept = np.exp(-gap / facilitation) if facilitation else 0.0
            x = 1 + (x - 1) * np.exp(-gap / synapse.tau_recovery_ms)
            u = synapse.utilization + (u - synapse.utilization) * kept
        found.append(u * x)
        x, u = x - u * x, u + synapse.utilization * (1 - u)
    return found


@given(synapse=synapses, gaps=intervals)
@LAW
def test_the_usual_conventions_give_the_same_numbers(
    synapse: TsodyksMarkram, gaps: list[float]
) -> None:
    """As the documentation claims: NEST's, and the older order with u resting at U."""
    times = [0.0, *np.cumsum(gaps).tolist()]
    ours = TsodyksMarkram(**{**synapse.to_dict(), "convention": "tsodyks_markram"})
    found = ours.efficacies(times)
    assert found == pytest.approx(nest_tsodyks2(times, synapse), rel=1e-12)
    assert found == pytest.approx(release_then_raise(times, synapse), rel=1e-12)


def test_mongillo_raises_from_a_resting_use() -> None:
    synapse = TsodyksMarkram(
        utilization=0.2, tau_recovery_ms=200.0, tau_facilitation_ms=1500.0, convention="mongillo"
    )
    u = 0.2 + 0.2 * 0.8
    x = 1 - u
    first, second = synapse.efficacies([0.0, 30.0])
    assert first == pytest.approx(u)
    u = 0.2 + (u - 0.2) * np.exp(-30 / 1500)
    u += 0.2 * (1 - u)
    assert second == pytest.approx(u * (1 - (1 - x) * np.exp(-30 / 200)))


@given(synapse=synapses, gaps=intervals)
@LAW
def test_resources_are_kept_and_bounded(synapse: TsodyksMarkram, gaps: list[float]) -> None:
    u, x = synapse.resting_u, 1.0
    for gap in gaps:
        u, after, efficacy = released(u, x, gap, *synapse.parameters())
        assert 0.0 < u <= 1.0 + 1e-15
        assert 0.0 <= efficacy <= 1.0 + 1e-15
        assert after >= -1e-15
        recovered = 1 - (1 - x) * np.exp(-gap / synapse.tau_recovery_ms)
        assert after + efficacy == pytest.approx(recovered, rel=1e-12)
        x = after


@given(
    synapse=synapses,
    spikes=st.lists(st.booleans(), min_size=1, max_size=30),
    seed=st.integers(0, 9),
)
@LAW
def test_the_cell_on_a_grid_is_the_equation_at_spikes(
    synapse: TsodyksMarkram, spikes: list[bool], seed: int
) -> None:
    times = [3.0 * i for i, spike in enumerate(spikes) if spike]
    xs = torch.tensor(spikes, dtype=torch.float64)[:, None, None].expand(-1, 2, 3)
    outputs, _ = ShortTermPlasticity(3, synapse, dt_ms=3.0).double().run(xs)
    assert torch.equal(outputs[:, 0, 0], outputs[:, 1, 2])
    found = outputs[:, 0, 0][torch.tensor(spikes)].tolist()
    assert found == pytest.approx(synapse.efficacies(times), rel=1e-10)


def test_compiled_the_equation_is_the_same() -> None:
    @numba.njit(**OPTIONS)  # type: ignore[untyped-decorator]
    def train(elapsed: Any, p: Any, found: Any) -> None:
        u, x = p[3], 1.0
        for i in range(elapsed.size):
            u, x, found[i] = released(u, x, elapsed[i], p[0], p[1], p[2], p[3])

    elapsed = np.array([0.0, *np.diff(TRAIN_MS)])
    for synapse in (DEPRESSING, FACILITATING):
        found = np.zeros(elapsed.size)
        train(elapsed, np.array(synapse.parameters()), found)
        np.testing.assert_allclose(found, synapse.efficacies(TRAIN_MS), rtol=1e-14)


def test_parameters_are_learned_from_amplitudes() -> None:
    xs = torch.zeros(60, 1, 1, dtype=torch.float64)
    xs[::6] = 1.0
    target = ShortTermPlasticity(1, "facilitating", dt_ms=5.0).double().run(xs)[0]
    start = TsodyksMarkram(utilization=0.2, tau_recovery_ms=300.0, tau_facilitation_ms=400.0)
    names = ("utilization", "tau_recovery_ms", "tau_facilitation_ms")
    cell = ShortTermPlasticity(1, start, dt_ms=5.0, learn=names).double()
    optimiser = torch.optim.LBFGS(
        cell.parameters(), line_search_fn="strong_wolfe", max_iter=200, tolerance_change=1e-16
    )

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        error = (cell.run(xs)[0] - target).square().sum() * 1e3
        error.backward()  # type: ignore[no-untyped-call]
        return error

    optimiser.step(loss)
    assert torch.sigmoid(cell.learned["utilization"]).item() == pytest.approx(0.05, rel=0.01)
    assert cell.learned["tau_recovery_ms"].exp().item() == pytest.approx(125.0, rel=0.05)
    assert cell.learned["tau_facilitation_ms"].exp().item() == pytest.approx(1200.0, rel=0.1)


def test_synapses_are_json_and_back() -> None:
    described = json.loads(json.dumps(FACILITATING.to_dict()))
    assert short_term_from(described) == short_term_from("facilitating") == FACILITATING


def test_what_is_wrong_is_said() -> None:
    for wrong in (0.0, 1.5, float("nan")):
        with pytest.raises(InvalidInput, match="utilization is"):
            TsodyksMarkram(utilization=wrong, tau_recovery_ms=100.0)
    with pytest.raises(InvalidInput, match="tau_recovery_ms is 0"):
        TsodyksMarkram(utilization=0.5, tau_recovery_ms=0.0)
    with pytest.raises(InvalidInput, match="tau_facilitation_ms is -1"):
        TsodyksMarkram(utilization=0.5, tau_recovery_ms=1.0, tau_facilitation_ms=-1.0)
    with pytest.raises(InvalidInput, match="Did you mean 'mongillo'"):
        TsodyksMarkram(utilization=0.5, tau_recovery_ms=1.0, convention="mongilo")
    with pytest.raises(InvalidInput, match="Sort the times"):
        DEPRESSING.efficacies([1.0, 0.0])
    with pytest.raises(InvalidInput, match="It takes utilization"):
        short_term_from({"U": 0.5})
    with pytest.raises(UnknownName, match="Did you mean 'depressing'"):
        ShortTermPlasticity(1, "depresing")
    with pytest.raises(InvalidInput, match=r"ShortTermPlasticity\(0\)"):
        ShortTermPlasticity(0)
    for name in ("tau_facilitation_ms", "convention"):
        with pytest.raises(InvalidInput, match="cannot be learned"):
            ShortTermPlasticity(1, "depressing", learn=(name,))
