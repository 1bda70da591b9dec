from __future__ import annotations

import pytest
import torch
from torch import nn

from neurallayers.seeding import stream
from neurallayers.training.config import FitConfig
from neurallayers.training.optimization import (
    WeightAverage,
    make_optimizer,
    optimizer_tensors,
    restore_optimizer,
    set_pace,
    trained_parameters,
)


def steps(optimizer, parameters, n, seed):
    generator = stream(seed, "gradients")
    for _ in range(n):
        for parameter in parameters.values():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        optimizer.step()


def test_each_parameter_that_is_trained_is_found_once_under_its_name(network):
    network.readout.bias.requires_grad_(False)
    names = trained_parameters(network=network, again=network)
    assert set(names) == {
        "network.cells.cells.0.weight",
        "network.cells.cells.0.bias",
        "network.cells.cells.1.decay.log_tau_ms",
        "network.readout.weight",
    }


def test_only_matrices_decay(network):
    parameters = trained_parameters(network=network)
    decaying, free = make_optimizer(FitConfig(weight_decay=0.3), parameters).param_groups
    assert {p.ndim for p in decaying["params"]} == {2}
    assert {p.ndim for p in free["params"]} == {1}
    assert (decaying["weight_decay"], free["weight_decay"]) == (0.3, 0.0)


def test_time_constants_of_image_like_layers_do_not_decay():
    parameters = {"log_tau_ms": nn.Parameter(torch.ones(3, 3, 2))}
    (group,) = make_optimizer(FitConfig(), parameters).param_groups
    assert group["weight_decay"] == 0.0


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_a_restored_optimiser_goes_on_to_the_bit(name, make_network):
    config = FitConfig(optimizer=name)
    networks = [make_network(), make_network()]
    parameters = [trained_parameters(network=network) for network in networks]
    first, second = (make_optimizer(config, named) for named in parameters)
    steps(first, parameters[0], 3, seed=0)
    networks[1].load_state_dict(networks[0].state_dict())
    restore_optimizer(second, parameters[1], optimizer_tensors(first, parameters[0]))
    steps(first, parameters[0], 3, seed=1)
    steps(second, parameters[1], 3, seed=1)
    for name_ in parameters[0]:
        assert torch.equal(parameters[0][name_], parameters[1][name_])


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_the_optimiser_walks_at_the_pace_of_the_schedule(name, network):
    config = FitConfig(optimizer=name, schedule="one_cycle", learning_rate=0.1)
    optimizer = make_optimizer(config, trained_parameters(network=network))
    assert set_pace(optimizer, config, 0, 100) == pytest.approx(0.1 / 25)
    for group in optimizer.param_groups:
        momentum = group["betas"][0] if name == "adamw" else group["momentum"]
        assert momentum == pytest.approx(0.95)
        assert group["lr"] == pytest.approx(0.1 / 25)


def test_plain_gradient_descent_stays_plain(network):
    config = FitConfig(optimizer="sgd", momentum=0.0)
    optimizer = make_optimizer(config, trained_parameters(network=network))
    set_pace(optimizer, config, 0, 100)
    assert {group["momentum"] for group in optimizer.param_groups} == {0.0}


def test_the_average_follows_its_recurrence():
    weight = nn.Parameter(torch.tensor([1.0]))
    average, expected = WeightAverage({"w": weight}, decay=0.5), 1.0
    for step, value in enumerate([2.0, -1.0, 4.0, 4.0, 0.0, 8.0, 8.0, 8.0, 1.0, 1.0]):
        weight.data.fill_(value)
        average.update(step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
        assert float(average.averages["w"]) == pytest.approx(expected, rel=1e-6)


def test_averages_are_in_place_for_a_while_only():
    weight = nn.Parameter(torch.tensor([1.0]))
    average = WeightAverage({"w": weight}, decay=0.5)
    weight.data.fill_(3.0)

    def look():
        with average.in_place():
            assert float(weight.detach()) == 1.0
            raise RuntimeError("on the way")

    with pytest.raises(RuntimeError, match="on the way"):
        look()
    assert float(weight.detach()) == 3.0
    average.write()
    assert float(weight.detach()) == 1.0
