"""State is a value: nested named tuples (and dicts) of tensors with a leading batch axis.

A state can be mapped, stacked, gathered, scattered, detached, and turned into a flat dict of named
tensors and back. Nothing here knows what a state means.

``NamedTuple`` is the container because it passes ``torch.compile(fullgraph=True)``, ``vmap`` and
``torch.export`` without registration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar, cast

import torch
from torch import Tensor

from neurallayers.errors import InvalidInput, ShapeMismatch

S = TypeVar("S")


class NoState(NamedTuple):
    """The state of a part that remembers nothing."""


def map_state(function: Callable[..., Tensor], state: S, *others: S) -> S:
    """Apply ``function`` to every tensor of a state, or to the same leaf of several states.

    Raises:
        InvalidInput: If the states do not have the same structure or hold something else than
            tensors, tuples and dicts.

    >>> map_state(lambda t: t + 1, {"v": torch.zeros(2)})
    {'v': tensor([1., 1.])}
    """
    try:
        return cast(S, _map(function, state, others))
    except _Unlike:
        raise _difference(state, others, "state") from None


def _map(function: Callable[..., Tensor], node: Any, others: Sequence[Any]) -> Any:
    # This runs for every row of every batch: the common kinds come first.
    if isinstance(node, Tensor):
        for other in others:
            if not isinstance(other, Tensor):
                raise _Unlike
        return function(node, *others)
    for other in others:
        if _structure(other) != _structure(node):
            raise _Unlike
    if isinstance(node, tuple):
        values = [
            _map(function, value, [other[i] for other in others]) for i, value in enumerate(node)
        ]
        return type(node)(*values) if hasattr(node, "_fields") else tuple(values)
    if isinstance(node, Mapping):
        return {
            key: _map(function, value, [other[key] for other in others])
            for key, value in node.items()
        }
    raise _Unlike


class _Unlike(Exception):
    """Somewhere in the states there is something else than tensors, or another structure."""


def _difference(node: Any, others: Sequence[Any], path: str) -> InvalidInput:
    """Where that is, in words; looked for only when it is known to be there."""
    for other in others:
        if _structure(other) != _structure(node):
            return InvalidInput(
                f"{path} is {_structure(node)} in one state and {_structure(other)} in another.",
                "Combine only states of the same network and capacity.",
            )
    if isinstance(node, tuple | Mapping):
        for key, name in _parts(node):
            found = _difference(node[key], [other[key] for other in others], f"{path}.{name}")
            if found.problem:
                return found
    elif not isinstance(node, Tensor):
        return InvalidInput(
            f"{path} holds a {type(node).__name__}.",
            "A state holds only tensors, tuples and dicts.",
        )
    return InvalidInput("", "")


def _parts(node: Any) -> list[tuple[Any, Any]]:
    """The keys of a tuple or mapping with their names."""
    if isinstance(node, Mapping):
        return [(key, key) for key in node]
    return list(enumerate(getattr(node, "_fields", range(len(node)))))


def _structure(node: Any) -> str:
    if isinstance(node, Tensor):
        return "a tensor"
    if isinstance(node, tuple):
        return f"{type(node).__name__} of {len(node)}"
    return f"a dict of {sorted(map(str, node))}" if isinstance(node, Mapping) else "no state"


def tensors(state: Any) -> list[Tensor]:
    """Every tensor of a state, in the order of :func:`leaves`.

    Raises:
        InvalidInput: If the state holds something else than tensors, tuples and dicts.
    """
    found: list[Tensor] = []
    _collect(state, found)
    return found


def _collect(node: Any, found: list[Tensor]) -> None:
    if isinstance(node, Tensor):
        found.append(node)
        return
    if isinstance(node, tuple):
        for part in node:
            _collect(part, found)
    elif isinstance(node, Mapping):
        for part in node.values():
            _collect(part, found)
    else:
        raise InvalidInput(
            f"A state holds a {type(node).__name__}.",
            "A state holds only tensors, tuples and dicts.",
        )


def leaves(state: Any) -> Iterator[tuple[str, Tensor]]:
    """Every tensor of a state with its dotted name, in a fixed order.

    >>> [name for name, _ in leaves({"cell": (torch.zeros(1), torch.ones(1))})]
    ['cell.0', 'cell.1']
    """
    yield from _leaves(state, "")


def _leaves(node: Any, path: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(node, Tensor):
        yield path, node
        return
    if isinstance(node, Mapping):
        items: list[tuple[str, Any]] = [(str(key), value) for key, value in node.items()]
    elif isinstance(node, tuple):
        fields = getattr(node, "_fields", range(len(node)))
        items = [(str(field), value) for field, value in zip(fields, node, strict=True)]
    else:
        raise InvalidInput(
            f"{path or 'state'} holds a {type(node).__name__}.",
            "A state holds only tensors, tuples and dicts.",
        )
    for name, value in items:
        yield from _leaves(value, f"{path}.{name}" if path else name)


def batch_size(state: Any) -> int:
    """How many rows a state has: the leading axis of its tensors (0 for a state without any).

    Raises:
        ShapeMismatch: If the tensors do not agree.
    """
    sizes = {name: tensor.shape[0] if tensor.ndim else -1 for name, tensor in leaves(state)}
    if len(set(sizes.values())) > 1:
        raise ShapeMismatch(
            f"The leading axes of a state differ: {sizes}.", "Every tensor needs one row a brain."
        )
    return next(iter(sizes.values()), 0)


def detach(state: S) -> S:
    """The same state cut from the autograd graph."""
    return map_state(lambda tensor: tensor.detach(), state)


def clone(state: S) -> S:
    """An independent copy: later in-place work on one does not reach the other."""
    return map_state(lambda tensor: tensor.detach().clone(), state)


def to_device(state: S, device: torch.device | str) -> S:
    """The same state on another device."""
    return map_state(lambda tensor: tensor.to(device), state)


def stack(states: Sequence[S]) -> S:
    """Join the states of several individuals along the batch axis.

    Raises:
        InvalidInput: If there are none or their structures differ.
        ShapeMismatch: If a tensor's other axes differ (brains of different capacity).
    """
    if not states:
        raise InvalidInput("There is no state to stack.", "Pass at least one.")

    def join(first: Tensor, *rest: Tensor) -> Tensor:
        for other in rest:
            if other.shape[1:] != first.shape[1:]:
                raise ShapeMismatch(
                    f"Rows of shape {tuple(other.shape[1:])} and {tuple(first.shape[1:])} differ.",
                    "Stack only states of the same network and capacity.",
                )
        return torch.cat([first, *rest])

    return map_state(join, states[0], *states[1:])


def gather(state: S, rows: Sequence[int] | Tensor) -> S:
    """The chosen rows of a state, in the order asked for, as a copy."""
    index = torch.as_tensor(rows, dtype=torch.int64)
    return map_state(lambda tensor: tensor.index_select(0, index.to(tensor.device)), state)


def scatter(state: S, rows: Sequence[int] | Tensor, part: S) -> S:
    """A copy of ``state`` with ``rows`` replaced by the rows of ``part``.

    Raises:
        ShapeMismatch: If a row is named twice or the numbers of rows differ.
    """
    index = torch.as_tensor(rows, dtype=torch.int64)
    if index.unique().numel() != index.numel() or batch_size(part) not in (0, index.numel()):
        raise ShapeMismatch(
            f"{batch_size(part)} rows cannot be placed at {index.tolist()}.",
            "Name each target row once, as many as there are rows.",
        )
    return map_state(
        lambda whole, rows_: whole.index_copy(0, index.to(whole.device), rows_.to(whole.dtype)),
        state,
        part,
    )


def split(state: S) -> list[S]:
    """One state for each row, the reverse of :func:`stack`."""
    return [
        map_state(lambda tensor, i=i: tensor[i : i + 1].clone(), state)
        for i in range(batch_size(state))
    ]


def to_named(state: Any) -> dict[str, Tensor]:
    """A flat dict of contiguous tensors, as safetensors stores it."""
    return {name: tensor.detach().cpu().contiguous() for name, tensor in leaves(state)}


def from_named(template: S, named: Mapping[str, Tensor]) -> S:
    """Rebuild a state from a flat dict.

    Args:
        template: A state of the same structure, such as ``cell.initial_state(batch)``.
        named: What :func:`to_named` gave. Axes after the first may be larger than the template's
            (a brain whose capacity grew), never differently many.

    Raises:
        InvalidInput: If names are missing or left over, or a dtype differs.
        ShapeMismatch: If a tensor has another number of axes.
    """
    expected = dict(leaves(template))
    missing, unknown = expected.keys() - named.keys(), named.keys() - expected.keys()
    if missing or unknown:
        raise InvalidInput(
            f"The stored state lacks {sorted(missing)} and has in excess {sorted(unknown)}.",
            "It belongs to another network; load it with the network that wrote it.",
        )
    for name, tensor in expected.items():
        if named[name].dtype != tensor.dtype:
            raise InvalidInput(
                f"{name} is {named[name].dtype}, expected {tensor.dtype}.",
                "The stored state belongs to another network.",
            )
        if named[name].ndim != tensor.ndim:
            raise ShapeMismatch(
                f"{name} has shape {tuple(named[name].shape)}, expected {tuple(tensor.shape)}.",
                "The stored state belongs to another network.",
            )
    order = iter(expected)
    return map_state(lambda _: named[next(order)], template)
