"""Networks in the SONATA format: populations, synapses and input spikes of point neurons.

The subset, in the terms of the format's guide:

* **nodes**: HDF5 and CSV files; ``model_type`` ``point_neuron`` with a ``model_template`` of NEST
  (see :mod:`~neurallayers.circuits.importers.sonata.models`), parameters from the JSON file of the
  node type (``dynamics_params``) and from ``dynamics_params`` of a node group, which win; and
  ``virtual`` nodes, which only fire;
* **edges**: HDF5 and CSV files; ``syn_weight``, ``delay`` and ``nsyns`` from the edge group or else
  from the edge type; synapses are static, weights in pA, nS or mV as NEST's model takes them,
  negative ones inhibitory;
* **inputs**: spikes in HDF5 for virtual nodes.

What is outside (biophysical neurons, other templates, plastic synapses, ...) is refused by name.

Source: Dai et al. (2020), The SONATA data format for efficient description of large-scale network
models, PLoS Comput. Biol. 16:e1007696; https://github.com/AllenInstitute/sonata
"""

from neurallayers.circuits.importers.sonata.network import SonataNetwork, read_sonata

__all__ = ["SonataNetwork", "read_sonata"]
