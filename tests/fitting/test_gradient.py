from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.fitting.recordings import ADAPTING, CORTICAL, EXPONENTIAL, neuron, recording

from neurallayers.fitting.gradient import Windows, descend, window_loss
from neurallayers.fitting.model import MODELS

CELLS = {
    "gif": (ADAPTING, 200.0),
    "adex": (EXPONENTIAL, 800.0),
    "hodgkin_huxley": (CORTICAL, 250.0),
}


def places_of(name: str, parameters: dict[str, float], shift: float = 0.0) -> torch.Tensor:
    model = MODELS.make(name)
    places = [p.place(parameters[p.name]) + shift for p in model.parameters]
    return torch.tensor([places], dtype=torch.float64).clamp(0.02, 0.98)


@pytest.mark.parametrize("name", list(CELLS))
def test_gradients_are_the_slopes_of_the_loss(name: str) -> None:
    model = MODELS.make(name)
    parameters, amplitude = CELLS[name]
    sweep = recording(neuron(name, parameters), amplitude, duration_ms=150.0)
    step_ms = 2.0 * model.step_ms
    windows = Windows([sweep], step_ms, 25.0)
    places = places_of(name, parameters, 0.02)

    def loss(at: torch.Tensor) -> torch.Tensor:
        return window_loss(model, at, windows, step_ms).sum()

    gradient = torch.func.grad(loss)(places)[0]
    assert torch.isfinite(gradient).all()
    # Where the refractory period ends is a step function of it, without a slope to follow.
    smooth = [k for k, p in enumerate(model.names) if p not in ("refractory_ms", "peak_mv")]
    direction = torch.zeros_like(places)
    direction[0, smooth] = torch.cos(torch.arange(len(smooth), dtype=torch.float64))
    slope = (loss(places + 1e-6 * direction) - loss(places - 1e-6 * direction)) / 2e-6
    assert float((gradient * direction[0]).sum()) == pytest.approx(float(slope), rel=1e-4)


@pytest.mark.parametrize("name", ["gif", "adex", "hodgkin_huxley"])
def test_on_tensors_and_compiled_the_equations_agree(name: str) -> None:
    model = MODELS.make(name)
    parameters, amplitude = CELLS[name]
    cell = neuron(name, parameters)
    quiet = recording(cell, 0.2 * amplitude, dt_ms=model.step_ms, duration_ms=60.0)
    assert quiet.spike_times_ms.size == 0
    windows = Windows([quiet], model.step_ms, 60.0)
    windows.start_mv[:] = windows.mean_before_mv[:] = parameters[model.names[2]]
    values = [torch.tensor([[parameters[n]]], dtype=torch.float64) for n in model.names]
    potential, _ = model.trajectory(values, windows, model.step_ms)
    made = cell.simulate(quiet.current, model.step_ms)
    assert potential[:, 0, 0].numpy() == pytest.approx(made.membrane_potential_mv, abs=1e-9)


def test_windows_know_the_spikes_before_them() -> None:
    sweep = recording(neuron("gif", ADAPTING), 200.0)
    windows = Windows([sweep], 0.2, 50.0)
    assert len(windows) == 8
    assert windows.spikes.sum() == pytest.approx(sweep.spike_times_ms.size)
    earlier = sweep.spike_times_ms[sweep.spike_times_ms < 100.0]
    expected = np.exp(-(100.0 - earlier) / 30.0).sum()
    trace = windows.trace_before(torch.tensor([[30.0]], dtype=torch.float64))
    assert trace[0, 2].item() == pytest.approx(expected)
    assert trace[0, 0].item() == 0.0
    some = windows.chosen(torch.tensor([2]))
    assert len(some) == 1
    assert some.trace_before(torch.tensor([[30.0]], dtype=torch.float64)).item() == trace[0, 2]


def test_descending_makes_the_loss_smaller_and_is_seeded() -> None:
    model = MODELS.make("gif")
    sweep = recording(neuron("gif", ADAPTING), 200.0, duration_ms=200.0)
    windows = Windows([sweep], 0.2, 25.0)
    start = places_of("gif", ADAPTING, 0.1).T.numpy()

    def loss(places: np.ndarray) -> float:
        return float(window_loss(model, torch.tensor(places.T.copy()), windows, 0.2).sum())

    seen: list[np.ndarray] = []
    after = descend(model, [sweep], start, budget=12, window_ms=25.0, look=seen.append)
    again = descend(model, [sweep], start, budget=12, window_ms=25.0)
    assert loss(after) < 0.8 * loss(start)
    assert np.array_equal(after, again)
    assert len(seen) == 12
    assert ((after > 0.0) & (after < 1.0)).all()
