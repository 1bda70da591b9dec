"""MNIST: accuracy of the dense and of the convolutional network, and how long they train.

    python -m benchmarks.mnist                # hasn-micro, about five minutes
    python -m benchmarks.mnist --convolution  # hasn-micro-conv, about twenty minutes

Training uses the 60,000 training images alone. The test images are those that the data folder
holds; the result says how many of the official 10,000 that is.
"""

from __future__ import annotations

import argparse
import json

from benchmarks.results import RESULTS, write
from neurallayers.brain import save_pretrained
from neurallayers.data import load_mnist
from neurallayers.research import train


def main() -> None:
    """Train once and record; the two networks share one result file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--convolution", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--save", metavar="FOLDER", help="keep the trained network")
    options = parser.parse_args()
    name = "hasn-micro-conv-mnist" if options.convolution else "hasn-micro-mnist"
    changes = {"epochs": options.epochs} if options.epochs else {}
    data = load_mnist()
    trained = train(name, seed=options.seed, data=data, progress=True, **changes)
    if options.save:
        save_pretrained(trained.network, options.save)
    figures = {
        "accuracy": round(trained.evaluation.accuracy, 4),
        "train_seconds": round(trained.result.seconds, 1),
        "parameters": trained.network.parameter_count(),
        "epochs": len(trained.result.history),
        "seed": options.seed,
        "test_images": len(data.test),
        "test_part": data.test.name,
        "rates": {
            region: round(float(rate), 4) for region, rate in trained.evaluation.rates.items()
        },
    }
    path = RESULTS / "mnist.json"
    before = json.loads(path.read_text())["results"] if path.exists() else {}
    convolution = {"convolution": figures} if options.convolution else {}
    dense = {} if options.convolution else figures
    write("mnist", {**before, **dense, **convolution}, "python -m benchmarks.mnist [--convolution]")


if __name__ == "__main__":
    main()
