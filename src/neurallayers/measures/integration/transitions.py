r"""Forms of a transition probability matrix, and what each node of one depends on.

State-by-node, ``[2^n, n]``: the probability that each node is ON after each state.
State-by-state, ``[2^n, 2^n]``: the probability of each next state. Of independent nodes it is the
product of theirs, p(t | s) = Π_i p_i(s)^{t_i} (1 − p_i(s))^{1 − t_i}; any other has no
state-by-node form.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from neurallayers.errors import InvalidInput, ShapeMismatch

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

ROUNDING = 1e-9


def state_by_node(tpm: npt.ArrayLike, most_nodes: int) -> FloatArray:
    """A checked copy of a matrix in any of the three forms, as ``[2^n, n]``.

    Raises:
        ShapeMismatch: If it has another shape.
        InvalidInput: If it holds no probabilities, or is too large, or if a state-by-state matrix
            ties nodes to each other within one step.

    >>> state_by_node([[1, 0], [0, 1]], most_nodes=8).tolist()  # state-by-state, of one node
    [[0.0], [1.0]]
    """
    try:
        given = np.array(tpm, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidInput("tpm is no array of numbers.", f"Give {_FORMS}.") from None
    nodes = _nodes(given.shape)
    if nodes > most_nodes:
        raise InvalidInput(
            f"The substrate has {nodes} nodes; exact integration is bounded at {most_nodes}.",
            "Study fewer nodes, group them, or pass most_nodes (time grows beyond exponentially).",
        )
    if not np.isfinite(given).all() or given.min() < -ROUNDING or given.max() > 1.0 + ROUNDING:
        raise InvalidInput(
            "tpm holds values that are no probabilities.", "Give numbers from 0 to 1."
        )
    given = given.clip(0.0, 1.0)
    if given.ndim > 2:
        return np.ascontiguousarray(given.reshape(-1, nodes, order="F"))
    return given if given.shape[1] == nodes else _of_state_by_state(given, nodes)


def state_by_state(by_node: FloatArray) -> FloatArray:
    """Probability of each next state (column) after each state (row).

    >>> state_by_state(np.array([[0.0], [0.25]])).tolist()
    [[1.0, 0.0], [0.75, 0.25]]
    """
    following = bits(by_node.shape[1])
    on = by_node[:, None, :]
    product: FloatArray = np.where(following[None] == 1, on, 1.0 - on).prod(axis=2)
    return product


def bits(nodes: int) -> IntArray:
    """Every state as a row of 0 and 1, little-endian, ``[2^n, n]``."""
    return (np.arange(2**nodes)[:, None] >> np.arange(nodes)) & 1


def influences(by_node: FloatArray, smallest: float) -> IntArray:
    """1 at (i, j) where flipping node i moves node j's probability anywhere by more than this.

    >>> influences(np.array([[0.0, 0], [0, 1], [0, 0], [0, 1]]), 1e-9).tolist()
    [[0, 1], [0, 0]]
    """
    nodes = by_node.shape[1]
    rows = np.arange(2**nodes)
    moved = [np.abs(by_node - by_node[rows ^ (1 << node)]).max(axis=0) for node in range(nodes)]
    return (np.array(moved) > smallest).astype(np.int64)


def without_influences(by_node: FloatArray, pairs: IntArray) -> FloatArray:
    """Average out the influence of node i on node j for each row (i, j) of ``pairs``."""
    averaged = by_node.copy()
    rows = np.arange(by_node.shape[0])
    for source, target in pairs:
        column = averaged[:, target]
        averaged[:, target] = 0.5 * (column + column[rows ^ (1 << int(source))])
    return averaged


_FORMS = "[2^n, n] (state-by-node), [2, ..., 2, n], or [2^n, 2^n] (state-by-state)"


def _nodes(shape: tuple[int, ...]) -> int:
    """How many nodes a matrix of this shape has."""
    if len(shape) == 2:
        rows, columns = shape
        nodes = rows.bit_length() - 1
        if nodes >= 1 and rows == 2**nodes and columns in (nodes, rows):
            return nodes
    elif len(shape) > 2 and shape == (2,) * (len(shape) - 1) + (len(shape) - 1,):
        return len(shape) - 1
    raise ShapeMismatch(f"tpm has the shape {list(shape)}.", f"Give {_FORMS}.")


def _of_state_by_state(given: FloatArray, nodes: int) -> FloatArray:
    if np.abs(given.sum(axis=1) - 1.0).max() > ROUNDING:
        raise InvalidInput(
            "A row of the state-by-state tpm does not sum to 1.",
            "Give the probability of every next state (column) after every state (row).",
        )
    by_node: FloatArray = (given @ bits(nodes)).clip(0.0, 1.0)
    if np.abs(state_by_state(by_node) - given).max() > ROUNDING:
        raise InvalidInput(
            "The state-by-state tpm ties nodes to each other within one step, so that no one of "
            "them can be intervened on alone.",
            "Give a tpm whose nodes are independent given the present state, or add the node that "
            "ties them.",
        )
    return by_node
