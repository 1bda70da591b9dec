"""A neuron that lives: firing, failing without supply, recovering, and being watched."""

from __future__ import annotations

import pytest
import torch

from neurallayers.dynamics.membrane.astrocyte import AstrocyteConstants
from neurallayers.dynamics.membrane.biophysical import BiophysicalNeuron
from neurallayers.dynamics.membrane.biophysics import BiophysicalState
from neurallayers.dynamics.membrane.calcium import CalciumConstants
from neurallayers.dynamics.membrane.ions import cylinder
from neurallayers.dynamics.membrane.vitals import Vitals
from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName

ATP_CRITICAL_MM = 0.5


def held(current: float, n: int = 1) -> torch.Tensor:
    return torch.full((1, 1, n), current, dtype=torch.float64)


def seconds(
    cell: BiophysicalNeuron, state: BiophysicalState | None, count: float, current: float = 0.0
) -> tuple[float, Vitals, BiophysicalState]:
    """Live on; how often it fired, and the vitals every 0.1 s."""
    every = round(100.0 / cell.dt_ms)
    spikes, vitals, state = cell.trace(
        held(current), state, steps=round(count * 10) * every, every=every
    )
    return spikes.sum().item(), vitals, state


def test_without_input_nothing_happens() -> None:
    cell = BiophysicalNeuron(1, dt_ms=0.05)
    spikes, vitals, state = seconds(cell, None, 2.0)
    assert spikes == 0
    for trace in vitals:
        assert trace[-1].item() == pytest.approx(trace[0].item(), rel=1e-4, abs=1e-12)
    assert all(int(count) == 0 for count in state.watch)


def test_a_current_makes_it_fire_release_and_spend() -> None:
    cell = BiophysicalNeuron(1)
    _, rest, state = seconds(cell, None, 0.1)
    spikes, vitals, state = seconds(cell, state, 1.0, current=10.0)
    assert 50 < spikes < 90  # squid axon at 6.3 C: 68 Hz
    assert vitals.calcium_um[-1] > 5 * rest.calcium_um[-1]
    assert vitals.atp_mm[-1] < rest.atp_mm[-1] - 0.02
    assert state.transmitter.releasable < 5.0
    assert state.transmitter.recycling > 1.0
    assert state.ions.sodium_inside > 1.0
    assert int(state.watch.violations) == 0
    assert int(state.watch.potential_excursions) > 0  # after-hyperpolarisations below -70 mV


def test_without_supply_the_pump_fails_the_cell_depolarises_and_with_it_recovers() -> None:
    """Anoxic depolarisation: ATP falls, the pump stops, gradients run down; and back."""
    cell = BiophysicalNeuron(1, dt_ms=0.05)
    _, rest, state = seconds(cell, None, 0.1)
    resting_mv = rest.membrane_potential_mv[-1].item()
    state = cell.with_supply(state, oxygen=0.0, glucose=0.0)
    fired, failing, state = seconds(cell, state, 22.0)
    atp = failing.atp_mm.flatten()
    potential = failing.membrane_potential_mv.flatten()
    assert bool((atp.diff() < 0).all())
    assert atp[-1] < ATP_CRITICAL_MM
    assert potential[-1] > resting_mv + 40.0
    assert fired > 0  # it fires on its way
    assert state.ions.potassium_outside > 20.0
    assert state.ions.sodium_inside > 2.0
    assert int(state.watch.energy_excursions) > 0
    assert int(state.watch.violations) == 0
    # Hardly anything had happened while there was ATP.
    still = potential[atp > 1.5]
    assert (still - resting_mv).abs().max() < 1.5

    state = cell.with_supply(state)
    _, recovering, state = seconds(cell, state, 25.0)
    assert recovering.atp_mm[-1] > 3 * ATP_CRITICAL_MM
    assert recovering.membrane_potential_mv[-1].item() == pytest.approx(resting_mv, abs=3.0)
    assert recovering.calcium_um[-1] < 0.1
    assert state.ions.potassium_outside.abs() < 1.0
    spikes, _, _ = seconds(cell, state, 0.2, current=10.0)
    assert spikes > 5  # and it works again


def test_without_oxygen_alone_glycolysis_carries_on_longer() -> None:
    ends = []
    for oxygen, glucose in ((0.0, 1.0), (0.0, 0.0)):
        cell = BiophysicalNeuron(1, dt_ms=0.05)
        state = cell.with_supply(seconds(cell, None, 0.1)[2], oxygen=oxygen, glucose=glucose)
        ends.append(seconds(cell, state, 8.0)[1].atp_mm[-1].item())
    assert 2.2 > ends[0] > ends[1] > 0.0


def test_a_firing_neuron_runs_out_first() -> None:
    ends = []
    for current in (0.0, 10.0):
        cell = BiophysicalNeuron(1, dt_ms=0.05)
        state = cell.with_supply(seconds(cell, None, 0.1)[2], oxygen=0.0, glucose=0.0)
        ends.append(seconds(cell, state, 5.0, current=current)[1].atp_mm[-1].item())
    assert ends[1] < ends[0] - 0.05


def test_the_astrocyte_answers_and_quietens_the_synapse() -> None:
    """Glutamate, IP3, calcium, gliotransmitter, presynaptic receptors, less release."""
    eager = AstrocyteConstants(release_threshold_um=0.15, agonist_um_per_s=1.0)
    heard = BiophysicalNeuron(1, dt_ms=0.05, astrocyte=eager)
    deaf = BiophysicalNeuron(1, dt_ms=0.05, astrocyte=eager._replace(modulation=1.0))
    states = [seconds(cell, None, 6.0, current=8.0)[2] for cell in (heard, deaf)]
    assert states[0].astrocyte.ip3 > heard.initial_state().astrocyte.ip3
    assert states[0].astrocyte.receptors > 0.3
    assert states[0].transmitter.releasable > states[1].transmitter.releasable


def test_gradients_flow_through_the_whole_life() -> None:
    """From what the astrocyte and the cleft hold after a spike, to the sodium channels."""
    cell = BiophysicalNeuron(
        1, dt_ms=0.05, learn=("membrane.sodium_ms_cm2", "calcium.pump_max_ua_cm2")
    ).double()
    xs = torch.full((60, 1, 1), 40.0, dtype=torch.float64, requires_grad=True)
    _, state = cell.run(xs)
    (state.energy.atp + state.astrocyte.ip3 + state.transmitter.cleft).sum().backward()
    assert xs.grad is not None
    assert bool(xs.grad.isfinite().all())
    assert bool((xs.grad != 0).any())
    for name, parameter in cell.named_parameters():
        assert parameter.grad is not None, name
        assert bool((parameter.grad != 0).all()), name


def test_a_gradient_is_the_slope() -> None:
    cell = BiophysicalNeuron(1, dt_ms=0.05).double()
    current = torch.tensor(5.0, dtype=torch.float64, requires_grad=True)

    def later(x: torch.Tensor) -> torch.Tensor:
        return cell.run_reference(x.expand(20, 1, 1))[1].membrane.membrane_potential.sum()

    (slope,) = torch.autograd.grad(later(current), current)
    with torch.no_grad():
        quotient = (later(current + 1e-4) - later(current - 1e-4)) / 2e-4
    assert slope.item() == pytest.approx(quotient.item(), rel=1e-5)


def test_supply_may_come_with_the_input() -> None:
    cell = BiophysicalNeuron(
        1, dt_ms=0.05, geometry=cylinder(1.0, 20.0), input="current_and_supply"
    )
    xs = torch.zeros(1, 1, 2, 1, dtype=torch.float64)
    _, starved = cell.run(xs, steps=20_000)
    xs[:, :, 1] = 1.0
    _, fed = cell.run(xs, steps=20_000)
    assert starved.energy.oxygen.item() == 0.0
    assert starved.energy.atp < fed.energy.atp - 0.3
    changing = torch.cat([xs, 0.5 * xs])
    _, after = cell.run(changing)
    assert after.energy.oxygen.item() == 0.5


def test_a_synapse_is_a_drive_and_a_conductance() -> None:
    """A conductance g that reverses at E is drive gE; it holds the potential near E."""
    cell = BiophysicalNeuron(1, input="conductance")
    xs = torch.tensor([[[[5.0 * -80.0], [5.0]]]], dtype=torch.float64)
    _, state = cell.run(xs, steps=2000)
    assert state.membrane.membrane_potential.item() == pytest.approx(-79.0, abs=1.0)


def test_an_impossible_input_raises_or_is_counted_but_never_hidden() -> None:
    xs = torch.full((1, 1, 2), 2e4, dtype=torch.float64)
    counting = BiophysicalNeuron(2)
    _, state = counting.run(xs, steps=10)
    assert (state.watch.violations > 0).all()
    assert (state.membrane.membrane_potential > 150.0).all()  # not pushed back
    raising = BiophysicalNeuron(2, on_violation="raise")
    with pytest.raises(InvalidInput, match=r"left their physical bounds.*shorter dt_ms"):
        raising.run(xs, steps=10)
    with pytest.raises(InvalidInput, match="membrane_potential_mv"):
        raising.run_reference(xs, steps=10)
    raising.run(held(10.0, 2), steps=100)


def test_what_is_no_number_is_a_violation() -> None:
    cell = BiophysicalNeuron(1)
    _, state = cell.run(held(float("nan")), steps=2)
    assert int(state.watch.violations) == 2


def test_a_trace_counts_spikes_and_looks_in_between() -> None:
    cell = BiophysicalNeuron(2, dt_ms=0.05)
    spikes, vitals, state = cell.trace(held(10.0, 2), steps=800, every=200)
    assert spikes.shape == (4, 1, 2)
    assert vitals.atp_mm.shape == (4, 1, 2)
    assert torch.equal(vitals.calcium_um[-1], state.calcium.free)
    whole, after = cell.run(held(10.0, 2), steps=800)
    assert torch.equal(spikes.sum(0), whole.sum(0))
    assert torch.equal(after.energy.atp, state.energy.atp)
    assert cell.vitals(state).atp_mm is state.energy.atp
    assert cell.bounds["calcium_um"].unit == "uM"


def test_a_trace_with_gradients_is_that_without() -> None:
    cell = BiophysicalNeuron(1, dt_ms=0.05)
    learning = BiophysicalNeuron(1, dt_ms=0.05, learn=("membrane.sodium_ms_cm2",))
    quick = cell.trace(held(20.0), steps=80, every=20)
    slow = learning.trace(held(20.0), steps=80, every=20)
    assert torch.equal(quick[0], slow[0])
    for a, b in zip(quick[1], slow[1], strict=True):
        assert torch.allclose(a, b, rtol=1e-6, atol=1e-12)
    assert slow[1].atp_mm.requires_grad


def test_bad_options_are_refused() -> None:
    with pytest.raises(InvalidInput, match="Choose one of current, conductance"):
        BiophysicalNeuron(1, input="voltage")
    with pytest.raises(InvalidInput, match="Choose one of raise, report"):
        BiophysicalNeuron(1, on_violation="clamp")
    with pytest.raises(UnknownName, match="Did you mean 'membrane'"):
        BiophysicalNeuron(1, learn=("membran.sodium_ms_cm2",))
    with pytest.raises(UnknownName, match="Did you mean 'sodium_ms_cm2'"):
        BiophysicalNeuron(1, learn=("membrane.sodium_ms",))
    with pytest.raises(InvalidInput, match="buffer_um is 0"):
        BiophysicalNeuron(1, calcium=CalciumConstants(buffer_um=0.0))
    cell = BiophysicalNeuron(1)
    with pytest.raises(InvalidInput, match="oxygen is -1"):
        cell.with_supply(cell.initial_state(), oxygen=-1.0)
    with pytest.raises(InvalidInput, match="steps=5, every=2"):
        cell.trace(held(0.0), steps=5, every=2)
    with pytest.raises(ShapeMismatch):
        cell.trace(held(0.0, 2), steps=4)
