"""The simple model against an independent solution, and against the program of the paper."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.dynamics.neurons.event_driven import Floats, reference_times_ms, spike_times_ms

from neurallayers.dynamics.neurons import CELL_TYPES, Izhikevich
from neurallayers.dynamics.neurons.izhikevich import LETTERS
from neurallayers.errors import InvalidInput, UnknownName

DURATION_MS = 400.0


def reference(a: float, b: float, c: float, d: float, current: float) -> Floats:
    def derivative(t: float, y: Floats) -> list[float]:
        v, u = y
        return [0.04 * v * v + 5.0 * v + 140.0 - u + current, a * (b * v - u)]

    return reference_times_ms(
        derivative, [-65.0, -65.0 * b], 30.0, lambda y: [c, y[1] + d], DURATION_MS
    )


@pytest.mark.parametrize("name", CELL_TYPES)
@pytest.mark.parametrize("current", [4.0, 10.0])
def test_the_types_of_cells_are_those_of_the_equations(name: str, current: float) -> None:
    expected = reference(**CELL_TYPES[name], current=current)
    found = spike_times_ms(Izhikevich.preset(name, dt_ms=0.1), current, DURATION_MS)
    finer = spike_times_ms(Izhikevich.preset(name, dt_ms=0.025), current, DURATION_MS)
    assert len(found) == len(finer) == len(expected) > 2
    coarse = np.abs(found - expected).max()
    assert coarse < 0.03
    assert np.abs(finer - expected).max() < coarse / 8.0, "second order would give 16"


def program_of_the_paper(
    a: float, b: float, c: float, d: float, current: float, steps: int
) -> tuple[list[int], float, float]:
    """The loop of the paper's listing, for one neuron and a step of 1 ms."""
    v, u, fired = -65.0, b * -65.0, []
    for step in range(steps):
        if v >= 30.0:
            fired.append(step)
            v, u = c, u + d
        v = v + 0.5 * (0.04 * v**2 + 5 * v + 140 - u + current)
        v = v + 0.5 * (0.04 * v**2 + 5 * v + 140 - u + current)
        u = u + a * (b * v - u)
    return fired, v, u


@pytest.mark.parametrize("name", CELL_TYPES)
def test_the_published_scheme_is_the_program_of_the_paper(name: str) -> None:
    """There a spike is noticed at the beginning of the next step, here at the end of its own.

    Steps of 1 ms make some types chaotic: differences in rounding grow to other spikes after 14 or
    more of them, so the first ten are compared.
    """
    fired, _, _ = program_of_the_paper(**CELL_TYPES[name], current=10.0, steps=300)
    neurons = Izhikevich.preset(name, dt_ms=1.0, scheme="published")
    x = torch.full((1, 1, 1), 10.0, dtype=torch.float64)
    spikes, _ = neurons.run(x, steps=300)
    found = (torch.nonzero(spikes[:, 0, 0])[:, 0] + 1).tolist()
    assert found[:10] == fired[:10]
    # Before the first spikes every digit is the same, but for rounding.
    before = fired[0]
    _, state = neurons.run(x, steps=before - 1)
    _, v, u = program_of_the_paper(**CELL_TYPES[name], current=10.0, steps=before - 1)
    assert state.membrane_potential.item() == pytest.approx(v, rel=1e-12)
    assert state.recovery.item() == pytest.approx(u, rel=1e-12)


def test_what_the_types_are_called_is_what_they_do() -> None:
    intervals = {
        name: np.diff(spike_times_ms(Izhikevich.preset(name), 10.0, DURATION_MS))
        for name in CELL_TYPES
    }
    regular, fast = intervals["regular_spiking"], intervals["fast_spiking"]
    assert regular[-1] > regular[0], "adapts"
    assert fast.mean() < 0.3 * regular.mean()
    assert fast[5:].std() < 0.05 * fast.mean(), "does not adapt"
    chattering = intervals["chattering"]
    assert chattering.max() > 5 * chattering.min(), "bursts"
    bursting = intervals["intrinsically_bursting"]
    assert bursting[:2].max() < 0.5 * bursting[-1], "a burst first"
    # A thalamocortical cell fires after it is released from hyperpolarisation.
    neurons = Izhikevich.preset("thalamocortical")
    x = torch.zeros(4000, 1, 1, dtype=torch.float64)
    x[1000:2000] = -10.0
    times = neurons.spike_times_ms(x)[0][0]
    assert ((times > 200.0) & (times < 260.0)).sum() >= 2


def test_letters_are_names() -> None:
    for letters, name in LETTERS.items():
        assert Izhikevich.preset(letters).c == CELL_TYPES[name]["c"]
    with pytest.raises(UnknownName, match="type of cell 'RSS'"):
        Izhikevich.preset("RSS")


def test_input_moves_the_potential_by_the_capacitance() -> None:
    expected = spike_times_ms(Izhikevich(1), 10.0, 200.0)
    found = spike_times_ms(Izhikevich(1, capacitance_pf=50.0), 500.0, 200.0)
    assert np.allclose(found, expected, rtol=0, atol=1e-9)


def test_a_conductance_is_a_current_that_follows_the_potential() -> None:
    """dv/dt = ... + drive - g v, solved by scipy."""
    conductance, drive = 0.3, -5.0

    def derivative(t: float, y: Floats) -> list[float]:
        v, u = y
        return [
            0.04 * v * v + 5.0 * v + 140.0 - u + drive - conductance * v,
            0.02 * (0.2 * v - u),
        ]

    expected = reference_times_ms(
        derivative, [-65.0, -13.0], 30.0, lambda y: [-65.0, y[1] + 8.0], 300.0
    )
    neurons = Izhikevich(1, synaptic_input="conductance")
    pair = torch.tensor([[drive], [conductance]], dtype=torch.float64)[None, None]
    found = neurons.spike_times_ms(pair, steps=3000)[0][0].numpy()
    assert len(found) == len(expected) > 3
    assert np.abs(found - expected).max() < 5e-3


def test_bad_options_are_refused() -> None:
    with pytest.raises(InvalidInput, match="scheme is 'euler'"):
        Izhikevich(1, scheme="euler")
    with pytest.raises(InvalidInput, match="a is 0"):
        Izhikevich(1, a=0.0)
    with pytest.raises(InvalidInput, match="peak_mv must lie above c"):
        Izhikevich(1, c=40.0)
