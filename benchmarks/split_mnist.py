"""Split MNIST: ten digits learned two at a time, with sleep and without, no image stored.

    python -m benchmarks.split_mnist              # ten minutes on a quiet machine
    python -m benchmarks.split_mnist --draw       # the picture again, from the result file

Five tasks of two classes in order; every training image is seen once, and at the test nobody says
which task an image is from (class-incremental). All training images are used, the test is that part
of the official test set that the data folder holds. Receptive fields are learned from the images of
the first task alone. The options were chosen on a tenth of the training images kept aside, before
the test images were looked at.

Besides: at most 2,000 stored images rehearsed with the dreams, and rehearsed alone; the same
learner without nights; the joint bound, a read-out of the same size trained with the features of
all images at once; and three that need no sleep, on the same features: the memory's own densities
as a classifier (van de Ven, Li & Tolias 2021, CVPR workshop), streaming linear discriminant
analysis (Hayes & Kanan 2020, CVPR workshop) and a ridge regression on random features (RanPAC
without a pre-trained network: McDonnell et al. 2023, NeurIPS).
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.results import RESULTS, write
from benchmarks.split_mnist_figure import draw
from neurallayers import state as states
from neurallayers.data import load_mnist
from neurallayers.memory.dreaming import DreamingMemory
from neurallayers.seeding import stream
from neurallayers.training.continual import ContinualReport, Task, live_through, split_by_class
from neurallayers.training.receptive_fields import ReceptiveFields
from neurallayers.training.samples import Samples
from neurallayers.training.sleeping import SleepingLearner, SleepingState

BATCH = 500
BUFFER = 2000
RANDOM_FEATURES = 5000
RIDGE = 100.0
SHRINKAGE = 1e-4  # of Hayes & Kanan (2020)
PICTURE = Path(__file__).resolve().parent.parent / "docs" / "images" / "split-mnist-sleep.png"
COMMAND = "python -m benchmarks.split_mnist"
VARIANTS: dict[str, dict[str, Any]] = {
    "with_sleep": {},
    "without_sleep": {"nights": False},
    "buffer_2000": {"kept_images": BUFFER},
}


def learner(eyes: ReceptiveFields, seed: int, **options: Any) -> SleepingLearner:
    """The learner of all variants: only what is kept, and whether it sleeps, differs."""
    memory = DreamingMemory(eyes.feature_size, labels=10)
    return SleepingLearner(eyes=eyes, memory=memory, seed=seed, **options)


def live(
    eyes: ReceptiveFields, tasks: list[Task], seed: int, name: str, **options: Any
) -> tuple[SleepingState, dict[str, Any]]:
    """One life and its figures."""
    begun = time.process_time()
    nights = options.pop("nights", True)
    state, report = live_through(
        learner(eyes, seed, **options),
        tasks,
        batch_size=BATCH,
        nights=nights,
        seed=seed,
        told=lambda line: print(f"  seed {seed}, {name}: {line}", flush=True),
    )
    return state, {**figures(report), "cpu_seconds": time.process_time() - begun}


def figures(report: ContinualReport) -> dict[str, Any]:
    """What is written of a life."""
    return {
        "final_accuracy": report.final_accuracy,
        "average_accuracy": report.average_accuracy,
        "backward_transfer": report.backward_transfer,
        "forgetting": report.forgetting,
        "seen": list(report.seen),
        "evening": list(report.evening),
        "accuracy": [list(row) for row in report.accuracy],
        "seconds": report.seconds,
        "seconds_asleep": report.seconds_asleep,
    }


def features_of(eyes: ReceptiveFields, samples: Samples) -> tuple[Tensor, Tensor]:
    """Features and labels of all samples."""
    return eyes(samples.images), samples.labels


def joint(eyes: ReceptiveFields, train: Any, test: Any, seed: int) -> float:
    """The read-out trained as in all nights together, but with the features of all images."""
    of = learner(eyes, seed)
    newborn = of.initial_state().readout
    network = torch.nn.Sequential(
        torch.nn.Linear(eyes.feature_size, of.hidden),
        torch.nn.ReLU(),
        torch.nn.Linear(of.hidden, 10),
    )
    for parameter, first in zip(network.parameters(), newborn, strict=True):
        parameter.data.copy_(first[0])
    steps = of.steps_per_label * (2 + 4 + 6 + 8 + 10)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=of.sleeping_rate, weight_decay=of.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, of.sleeping_rate, total_steps=steps)
    generator = stream(seed, "joint")
    for _ in range(steps):
        batch = torch.randint(len(train[1]), (of.sleeping_batch,), generator=generator)
        optimizer.zero_grad()
        functional.cross_entropy(network(train[0][batch]), train[1][batch]).backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        return share(network(test[0]), test[1])


def share(scores: Tensor, labels: Tensor) -> float:
    """Share of right answers."""
    return float((scores.argmax(1) == labels).double().mean())


def linear_discriminant(train: Any, test: Any) -> float:
    """Streaming LDA; as sums may be added in any order, it is computed at once."""
    x, y = train
    mean = torch.stack([x[y == label].mean(0) for label in range(10)])
    deviations = x - mean[y]
    covariance = deviations.T @ deviations / len(x)
    shrunk = (1 - SHRINKAGE) * covariance + SHRINKAGE * torch.eye(len(covariance))
    weight = torch.linalg.solve(shrunk, mean.T)
    return share(test[0] @ weight - 0.5 * (mean.T * weight).sum(0), test[1])


def random_features(train: Any, test: Any, seed: int) -> float:
    """Ridge regression on random rectified features, from sums over the stream."""
    size = train[0].shape[1]
    projection = torch.randn(size, RANDOM_FEATURES, generator=stream(seed, "projection"))
    projection /= size**0.5
    gram = RIDGE * torch.eye(RANDOM_FEATURES)
    sums = torch.zeros(RANDOM_FEATURES, 10)
    for x, y in zip(train[0].split(2000), train[1].split(2000), strict=True):
        hidden = (x @ projection).relu()
        gram.addmm_(hidden.T, hidden)
        sums.addmm_(hidden.T, functional.one_hot(y, 10).float())
    weight = torch.linalg.solve(gram, sums)
    return share((test[0] @ projection).relu() @ weight, test[1])


def comparisons(
    eyes: ReceptiveFields, tasks: list[Task], state: SleepingState, data: Any
) -> dict[str, Any]:
    """The joint bound and the ways without sleep, with the first seed's receptive fields."""
    train, test = (features_of(eyes, Samples.of(part)) for part in (data.train, data.test))
    found: dict[str, Any] = {}

    def note(name: str, accuracy: float) -> None:
        found[name] = accuracy
        print(f"  {name}: {accuracy:.4f}", flush=True)

    note("joint", joint(eyes, train, test, seed=0))
    memory = learner(eyes, 0).memory
    answers = memory.recognise(state.memory, test[0][None])[0]
    note("densities_as_classifier", float((answers == test[1]).double().mean()))
    note("streaming_linear_discriminant", linear_discriminant(train, test))
    note("random_features_ridge", random_features(train, test, seed=0))
    _, alone = live(eyes, tasks, 0, "buffer alone", kept_images=BUFFER, share_kept=1.0)
    note("buffer_2000_without_dreams", alone["final_accuracy"])
    return found


def summary(lives: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean and spread over the seeds, and the lives themselves."""
    accuracies = [life["final_accuracy"] for life in lives]
    return {
        "mean": statistics.mean(accuracies),
        "standard_deviation": statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0,
        "lowest": min(accuracies),
        "highest": max(accuracies),
        "lives": lives,
    }


def measured(seeds: int) -> dict[str, Any]:
    """All figures."""
    data = load_mnist()
    tasks = split_by_class(data.train, data.test)
    lives: dict[str, list[dict[str, Any]]] = {name: [] for name in VARIANTS}
    others: dict[str, Any] = {}
    size = 0
    for seed in range(seeds):
        eyes = ReceptiveFields.learned_from(tasks[0].train.images, seed=seed)
        for name, options in VARIANTS.items():
            state, life = live(eyes, tasks, seed, name, **options)
            lives[name].append(life)
            if seed == 0 and name == "with_sleep":
                size = sum(t.numel() * t.element_size() for t in states.tensors(state.memory))
                others = comparisons(eyes, tasks, state, data)
    found = {name: summary(of) for name, of in lives.items()}
    return {
        "class_incremental_no_images": found["with_sleep"]["mean"],
        "class_incremental_buffer_2000": found["buffer_2000"]["mean"],
        "without_sleep": found["without_sleep"]["mean"],
        **others,
        "seeds": seeds,
        "test_part": data.test.name,
        "test_images": len(data.test),
        "memory_megabytes": size / 1e6,
        "by_variant": found,
    }


def main() -> None:
    """Measure, write, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--draw", action="store_true", help="only the picture, from the file")
    options = parser.parse_args()
    if not options.draw:
        torch.set_num_threads(1)
        command = COMMAND if options.seeds == 5 else f"{COMMAND} --seeds {options.seeds}"
        write("split_mnist", measured(options.seeds), command)
    draw(json.loads((RESULTS / "split_mnist.json").read_text())["results"], PICTURE)


if __name__ == "__main__":
    main()
