"""Other frameworks on the same work, each at the fastest eager setting found.

Common to all: dense layers run once over all steps (not once a step), step loops take their frames
from ``unbind`` (indexing under autograd costs more than the neurons), the reset carries no gradient
where that can be chosen, and the state starts anew for every batch.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

TAU = 20.0
BETA = 0.951229  # exp(-1 / TAU)

# Frames [time, batch, n] -> spikes of the same shape.
Layer = Callable[[Tensor], Tensor]


class Peer(NamedTuple):
    """A framework: how it makes neurons, alone and joined all to all."""

    setting: str
    neurons: Callable[[int], Layer]
    recurrent: Callable[[int, nn.Linear], Layer]


def snntorch() -> Peer:
    """snnTorch: one module call a step."""
    snn = importlib.import_module("snntorch")
    surrogate = importlib.import_module("snntorch.surrogate")

    def make() -> Any:
        return snn.Leaky(beta=BETA, spike_grad=surrogate.fast_sigmoid(slope=4))

    def neurons(_: int) -> Layer:
        cell = make()

        def run(xs: Tensor) -> Tensor:
            potential, spikes = torch.zeros_like(xs[0]), []
            for x in xs.unbind(0):
                fired, potential = cell(x, potential)
                spikes.append(fired)
            return torch.stack(spikes)

        return run

    def recurrent(_: int, weight: nn.Linear) -> Layer:
        cell = make()

        def run(xs: Tensor) -> Tensor:
            potential = fired = torch.zeros_like(xs[0])
            spikes = []
            for x in xs.unbind(0):
                fired, potential = cell(x + weight(fired), potential)
                spikes.append(fired)
            return torch.stack(spikes)

        return run

    return Peer("Leaky, fast_sigmoid, reset by subtraction", neurons, recurrent)


def spikingjelly() -> Peer:
    """SpikingJelly: its multi-step mode."""
    neuron = importlib.import_module("spikingjelly.activation_based.neuron")
    surrogate = importlib.import_module("spikingjelly.activation_based.surrogate")
    functional = importlib.import_module("spikingjelly.activation_based.functional")

    def make(mode: str) -> Any:
        return neuron.LIFNode(
            tau=TAU,
            v_reset=None,
            detach_reset=True,
            surrogate_function=surrogate.ATan(),
            step_mode=mode,
        )

    def neurons(_: int) -> Layer:
        cell = make("m")

        def run(xs: Tensor) -> Tensor:
            functional.reset_net(cell)
            spikes: Tensor = cell(xs)
            return spikes

        return run

    def recurrent(_: int, weight: nn.Linear) -> Layer:
        # Its own LinearRecurrentContainer multiplies a matrix of twice the size.
        cell = make("s")

        def run(xs: Tensor) -> Tensor:
            functional.reset_net(cell)
            fired, spikes = torch.zeros_like(xs[0]), []
            for x in xs.unbind(0):
                fired = cell(x + weight(fired))
                spikes.append(fired)
            return torch.stack(spikes)

        return run

    return Peer("LIFNode, ATan, soft and detached reset, step_mode m", neurons, recurrent)


def norse() -> Peer:
    """norse: its membrane-only neuron, which does half the work of its LIF."""
    box = importlib.import_module("norse.torch.functional.lif_box")
    parameters = box.LIFBoxParameters(tau_mem_inv=torch.as_tensor(1000.0 / TAU))

    def loop(xs: Tensor, drive: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        fired = torch.zeros_like(xs[0])
        state = box.LIFBoxFeedForwardState(v=torch.zeros_like(xs[0]))
        spikes = []
        for x in xs.unbind(0):
            fired, state = box.lif_box_feed_forward_step(drive(x, fired), state, parameters)
            spikes.append(fired)
        return torch.stack(spikes)

    def neurons(_: int) -> Layer:
        return lambda xs: loop(xs, lambda x, fired: x)

    def recurrent(_: int, weight: nn.Linear) -> Layer:
        return lambda xs: loop(xs, lambda x, fired: x + weight(fired))

    return Peer("lif_box, SuperSpike, reset to zero", neurons, recurrent)


MAKERS = {"snntorch": snntorch, "spikingjelly": spikingjelly, "norse": norse}


def installed() -> tuple[dict[str, Peer], dict[str, str]]:
    """The peers that can be imported, and why the others cannot."""
    found, missing = {}, {}
    for name, maker in MAKERS.items():
        try:
            found[name] = maker()
        except ImportError as error:
            missing[name] = str(error)
    return found, missing
