"""Graphs and cells say the same, and neurons of graphs solve their equations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from neurallayers.circuits.importers.nir_graph import GraphNeurons, chain, from_nir, to_nir
from neurallayers.dynamics.neurons import LIF, Izhikevich, LeakyIntegrateAndFire, LeakyIntegrator
from neurallayers.dynamics.sequential import Sequential
from neurallayers.dynamics.synapses import Linear
from neurallayers.errors import InvalidInput, ShapeMismatch

nir = pytest.importorskip("nir", reason="the extra exchange is not installed")

CUBA = {
    "tau_syn": np.array([0.005, 0.02]),
    "tau_mem": np.array([0.02, 0.02]),  # the second neuron: equal times
    "r": np.array([2.0, 3.0]),
    "v_leak": np.array([0.1, -0.2]),
    "v_threshold": np.array([1e9, 1e9]),
    "v_reset": np.array([0.0, 0.0]),
    "w_in": np.array([1.5, 0.5]),
}


def slopes(t: float, flat: np.ndarray, x: np.ndarray) -> np.ndarray:
    v, current = flat.reshape(2, 2)
    dv = (CUBA["v_leak"] - v + CUBA["r"] * current) / CUBA["tau_mem"]
    return np.concatenate([dv, (-current + CUBA["w_in"] * x) / CUBA["tau_syn"]])


def test_a_step_is_the_solution_of_the_equations() -> None:
    cell = GraphNeurons("CubaLIF", CUBA, dt_ms=1.0)
    inputs = torch.tensor(np.random.default_rng(1).normal(size=(40, 1, 2)))
    state = type(cell.initial_state())(*(part.double() for part in cell.initial_state()))
    y = np.array([CUBA["v_leak"], np.zeros(2)])
    for x in inputs:
        _, state = cell(x, state)

        found = solve_ivp(
            slopes, (0.0, 1e-3), y.ravel(), "DOP853", rtol=1e-12, atol=1e-13, args=(x[0].numpy(),)
        )
        y = found.y[:, -1].reshape(2, 2)
        # The module's numbers are kept in double precision, its initial state in single.
        np.testing.assert_allclose(state.membrane_potential[0], y[0], atol=1e-8)
        np.testing.assert_allclose(state.synaptic_current[0], y[1], atol=1e-8)


def test_a_leaky_neuron_fires_at_the_time_of_its_closed_form() -> None:
    one = np.ones(1)
    node = {"tau": 0.02 * one, "r": one, "v_leak": 0 * one, "v_threshold": one, "v_reset": 0 * one}
    cell = GraphNeurons("LIF", node, dt_ms=0.1)
    spikes, _ = cell.run(torch.full((1, 1, 1), 1.5, dtype=torch.float64), steps=1000)
    times = 0.1 * (1 + spikes.flatten().nonzero().flatten().numpy())
    # tau ln(I / (I - 1)) to the threshold, and the same again after each reset to zero.
    interval = np.ceil(20.0 * np.log(1.5 / 0.5) / 0.1 - 1e-9) * 0.1
    np.testing.assert_allclose(times, interval * np.arange(1, len(times) + 1), atol=1e-9)
    assert len(times) == 4


def test_an_integrator_counts() -> None:
    one = np.ones(1)
    node = {"r": 256.0 * one, "v_threshold": one, "v_reset": -one}
    cell = GraphNeurons("IF", node, dt_ms=1000.0 / 1024.0)
    spikes, _ = cell.run(torch.ones(1, 1, 1, dtype=torch.float64), steps=21)
    # A quarter a step: four steps from 0, then eight from -1.
    assert (1 + spikes.flatten().nonzero().flatten()).tolist() == [4, 12, 20]


def net() -> Sequential:
    neurons = LIF(4, dt_ms=1.0, tau_ms=torch.tensor([5.0, 10.0, 20.0, 40.0]), reset="zero")
    return Sequential(
        Linear(3, 4, seed=1, gain=2.0), neurons, Linear(4, 2, bias=False, seed=2),
        LeakyIntegrator(2, dt_ms=1.0, tau_ms=15.0),
    )  # fmt: skip


def test_cells_become_a_graph_and_the_graph_the_same_cells(tmp_path: Path) -> None:
    ours = net()
    path = tmp_path / "net.nir"
    nir.write(path, to_nir(ours))
    theirs = from_nir(path, dt_ms=1.0)
    xs = torch.from_numpy(np.random.default_rng(3).normal(1.0, 1.0, (60, 2, 3))).float()
    expected, _ = ours.run(xs)
    found, _ = theirs.run(xs)
    assert expected.abs().max() > 0.05
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    # And once more to a graph: nothing has changed on the way.
    again = to_nir(theirs)
    for name, node in nir.read(path).nodes.items():
        for field, value in node.to_dict().items():
            if isinstance(value, np.ndarray):
                np.testing.assert_array_equal(value, again.nodes[name].to_dict()[field])


def test_neurons_in_physical_units_become_a_graph_in_these_units() -> None:
    cell = LeakyIntegrateAndFire(
        2, dt_ms=0.1, tau_ms=torch.tensor([10.0, 20.0]), resistance_mohm=100.0, refractory_ms=0.0
    )
    xs = torch.full((1, 1, 2), 300.0, dtype=torch.float64)
    expected, _ = cell.run(xs, steps=2000)
    found, _ = from_nir(to_nir(cell), dt_ms=0.1).run(xs, steps=2000)
    assert expected.sum() > 20
    # A spike may be a step away where rounding decides which grid point reaches the threshold.
    assert (found.sum(0) - expected.sum(0)).abs().max() <= 1


@pytest.mark.parametrize("kind", ["LI", "CubaLI"])
def test_neurons_without_a_threshold_give_their_potential(kind: str) -> None:
    fields = {k: v for k, v in CUBA.items() if k not in ("v_threshold", "v_reset")}
    if kind == "LI":
        fields = {"tau": CUBA["tau_mem"], "r": CUBA["r"], "v_leak": CUBA["v_leak"]}
    graph = nir.NIRGraph.from_list(getattr(nir, kind)(**fields))
    cell = from_nir(graph, dt_ms=1.0)
    out, _ = cell.run(torch.ones(1, 1, 2, dtype=torch.float64), steps=2000)
    expected = CUBA["v_leak"] + CUBA["r"] * (CUBA["w_in"] if kind == "CubaLI" else 1.0)
    np.testing.assert_allclose(out[-1, 0], expected, rtol=1e-7)


def test_scales_are_diagonal_weights() -> None:
    cell = from_nir(nir.NIRGraph.from_list(nir.Scale(np.array([2.0, -1.0]))), dt_ms=1.0)
    out, _ = cell.run(torch.ones(1, 1, 2))
    assert out.flatten().tolist() == [2.0, -1.0]


def test_gradients_reach_the_weights() -> None:
    cell = from_nir(to_nir(net()), dt_ms=1.0)
    out, _ = cell.run(torch.ones(20, 1, 3))
    out.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in cell.parameters())


def test_graphs_outside_of_the_subset_are_refused_by_node() -> None:
    conv = nir.Conv1d(5, np.ones((1, 1, 2)), 1, 0, 1, 1, np.ones(1))
    with pytest.raises(InvalidInput, match="'conv1d' is a Conv1d"):
        from_nir(nir.NIRGraph.from_list(conv), dt_ms=1.0)
    looped = to_nir(net())
    looped.nodes["back"] = nir.Linear(np.eye(4))
    looped.edges += [("1", "back"), ("back", "1")]
    with pytest.raises(InvalidInput, match=r"branches or loops at \['1'\]"):
        chain(looped)
    with pytest.raises(InvalidInput, match="cannot be read as a graph"):
        from_nir("no such file.nir", dt_ms=1.0)


def test_cells_without_a_node_are_refused() -> None:
    with pytest.raises(InvalidInput, match="LIF that subtracts"):
        to_nir(LIF(2))
    with pytest.raises(InvalidInput, match="no node for a Izhikevich"):
        to_nir(Izhikevich(2))
    with pytest.raises(InvalidInput, match="no refractory period"):
        to_nir(LeakyIntegrateAndFire(2, refractory_ms=2.0))


def test_neurons_with_impossible_numbers_are_refused() -> None:
    one = np.ones(2)
    with pytest.raises(InvalidInput, match="'Threshold' neurons"):
        GraphNeurons("Threshold", {"r": one}, dt_ms=1.0)
    with pytest.raises(InvalidInput, match="tau is"):
        GraphNeurons("LI", {"tau": 0 * one, "r": one, "v_leak": one}, dt_ms=1.0)
    with pytest.raises(ShapeMismatch, match="one number for each"):
        GraphNeurons("LI", {"tau": one, "r": one, "v_leak": np.ones(3)}, dt_ms=1.0)
