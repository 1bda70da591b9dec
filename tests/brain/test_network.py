"""A network is a cell: the same numbers fused or stepped, and nothing of its own is remembered."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from safetensors import torch as safetensors
from tests.brain.individuals import (
    bits,
    looped_spec,
    pictures,
    random_life,
    small_network,
    small_spec,
)
from torch import Tensor

from neurallayers.brain import BrainNetwork, BrainSpec, BrainState, SenseSpec, preset
from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.seeding import stream
from neurallayers.state import from_named, gather, map_state, to_named

NETWORKS = {
    "chain": BrainNetwork(small_spec(), seed=1),
    "loop": BrainNetwork(looped_spec(), seed=1),
}
SENSES: list[tuple[str, dict[str, float]]] = [
    ("current", {}),
    ("poisson", {"rate_hz": 400.0}),
    ("latency", {"tau_ms": 6.0}),
    ("delta", {"threshold": 0.2}),
]
anatomy = pytest.mark.parametrize("name", list(NETWORKS))


def drive(network: BrainNetwork, time: int = 10, batch: int = 3, seed: int = 0) -> Tensor:
    generator = stream(seed, "drive")
    return 2 * torch.rand(time, batch, *network.in_shape, generator=generator)


def in_steps(network: BrainNetwork, xs: Tensor, state: BrainState) -> tuple[Tensor, BrainState]:
    potentials = []
    for x in xs:
        potential, state = network(x, state)
        potentials.append(potential)
    return torch.stack(potentials), state


def close(one: Any, other: Any, tolerance: float = 1e-5) -> bool:
    first, second = to_named(one), to_named(other)
    return first.keys() == second.keys() and all(
        torch.allclose(first[name].float(), second[name].float(), atol=tolerance) for name in first
    )


def gradients(network: BrainNetwork, potentials: Tensor) -> dict[str, Tensor]:
    weights = torch.rand(potentials.shape, generator=stream(0, "loss"))
    named = dict(network.named_parameters())
    found = torch.autograd.grad((potentials * weights).sum(), list(named.values()))
    return dict(zip(named, found, strict=True))


@anatomy
def test_fused_and_stepped_give_the_same_numbers(name: str) -> None:
    network = NETWORKS[name]
    xs, state = drive(network), random_life(network, 3)
    activity = network.live(xs, state)
    stepped, after = in_steps(network, xs, state)
    assert all(spikes.sum() > 0 for region, spikes in activity.spikes.items() if region != "alone")
    assert torch.allclose(activity.potentials, stepped, atol=1e-5)
    assert close(activity.state, after)


@anatomy
def test_fused_and_stepped_give_the_same_gradients(name: str) -> None:
    network = NETWORKS[name]
    xs, state = drive(network), random_life(network, 3)
    fused = gradients(network, network.live(xs, state).potentials)
    stepped = gradients(network, in_steps(network, xs, state)[0])
    for parameter, gradient in fused.items():
        scale = float(gradient.abs().max())
        assert scale > 0, f"no gradient reaches {parameter}"
        assert torch.allclose(gradient, stepped[parameter], atol=1e-5 * max(1.0, scale)), parameter


@anatomy
def test_a_held_frame_is_the_same_as_its_copies(name: str) -> None:
    network = NETWORKS[name]
    frame, state = drive(network, time=1), random_life(network, 3)
    held = network.live(frame, state, steps=9)
    copied = network.live(frame.expand(9, *frame.shape[1:]).clone(), state)
    assert torch.allclose(held.potentials, copied.potentials, atol=1e-5)
    assert all(torch.equal(held.spikes[region], copied.spikes[region]) for region in held.spikes)
    assert close(held.state, copied.state)


@anatomy
@pytest.mark.parametrize("first", [1, 2, 7])
def test_two_runs_join(name: str, first: int) -> None:
    network = NETWORKS[name]
    xs, state = drive(network), random_life(network, 3)
    whole, after = network.run(xs, state)
    one, between = network.run(xs[:first], state)
    two, end = network.run(xs[first:], between)
    assert torch.allclose(whole, torch.cat([one, two]), atol=1e-5)
    assert close(after, end)


@anatomy
def test_a_newborn_is_the_initial_state(name: str) -> None:
    network = NETWORKS[name]
    xs = drive(network)
    born, after_birth = network.run(xs)
    made, after_state = network.run(xs, network.initial_state(3))
    assert torch.allclose(born, made, atol=1e-6)
    assert close(after_birth, after_state)
    activity = network.live(xs)
    assert activity.scores.shape == (3, 2)
    assert network.live(xs, network.initial_state(3)).scores.shape == (3, *network.out_shape)


@anatomy
def test_the_same_gives_the_same_and_leaves_state_and_network_alone(name: str) -> None:
    network = NETWORKS[name]
    xs, state = drive(network), random_life(network, 3)
    before, weights = bits(state), bits(dict(network.state_dict()))
    one, other = network.live(xs, state), network.live(xs, state)
    assert torch.equal(one.potentials, other.potentials)
    assert bits(one.state) == bits(other.state)
    assert bits(state) == before
    assert bits(dict(network.state_dict())) == weights


@anatomy
def test_rows_never_meet(name: str) -> None:
    network = NETWORKS[name]
    xs, state = drive(network), random_life(network, 3)
    whole = network.live(xs, state)
    changed = xs.clone()
    changed[:, :2] = 0
    other = network.live(changed, state)
    assert torch.equal(other.potentials[:, 2], whole.potentials[:, 2])
    assert not torch.equal(other.potentials[:, 0], whole.potentials[:, 0])
    alone = network.live(xs[:, 2:], gather(state, [2]))
    assert torch.allclose(alone.potentials[:, 0], whole.potentials[:, 2], atol=1e-5)


@anatomy
def test_rest_clears_activity_and_keeps_what_was_learned(name: str) -> None:
    network = NETWORKS[name]
    lived = network.run(drive(network), random_life(network, 3))[1]
    rested = network.rest(lived)
    assert bits(network.rest(rested)) == bits(rested)
    assert torch.equal(rested.readout.fast_weight, lived.readout.fast_weight)
    assert rested.readout.trace.abs().sum() == 0
    for region in network.regions:
        assert torch.equal(rested.regions[region].excitability, lived.regions[region].excitability)
        assert all(part.abs().sum() == 0 for part in rested.regions[region].neurons)
    under_way = [*rested.tracts.values(), *rested.readout_tracts.values()]
    assert sum(float(buffer.sum()) for buffer in under_way) == 0


@anatomy
def test_a_state_goes_through_safetensors_bit_for_bit(name: str) -> None:
    network = NETWORKS[name]
    lived = network.run(drive(network), random_life(network, 3))[1]
    stored = safetensors.load(safetensors.save(to_named(lived)))
    assert bits(from_named(network.initial_state(3), stored)) == bits(lived)


@anatomy
def test_a_network_can_be_copied_and_gone_back_through_twice(name: str) -> None:
    network = NETWORKS[name]
    twin = copy.deepcopy(network)
    xs, state = drive(network), random_life(network, 3)
    loss = network.run(xs, state)[0].square().sum()
    loss.backward(retain_graph=True)
    first = [parameter.grad.clone() for parameter in network.parameters()]
    loss.backward()
    for parameter, gradient in zip(network.parameters(), first, strict=True):
        assert torch.allclose(parameter.grad, 2 * gradient, atol=1e-5, rtol=1e-4)
        parameter.grad = None
    assert torch.equal(twin.run(xs, state)[0], network.run(xs, state)[0])
    assert twin.fingerprint() == network.fingerprint()


@anatomy
def test_a_step_works_under_vmap(name: str) -> None:
    network = NETWORKS[name]
    x, state = drive(network)[0], random_life(network, 3)

    def one(row: Tensor, own: BrainState) -> Tensor:
        lone = map_state(lambda tensor: tensor.unsqueeze(0), own)
        return network(row.unsqueeze(0), lone)[0][0]

    assert torch.allclose(torch.vmap(one)(x, state), network(x, state)[0], atol=1e-6)


# torch's own tracer makes an instance of the surrogate gradient, and warns of it.
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@pytest.mark.compile
@anatomy
def test_a_step_is_captured_whole(name: str) -> None:
    network = NETWORKS[name]
    x, state = drive(network)[0], random_life(network, 3)
    expected, after = network(x, state)
    compiled = torch.compile(network, fullgraph=True, backend="aot_eager")
    exported = torch.export.export(network, (x, state)).module()
    for captured in (compiled, exported):
        potentials, state_after = captured(x, state)
        assert torch.allclose(potentials, expected, atol=1e-6)
        assert close(state_after, after, 1e-6)


@pytest.mark.parametrize(("encoder", "options"), SENSES)
def test_every_sense_is_the_same_fused_or_stepped(encoder: str, options: dict[str, float]) -> None:
    network = BrainNetwork(looped_spec(encoder, **options), seed=1)
    state, images = network.initial_state(3, seed=5), pictures(3, network)
    perceived = network.perceive(images, state)
    seen = network.encode(images, state)
    frames = (
        seen.frames
        if seen.steps is None
        else seen.frames.expand(seen.steps, *seen.frames.shape[1:])
    )
    assert frames.shape == (9, 3, *network.in_shape)
    potentials, after = in_steps(network, frames, state)
    assert perceived.spikes["sensory"].sum() > 0
    assert torch.allclose(perceived.potentials, potentials, atol=1e-5)
    assert close(perceived.state._replace(sense=()), after._replace(sense=()))
    assert bits(perceived.state.sense) == bits(seen.state)


def test_a_noisy_sense_draws_anew_from_the_state_and_the_same_from_the_same() -> None:
    network = BrainNetwork(looped_spec("poisson", rate_hz=400.0), seed=1)
    images = pictures(2, network)
    first = network.perceive(images, network.initial_state(2, seed=5))
    again = network.perceive(images, network.initial_state(2, seed=5))
    other = network.perceive(images, network.initial_state(2, seed=6))
    later = network.perceive(images, network.rest(first.state))
    assert torch.equal(first.spikes["sensory"], again.spikes["sensory"])
    assert not torch.equal(first.spikes["sensory"], other.spikes["sensory"])
    assert not torch.equal(first.spikes["sensory"], later.spikes["sensory"])
    assert first.state.sense.counter.tolist() == [9, 9]


def test_a_region_that_receives_nothing_fires_by_its_excitability_alone() -> None:
    network = NETWORKS["loop"]
    state = network.initial_state(2)
    assert network.live(drive(network, batch=2), state).spikes["alone"].sum() == 0
    excited = state.regions["alone"]._replace(excitability=torch.full((2, 3), 3.0))
    state = state._replace(regions={**state.regions, "alone": excited})
    assert network.live(drive(network, batch=2), state).spikes["alone"].sum() > 0


def test_a_spike_is_read_after_all_its_delays() -> None:
    network = NETWORKS["chain"]
    with torch.no_grad():
        activity = network.live(torch.full((8, 1, *network.in_shape), 5.0))
    first = {
        name: int(fired.flatten(1).any(1).nonzero()[0]) for name, fired in activity.spikes.items()
    }
    assert first["cerebrum"] > first["sensory"]
    features = network.readout.weight @ torch.zeros(32) + network.readout.bias
    moved = (activity.potentials[:, 0, :2] - features).abs().amax(1) > 0
    assert int(moved.nonzero()[0]) == first["sensory"] + 1


def test_perceive_is_what_training_needs() -> None:
    network = small_network()
    activity = network.perceive(pictures(5, network), steps=4)
    assert activity.potentials.shape == (4, 5, 4)
    assert activity.features.shape == (5, 32)
    assert activity.scores.shape == (5, 2)
    assert set(activity.rates) == {"sensory", "cerebrum"}
    assert torch.equal(activity.rates["sensory"], activity.spikes["sensory"].mean())
    assert activity.rates["sensory"].requires_grad


def test_what_training_leaves_behind_is_kept() -> None:
    network = small_network()
    network.set_rate_targets(
        {"sensory": torch.full((16,), 0.1), "cerebrum": torch.full((16,), 0.2)}
    )
    assert torch.equal(network.regions["cerebrum"].set_point, torch.full((16,), 0.2))
    assert torch.equal(
        network.initial_state(1).regions["sensory"].mean_activity, torch.full((1, 16), 0.1)
    )
    with pytest.raises(InvalidInput, match="Calibrate on the whole"):
        network.calibrate(torch.zeros(1, 32), torch.zeros(1, dtype=torch.int64))


def test_wrong_frames_and_images_are_refused() -> None:
    network = NETWORKS["chain"]
    with pytest.raises(ShapeMismatch, match=r"expected \[time, batch, 4, 4, 1\]"):
        network.run(torch.zeros(2, 1, 3, 3, 1))
    with pytest.raises(ShapeMismatch, match=r"expected \[batch, 4, 4, 1\]"):
        network.perceive(torch.zeros(2, 8, 8, 1))


def test_a_fingerprint_is_of_spec_and_weights() -> None:
    one, same = small_network(), small_network()
    assert one.fingerprint() == same.fingerprint()
    assert small_network(name="other").fingerprint() != one.fingerprint()
    with torch.no_grad():
        same.readout.bias[0] += 1e-7
    assert same.fingerprint() != one.fingerprint()


def test_a_part_added_elsewhere_changes_no_weight() -> None:
    spec = preset("hasn-nano").to_dict()
    spec["regions"].append({**spec["regions"][0], "name": "cerebellum"})
    larger = BrainNetwork(BrainSpec.from_dict(spec))
    weights = BrainNetwork(preset("hasn-nano")).state_dict()
    assert all(torch.equal(larger.state_dict()[name], weights[name]) for name in weights)


def test_a_state_keeps_no_frames_alive() -> None:
    network = NETWORKS["loop"]
    _, state = network.run(drive(network, time=400), network.initial_state(3))
    for name, tensor in to_named(state._replace(readout=())).items():
        assert tensor.untyped_storage().nbytes() <= tensor.nbytes, name


def test_noise_of_the_newborn_follows_the_seed() -> None:
    network = small_network(
        sense=SenseSpec(shape=(4, 4), encoder="poisson", options={"rate_hz": 300.0})
    )
    assert network.noisy
    images = pictures(3, network)
    one, again, other = (network.perceive(images, seed=seed).spikes for seed in (1, 1, 2))
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)
