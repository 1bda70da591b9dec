r"""The cortical microcircuit of Potjans and Diesmann: a column under one square millimetre.

Eight populations of integrate-and-fire neurons in four layers, 77,169 cells and 0.3 billion
synapses at full size, all with the same neurons and synapses, so that connectivity alone makes the
difference between layers.

At a smaller ``scale`` both the number of cells and the number of inputs of each shrink. Weights
grow by :math:`1/\sqrt{k}` with the part k of inputs that is left, which keeps the variance of what
a cell receives, and a constant current makes up for the mean,

.. math:: I = \tau_{syn} (1 - \sqrt{k}) \Big( \sum_j K_j w_j \nu_j + K_{ext} w_{ext} \nu_{ext}
    \Big),

with in-degrees K, weights w and mean rates of the full circuit. That keeps mean and variance of the
input, not its higher moments (fewer and larger events) nor its correlations (fewer cells share more
of it), so that rates are near, not equal. Mean rates in Hz, L23E to L6I, transient left out:

=================================== ==== ==== ==== ==== ===== ==== ==== ====
full circuit, reference program     0.90 2.97 4.41 5.88 7.57  8.63 1.11 7.83
scale 0.1                           0.47 2.12 3.98 5.05 6.75  7.84 0.87 7.00
scale 0.1, the same numbers in NEST 0.48 2.10 3.97 4.98 6.51  7.81 0.82 7.05
scale 0.1 with all in-degrees kept  1.70 4.44 4.19 6.42 10.34 9.83 1.07 8.69
=================================== ==== ==== ==== ==== ===== ==== ==== ====

Source: Potjans & Diesmann (2014), Cereb. Cortex 24:785, tables 4 and 5; connection numbers, eq. 1
and 2; scaling: van Albada, Helias & Diesmann (2015), PLoS Comput. Biol. 11:e1004490.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from neurallayers.circuits.circuit import Circuit
from neurallayers.circuits.connectivity import FixedTotal
from neurallayers.circuits.distributions import Normal
from neurallayers.circuits.drives import CurrentDrive, PoissonDrive
from neurallayers.dynamics.neurons.integrate_and_fire import LeakyIntegrateAndFire
from neurallayers.dynamics.synapses.kinetics import Exponential
from neurallayers.dynamics.synapses.receptors import Receptor
from neurallayers.errors import InvalidInput

POPULATIONS = ("L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I")
CELLS = (20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948)
# Rows receive, columns send.
CONNECTION_PROBABILITIES = (
    (0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0),
    (0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0),
    (0.0077, 0.0059, 0.0497, 0.135, 0.0067, 0.0003, 0.0453, 0.0),
    (0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0),
    (0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0),
    (0.0548, 0.0269, 0.0257, 0.0022, 0.06, 0.3158, 0.0086, 0.0),
    (0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252),
    (0.0364, 0.001, 0.0034, 0.0005, 0.0277, 0.008, 0.0658, 0.1443),
)
EXTERNAL_INPUTS = (1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100)
EXTERNAL_RATE_HZ = 8.0
POSTSYNAPTIC_POTENTIAL_MV = 0.15
RELATIVE_WEIGHT_DEVIATION = 0.1
INHIBITION = -4.0  # g
L4E_TO_L23E = 2.0  # how much stronger this projection is
DELAYS_MS = (1.5, 0.75)  # of excitatory and inhibitory cells
RELATIVE_DELAY_DEVIATION = 0.5
RESTING_MV, THRESHOLD_MV, RESET_MV = -65.0, -50.0, -65.0
CAPACITANCE_PF, MEMBRANE_TIME_MS, SYNAPTIC_TIME_MS, REFRACTORY_MS = 250.0, 10.0, 0.5, 2.0
INITIAL_POTENTIAL_MV = (-58.0, 10.0)  # mean and deviation

REFERENCE_RATES_HZ = (0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829)
"""Mean rates of the full circuit: one run of the reference program (INM-6/microcircuit-PD14-model);
they belong to these numbers and are those with which a smaller circuit is compensated."""

Matrix = NDArray[np.float64]


def peak_current_pa(potential_mv: float) -> float:
    """The synaptic current [pA] whose postsynaptic potential has this peak [mV].

    Source: the answer of a leaky membrane to an exponential current, solved for its peak; Potjans &
    Diesmann (2014), table 4 (0.15 mV are 87.8 pA).

    >>> round(peak_current_pa(0.15), 2)
    87.81
    """
    membrane, synapse = MEMBRANE_TIME_MS, SYNAPTIC_TIME_MS
    difference = synapse - membrane
    ratio = membrane / synapse
    peak: float = ratio ** (membrane / difference) - ratio ** (synapse / difference)
    return potential_mv * CAPACITANCE_PF * difference / (membrane * synapse * peak)


def synapse_numbers() -> Matrix:
    r"""How many synapses the full circuit has, ``[receiving, sending]``.

    From the probability C that two cells are connected at all, when pairs are drawn with
    replacement: :math:`K = \ln(1 - C) / \ln(1 - 1/(N_{pre} N_{post}))`.
    """
    cells = np.array(CELLS, dtype=np.float64)
    pairs = np.outer(cells, cells)
    numbers: Matrix = np.log1p(-np.array(CONNECTION_PROBABILITIES)) / np.log1p(-1.0 / pairs)
    return numbers


def mean_weights_pa() -> Matrix:
    """Mean weights of the full circuit [pA], ``[receiving, sending]``."""
    excitatory = peak_current_pa(POSTSYNAPTIC_POTENTIAL_MV)
    weights = np.tile([excitatory, INHIBITION * excitatory], (len(CELLS), len(CELLS) // 2))
    weights[POPULATIONS.index("L23E"), POPULATIONS.index("L4E")] *= L4E_TO_L23E
    return weights


def compensating_current_pa(in_degree_scale: float) -> NDArray[np.float64]:
    """What makes up for the inputs that a smaller circuit lacks on average [pA]."""
    weights = mean_weights_pa()
    in_degrees = synapse_numbers() / np.array(CELLS)[:, None]
    recurrent = (in_degrees * weights) @ np.array(REFERENCE_RATES_HZ)
    external = weights[0, 0] * np.array(EXTERNAL_INPUTS) * EXTERNAL_RATE_HZ
    lacking = (1.0 - math.sqrt(in_degree_scale)) * SYNAPTIC_TIME_MS * 1e-3
    currents: NDArray[np.float64] = lacking * (recurrent + external)
    return currents


def potjans_diesmann(
    scale: float = 0.1,
    *,
    in_degree_scale: float | None = None,
    seed: int = 1,
    dt_ms: float = 0.1,
    dtype: torch.dtype = torch.float32,
) -> Circuit:
    """The microcircuit; the first half second is a transient.

    Args:
        scale: What part of the cells there is, up to 1.
        in_degree_scale: What part of its inputs a cell has; left out, the same part. With 1 a cell
            has as many as in the full circuit (often several from one other), and nothing is
            compensated; what cells share then synchronises them.
        seed: For connections, initial values and noise.
        dt_ms: Length of a step [ms].
        dtype: Precision.

    Returns:
        The circuit, with the populations of :data:`POPULATIONS` and projections ``"L4E->L23E"``.

    Raises:
        InvalidInput: If a scale is not above 0 and at most 1.

    >>> circuit = potjans_diesmann(0.01)
    >>> circuit.populations["L4E"].n
    219
    """
    kept = scale if in_degree_scale is None else in_degree_scale
    for name, value in (("scale", scale), ("in_degree_scale", kept)):
        if not 0.0 < value <= 1.0:
            raise InvalidInput(f"{name} is {value}.", "Choose a part of the circuit: 0.1, say.")
    stronger = 1.0 / math.sqrt(kept)
    currents = compensating_current_pa(kept)
    circuit = Circuit(dt_ms=dt_ms, seed=seed, dtype=dtype)
    external = peak_current_pa(POSTSYNAPTIC_POTENTIAL_MV) * stronger
    for place, name in enumerate(POPULATIONS):
        neurons = LeakyIntegrateAndFire(
            max(1, round(scale * CELLS[place])),
            dt_ms=dt_ms,
            capacitance_pf=CAPACITANCE_PF,
            leak_conductance_ns=CAPACITANCE_PF / MEMBRANE_TIME_MS,
            resting_mv=RESTING_MV,
            threshold_mv=THRESHOLD_MV,
            reset_mv=RESET_MV,
            refractory_ms=REFRACTORY_MS,
        )
        circuit.add_population(
            name,
            neurons,
            receptors={"synapse": Receptor(Exponential(SYNAPTIC_TIME_MS))},
            initial={"membrane_potential": Normal(*INITIAL_POTENTIAL_MV)},
        )
        rate_hz = EXTERNAL_INPUTS[place] * kept * EXTERNAL_RATE_HZ
        circuit.drive(name, PoissonDrive(rate_hz, weight=external))
        if kept < 1.0:
            circuit.drive(name, CurrentDrive(float(currents[place])))
    numbers, weights = synapse_numbers(), mean_weights_pa() * stronger
    for to, target in enumerate(POPULATIONS):
        for of, source in enumerate(POPULATIONS):
            number = round(numbers[to, of] * scale * kept)
            if number:
                _connect(circuit, source, target, number, float(weights[to, of]))
    return circuit


def _connect(circuit: Circuit, source: str, target: str, number: int, weight_pa: float) -> None:
    """So many synapses with normally distributed weights, which keep their sign, and delays."""
    low, high = (0.0, math.inf) if weight_pa > 0.0 else (-math.inf, 0.0)
    delay_ms = DELAYS_MS[weight_pa < 0.0]
    circuit.connect(
        source,
        target,
        FixedTotal(number),
        weight=Normal(weight_pa, RELATIVE_WEIGHT_DEVIATION * abs(weight_pa), low, high),
        # Rounded to steps, of which there is at least one.
        delay_ms=Normal(delay_ms, RELATIVE_DELAY_DEVIATION * delay_ms, low=0.5 * circuit.dt_ms),
        name=f"{source}->{target}",
    )
