"""Makes the networks that ship with the package: ``make zoo``.

Seeded and on one thread, so that the same machine and versions give the same weights, bit for bit.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from neurallayers.brain import Brain, save_pretrained
from neurallayers.brain.pretrained import packaged_folder
from neurallayers.research.recipes import Trained, train
from neurallayers.zoo import Card

log = logging.getLogger(__name__)

NAME = "hasn-nano-digits"


def card_of(trained: Trained, accuracies: list[float], taught: dict[str, float]) -> Card:
    """The card of the digits network, with what was just measured."""
    config, test = trained.recipe.config, trained.data.test
    return Card(
        network=trained.network,
        title=NAME,
        summary=(
            "A Hierarchical Adaptive Spiking Network that reads 8 x 8 handwritten digits and "
            "learns new symbols on-line from a few examples."
        ),
        data=f"{trained.data.source} Licence: {trained.data.licence}",
        command="make zoo",
        measured={
            f"accuracy of these weights on {len(test)} held-out images": (
                f"{trained.evaluation.accuracy:.4f}"
            ),
            f"mean accuracy over {len(accuracies)} training seeds": (
                f"{sum(accuracies) / len(accuracies):.4f}"
            ),
            "training seeds": ", ".join(f"{accuracy:.4f}" for accuracy in accuracies),
            "epochs": config.epochs,
            "seed": config.seed,
            **{
                f"mean rate of {region} [spikes a neuron a step]": f"{float(rate):.3f}"
                for region, rate in trained.evaluation.rates.items()
            },
            **{name: f"{value:.4f}" for name, value in taught.items()},
        },
        limits=(
            "Digits are centred and drawn in grey on a black ground, 8 x 8 pixels; other drawings "
            "need the same framing. It always names the nearest class that it knows: it has no "
            "class for 'something else'."
        ),
    )


def teach_symbols(trained: Trained) -> dict[str, float]:
    """How well two symbols that training never saw are learned, and what the digits lose.

    The symbols are the transposed images of two digits, taught with ten examples each.
    """
    brain = Brain(trained.network)
    train_part, test = trained.data.train, trained.data.test
    before = _share(brain, test.images, [str(int(label)) for label in test.labels])
    for turn in range(10):
        for digit in (4, 7):
            place = (train_part.labels == digit).nonzero()[turn, 0]
            brain.learn(train_part.images[place].T.contiguous(), target=f"transposed {digit}")
    shown = (test.labels == 4) | (test.labels == 7)
    turned = test.images[shown].transpose(1, 2).contiguous()
    names = [f"transposed {int(label)}" for label in test.labels[shown]]
    after = _share(brain, test.images, [str(int(label)) for label in test.labels])
    return {
        "two new symbols after ten lessons each": _share(brain, turned, names),
        "accuracy on digits before these lessons": before,
        "accuracy on digits after these lessons": after,
    }


def _share(brain: Brain, images: object, names: list[str]) -> float:
    thoughts = brain.process_batch(images)
    right = sum(thought.label == name for thought, name in zip(thoughts, names, strict=True))
    return right / len(names)


def build(folder: Path, *, seeds: int = 5) -> Trained:
    """Train, measure, and write the network with its card.

    Args:
        folder: Where the network's own folder is made.
        seeds: Training seeds that the card reports; the first one ships.
    """
    runs = []
    for seed in range(seeds):
        runs.append(train(NAME, seed=seed, threads=1))
        log.info("zoo.trained", extra={"seed": seed, "accuracy": runs[-1].evaluation.accuracy})
    accuracies = [run.evaluation.accuracy for run in runs]
    card = card_of(runs[0], accuracies, teach_symbols(runs[0]))
    save_pretrained(runs[0].network, folder / NAME, card=card.text())
    return runs[0]


def main() -> None:
    """Write the networks into the package of this checkout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=packaged_folder())
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    build(options.folder, seeds=options.seeds)


if __name__ == "__main__":
    main()
