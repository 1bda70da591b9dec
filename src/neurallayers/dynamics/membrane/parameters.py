"""The constants of a model of the membrane: plain numbers, one for each neuron, or learned."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName
from neurallayers.registry import nearest_name

P = TypeVar("P", bound=tuple[Any, ...])


class Constants(nn.Module, Generic[P]):
    """Holds a named tuple of physical constants; calling it gives the tuple to compute with.

    Args:
        values: Named tuple whose fields are numbers or tensors that broadcast to ``shape``.
        shape: Shape of the neurons.
        learn: Names of those that training may change; each neuron has its own.

    Raises:
        UnknownName: If ``learn`` names a constant that does not exist.
        InvalidInput: If a constant is not finite.
        ShapeMismatch: If a tensor does not fit the neurons.
    """

    def __init__(self, values: P, shape: tuple[int, ...], learn: Sequence[str] = ()) -> None:
        super().__init__()
        self.kind = type(values)
        names = list(values._fields)  # type: ignore[attr-defined]
        for name in learn:
            if name not in names:
                raise UnknownName(f"There is no constant {name!r}.", nearest_name(name, names))
        self.numbers: dict[str, float] = {}
        for name, value in zip(names, values, strict=True):
            self._keep(name, value, shape, name in learn)

    def _keep(self, name: str, value: Any, shape: tuple[int, ...], learned: bool) -> None:
        if not isinstance(value, Tensor) and not learned:
            if not math.isfinite(value):
                raise InvalidInput(f"{name} is {value}.", "It must be a finite number.")
            self.numbers[name] = float(value)
            return
        tensor = torch.as_tensor(value, dtype=torch.get_default_dtype())
        try:
            tensor = tensor.broadcast_to(shape).clone()
        except RuntimeError:
            raise ShapeMismatch(
                f"{name} has shape {tuple(tensor.shape)}, the neurons {shape}.",
                "Pass one number, or one for each neuron.",
            ) from None
        if not bool(tensor.isfinite().all()):
            raise InvalidInput(f"{name} is {value}.", "It must be finite.")
        if learned:
            self.register_parameter(name, nn.Parameter(tensor))
        else:
            self.register_buffer(name, tensor)

    @property
    def plain(self) -> bool:
        """Whether all are plain numbers, the same for all neurons."""
        return len(self.numbers) == len(self.kind._fields)  # type: ignore[attr-defined]

    def forward(self) -> P:
        """The constants, as numbers or tensors."""
        names = self.kind._fields  # type: ignore[attr-defined]
        found = [self.numbers[n] if n in self.numbers else getattr(self, n) for n in names]
        make: Callable[..., P] = self.kind
        return make(*found)
