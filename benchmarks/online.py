"""On-line learning: eight digit classes from training, two more from a few lessons.

A network is trained on eight of the ten digit classes. The two others are then taught one image at
a time by the same ``Brain.learn`` that any user calls. Measured on held-out images, in competition
with all ten classes: accuracy on the two new ones, and what the eight old ones lost. Beside it the
same lessons for two read-outs of the same features: the nearest class mean, and a linear read-out
fine-tuned by gradient descent on the lessons.

    python -m benchmarks.online
"""

from __future__ import annotations

import argparse
import statistics

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.results import write
from neurallayers.brain import Brain, think
from neurallayers.data import Dataset, Split, load_digits
from neurallayers.research import train
from neurallayers.seeding import stream
from neurallayers.senses import as_images

PAIRS = ((0, 1), (2, 3), (4, 5), (6, 7), (8, 9))
EXAMPLES = (1, 3, 5, 10)
DRAWS = 4


def without(data: Dataset, classes: tuple[int, ...]) -> Dataset:
    """The data set with other classes only, numbered anew."""
    old = [label for label in range(10) if label not in classes]
    return Dataset(
        data.name,
        data.train.of_classes(old, relabel=True),
        data.test.of_classes(old, relabel=True),
        data.source,
        data.licence,
    )


def lessons(split: Split, classes: tuple[int, ...], examples: int, seed: int) -> list[int]:
    """Places of so many training images of each class, in turn."""
    drawn = []
    for label in classes:
        places = (split.labels == label).nonzero()[:, 0]
        order = torch.randperm(len(places), generator=stream(seed, "lessons", label))
        drawn.append(places[order[:examples]])
    return [int(place) for places in zip(*drawn, strict=True) for place in places]


def score(answers: list[str], split: Split, new: tuple[int, ...]) -> tuple[float, float]:
    """Accuracy on the new classes and on the old ones."""
    right = torch.tensor(
        [answer == str(int(label)) for answer, label in zip(answers, split.labels, strict=True)]
    )
    is_new = torch.isin(split.labels, torch.tensor(new))
    return float(right[is_new].float().mean()), float(right[~is_new].float().mean())


def features(brain: Brain, images: Tensor) -> Tensor:
    """What the read-out of a brain reads."""
    stimuli = as_images(images, brain.network.spec.sense.shape)
    return think(brain.network, brain.life.state, stimuli).features


def nearest_mean(
    known: Tensor, labels: list[str], taught: Tensor, names: list[str], asked: Tensor
) -> list[str]:
    """Answers of a nearest-class-mean read-out."""
    classes = sorted(set(labels) | set(names))
    means = []
    for name in classes:
        source, its = (taught, names) if name in names else (known, labels)
        means.append(source[torch.tensor([label == name for label in its])].mean(0))
    return [classes[i] for i in torch.cdist(asked, torch.stack(means)).argmin(1).tolist()]


def fine_tuned(brain: Brain, taught: Tensor, names: list[str], asked: Tensor) -> list[str]:
    """Answers of a linear read-out fine-tuned on the lessons alone."""
    readout = brain.network.readout
    classes = list(brain.labels) + sorted(set(names))
    extra = len(classes) - readout.n_out
    weight = functional.pad(readout.weight.detach(), (0, 0, 0, extra)).requires_grad_()
    bias = functional.pad(readout.bias.detach(), (0, extra)).requires_grad_()
    targets = torch.tensor([classes.index(name) for name in names])
    optimizer = torch.optim.SGD([weight, bias], lr=0.5)
    for _ in range(50):
        optimizer.zero_grad()
        functional.cross_entropy(taught @ weight.T + bias, targets).backward()
        optimizer.step()
    return [classes[i] for i in (asked @ weight.T + bias).argmax(1).tolist()]


def one_pair(data: Dataset, pair: tuple[int, int], seed: int, draws: int) -> dict[str, list[float]]:
    """All figures for one pair of new classes."""
    trained = train("hasn-nano-digits", seed=seed, data=without(data, pair))
    brain = Brain(trained.network)
    test = data.test
    old_train = data.train.of_classes([c for c in range(10) if c not in pair])
    known, asked = features(brain, old_train.images), features(brain, test.images)
    known_labels = [str(int(label)) for label in old_train.labels]
    _, before = score([t.label or "" for t in brain.process_batch(test.images)], test, pair)
    found: dict[str, list[float]] = {}

    def note(method: str, examples: int, answers: list[str], start: float) -> None:
        new, old = score(answers, test, pair)
        found.setdefault(f"{method}new_class_accuracy_{examples}", []).append(new)
        found.setdefault(f"{method}old_class_drop_{examples}", []).append(start - old)

    nearest_before = score(nearest_mean(known, known_labels, known[:0], [], asked), test, pair)[1]
    for examples in EXAMPLES:
        for draw in range(draws):
            places = lessons(data.train, pair, examples, 1000 * seed + draw)
            names = [str(int(data.train.labels[place])) for place in places]
            learner = brain.fork()
            for place, name in zip(places, names, strict=True):
                learner.learn(data.train.images[place], target=name)
            answers = [thought.label or "" for thought in learner.process_batch(test.images)]
            note("", examples, answers, before)
            taught = features(brain, data.train.images[torch.tensor(places)])
            note(
                "nearest_mean_",
                examples,
                nearest_mean(known, known_labels, taught, names, asked),
                nearest_before,
            )
            note("fine_tuned_", examples, fine_tuned(brain, taught, names, asked), before)
    found["old_class_accuracy_before"] = [before]
    print(f"classes {pair}: " + ", ".join(f"{k} {statistics.mean(v):.3f}" for k, v in found.items()
          if k.startswith(("new", "old"))), flush=True)  # fmt: skip
    return found


def main() -> None:
    """Measure five pairs of classes with a training seed each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one pair, one draw")
    quick = parser.parse_args().quick
    data = load_digits()
    pairs = PAIRS[-1:] if quick else PAIRS
    gathered: dict[str, list[float]] = {}
    for seed, pair in enumerate(pairs):
        for name, values in one_pair(data, pair, seed, 1 if quick else DRAWS).items():
            gathered.setdefault(name, []).append(statistics.mean(values))
    means = {name: round(statistics.mean(values), 4) for name, values in gathered.items()}
    results = {
        **means,
        "seeds": len(pairs),
        "draws": 1 if quick else DRAWS,
        "by_seed": {
            name: [round(value, 4) for value in values] for name, values in gathered.items()
        },
    }
    write("online_quick" if quick else "online", results, "python -m benchmarks.online")


if __name__ == "__main__":
    main()
