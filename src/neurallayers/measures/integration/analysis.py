"""Integrated information of a discrete system in one call, by either version of the theory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, overload

import numpy.typing as npt

from neurallayers.errors import InvalidInput, UnknownName
from neurallayers.measures.integration import iit3
from neurallayers.measures.integration.iit3 import Progress
from neurallayers.measures.integration.iit3_candidate import NodesLike
from neurallayers.measures.integration.iit3_concepts import SystemIrreducibility
from neurallayers.measures.integration.substrate import Substrate

if TYPE_CHECKING:
    from neurallayers.measures.integration.iit4 import SystemPhi


@overload
def integrated_information(
    tpm: Substrate | npt.ArrayLike,
    state: Sequence[int],
    *,
    version: Literal["3.0"] = "3.0",
    connectivity: npt.ArrayLike | None = None,
    nodes: NodesLike | None = None,
    labels: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> SystemIrreducibility: ...


@overload
def integrated_information(
    tpm: Substrate | npt.ArrayLike,
    state: Sequence[int],
    *,
    version: Literal["4.0"],
    connectivity: npt.ArrayLike | None = None,
    nodes: NodesLike | None = None,
    labels: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> SystemPhi: ...


def integrated_information(
    tpm: Substrate | npt.ArrayLike,
    state: Sequence[int],
    *,
    version: str = "3.0",
    connectivity: npt.ArrayLike | None = None,
    nodes: NodesLike | None = None,
    labels: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> SystemIrreducibility | SystemPhi:
    """How far a system of binary nodes, in a state, is one: its integrated information.

    Args:
        tpm: Transition probabilities in any form that :class:`Substrate` takes (state-by-node
            ``[2^n, n]``, ``[2, ..., 2, n]`` or state-by-state ``[2^n, 2^n]``, little-endian rows),
            or a substrate.
        state: State of every node now, 0 or 1; node 0 first.
        version: ``"3.0"`` (Oizumi et al. 2014) or ``"4.0"`` (Albantakis et al. 2023).
        connectivity: ``[n, n]``, 1 at (i, j) where node i may influence node j; inferred when left
            out.
        nodes: Which nodes form the system, by index or label; all when left out. The others are its
            background.
        labels: A name for each node.
        progress: Called as ``progress(done, total)`` during the search. Whatever it raises ends it.

    Returns:
        What was found, with ``phi`` and with what it is made of; ``print`` it.

    Raises:
        ShapeMismatch: If an array has another shape than it should have.
        InvalidInput: If the state cannot be reached, or a value makes no sense.
        UnknownName: If there is no such version or node.

    >>> result = integrated_information([[0, 0], [0, 1], [1, 0], [1, 1]], (1, 0))
    >>> result.phi, result.concept_phi
    (1.0, {(0,): 0.5, (1,): 0.5})
    """
    substrate = _substrate(tpm, connectivity, labels)
    if version == "3.0":
        return iit3.system_phi(substrate, state, nodes, progress=progress)
    if version == "4.0":
        from neurallayers.measures.integration import iit4

        return iit4.system_phi(substrate, state, nodes, progress=progress)
    raise UnknownName(f"There is no version {version!r} of the theory.", "Say '3.0' or '4.0'.")


def _substrate(
    tpm: Substrate | npt.ArrayLike,
    connectivity: npt.ArrayLike | None,
    labels: Sequence[str] | None,
) -> Substrate:
    if not isinstance(tpm, Substrate):
        return Substrate(tpm, connectivity, labels)
    if connectivity is not None or labels is not None:
        raise InvalidInput(
            "A substrate has its own connectivity and labels.",
            "Give them to Substrate(...), or a matrix here.",
        )
    return tpm
