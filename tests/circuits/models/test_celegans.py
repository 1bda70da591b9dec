"""The worm's circuit is its wiring: who sends, who inhibits, who is coupled."""

from __future__ import annotations

import numpy as np
import pytest

from neurallayers.circuits import CurrentDrive, Record
from neurallayers.circuits.models import celegans
from neurallayers.circuits.models.celegans import GABA_NEURONS, JUNCTION_NS, SYNAPSE_NS
from neurallayers.data import load_celegans
from neurallayers.errors import DataUnavailable, InvalidInput, ShapeMismatch

CELLS = ("AVAL", "VA1", "DD1", "PLML")
CHEMICAL = np.array([[0, 30, 0, 0], [0, 0, 30, 0], [0, 40, 0, 0], [0, 0, 0, 0]])
NONE = np.zeros((4, 4))


def test_there_are_26_gaba_neurons() -> None:
    assert len(set(GABA_NEURONS)) == 26


def test_gaba_neurons_inhibit_and_others_excite() -> None:
    circuit = celegans(CELLS, CHEMICAL, NONE)
    excitatory, inhibitory = circuit.synapses("excitatory"), circuit.synapses("inhibitory")
    assert excitatory.senders.tolist() == [0, 1]
    assert excitatory.receivers.tolist() == [1, 2]
    np.testing.assert_allclose(excitatory.weights, 30 * SYNAPSE_NS)
    assert (inhibitory.senders.tolist(), inhibitory.receivers.tolist()) == ([2], [1])
    assert circuit.projections["inhibitory"].receptor.receptor.reversal_mv == -48.0
    other = celegans(CELLS, CHEMICAL, NONE, inhibitory=("AVAL",))
    assert other.synapses("inhibitory").senders.tolist() == [0]


def active(circuit_of: tuple[np.ndarray, np.ndarray], cell: int) -> np.ndarray:
    """Spikes of each cell while one gets a current."""
    circuit = celegans(CELLS, *circuit_of)
    current = np.zeros(4)
    current[cell] = 5.0
    circuit.drive("neurons", CurrentDrive(current))
    return np.bincount(circuit.run(300.0).spikes["neurons"].senders, minlength=4)


def test_activity_spreads_along_synapses() -> None:
    counts = active((CHEMICAL, NONE), 0)
    assert counts[0] > 10
    assert counts[1] > 5
    assert counts[2] > 0
    assert counts[3] == 0
    assert active((CHEMICAL, NONE), 3).tolist()[:3] == [0, 0, 0]


def test_inhibition_is_felt() -> None:
    without = CHEMICAL.copy()
    without[2, 1] = 0
    assert active((CHEMICAL, NONE), 0)[1] < active((without, NONE), 0)[1]


def test_gap_junctions_join_both_ways() -> None:
    gap = NONE.copy()
    gap[0, 3], gap[3, 0], gap[2, 2] = 1, 3, 7
    circuit = celegans(CELLS, NONE, gap)
    (junctions,) = circuit.wiring.plan.gap_junctions
    assert (junctions.first.tolist(), junctions.second.tolist()) == ([0], [3])
    np.testing.assert_allclose(junctions.conductance_ns, 2 * JUNCTION_NS)
    # Without chemical synapses only the partner feels it, from either side.
    for driven in (0, 3):
        circuit = celegans(CELLS, NONE, gap)
        current = np.zeros(4)
        current[driven] = 5.0
        circuit.drive("neurons", CurrentDrive(current))
        run = circuit.run(200.0, record=Record(variables={"neurons": ["membrane_potential"]}))
        highest = run.variables["neurons"]["membrane_potential"].max(axis=0)
        assert (highest > -30.0).tolist() == [True, False, False, True]
        np.testing.assert_allclose(highest[[1, 2]], -35.0)


def test_matrices_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeMismatch, match="chemical"):
        celegans(CELLS, np.zeros((3, 4)), NONE)
    with pytest.raises(ShapeMismatch, match="gap"):
        celegans(CELLS, NONE, np.zeros(4))
    with pytest.raises(InvalidInput, match="gap reaches from -1"):
        celegans(CELLS, NONE, NONE - 1.0)


def test_touch_reaches_command_neurons_of_the_real_worm() -> None:
    try:
        worm = load_celegans("varshney2011")
    except DataUnavailable as error:
        pytest.skip(str(error))
    circuit = celegans(worm.cells, worm.chemical, worm.gap)
    made = sum(circuit.synapses(name).number for name in circuit.projections)
    assert made == np.count_nonzero(worm.chemical)
    assert circuit.run(100.0).spikes["neurons"].times_ms.size == 0
    # Touch at the front: its receptor neurons, and no other one, get a current.
    touched = [worm.index(name) for name in ("ALML", "ALMR", "AVM")]
    current = np.zeros(len(worm))
    current[touched] = 20.0
    circuit.drive("neurons", CurrentDrive(current))
    spikes = circuit.run(300.0).spikes["neurons"]
    fired = {worm.cells[cell] for cell in set(spikes.senders.tolist())}
    assert {"ALML", "ALMR", "AVM"} < fired
    assert fired & {"AVDL", "AVDR", "AVAL", "AVAR", "PVCL", "PVCR", "AVBL", "AVBR"}
    assert len(fired) < len(worm) / 2
