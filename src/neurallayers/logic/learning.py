"""Learning the weights of rules and premises from examples, and with them neural predicates.

The loss has two parts, as in logical neural networks (Riegel et al. 2020, section 5): what is
concluded should be as true as it was seen to be, and the bounds should not cross:

    loss = mean (lower - target)^2 + c * mean sum max(0, lower - upper)
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from neurallayers.errors import InvalidInput, ShapeMismatch, TrainingError
from neurallayers.logic.network import BatchConclusions, LogicalNetwork
from neurallayers.logic.terms import Atom

log = logging.getLogger(__name__)

Cases: TypeAlias = Mapping[Any, Any] | Callable[[], Mapping[Any, Any]]


def logic_loss(
    conclusions: BatchConclusions,
    targets: Mapping[Atom | str, Tensor],
    *,
    contradiction_weight: float = 1.0,
) -> Tensor:
    """How far the lower bounds are from what was seen, and how much the bounds cross.

    Args:
        conclusions: What the network concluded.
        targets: The degree of truth of some atoms in each case, [batch].
        contradiction_weight: How much crossing bounds count.

    Raises:
        InvalidInput: If there is no target.
        ShapeMismatch: If a target has not one degree for each case.
    """
    if not targets:
        raise InvalidInput("There are no targets.", "Say how true some atoms are in each case.")
    names = list(targets)
    lower, _ = conclusions.bounds(*names)
    wanted = [torch.as_tensor(targets[name], dtype=lower.dtype) for name in names]
    for name, target in zip(names, wanted, strict=True):
        if target.shape != lower.shape[:1]:
            raise ShapeMismatch(
                f"The target of '{name}' has shape {tuple(target.shape)}; there are "
                f"{lower.shape[0]} cases.",
                "Give one degree for each case: a tensor [batch].",
            )
    error = ((lower - torch.stack(wanted, dim=1)) ** 2).mean()
    return error + contradiction_weight * conclusions.contradiction.mean()


def fit_rules(
    network: LogicalNetwork,
    cases: Cases,
    targets: Mapping[Atom | str, Tensor],
    *,
    modules: Sequence[nn.Module] = (),
    epochs: int = 200,
    learning_rate: float = 0.05,
    contradiction_weight: float = 1.0,
) -> list[float]:
    """Fit the weights of a network of rules, and of neural predicates, by Adam on all cases.

    Args:
        network: The rules; its weights change in place and stay within their range.
        cases: The truths of each case, or a function that computes them (where neural predicates
            learn too, they are asked anew in each epoch).
        targets: The degree of truth of some atoms in each case, [batch].
        modules: Neural predicates that learn as well.
        epochs: How often all cases are seen.
        learning_rate: Step size of Adam.
        contradiction_weight: How much crossing bounds count.

    Returns:
        The loss before each step.

    Raises:
        InvalidInput: If nothing can learn, or a setting makes no sense.
        TrainingError: If the loss is no longer finite.

    >>> from neurallayers.logic import KnowledgeBase
    >>> network = LogicalNetwork(KnowledgeBase("wet: 0.5 :: wet <- rain"))
    >>> losses = fit_rules(network, {"rain": torch.ones(4)}, {"wet": torch.full((4,), 0.9)})
    >>> round(network.learned().rules[0].weight, 2)
    0.9
    """
    if epochs < 0 or not learning_rate > 0.0 or not math.isfinite(learning_rate):
        raise InvalidInput(
            f"epochs is {epochs!r} and learning_rate is {learning_rate!r}.",
            "Give at least 0 epochs and a positive learning rate.",
        )
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    learning += [p for module in modules for p in module.parameters() if p.requires_grad]
    learning = [parameter for parameter in learning if parameter.numel()]
    if not learning:
        raise InvalidInput(
            "No weight can learn.", "Use LogicalNetwork(..., learn_rules=True) or give modules."
        )
    optimizer = torch.optim.Adam(learning, lr=learning_rate)
    losses: list[float] = []
    for epoch in range(epochs):
        optimizer.zero_grad()
        conclusions = network(cases() if callable(cases) else cases)
        loss = logic_loss(conclusions, targets, contradiction_weight=contradiction_weight)
        losses.append(float(loss.detach()))
        if not math.isfinite(losses[-1]):
            raise TrainingError(
                f"The loss is {losses[-1]} in epoch {epoch}.", "Lower the learning rate."
            )
        loss.backward()
        optimizer.step()
        network.clamp_weights()
        log.debug("logic.fitted", extra={"epoch": epoch, "loss": losses[-1]})
    return losses
