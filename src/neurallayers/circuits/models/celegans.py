"""The nervous system of Caenorhabditis elegans as a circuit: its wiring, with assumed neurons.

What is measured is who is joined to whom, by how many chemical synapses and gap junctions. What is
**not** known for most neurons is what this model has to assume:

* *signs*: neurons that make GABA inhibit, all others excite (acetylcholine, glutamate). Receptors
  can turn that round; expression of these is not in the model.
* *dynamics*: leaky integrate-and-fire neurons. Most neurons of the worm answer in a graded way; a
  few fire action potentials (AWA: Liu, Kidd, Dobosiewicz & Bargmann (2018), Cell 175:57).
* *strengths*: every synapse and every gap junction conducts alike. Gap junctions 0.1 nS as in
  Kunert, Shlizerman & Kutz (2014), Phys. Rev. E 89:052805, whose membrane (1 pF, 0.01 nS, -35 mV)
  and reversal potentials (0 and -48 mV) this is too, after Wicks, Roehrig & Rankin (1996), J.
  Neurosci. 16:4017, and Varshney et al. (2011), PLoS Comput. Biol. 7:e1001066. Chemical synapses a
  sixth of it a spike: a graded synapse of theirs, fully driven, is open by 1/(1 + 5).

It shows how activity spreads along the wiring. It is no model of behaviour. Tables that count
synapses (Varshney et al. 2011) fit it; tables that give sizes (Cook et al. 2019) need smaller
conductances, as one synapse counts several times there.

Source of the GABA neurons: McIntire, Jorgensen, Kaplan & Horvitz (1993), Nature 364:337.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from neurallayers.circuits.circuit import Circuit
from neurallayers.circuits.connectivity import EdgeList
from neurallayers.circuits.gap_junctions import GapJunctions
from neurallayers.dynamics.neurons.integrate_and_fire import LeakyIntegrateAndFire
from neurallayers.dynamics.synapses.kinetics import Exponential
from neurallayers.dynamics.synapses.receptors import Receptor
from neurallayers.errors import InvalidInput, ShapeMismatch

GABA_NEURONS = (
    *(f"DD{i}" for i in range(1, 7)),
    *(f"VD{i}" for i in range(1, 14)),
    "RMED",
    "RMEV",
    "RMEL",
    "RMER",
    "AVL",
    "DVB",
    "RIS",
)
"""The 26 neurons in which McIntire et al. (1993) found GABA."""

CAPACITANCE_PF = 1.0
LEAK_CONDUCTANCE_NS = 0.01
RESTING_MV = -35.0
EXCITATORY_REVERSAL_MV, INHIBITORY_REVERSAL_MV = 0.0, -48.0
JUNCTION_NS = 0.1
SYNAPSE_NS = JUNCTION_NS / 6.0
# Assumed, as there are no measurements for spiking of most of these neurons.
THRESHOLD_MV, RESET_MV, REFRACTORY_MS = -20.0, -35.0, 5.0
SYNAPTIC_TIME_MS, DELAY_MS = 5.0, 1.0


def celegans(
    cells: Sequence[str],
    chemical: ArrayLike,
    gap: ArrayLike,
    *,
    inhibitory: Sequence[str] = GABA_NEURONS,
    synapse_ns: float = SYNAPSE_NS,
    junction_ns: float = JUNCTION_NS,
    seed: int = 1,
    dt_ms: float = 0.1,
    dtype: torch.dtype = torch.float64,
) -> Circuit:
    """The worm's neurons as one population ``"neurons"``, in the order of their names.

    Drive it where it senses: ``circuit.drive("neurons", CurrentDrive(...))`` with a current for
    each cell.

    Args:
        cells: Names of the neurons, such as those of ``neurallayers.data.load_celegans()``.
        chemical: Chemical synapses, ``[sender, receiver]``: how many.
        gap: Gap junctions, ``[cell, cell]``: how many. Where a table says different numbers for the
            two directions of a pair, their mean counts; junctions of a cell with itself are left
            out.
        inhibitory: Names of the neurons that inhibit; those that are not there do not matter.
        synapse_ns: Peak conductance of one chemical synapse [nS].
        junction_ns: Conductance of one gap junction [nS].
        seed: Of the circuit; nothing is drawn unless noise is added.
        dt_ms: Length of a step [ms].
        dtype: Precision.

    Returns:
        The circuit, with the projections ``"excitatory"`` and ``"inhibitory"`` where there are
        such synapses.

    Raises:
        ShapeMismatch: If the matrices do not have a row and a column for each name.
        InvalidInput: If a number is negative or not finite.

    >>> chemical = np.array([[0, 3, 0], [0, 0, 2], [0, 1, 0]])
    >>> circuit = celegans(["AVAL", "VA1", "DD1"], chemical, np.zeros((3, 3)))
    >>> circuit.synapses("excitatory").number, circuit.synapses("inhibitory").number
    (2, 1)
    """
    n = len(cells)
    synapses, junctions = _counts("chemical", chemical, n), _counts("gap", gap, n)
    circuit = Circuit(dt_ms=dt_ms, seed=seed, dtype=dtype)
    neurons = LeakyIntegrateAndFire(
        n,
        dt_ms=dt_ms,
        capacitance_pf=CAPACITANCE_PF,
        leak_conductance_ns=LEAK_CONDUCTANCE_NS,
        resting_mv=RESTING_MV,
        threshold_mv=THRESHOLD_MV,
        reset_mv=RESET_MV,
        refractory_ms=REFRACTORY_MS,
        synaptic_input="conductance",
    )
    receptors = {
        "excitation": Receptor(Exponential(SYNAPTIC_TIME_MS), EXCITATORY_REVERSAL_MV),
        "inhibition": Receptor(Exponential(SYNAPTIC_TIME_MS), INHIBITORY_REVERSAL_MV),
    }
    circuit.add_population("neurons", neurons, receptors=receptors)
    inhibits = np.isin(np.array(cells, dtype=str), list(inhibitory))
    for name, receptor, who in (
        ("excitatory", "excitation", ~inhibits),
        ("inhibitory", "inhibition", inhibits),
    ):
        senders, receivers = np.nonzero(synapses * who[:, None])
        if senders.size:
            circuit.connect(
                "neurons",
                "neurons",
                EdgeList(senders, receivers),
                receptor=receptor,
                weight=synapse_ns * synapses[senders, receivers],
                delay_ms=DELAY_MS,
                name=name,
            )
    first, second = np.nonzero(np.triu(junctions + junctions.T, 1))
    if first.size:
        both = 0.5 * (junctions + junctions.T)[first, second]
        circuit.couple(GapJunctions("neurons", first, second, junction_ns * both))
    return circuit


def _counts(what: str, given: ArrayLike, n: int) -> NDArray[np.float64]:
    """Numbers of synapses as a matrix.

    Raises:
        ShapeMismatch: If it is not ``[n, n]``.
        InvalidInput: If a number is negative or not finite.
    """
    counts = np.asarray(given, dtype=np.float64)
    if counts.shape != (n, n):
        raise ShapeMismatch(
            f"{what} has shape {counts.shape} for {n} cells.", "Give one row and column a cell."
        )
    if not (np.isfinite(counts) & (counts >= 0.0)).all():
        raise InvalidInput(
            f"{what} reaches from {counts.min()} to {counts.max()}.",
            "Numbers of synapses are finite and not negative.",
        )
    return counts
