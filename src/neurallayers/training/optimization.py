"""The optimiser, its state as named tensors, and the moving average of the weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from neurallayers.training.config import FitConfig
from neurallayers.training.schedule import pace

Named = Mapping[str, nn.Parameter]


def trained_parameters(**modules: nn.Module) -> dict[str, nn.Parameter]:
    """Every parameter that is trained, under the name of its module and its own, each once."""
    found: dict[str, nn.Parameter] = {}
    seen: set[int] = set()
    for prefix, module in modules.items():
        for name, parameter in module.named_parameters():
            if parameter.requires_grad and id(parameter) not in seen:
                seen.add(id(parameter))
                found[f"{prefix}.{name}"] = parameter
    return found


def make_optimizer(config: FitConfig, parameters: Named) -> torch.optim.Optimizer:
    """An optimiser whose update is one fused kernel over all parameters.

    Matrices decay; biases and time constants do not.
    """
    decaying = [p for name, p in parameters.items() if _decays(name, p)]
    free = [p for name, p in parameters.items() if not _decays(name, p)]
    groups = [
        {"params": group, "weight_decay": decay}
        for group, decay in ((decaying, config.weight_decay), (free, 0.0))
        if group
    ]
    if config.optimizer == "sgd":
        return torch.optim.SGD(
            groups,
            lr=config.learning_rate,
            momentum=config.momentum,
            # Without momentum there is nothing to look ahead along.
            nesterov=config.momentum > 0,
            fused=_can_fuse(parameters),
        )
    return torch.optim.AdamW(groups, lr=config.learning_rate, fused=_can_fuse(parameters))


def _decays(name: str, parameter: nn.Parameter) -> bool:
    return parameter.ndim >= 2 and "log_tau" not in name


def _can_fuse(parameters: Named) -> bool:
    return all(p.device.type in ("cpu", "cuda") for p in parameters.values())


def set_pace(optimizer: torch.optim.Optimizer, config: FitConfig, step: int, steps: int) -> float:
    """Give the optimiser the learning rate and momentum of a step; returns the learning rate."""
    now = pace(config.schedule, step, steps, config.learning_rate, config.warmup_fraction)
    for group in optimizer.param_groups:
        group["lr"] = now.learning_rate
        if now.momentum is not None:
            if "betas" in group:
                group["betas"] = (now.momentum, group["betas"][1])
            elif group["momentum"]:
                group["momentum"] = now.momentum
    return now.learning_rate


def optimizer_tensors(optimizer: torch.optim.Optimizer, parameters: Named) -> dict[str, Tensor]:
    """The state of an optimiser under ``parameter:quantity``."""
    return {
        f"{name}:{quantity}": value
        for name, parameter in parameters.items()
        for quantity, value in optimizer.state.get(parameter, {}).items()
        if isinstance(value, Tensor)
    }


def restore_optimizer(
    optimizer: torch.optim.Optimizer, parameters: Named, tensors: Mapping[str, Tensor]
) -> None:
    """Put back what :func:`optimizer_tensors` gave, to the bit."""
    for key, value in tensors.items():
        name, _, quantity = key.rpartition(":")
        parameter = parameters[name]
        optimizer.state[parameter][quantity] = value.to(parameter.device, copy=True)


class WeightAverage:
    """An exponential moving average of parameters.

    It starts quickly, with a decay of (1 + t) / (10 + t) while that is lower, so that the first
    random weights are soon forgotten.

    Args:
        parameters: What is averaged, by name.
        decay: Share that stays at each step.
    """

    def __init__(self, parameters: Named, decay: float) -> None:
        self.parameters, self.decay = dict(parameters), decay
        self.averages = {name: p.detach().clone() for name, p in self.parameters.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after a step, counted from 0."""
        new = 1 - min(self.decay, (1 + step) / (10 + step))
        for name, parameter in self.parameters.items():
            self.averages[name].lerp_(parameter, new)

    @torch.no_grad()
    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Replace the averages."""
        for name, average in self.averages.items():
            average.copy_(tensors[name])

    @torch.no_grad()
    def write(self) -> None:
        """Give the parameters the values of their averages, for good."""
        for name, parameter in self.parameters.items():
            parameter.copy_(self.averages[name])

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Give the parameters the values of their averages for a while."""
        kept = {name: p.detach().clone() for name, p in self.parameters.items()}
        self.write()
        try:
            yield
        finally:
            with torch.no_grad():
                for name, parameter in self.parameters.items():
                    parameter.copy_(kept[name])
