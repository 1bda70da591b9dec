"""The sparse random network of Brunel (2000), model A, scaled to 5,000 cells.

Brunel, N. (2000). Dynamics of sparsely connected networks of excitatory and inhibitory spiking
neurons. J. Comput. Neurosci. 8:183-208, doi:10.1023/A:1008925309027: equations 1 to 3, and the four
regimes of figure 8. There, N_E = 10,000, C_E = 1,000 and J = 0.1 mV. Here the connection
probability 0.1 is kept: C_E = 400 and C_I = 100 inputs a cell, drawn with replacement, connections
to itself allowed.

With J = 0.25 mV the product C_E J is Brunel's, hence the mean input and the threshold rate of
10 Hz, and the four regimes are there. With J = 0.1 mV, which is what NEST's ``brunel_delta_nest``
does with ``order = 1000``, fluctuations are too weak for irregular firing at g = 5; these figures
stand beside the others as a second check.

    tau dV/dt = -V + input;  V >= 20 mV: spike, V = 10 mV, held for 2 ms

A spike that arrives shifts V at once by J (excitatory, external) or -g J (inhibitory); what arrives
while V is held is lost. Each cell has C_E external Poisson inputs of rate eta * nu_thr, with
nu_thr = threshold / (J C_E tau).
"""

from __future__ import annotations

from typing import NamedTuple

EXCITATORY_CELLS = 4000
INHIBITORY_CELLS = 1000
EXCITATORY_INPUTS = 400
INHIBITORY_INPUTS = 100
WEIGHT_MV = 0.25
WEIGHTS_MV = (0.25, 0.1)
DELAY_MS = 1.5
MEMBRANE_TIME_CONSTANT_MS = 20.0
THRESHOLD_MV = 20.0
RESET_MV = 10.0
REFRACTORY_MS = 2.0
DT_MS = 0.1


class Regime(NamedTuple):
    """One of the four panels of Brunel's figure 8, and how long it is watched."""

    inhibition: float  # g: an inhibitory spike is so many times stronger
    drive: float  # eta: external rate over the rate that reaches the threshold on average
    transient_ms: float
    window_ms: float


REGIMES = {
    "SR": Regime(inhibition=3.0, drive=2.0, transient_ms=500.0, window_ms=500.0),
    "AI": Regime(inhibition=5.0, drive=2.0, transient_ms=500.0, window_ms=1500.0),
    "SI_fast": Regime(inhibition=6.0, drive=4.0, transient_ms=500.0, window_ms=1500.0),
    "SI_slow": Regime(inhibition=4.5, drive=0.9, transient_ms=500.0, window_ms=4000.0),
}


def external_rate_hz(regime: Regime, weight_mv: float = WEIGHT_MV) -> float:
    """Rate of all external inputs of a cell together: eta nu_thr C_E [Hz].

    >>> round(external_rate_hz(REGIMES["AI"]))
    8000
    """
    threshold_rate_hz = (
        THRESHOLD_MV / (weight_mv * EXCITATORY_INPUTS * MEMBRANE_TIME_CONSTANT_MS) * 1e3
    )
    return regime.drive * threshold_rate_hz * EXCITATORY_INPUTS


def definition() -> dict[str, object]:
    """Everything above, in words and numbers, for the file of references."""
    return {
        "source": "Brunel 2000, J. Comput. Neurosci. 8:183-208, model A, figure 8, scaled",
        "excitatory_cells": EXCITATORY_CELLS,
        "inhibitory_cells": INHIBITORY_CELLS,
        "excitatory_inputs_per_cell": EXCITATORY_INPUTS,
        "inhibitory_inputs_per_cell": INHIBITORY_INPUTS,
        "inputs_drawn": "with replacement; self-connections allowed",
        "weights_mv": WEIGHTS_MV,
        "delay_ms": DELAY_MS,
        "membrane_time_constant_ms": MEMBRANE_TIME_CONSTANT_MS,
        "threshold_mv": THRESHOLD_MV,
        "reset_mv": RESET_MV,
        "refractory_ms": REFRACTORY_MS,
        "resting_potential_mv": 0.0,
        "input_while_refractory": "lost",
        "dt_ms": DT_MS,
        "initial_potential_mv": "uniform from 0 to 20, one value a cell",
        "external_input": (
            "an independent Poisson process for every cell, of rate eta * threshold / (J tau)"
        ),
        "regimes": {name: regime._asdict() for name, regime in REGIMES.items()},
    }
