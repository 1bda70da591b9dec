r"""The sparse random network of Brunel, with delta synapses.

.. math:: \tau \dot v = -v + \tau \sum_j J_j \sum_k \delta(t - t_{jk} - D), \qquad \tau = RC

A spike that arrives shifts the potential at once by J (excitatory and external) or -g J
(inhibitory). Each cell has inputs from a tenth of both populations and as many external Poisson
inputs as excitatory ones, each of rate :math:`\eta\,\nu_{thr}`, :math:`\nu_{thr} = \theta/(J C_E
\tau)`.

Source: Brunel (2000), J. Comput. Neurosci. 8:183, eq. 1 to 3 (model A) and figure 8.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from neurallayers.circuits.circuit import Circuit
from neurallayers.circuits.connectivity import FixedInDegree
from neurallayers.circuits.distributions import Uniform
from neurallayers.circuits.drives import PoissonDrive
from neurallayers.dynamics.neurons.integrate_and_fire import LeakyIntegrateAndFire
from neurallayers.dynamics.synapses.kinetics import Delta
from neurallayers.dynamics.synapses.receptors import Receptor
from neurallayers.errors import InvalidInput
from neurallayers.registry import nearest_name

MEMBRANE_TIME_MS = 20.0
THRESHOLD_MV = 20.0
RESET_MV = 10.0
REFRACTORY_MS = 2.0
DELAY_MS = 1.5
WEIGHT_OF_ALL_INPUTS_MV = 100.0  # J C_E of the paper: 0.1 mV and 1,000 excitatory inputs
CAPACITANCE_PF = 1.0  # any: weights are jumps of the potential


@dataclass(frozen=True)
class Regime:
    """A panel of Brunel's figure 8.

    Attributes:
        inhibition: g, how much stronger an inhibitory spike is.
        drive: External rate over the rate that reaches the threshold on average (eta).
    """

    inhibition: float
    drive: float


REGIMES = {
    "SR": Regime(3.0, 2.0),  # synchronous regular
    "AI": Regime(5.0, 2.0),  # asynchronous irregular
    "SI_fast": Regime(6.0, 4.0),  # synchronous irregular, fast oscillation
    "SI_slow": Regime(4.5, 0.9),  # synchronous irregular, slow oscillation
}


def brunel(
    regime: str | Regime = "AI",
    cells: int = 5000,
    *,
    weight_mv: float | None = None,
    connection_probability: float = 0.1,
    seed: int = 1,
    dt_ms: float = 0.1,
    dtype: torch.dtype = torch.float64,
) -> Circuit:
    """The network as one population ``"cells"``, the first four fifths of it excitatory.

    Jumps come at the end of the step in which they arrive and are seen by the threshold there, as
    NEST has it (``iaf_psc_delta``); what arrives while a cell is refractory is lost.

    Args:
        regime: A name of :data:`REGIMES`, or numbers of one's own.
        cells: How many.
        weight_mv: Jump of the potential by an excitatory spike, J [mV]. Left out, it is such that
            all excitatory inputs together weigh what they do in the paper (J C_E = 100 mV): 0.1 mV
            for its 12,500 cells, 0.25 mV for 5,000. With 0.1 mV a network of 5,000 cells is
            regular where the paper's is irregular.
        connection_probability: Of how many of the cells each receives; with replacement.
        seed: For connections, initial values and noise.
        dt_ms: Length of a step [ms].
        dtype: Precision.

    Returns:
        The circuit, with the projections ``"excitatory"`` and ``"inhibitory"``.

    Raises:
        InvalidInput: If the regime is unknown or a number is out of range.

    >>> circuit = brunel("AI", cells=500)
    >>> circuit.synapses("excitatory").number
    20000
    """
    if isinstance(regime, str):
        if regime not in REGIMES:
            raise InvalidInput(f"regime is {regime!r}.", nearest_name(regime, list(REGIMES)))
        regime = REGIMES[regime]
    excitatory = round(0.8 * cells)
    inputs_e = round(connection_probability * excitatory)
    inputs_i = round(connection_probability * (cells - excitatory))
    if weight_mv is None:
        weight_mv = WEIGHT_OF_ALL_INPUTS_MV / max(inputs_e, 1)
    if weight_mv <= 0.0 or inputs_i < 1:
        raise InvalidInput(
            f"weight_mv is {weight_mv}, and a cell has {inputs_i} inhibitory inputs.",
            "The weight must be positive, and there must be inputs.",
        )
    circuit = Circuit(dt_ms=dt_ms, seed=seed, dtype=dtype)
    neurons = LeakyIntegrateAndFire(
        cells,
        dt_ms=dt_ms,
        capacitance_pf=CAPACITANCE_PF,
        leak_conductance_ns=CAPACITANCE_PF / MEMBRANE_TIME_MS,
        resting_mv=0.0,
        threshold_mv=THRESHOLD_MV,
        reset_mv=RESET_MV,
        refractory_ms=REFRACTORY_MS,
    )
    circuit.add_population(
        "cells",
        neurons,
        receptors={"jump": Receptor(Delta(CAPACITANCE_PF, at_end=True))},
        initial={"membrane_potential": Uniform(0.0, THRESHOLD_MV)},
    )
    threshold_rate_hz = THRESHOLD_MV / (weight_mv * MEMBRANE_TIME_MS) * 1e3
    circuit.drive("cells", PoissonDrive(regime.drive * threshold_rate_hz, weight=weight_mv))
    circuit.connect(
        "cells",
        "cells",
        FixedInDegree(inputs_e),
        weight=weight_mv,
        delay_ms=DELAY_MS,
        senders=slice(0, excitatory),
        name="excitatory",
    )
    circuit.connect(
        "cells",
        "cells",
        FixedInDegree(inputs_i),
        weight=-regime.inhibition * weight_mv,
        delay_ms=DELAY_MS,
        senders=slice(excitatory, cells),
        name="inhibitory",
    )
    return circuit
