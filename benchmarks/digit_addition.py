"""Sums of two handwritten digits, learned from the sums alone: no label of a digit is ever seen.

    python -m benchmarks.digit_addition                   # every size, many minutes
    python -m benchmarks.digit_addition --sums 300 3000   # some; the others stay as they are
    python -m benchmarks.digit_addition --spiking         # a spiking network, from 3,000 sums

The task of DeepProbLog (Manhaeve et al. 2018): the program says what a sum is, a network says how
probable each digit is, and the likelihood of the observed sums is followed exactly, through the
program's circuit. Training images are MNIST's, each in one pair only; pairs are drawn with a fixed
seed, and so are the test pairs, from the test images at hand. Accuracy is the share of test pairs
whose most probable sum is right, from 0 to 1; where there are several seeds (other pairs, other
initial weights), the median is reported and all are listed.

A run that does not even fit its training sums (the digits of some labels swapped, a known local
optimum) is begun again with other initial weights; the training sums alone decide that.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import statistics
import sys
import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.results import RESULTS, write
from neurallayers.brain import BrainNetwork, preset
from neurallayers.data import load_mnist
from neurallayers.data.dataset import Split
from neurallayers.logic.neural import NeuralPredicate, NeuralProgram
from neurallayers.seeding import derive_seed, stream
from neurallayers.training.augmentation import Augmentation, augment

PROGRAM = "addition(x, y, z) <- digit(x, a) & digit(y, b) & z is a + b"
AUGMENTATION = Augmentation(shift_pixels=2, rotation_degrees=12.0, scaling=0.1, elastic_pixels=1.0)
FITS_FROM = 0.9
ATTEMPTS = 4
AVERAGING = 0.99


@dataclass(frozen=True)
class Recipe:
    """How long and how fast is trained.

    Attributes:
        epochs: Passes over the training sums.
        batch: Sums a step.
        learning_rate: At its highest; it rises over a twentieth of the steps and falls as a cosine.
        seeds: How often the whole is done.
    """

    epochs: int
    batch: int
    learning_rate: float
    seeds: int


RECIPES = {
    300: Recipe(epochs=60, batch=16, learning_rate=2e-3, seeds=5),
    3000: Recipe(epochs=10, batch=32, learning_rate=3e-3, seeds=3),
    25000: Recipe(epochs=8, batch=64, learning_rate=3e-3, seeds=1),
}
SPIKING_SUMS = 3000
SPIKING = Recipe(epochs=20, batch=32, learning_rate=2e-3, seeds=1)


@dataclass(frozen=True)
class Sums:
    """Pairs of images ``[n, 28, 28, 1]`` from 0 to 1, and what they add up to."""

    left: Tensor
    right: Tensor
    totals: Tensor

    def __len__(self) -> int:
        return len(self.totals)


def pairs(split: Split, count: int, seed: int) -> Sums:
    """Pairs of different images; only the sums of their labels go on."""
    order = torch.randperm(len(split), generator=stream(seed, "pairs", split.name, count))
    left, right = order[: 2 * count : 2], order[1 : 2 * count : 2]
    images = split.images.to(torch.float32).div(255.0).unsqueeze(-1)
    return Sums(images[left], images[right], split.labels[left] + split.labels[right])


class ChannelsFirst(nn.Module):
    """``[n, 28, 28, 1]`` as convolutions want it."""

    def forward(self, images: Tensor) -> Tensor:
        """The channels moved."""
        return images.permute(0, 3, 1, 2)


class Spiking(nn.Module):
    """The scores of a spiking brain network as logits."""

    def __init__(self) -> None:
        super().__init__()
        labels = tuple(str(digit) for digit in range(10))
        spec = preset("hasn-micro", image_shape=(28, 28), labels=labels)
        self.network = BrainNetwork(spec)

    def forward(self, images: Tensor) -> Tensor:
        """Show the images and read the scores."""
        return self.network.perceive(images).scores


def convolutional_network() -> nn.Module:
    """Three convolutions and two dense layers: about 0.16 million parameters, logits of ten."""
    return nn.Sequential(
        ChannelsFirst(),
        nn.Conv2d(1, 24, 5, padding=2, bias=False),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(24),
        nn.ReLU(),
        nn.Conv2d(24, 48, 3, padding=1, bias=False),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(48),
        nn.ReLU(),
        nn.Conv2d(48, 96, 3, padding=1, bias=False),
        nn.BatchNorm2d(96),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(864, 128, bias=False),
        nn.BatchNorm1d(128),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Linear(128, 10),
    ).to(memory_format=torch.channels_last)


def addition_of(network: nn.Module) -> NeuralProgram:
    """The program around a network."""
    digit = NeuralPredicate("digit", network, labels=range(10))
    return NeuralProgram(PROGRAM, [digit], query="addition(Left, Right, z)")


def accuracy(program: NeuralProgram, sums: Sums, batch: int = 500) -> float:
    """Share of the pairs whose most probable sum is right."""
    program.eval()
    right = 0
    columns = program.columns(sums.totals)
    for start in range(0, len(sums), batch):
        part = slice(start, start + batch)
        inputs = {
            "Left": sums.left[part],
            "Right": sums.right[part],
        }
        right += int((program.predict(inputs) == columns[part]).sum())
    program.train()
    return right / len(sums)


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """Linear rise over a twentieth of the steps, then half a cosine."""
    rise = min(1.0, (step + 1) / (0.05 * steps + 1))
    return recipe.learning_rate * rise * 0.5 * (1.0 + math.cos(math.pi * step / steps))


def train(sums: Sums, recipe: Recipe, seed: int, attempt: int, make: Any) -> NeuralProgram:
    """Follow the likelihood of the sums; the average of the weights over the last steps is kept."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "digit_addition", attempt))
        program = addition_of(make())
        average = copy.deepcopy(program)
        optimizer = torch.optim.AdamW(program.parameters(), lr=1.0, weight_decay=1e-2)
        generator = stream(seed, "augmentation", attempt)
        columns = program.columns(sums.totals)
        batches = len(sums) // recipe.batch
        steps = recipe.epochs * batches
        for step in range(steps):
            if step % batches == 0:
                order = torch.randperm(len(sums), generator=generator)
                begun = time.perf_counter()
            chosen = order[(step % batches) * recipe.batch :][: recipe.batch]
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(recipe, step, steps)
            inputs = {
                "Left": augment(sums.left[chosen], AUGMENTATION, generator),
                "Right": augment(sums.right[chosen], AUGMENTATION, generator),
            }
            loss = program.loss(inputs, columns[chosen])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            follow(average, program, min(AVERAGING, step / (step + 10)))
            if (step + 1) % batches == 0:
                epoch, seconds = (step + 1) // batches, time.perf_counter() - begun
                print(
                    f"  epoch {epoch}/{recipe.epochs}: loss {loss.item():.4f}, {seconds:.1f} s",
                    file=sys.stderr,
                )
    return average


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, keep: float) -> None:
    """Exponential moving average of weights and of the statistics of batches."""
    for kept, now in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if kept.dtype.is_floating_point:
            kept.lerp_(now, 1.0 - keep)
        else:
            kept.copy_(now)


def learn(count: int, recipe: Recipe, seed: int, data: Any, make: Any) -> dict[str, Any]:
    """One run: draw pairs, train until they are fitted, measure on the test pairs."""
    sums = pairs(data.train, count, seed)
    begun = time.perf_counter()
    attempts = 0
    fits = 0.0
    while fits < FITS_FROM and attempts < ATTEMPTS:
        attempts += 1
        program = train(sums, recipe, seed, attempts, make)
        fits = accuracy(program, sums)
    seconds = time.perf_counter() - begun
    test = pairs(data.test, len(data.test) // 2, 0)
    return {
        "accuracy": round(accuracy(program, test), 4),
        "accuracy_of_training_sums": round(fits, 4),
        "digits_right": round(digits_right(program, data.test), 4),
        "attempts": attempts,
        "seconds": round(seconds, 1),
    }


def digits_right(program: NeuralProgram, split: Split) -> float:
    """Share of the test digits that the network knows, for the report alone."""
    program.eval()
    images = split.images.to(torch.float32).div(255.0).unsqueeze(-1)
    with torch.no_grad():
        digit = program.predicates["digit"]
        said = torch.cat([digit.log_distribution(part).argmax(dim=1) for part in images.split(500)])
    program.train()
    return float((said == split.labels).double().mean())


def main() -> None:
    """Measure the sizes that are asked for and record them beside what is recorded already."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sums", type=int, nargs="+", choices=sorted(RECIPES))
    parser.add_argument("--spiking", action="store_true")
    parser.add_argument("--seeds", type=int, help="instead of as many as the recipe says")
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = load_mnist()
    path = RESULTS / "digit_addition.json"
    results = json.loads(path.read_text())["results"] if path.exists() else {}
    results |= {"unit": "share of test pairs whose sum is right", "test_part": data.test.name}
    results["test_pairs"] = len(data.test) // 2
    if options.spiking:
        results["spiking"] = {
            "network": "hasn-micro",
            "sums": SPIKING_SUMS,
            "epochs": SPIKING.epochs,
            **learn(SPIKING_SUMS, SPIKING, 0, data, Spiking),
        }
        write("digit_addition", results, "python -m benchmarks.digit_addition [--spiking]")
        return
    for count in options.sums or sorted(RECIPES):
        recipe = RECIPES[count]
        runs = []
        for seed in range(options.seeds or recipe.seeds):
            print(f"{count} sums, seed {seed}", file=sys.stderr)
            runs.append(learn(count, recipe, seed, data, convolutional_network))
            print(f"  {runs[-1]}", file=sys.stderr)
        results[f"accuracy_{count}"] = statistics.median(run["accuracy"] for run in runs)
        results[f"runs_{count}"] = runs
        results[f"epochs_{count}"] = recipe.epochs
        write("digit_addition", results, "python -m benchmarks.digit_addition [--spiking]")


if __name__ == "__main__":
    main()
