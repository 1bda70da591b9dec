"""The compiled learning in single precision; rules are held against dense cells elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurallayers.circuits import AllToAll, Circuit, EdgeList, RecordedSpikes
from neurallayers.dynamics.neurons.integrate_and_fire import LeakyIntegrateAndFire
from neurallayers.dynamics.plasticity.spike_timing import PairSTDP
from neurallayers.dynamics.synapses.kinetics import Delta
from neurallayers.dynamics.synapses.receptors import Receptor


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["double", "single"])
@pytest.mark.parametrize("listed", [False, True], ids=["all_to_all", "listed"])
@pytest.mark.parametrize("lag_ms", [-10.0, 10.0])
def test_a_pair_changes_the_weight_by_the_window(
    lag_ms: float, listed: bool, dtype: torch.dtype
) -> None:
    circuit = Circuit(dt_ms=0.1, dtype=dtype)
    # The receiver fires when the trigger arrives, a step after it was sent.
    circuit.add_population("in", RecordedSpikes(1, [50.0], [0]))
    circuit.add_population("trigger", RecordedSpikes(1, [50.0 + lag_ms], [0]))
    cell = LeakyIntegrateAndFire(
        1, dt_ms=0.1, capacitance_pf=200.0, leak_conductance_ns=10.0, refractory_ms=1.0
    )
    jumps = {"strong": Receptor(Delta(200.0, at_end=True)), "weak": Receptor(Delta(200.0))}
    circuit.add_population("out", cell, receptors=jumps)
    circuit.connect("trigger", "out", AllToAll(), receptor="strong", weight=100.0, delay_ms=0.1)
    rule = PairSTDP(
        amplitude_plus=0.01, amplitude_minus=0.012, tau_plus_ms=17.0, tau_minus_ms=34.0,
        mu_plus=0.0, mu_minus=0.0,
    )  # fmt: skip
    connectivity = EdgeList([0], [0]) if listed else AllToAll()
    circuit.connect(
        "in", "out", connectivity, receptor="weak", weight=0.5, delay_ms=0.1, plasticity=rule,
        name="plastic",
    )  # fmt: skip
    run = circuit.run(100.0)
    assert run.spikes["out"].times_ms == pytest.approx([50.1 + lag_ms])
    change = run.state.projections["plastic"]["weight"].item() - 0.5
    window = 0.01 * np.exp(-10.0 / 17.0) if lag_ms > 0.0 else -0.012 * np.exp(-10.0 / 34.0)
    assert change == pytest.approx(window, rel=1e-9 if dtype == torch.float64 else 1e-4)
