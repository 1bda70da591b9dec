"""Populations: how receptors are laid out, initial values, what is refused."""

from __future__ import annotations

import pytest
import torch

from neurallayers.circuits.distributions import Uniform
from neurallayers.circuits.populations import Population, exact_membrane_time_ms
from neurallayers.circuits.sources import PoissonSpikes
from neurallayers.dynamics.neurons.integrate_and_fire import LeakyIntegrateAndFire
from neurallayers.dynamics.synapses.kinetics import Alpha, Delta, Exponential
from neurallayers.dynamics.synapses.receptors import Receptor
from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName


def cells(n: int = 4, synaptic_input: str = "conductance") -> LeakyIntegrateAndFire:
    return LeakyIntegrateAndFire(
        n, dt_ms=0.1, tau_ms=20.0, resistance_mohm=100.0, synaptic_input=synaptic_input
    )


def test_receptors_of_one_variable_lie_next_to_the_block() -> None:
    receptors = {
        "alpha": Receptor(Alpha(2.0), 0.0),
        "fast": Receptor(Exponential(2.0), 0.0),
        "nmda": "NMDA",
        "jump": Receptor(Delta(at_end=True)),
    }
    population = Population("cells", cells(), 0.1, receptors)
    rows = {name: (r.place, r.row_x, r.row_y) for name, r in population.rows.items()}
    assert rows == {
        "fast": (0, 0, -1), "jump": (1, 0, -2), "alpha": (2, -4, -3), "nmda": (3, -6, -5),
    }  # fmt: skip
    assert population.receptor_row_count == 6
    assert [population.rows[name].single for name in ("fast", "alpha")] == [True, False]
    assert [population.rows[name].at_end for name in ("jump", "fast")] == [True, False]


def test_currents_into_linear_membranes_are_exact() -> None:
    assert exact_membrane_time_ms(cells(synaptic_input="current")) == pytest.approx(20.0)
    assert exact_membrane_time_ms(cells()) is None
    mixed = LeakyIntegrateAndFire(2, tau_ms=torch.tensor([10.0, 20.0]), resistance_mohm=100.0)
    assert exact_membrane_time_ms(mixed) is None
    receptor = {"g": Receptor(Exponential(5.0))}
    rows = Population("cells", cells(synaptic_input="current"), 0.1, receptor).rows["g"]
    assert rows.kinetics == Exponential(5.0).coefficients(0.1, 20.0)


def test_initial_values_are_drawn_for_cells_and_receptors() -> None:
    population = Population(
        "cells", cells(300), 0.1, {"ampa": "AMPA"},
        {"membrane_potential": Uniform(-60.0, -50.0), "ampa": 3.0, "refractory": range(300)},
    )  # fmt: skip
    state = population.initial_neurons(1, torch.float32)
    again = population.initial_neurons(1, torch.float32)
    other = population.initial_neurons(2, torch.float32)
    assert state.membrane_potential.dtype == torch.float32
    assert torch.equal(state.membrane_potential, again.membrane_potential)
    assert not torch.equal(state.membrane_potential, other.membrane_potential)
    assert -60.0 <= state.membrane_potential.min() < state.membrane_potential.max() <= -50.0
    assert state.refractory[0].tolist() == list(range(300))
    receptor = population.initial_receptor("ampa", 1, torch.float64)
    assert receptor.y.unique().tolist() == [3.0]
    assert receptor.x.shape == (1, 0)


@pytest.mark.parametrize(
    ("make", "error", "what"),
    [
        (lambda: Population("x", cells(), 0.1, {}, {"v": 1.0}), UnknownName, "no variable 'v'"),
        (
            lambda: Population("x", cells(), 0.1, {}, {"membrane_potential": [1.0]}),
            ShapeMismatch,
            "4 of them",
        ),
        (lambda: Population("x", cells(), 0.1, {"a": "AMPB"}), UnknownName, "AMPA"),
        (
            lambda: Population("x", PoissonSpikes(3, 1.0), 0.1, {"a": "AMPA"}),
            InvalidInput,
            "source of spikes",
        ),
    ],
)
def test_what_does_not_fit_is_refused(make: object, error: type[Exception], what: str) -> None:
    with pytest.raises(error, match=what):
        make()  # type: ignore[operator]
