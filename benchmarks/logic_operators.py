"""What the prototypes' operators change: an ablation on handwritten digits.

Each digit class has one fuzzy rule, ``class(c) <- alike(c, q1) & ... & alike(c, q9)``: an image is
of a class where each of its nine overlapping windows is alike what the class has there. How alike a
window is says a learned neural predicate (the distance to a learned pattern, read by an
activation). Everything is learned from the truth of the conclusions. Activation (phi or logistic),
conjunction (semantics) and premise weights (alike, Fibonacci or learned) are exchanged. The digits
are those of UCI as scikit-learn ships them (1,797 images of 8 x 8), a third of them held out.

A second table says how much truth a chain of rules keeps, and a third figure how fast one case is
inferred.

Run: PYTHONPATH=src:. python -m benchmarks.logic_operators
"""

from __future__ import annotations

import itertools
import statistics
import time
from typing import Any

import numpy as np
import torch
from rich.progress import track
from sklearn.datasets import load_digits
from torch import Tensor, nn

from benchmarks import results
from neurallayers.logic import KnowledgeBase, LogicalNetwork, phi_activation
from neurallayers.seeding import stream

COMMAND = "PYTHONPATH=src:. python -m benchmarks.logic_operators"
CORNERS = (0, 2, 4)
SIDE = 4
WINDOWS = len(CORNERS) ** 2
CLASSES = 10
EPOCHS = 40
BATCH = 400
SEEDS = (0, 1, 2)
ACTIVATIONS = ("phi", "logistic")
SEMANTICS = ("product", "goedel", "lukasiewicz", "cognitive")
WEIGHTINGS = ("alike", "fibonacci", "learned")


class Alike(nn.Module):
    """How alike each window of an image is to what each class has there, [image, class, window]."""

    def __init__(self, activation: str, means: Tensor, generator: torch.Generator) -> None:
        super().__init__()
        noise = 0.1 * torch.randn(means.shape, generator=generator, dtype=means.dtype)
        self.patterns = nn.Parameter(means + noise)
        self.scale = nn.Parameter(torch.full((CLASSES, WINDOWS, 1), 0.15, dtype=means.dtype))
        self.threshold = nn.Parameter(torch.full((CLASSES, WINDOWS), 3.0, dtype=means.dtype))
        self.activation = activation

    def forward(self, windows: Tensor) -> Tensor:
        """Degrees of likeness from windows [image, window, pixel]."""
        difference = (windows.unsqueeze(1) - self.patterns) * self.scale
        if self.activation == "phi":
            return phi_activation(difference, dim=-1)
        return torch.sigmoid(self.threshold - (difference**2).sum(dim=-1))


def windows_of(images: np.ndarray) -> Tensor:
    """The nine windows of 4 x 4 pixels of each image, in units of 4 grey levels of 16."""
    cut = [
        images[:, row : row + SIDE, column : column + SIDE].reshape(len(images), -1)
        for row, column in itertools.product(CORNERS, CORNERS)
    ]
    return torch.tensor(np.stack(cut, axis=1) / 4.0, dtype=torch.float64)


def digits() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Windows and labels of training and of held-out images; every third image is held out."""
    data = load_digits()
    windows, labels = windows_of(data.images), torch.tensor(data.target)
    held_out = torch.arange(len(labels)) % 3 == 2
    return windows[~held_out], labels[~held_out], windows[held_out], labels[held_out]


def rules() -> str:
    lines = []
    for digit in range(CLASSES):
        body = " & ".join(f"alike({digit}, {window})" for window in range(WINDOWS))
        lines.append(f"digit{digit}: class({digit}) <- {body}")
    return "\n".join(lines)


def network_of(semantics: str, weighting: str) -> LogicalNetwork:
    knowledge = KnowledgeBase(
        rules(),
        semantics=semantics,
        premise_weights="fibonacci" if weighting == "fibonacci" else None,
        backward=False,
    )
    return LogicalNetwork(
        knowledge, most_passes=1, learn_rules=False, learn_premises=weighting == "learned"
    )


def degrees(network: LogicalNetwork, predicate: Alike, windows: Tensor) -> Tensor:
    """How true each class is of each image, [image, class]."""
    alike = predicate(windows)
    # The atoms of the predicate stand in the order of the rules: by class, then by window.
    conclusions = network({"alike": alike.flatten(1)})
    lower, _ = conclusions.bounds(*(f"class({digit})" for digit in range(CLASSES)))
    return lower


def learn(activation: str, semantics: str, weighting: str, seed: int) -> dict[str, float]:
    """Train one variant and say how right it is and how much gradient it had to begin with."""
    windows, labels, test_windows, test_labels = digits()
    means = torch.stack([windows[labels == digit].mean(dim=0) for digit in range(CLASSES)])
    predicate = Alike(activation, means, stream(seed, "logic_operators", "patterns"))
    network = network_of(semantics, weighting)
    parameters = [*predicate.parameters(), *(p for p in network.parameters() if p.requires_grad)]
    optimizer = torch.optim.Adam([p for p in parameters if p.numel()], lr=0.03)
    order = stream(seed, "logic_operators", "order")
    wanted = nn.functional.one_hot(labels, CLASSES).double()
    untouched = []
    for _ in range(EPOCHS):
        shuffled = torch.randperm(len(labels), generator=order)
        for chosen in shuffled.split(BATCH):
            optimizer.zero_grad()
            true = degrees(network, predicate, windows[chosen])
            loss = ((true - wanted[chosen]) ** 2).sum(dim=1).mean()
            loss.backward()
            if not untouched:
                untouched.append(without_gradient(network, predicate, windows[chosen]))
            optimizer.step()
            network.clamp_weights()
    with torch.no_grad():
        true = degrees(network, predicate, test_windows)
        best = true.max(dim=1)
        right = (best.indices == test_labels) & (best.values > 0.0)
    return {
        "accuracy": right.double().mean().item(),
        "truth_of_the_right_class": true.gather(1, test_labels[:, None]).mean().item(),
        "images_without_gradient_at_first": untouched[0],
    }


def without_gradient(network: LogicalNetwork, predicate: Alike, windows: Tensor) -> float:
    """The share of images whose conclusions do not depend on the predicates at all."""
    alike = predicate(windows).detach().requires_grad_()
    # The atoms of the predicate stand in the order of the rules: by class, then by window.
    conclusions = network({"alike": alike.flatten(1)})
    lower, _ = conclusions.bounds(*(f"class({digit})" for digit in range(CLASSES)))
    (gradient,) = torch.autograd.grad(lower.sum(), alike)
    return (gradient.abs().sum(dim=(1, 2)) < 1e-9).double().mean().item()


def chains() -> dict[str, list[float]]:
    """The truth of the end of chains of 1 to 8 rules from a fully true fact."""
    text = "\n".join(f"a{step + 1} <- a{step}" for step in range(8))
    kept = {}
    for semantics in SEMANTICS:
        conclusions = KnowledgeBase(text, semantics=semantics).infer({"a0": 1.0})
        kept[semantics] = [conclusions.bounds(f"a{step}").lower for step in range(1, 9)]
    return kept


def one_case_ms() -> float:
    """The median time of one propositional inference: eight rules over ten read-outs."""
    lines = [
        "even(I) <- digit(I, 0) | digit(I, 2) | digit(I, 4) | digit(I, 6) | digit(I, 8)",
        "odd(I) <- digit(I, 1) | digit(I, 3) | digit(I, 5) | digit(I, 7) | digit(I, 9)",
        "!odd(I) <- even(I)",
        "small(I) <- digit(I, 0) | digit(I, 1) | digit(I, 2) | digit(I, 3) | digit(I, 4)",
        "!small(I) <- digit(I, 5) | digit(I, 6) | digit(I, 7) | digit(I, 8) | digit(I, 9)",
        "round(I) <- digit(I, 0) | digit(I, 6) | digit(I, 8) | digit(I, 9)",
        "0.9 :: loops(I) <- round(I) & even(I)",
        "prime(I) <- digit(I, 2) | digit(I, 3) | digit(I, 5) | digit(I, 7)",
    ]
    knowledge = KnowledgeBase("\n".join(lines))
    truths = {f"digit(I, {digit})": 0.91 if digit == 8 else 0.01 for digit in range(10)}
    taken = []
    for _ in range(500):
        begun = time.perf_counter()
        knowledge.infer(truths)
        taken.append(1000.0 * (time.perf_counter() - begun))
    return statistics.median(taken)


def main() -> None:
    torch.set_num_threads(1)
    variants = list(itertools.product(ACTIVATIONS, SEMANTICS, WEIGHTINGS))
    ablation: dict[str, Any] = {}
    for activation, semantics, weighting in track(variants, description="ablation"):
        runs = [learn(activation, semantics, weighting, seed) for seed in SEEDS]
        ablation[f"{activation} {semantics} {weighting}"] = {
            figure: statistics.median(run[figure] for run in runs) for figure in runs[0]
        } | {"accuracy_spread": max(r["accuracy"] for r in runs) - min(r["accuracy"] for r in runs)}
    results.write(
        "logic_operators",
        {
            "accuracy_is": "the median share of held-out digits right over three seeds",
            "seeds": len(SEEDS),
            "epochs": EPOCHS,
            "ablation": ablation,
            "truth_after_rules": chains(),
            "one_case_ms": one_case_ms(),
        },
        COMMAND,
    )


if __name__ == "__main__":
    main()
