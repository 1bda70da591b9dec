"""The microcircuit has its published numbers and, scaled down, the rates that NEST gives."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from neurallayers.circuits import CurrentDrive, PoissonDrive
from neurallayers.circuits.models import potjans_diesmann as microcircuit
from neurallayers.circuits.models.potjans_diesmann import (
    CELLS,
    CONNECTION_PROBABILITIES,
    EXTERNAL_INPUTS,
    POPULATIONS,
    REFERENCE_RATES_HZ,
    compensating_current_pa,
    mean_weights_pa,
    peak_current_pa,
    synapse_numbers,
)
from neurallayers.data.folders import find_file
from neurallayers.errors import DataUnavailable, InvalidInput

# iaf_psc_exp, fixed_total_number, poisson_generator of NEST 3.10 with the same numbers, 2 s after a
# transient of 0.5 s, seed 1.
NEST_RATES_HZ = (0.483, 2.103, 3.965, 4.984, 6.506, 7.811, 0.815, 7.051)


def test_the_constants_are_those_of_the_published_table() -> None:
    try:
        path = find_file("potjans_diesmann_2014", "pd14_params.json", None)
    except DataUnavailable as error:
        pytest.skip(str(error))
    published = json.loads(path.read_text())
    assert tuple(published["populations"]) == POPULATIONS
    assert tuple(published["n_neurons"]) == CELLS
    assert tuple(map(tuple, published["conn_probs_rows_are_targets"])) == CONNECTION_PROBABILITIES
    assert tuple(published["k_ext"]) == EXTERNAL_INPUTS
    assert tuple(published["reference_rates_hz"]) == REFERENCE_RATES_HZ


def test_the_synapses_are_those_of_the_paper() -> None:
    # "About 0.3 billion synapses"; and the probability to be connected is that of the table.
    numbers = synapse_numbers()
    assert 2.9e8 < numbers.sum() < 3.1e8
    pairs = np.outer(CELLS, CELLS)
    np.testing.assert_allclose(1.0 - (1.0 - 1.0 / pairs) ** numbers, CONNECTION_PROBABILITIES, 1e-7)


def test_a_synaptic_current_gives_the_potential_that_it_is_named_after() -> None:
    def membrane(_: float, y: np.ndarray) -> list[float]:
        return [-y[0] / 10.0 + y[1] / 250.0, -y[1] / 0.5]

    found = solve_ivp(
        membrane, (0.0, 10.0), [0.0, peak_current_pa(0.15)], "DOP853",
        rtol=1e-11, atol=1e-14, dense_output=True,
    )  # fmt: skip
    assert found.sol(np.linspace(0.0, 10.0, 20001))[0].max() == pytest.approx(0.15, rel=1e-7)
    # Table 4 of the paper.
    assert peak_current_pa(0.15) == pytest.approx(87.8, abs=0.05)


def test_weights_have_their_signs_and_one_is_doubled() -> None:
    weights = mean_weights_pa()
    assert weights[0, 2] == 2.0 * weights[0, 0]
    np.testing.assert_allclose(weights[:, 1::2], -4.0 * weights[0, 0])
    assert (weights[:, ::2] > 0.0).all()


def test_what_is_compensated_is_what_is_lacking() -> None:
    # The mean input of a cell, in full and with a tenth of inputs of sqrt(10) times the weight.
    kept = 0.1
    in_degrees = synapse_numbers() / np.array(CELLS)[:, None]
    weights, rates = mean_weights_pa(), np.array(REFERENCE_RATES_HZ)

    def mean_pa(part: float, stronger: float) -> np.ndarray:
        recurrent = (part * in_degrees * weights * stronger) @ rates
        external = part * np.array(EXTERNAL_INPUTS) * weights[0, 0] * stronger * 8.0
        return 0.5e-3 * (recurrent + external)

    lacking = mean_pa(1.0, 1.0) - mean_pa(kept, kept**-0.5)
    np.testing.assert_allclose(compensating_current_pa(kept), lacking, rtol=1e-12)
    np.testing.assert_allclose(compensating_current_pa(1.0), 0.0, atol=1e-12)


def test_scales_are_counted_out() -> None:
    circuit = microcircuit(0.02, in_degree_scale=0.5)
    assert [circuit.populations[name].n for name in POPULATIONS] == [round(0.02 * n) for n in CELLS]
    expected = np.rint(synapse_numbers() * 0.02 * 0.5)
    for to, target in enumerate(POPULATIONS):
        for of, source in enumerate(POPULATIONS):
            name = f"{source}->{target}"
            made = circuit.synapses(name).number if name in circuit.projections else 0
            assert made == expected[to, of]
    weights = circuit.synapses("L4I->L4E").weights
    assert weights.max() < 0.0
    assert weights.mean() == pytest.approx(-4.0 * peak_current_pa(0.15) / 0.5**0.5, rel=0.01)
    assert weights.std() == pytest.approx(0.1 * abs(weights.mean()), rel=0.05)
    delays = circuit.synapses("L4E->L4E").delays
    assert delays is not None
    assert delays.min() == 1
    # The mean of a normal distribution cut at half a step is a little above 15 steps.
    assert delays.mean() == pytest.approx(15.5, abs=0.5)


def test_only_a_reduced_circuit_is_compensated() -> None:
    drives = microcircuit(0.01).wiring.plan.drives["L5I"]
    assert [type(drive) for drive in drives] == [PoissonDrive, CurrentDrive]
    drives = microcircuit(0.01, in_degree_scale=1.0).wiring.plan.drives["L5I"]
    assert [type(drive) for drive in drives] == [PoissonDrive]
    assert drives[0].rate_hz == 1900 * 8.0


@pytest.mark.parametrize("scale", [0.0, -1.0, 1.5, float("nan")])
def test_impossible_scales_are_refused(scale: float) -> None:
    with pytest.raises(InvalidInput, match="scale is"):
        microcircuit(scale)
    with pytest.raises(InvalidInput, match="in_degree_scale is"):
        microcircuit(0.1, in_degree_scale=scale)


def test_a_tenth_has_the_rates_that_nest_gives_it() -> None:
    run = microcircuit(0.1, seed=2).run(1500.0)
    rates = [run.spikes[name].after(500.0).rate_hz for name in POPULATIONS]
    # Seeds differ by up to 9 % in L5E and by 0.06 Hz in the two populations that are nearly silent.
    np.testing.assert_allclose(rates, NEST_RATES_HZ, rtol=0.1, atol=0.03)
