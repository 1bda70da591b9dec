"""Living examples of the cells of plasticity, for the tests of the contract."""

from __future__ import annotations

from typing import Any

import torch
from tests.dynamics.living_cells import Example, untouched

from neurallayers.dynamics import Cell
from neurallayers.dynamics.plasticity import (
    BCM,
    EProp,
    IntrinsicThreshold,
    PairSTDP,
    PlasticSynapses,
    RewardSTDP,
    Rule,
    TripletSTDP,
    VoltageSTDP,
)


def modulated(cell: Cell[Any], state: Any) -> Any:
    """A life in which what happens counts: rows have modulators of either sign."""
    modulator = torch.linspace(-1.0, 1.5, len(state.modulator))[:, None]
    return state._replace(
        modulator=modulator.to(state.modulator).expand_as(state.modulator).clone()
    )


def synapses(rule: Rule, live: Any = untouched) -> Example:
    def make() -> PlasticSynapses:
        return PlasticSynapses(3, 2, rule=rule, initial_weight=0.5)

    return Example(make, live, learns=True)


EXAMPLES_PLASTICITY: dict[str, Example] = {
    "PlasticSynapses": synapses(PairSTDP(amplitude_plus=0.05, amplitude_minus=0.06)),
    "PlasticSynapses, pairs centred": synapses(
        PairSTDP(pairing="presynaptic_centered", order="update_then_transmit", mu_plus=0.5)
    ),
    "PlasticSynapses, triplets": synapses(TripletSTDP.fitted_to("hippocampus", minimal=False)),
    "PlasticSynapses, voltage": synapses(VoltageSTDP(reference_mv2=1e4, potentiation=1e-7)),
    "PlasticSynapses, reward": synapses(RewardSTDP(), modulated),
    "PlasticSynapses, e-prop": synapses(EProp(beta=0.2, dampening=1.0), modulated),
    "PlasticSynapses, BCM": synapses(BCM(learning_rate_per_ms=1e-3, update_ms=3.0)),
    "IntrinsicThreshold": Example(lambda: IntrinsicThreshold(3), untouched, learns=True),
}
