r"""The self-sustained network of Vogels and Abbott, the benchmark of many simulators.

Integrate-and-fire neurons, four fifths of them excitatory, every pair connected with probability
0.02. With currents (CUBA) or conductances (COBA), in units of the leak conductance :math:`g_L`:

.. math::
    \tau \dot v &= (E_L - v) + g_e + g_i \;[\mathrm{mV}] \qquad\text{(CUBA)} \\
    \tau \dot v &= (E_L - v) + g_e (E_e - v) + g_i (E_i - v) \qquad\text{(COBA)}

Source: Vogels & Abbott (2005), J. Neurosci. 25:10786; the numbers are those of Brette et al.
(2007), J. Comput. Neurosci. 23:349, appendix 2, benchmarks 1 (COBA) and 2 (CUBA).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from neurallayers.circuits.circuit import Circuit
from neurallayers.circuits.connectivity import FixedProbability
from neurallayers.circuits.distributions import Normal, Uniform, generator
from neurallayers.dynamics.neurons.integrate_and_fire import LeakyIntegrateAndFire
from neurallayers.dynamics.synapses.kinetics import Exponential
from neurallayers.dynamics.synapses.receptors import Receptor
from neurallayers.errors import InvalidInput

CELLS = 4000
INPUTS = 80  # a cell, on average: 0.02 of 4,000
EXCITATORY_SHARE = 0.8
LEAK_CONDUCTANCE_NS = 10.0
CAPACITANCE_PF = 200.0
DELAY_MS = 0.1


def vogels_abbott(
    kind: str = "COBA",
    cells: int = CELLS,
    *,
    seed: int = 1,
    dt_ms: float = 0.1,
    dtype: torch.dtype = torch.float64,
) -> Circuit:
    """The network as one population ``"cells"``, the first four fifths of it excitatory.

    With more cells the mean number of inputs of each stays 80.

    Args:
        kind: ``"CUBA"`` for currents, ``"COBA"`` for conductances.
        cells: How many.
        seed: For connections and initial values.
        dt_ms: Length of a step [ms]; the delay of 0.1 ms must be a multiple of it.
        dtype: Precision.

    Returns:
        The circuit, with the projections ``"excitatory"`` and ``"inhibitory"``.

    Raises:
        InvalidInput: If the kind is unknown or there are too few cells.

    >>> circuit = vogels_abbott("CUBA", cells=400)
    >>> list(circuit.projections)
    ['excitatory', 'inhibitory']
    """
    if kind not in ("CUBA", "COBA"):
        raise InvalidInput(f"kind is {kind!r}.", "Choose 'CUBA' or 'COBA'.")
    if cells < INPUTS:
        raise InvalidInput(f"cells is {cells}.", f"At least {INPUTS}, the inputs of a cell.")
    conductances = kind == "COBA"
    circuit = Circuit(dt_ms=dt_ms, seed=seed, dtype=dtype)
    neurons = LeakyIntegrateAndFire(
        cells,
        dt_ms=dt_ms,
        capacitance_pf=CAPACITANCE_PF,
        leak_conductance_ns=LEAK_CONDUCTANCE_NS,
        resting_mv=-60.0 if conductances else -49.0,
        threshold_mv=-50.0,
        reset_mv=-60.0,
        refractory_ms=5.0,
        synaptic_input="conductance" if conductances else "current",
    )
    numbers = generator(seed, "vogels_abbott", "initial conductances")
    if conductances:
        receptors = {
            "excitation": Receptor(Exponential(5.0), reversal_mv=0.0),
            "inhibition": Receptor(Exponential(10.0), reversal_mv=-80.0),
        }
        initial: dict[str, Any] = {
            "membrane_potential": Normal(-65.0, 5.0),
            # Cut off at zero, not drawn again: cells that begin without inhibition are what kindles
            # the activity, and without them most networks fall silent at once.
            "excitation": np.maximum(numbers.normal(40.0, 15.0, cells), 0.0),
            "inhibition": np.maximum(numbers.normal(200.0, 120.0, cells), 0.0),
        }
        excitation, inhibition = 6.0, 67.0  # [nS]
    else:
        receptors = {
            "excitation": Receptor(Exponential(5.0)),
            "inhibition": Receptor(Exponential(10.0)),
        }
        initial = {"membrane_potential": Uniform(-60.0, -50.0)}
        # Jumps of 1.62 and -9 mV times the leak conductance [pA].
        excitation, inhibition = 1.62 * LEAK_CONDUCTANCE_NS, -9.0 * LEAK_CONDUCTANCE_NS
    circuit.add_population("cells", neurons, receptors=receptors, initial=initial)
    excitatory = round(cells * EXCITATORY_SHARE)
    for name, receptor, weight, senders in (
        ("excitatory", "excitation", excitation, slice(0, excitatory)),
        ("inhibitory", "inhibition", inhibition, slice(excitatory, cells)),
    ):
        circuit.connect(
            "cells",
            "cells",
            FixedProbability(INPUTS / cells),
            receptor=receptor,
            weight=weight,
            delay_ms=DELAY_MS,
            senders=senders,
            name=name,
        )
    return circuit
