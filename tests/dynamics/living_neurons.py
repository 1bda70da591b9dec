"""Living examples of the point neurons, for the tests of the contract."""

from __future__ import annotations

from typing import Any

import torch
from tests.dynamics.living_cells import Example, make

from neurallayers.dynamics.neurons import Izhikevich

# The frames of the tests are numbers between 0 and 3: small cells feel them as currents in pA, and
# as drive and conductance when they come in pairs.
SMALL: dict[str, Any] = {"dt_ms": 1.0, "capacitance_pf": 0.5, "leak_conductance_ns": 0.05}
LEAKY: dict[str, Any] = {**SMALL, "refractory_ms": 1.0, "threshold_mv": -60.0}
EACH = torch.linspace(0.8, 1.2, 4)

EXAMPLES_NEURONS: dict[str, Example] = {
    "LeakyIntegrateAndFire": make("LeakyIntegrateAndFire", 5, **LEAKY),
    "LeakyIntegrateAndFire, learned": make(
        "LeakyIntegrateAndFire",
        4,
        dt_ms=1.0,
        capacitance_pf=0.5 * EACH,
        leak_conductance_ns=0.05,
        threshold_mv=-60.0,
        refractory_ms=0.0,
        learn=("capacitance_pf", "leak_conductance_ns", "resting_mv", "threshold_mv", "reset_mv"),
        reset_gradient=True,
    ),
    "LeakyIntegrateAndFire, conductance": make(
        "LeakyIntegrateAndFire", 4, synaptic_input="conductance", learn="resting_mv",
        dt_ms=1.0, capacitance_pf=3.0, leak_conductance_ns=1.0,
        resting_mv=torch.tensor([-1.0, 0.0, 1.0, 2.0]), threshold_mv=0.5, reset_mv=-3.0,
    ),
    "GeneralizedIntegrateAndFire": make(
        "GeneralizedIntegrateAndFire", 3, **LEAKY, current_fast_pa=-0.5, current_slow_pa=0.2,
        threshold_fast_mv=2.0, threshold_slow_mv=1.0, threshold_coupling_per_ms=0.01,
        reset_share=0.1,
    ),
    "GeneralizedIntegrateAndFire, learned": make(
        "GeneralizedIntegrateAndFire", 2, **{**LEAKY, "refractory_ms": 0.0}, current_fast_pa=-0.5,
        current_slow_pa=0.2, threshold_fast_mv=2.0, threshold_slow_mv=1.0,
        threshold_coupling_per_ms=0.01,
        learn=("current_fast_pa", "threshold_slow_mv", "tau_threshold_slow_ms", "threshold_mv"),
    ),
    "AdEx": make(
        "AdEx", 4, **SMALL, adaptation_conductance_ns=0.02, adaptation_increment_pa=0.1 * EACH,
        tau_adaptation_ms=30.0, refractory_ms=0.5, threshold_mv=-60.0, substeps=2,
    ),
    "AdEx, learned": make(
        "AdEx", 3, **SMALL, adaptation_conductance_ns=0.02, adaptation_increment_pa=0.1,
        threshold_mv=-60.0,
        learn=("capacitance_pf", "leak_conductance_ns", "slope_factor_mv", "tau_adaptation_ms"),
    ),
    "ExponentialIntegrateAndFire": make(
        "ExponentialIntegrateAndFire", 4, **SMALL, learn=("threshold_mv", "resting_mv")
    ),
    "QuadraticIntegrateAndFire": make(
        "QuadraticIntegrateAndFire", 4, dt_ms=1.0, capacitance_pf=1.0, curvature_ns_per_mv=0.02,
        resting_mv=-60.0, threshold_mv=-58.0, learn=("curvature_ns_per_mv", "resting_mv"),
    ),
    "Izhikevich": Example(lambda: Izhikevich.preset("FS", 4, capacitance_pf=0.05, dt_ms=0.5)),
    "Izhikevich, learned": make(
        "Izhikevich", 3, dt_ms=1.0, capacitance_pf=0.1, learn=("a", "b", "c", "d")
    ),
    "Izhikevich, as published": make(
        "Izhikevich", 3, scheme="published", dt_ms=1.0, capacitance_pf=0.1
    ),
    "PoissonSource": make("PoissonSource", 5, dt_ms=1.0, rate_hz=200.0, seed=3),
    "SpikeSource": make("SpikeSource", [[0.2, 1.5, 4.0, 7.5], [], [3.0, 6.0]], dt_ms=1.0),
}  # fmt: skip
