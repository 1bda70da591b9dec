"""The networks of Vogels & Abbott as benchmarks 1 (COBA) and 2 (CUBA) of Brette et al. (2007).

Brette, R. et al. (2007). Simulation of networks of spiking neurons: a review of tools and
strategies. J. Comput. Neurosci. 23:349-398, appendix 2; Vogels, T. P. & Abbott, L. F. (2005).
J. Neurosci. 25:10786-10795. Integrate-and-fire cells, 80 % excitatory, each pair connected with
probability 0.02 (self-connections allowed). With more cells than 4,000 the mean number of inputs
stays what it is at 4,000: 80 a cell.

COBA (g in units of the leak conductance of 10 nS):
    tau dv/dt = (El - v) + g_e (Ee - v) + g_i (Ei - v),  El = -60 mV
CUBA:
    tau dv/dt = (El - v) + g_e + g_i,                    El = -49 mV

tau_e dg_e/dt = -g_e and tau_i dg_i/dt = -g_i; a spike that arrives adds the weight. v >= -50 mV:
spike, v = -60 mV, held for 5 ms, while g_e and g_i go on. Every spike arrives 0.1 ms later, which
is one step.
"""

from __future__ import annotations

from typing import NamedTuple

DT_MS = 0.1
DELAY_MS = 0.1
CELLS = 4000
EXCITATORY_SHARE = 0.8
PROBABILITY_AT_4000 = 0.02
MEMBRANE_TIME_CONSTANT_MS = 20.0
EXCITATORY_TIME_CONSTANT_MS = 5.0
INHIBITORY_TIME_CONSTANT_MS = 10.0
THRESHOLD_MV = -50.0
RESET_MV = -60.0
REFRACTORY_MS = 5.0
LEAK_CONDUCTANCE_NS = 10.0
CAPACITANCE_PF = 200.0
EXCITATORY_REVERSAL_MV = 0.0
INHIBITORY_REVERSAL_MV = -80.0

# The window of the reference statistics.
START_MS = 500.0
STOP_MS = 2500.0


class Network(NamedTuple):
    """What differs between the two; CUBA's weights are the rise of g in mV, COBA's in nS."""

    conductance_based: bool
    leak_reversal_mv: float
    excitatory_weight: float
    inhibitory_weight: float


NETWORKS = {
    "CUBA": Network(False, -49.0, 1.62, -9.0),
    "COBA": Network(True, -60.0, 6.0, 67.0),
}
# The state updaters of Brian2. CUBA is linear and solved exactly. In COBA "exponential_euler" takes
# the conductances at the start of a step for the whole step; Runge-Kutta follows their decay.
BRIAN2_METHODS = {"CUBA": ("exact",), "COBA": ("rk4", "exponential_euler")}


def probability(cells: int) -> float:
    """Connection probability at which a cell has 80 inputs on average.

    >>> probability(4000), probability(64000)
    (0.02, 0.00125)
    """
    return PROBABILITY_AT_4000 * CELLS / cells


def excitatory_cells(cells: int) -> int:
    """The number of excitatory cells; the others are inhibitory."""
    return round(cells * EXCITATORY_SHARE)


def definition() -> dict[str, object]:
    """Everything above, in words and numbers, for the file of references."""
    return {
        "source": "Brette et al. 2007, J. Comput. Neurosci. 23:349-398, benchmarks 1 and 2",
        "cells": CELLS,
        "excitatory_cells": excitatory_cells(CELLS),
        "connection_probability": PROBABILITY_AT_4000,
        "pairs": "each ordered pair independently, self-connections allowed",
        "membrane_time_constant_ms": MEMBRANE_TIME_CONSTANT_MS,
        "excitatory_time_constant_ms": EXCITATORY_TIME_CONSTANT_MS,
        "inhibitory_time_constant_ms": INHIBITORY_TIME_CONSTANT_MS,
        "threshold_mv": THRESHOLD_MV,
        "reset_mv": RESET_MV,
        "refractory_ms": REFRACTORY_MS,
        "while_refractory": "the potential is held; conductances and currents go on",
        "delay_ms": DELAY_MS,
        "dt_ms": DT_MS,
        "window_ms": [START_MS, STOP_MS],
        "CUBA": {
            "leak_reversal_mv": -49.0,
            "excitatory_weight_mv": 1.62,
            "inhibitory_weight_mv": -9.0,
            "initial_potential_mv": "uniform from -60 to -50",
            "initial_currents": 0.0,
        },
        "COBA": {
            "leak_reversal_mv": -60.0,
            "leak_conductance_ns": LEAK_CONDUCTANCE_NS,
            "capacitance_pf": CAPACITANCE_PF,
            "excitatory_reversal_mv": EXCITATORY_REVERSAL_MV,
            "inhibitory_reversal_mv": INHIBITORY_REVERSAL_MV,
            "excitatory_weight_ns": 6.0,
            "inhibitory_weight_ns": 67.0,
            "initial_potential_mv": "normal, mean -65, standard deviation 5",
            "initial_excitatory_conductance_ns": "normal, mean 40, standard deviation 15, from 0",
            "initial_inhibitory_conductance_ns": "normal, mean 200, standard deviation 120, from 0",
        },
        "timing": (
            "Brian2 names a spike by the start of the step in which the threshold is crossed, NEST "
            "by its end: 0.1 ms apart. In both, the spike first moves the potential of its target "
            "in the second step after. After a spike Brian2 holds the potential for 49 further "
            "steps (5 ms from the start of the step of the spike), NEST for 50."
        ),
    }
