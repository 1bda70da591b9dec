"""Fit neuron models to recordings of real cells, by evolution or by gradient.

.. code-block:: python

    sweeps = [Sweep(current_pa, membrane_potential_mv, dt_ms=0.05), ...]
    neuron = fit("gif", sweeps, method="evolution", seed=0)
    neuron.save("cell.json")
    FittedNeuron.load("cell.json").simulate(new_current_pa, dt_ms=0.05).spike_times_ms
"""

from neurallayers.fitting.cortical import cortical_neuron
from neurallayers.fitting.exponential import adaptive_exponential
from neurallayers.fitting.fit import fit
from neurallayers.fitting.fitted import FittedNeuron, Simulation
from neurallayers.fitting.leaky import generalized_leaky
from neurallayers.fitting.model import MODELS, NeuronModel, Parameter
from neurallayers.fitting.sweep import Sweep

__all__ = [
    "MODELS",
    "FittedNeuron",
    "NeuronModel",
    "Parameter",
    "Simulation",
    "Sweep",
    "adaptive_exponential",
    "cortical_neuron",
    "fit",
    "generalized_leaky",
]
