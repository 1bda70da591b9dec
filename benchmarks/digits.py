"""scikit-learn's digits: accuracy and training time of the newcomer's first network.

    python -m benchmarks.digits

A fixed 20 % is held out (seed 0); five training seeds. Beside it, when they are installed
(benchmarks/requirements-peers.txt), snnTorch and SpikingJelly train a network of the same layers on
the same augmented batches for as many epochs.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.results import write
from neurallayers.data import Dataset, load_digits
from neurallayers.research import RECIPES, train
from neurallayers.seeding import stream
from neurallayers.training.augmentation import augment

STEPS = 12


def snntorch_network() -> Callable[[Tensor], Tensor]:
    """64-256-256-256-10 of snnTorch's Leaky neurons; the answer is the mean potential."""
    import snntorch
    from snntorch import surrogate

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            sizes = (64, 256, 256, 256)
            self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))
            self.neurons = nn.ModuleList(
                snntorch.Leaky(beta=0.6, spike_grad=surrogate.atan()) for _ in self.layers
            )
            self.out = nn.Linear(256, 10)
            self.read = snntorch.Leaky(beta=0.95, reset_mechanism="none")

        def forward(self, x: Tensor) -> Tensor:
            memory = [neuron.init_leaky() for neuron in self.neurons]
            read = self.read.init_leaky()
            potentials = []
            for _ in range(STEPS):
                spikes = x
                for i, (layer, neuron) in enumerate(zip(self.layers, self.neurons, strict=True)):
                    spikes, memory[i] = neuron(layer(spikes), memory[i])
                _, read = self.read(self.out(spikes), read)
                potentials.append(read)
            return torch.stack(potentials).mean(0)

    return Network()


def spikingjelly_network() -> Callable[[Tensor], Tensor]:
    """64-256-256-256-10 of SpikingJelly's LIF neurons in multi-step mode; spikes are averaged."""
    from spikingjelly.activation_based import functional as jelly
    from spikingjelly.activation_based import layer, neuron, surrogate

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            parts: list[nn.Module] = []
            sizes = (64, 256, 256, 256)
            for a, b in itertools.pairwise(sizes):
                parts += [
                    layer.Linear(a, b, step_mode="m"),
                    neuron.LIFNode(
                        tau=2.0,
                        surrogate_function=surrogate.ATan(),
                        detach_reset=True,
                        step_mode="m",
                    ),
                ]
            parts.append(layer.Linear(256, 10, step_mode="m"))
            self.body = nn.Sequential(*parts)

        def forward(self, x: Tensor) -> Tensor:
            jelly.reset_net(self)
            scores: Tensor = self.body(x.unsqueeze(0).expand(STEPS, *x.shape)).mean(0)
            return scores

    return Network()


def train_peer(
    make: Callable[[], Callable[[Tensor], Tensor]], data: Dataset, seed: int
) -> tuple[float, float]:
    """Accuracy on the held-out part and seconds of training of a peer's network."""
    recipe = RECIPES.make("hasn-nano-digits")
    config = recipe.config
    torch.manual_seed(seed)
    network = make()
    assert isinstance(network, nn.Module)
    images, labels = data.train.images.float().unsqueeze(-1), data.train.labels
    batches = -(-len(labels) // config.batch_size)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=config.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 2e-3, total_steps=config.epochs * batches
    )
    begin = time.perf_counter()
    for epoch in range(config.epochs):
        generator = stream(seed, "peer", epoch)
        for places in torch.randperm(len(labels), generator=generator).split(config.batch_size):
            batch = augment(images[places], config.augment, generator).flatten(1)
            optimizer.zero_grad()
            functional.cross_entropy(network(batch), labels[places]).backward()
            optimizer.step()
            schedule.step()
    seconds = time.perf_counter() - begin
    with torch.no_grad():
        answers = network(data.test.images.float().flatten(1)).argmax(1)
    return float((answers == data.test.labels).float().mean()), seconds


PEERS = {"snntorch": snntorch_network, "spikingjelly": spikingjelly_network}


def main() -> None:
    """Train with each seed, ours and the peers' in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    seeds = parser.parse_args().seeds
    data = load_digits()
    train("hasn-nano-digits", data=data, epochs=1)  # compile the kernels before the clock runs
    ours: list[tuple[float, float]] = []
    peers: dict[str, list[tuple[float, float]]] = {}
    for seed in range(seeds):
        trained = train("hasn-nano-digits", seed=seed, data=data)
        ours.append((trained.evaluation.accuracy, trained.result.seconds))
        print(f"seed {seed}: {ours[-1][0]:.4f} in {ours[-1][1]:.1f} s", flush=True)
        for name, make in PEERS.items():
            if importlib.util.find_spec(name) is None:
                if seed == 0:
                    print(
                        f"{name} is not installed: pip install -r benchmarks/requirements-peers.txt"
                    )
                continue
            peers.setdefault(name, []).append(train_peer(make, data, seed))
            print(f"  {name}: {peers[name][-1][0]:.4f} in {peers[name][-1][1]:.1f} s", flush=True)
    results = {
        "accuracy": round(statistics.mean(accuracy for accuracy, _ in ours), 4),
        "train_seconds": round(statistics.median(seconds for _, seconds in ours), 2),
        "accuracies": [round(accuracy, 4) for accuracy, _ in ours],
        "seeds": seeds,
        "held_out": len(data.test),
        "peers": {
            name: {
                "accuracy": round(statistics.mean(accuracy for accuracy, _ in runs), 4),
                "train_seconds": round(statistics.median(seconds for _, seconds in runs), 2),
            }
            for name, runs in peers.items()
        },
    }
    write("digits", results, "python -m benchmarks.digits")


if __name__ == "__main__":
    main()
