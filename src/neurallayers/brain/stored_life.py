"""A life as a snapshot holds it: a manifest and named tensors, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor

from neurallayers.brain.exactness import numeric_platform
from neurallayers.brain.life import Life, ledger_from
from neurallayers.brain.mind import Mind
from neurallayers.brain.network import BrainNetwork
from neurallayers.errors import InvalidInput
from neurallayers.state import from_named, leaves, to_named

S = TypeVar("S")


def life_manifest(life: Life) -> dict[str, Any]:
    """What of a life is not a tensor, for a manifest."""
    return {
        "labels": list(life.labels),
        "sequence": life.sequence,
        "names": list(life.mind.names),
        "rules": list(life.mind.rules),
        "platform": numeric_platform(),
    }


def life_parts(life: Life) -> dict[str, dict[str, Tensor]]:
    """The tensors of a life, for a snapshot."""
    return {
        "state": to_named(life.state),
        "lessons": to_named(life.ledger.named()),
        "mind": to_named(life.mind.state),
    }


def life_from(
    network: BrainNetwork, manifest: Mapping[str, Any], parts: Mapping[str, Mapping[str, Tensor]]
) -> Life:
    """The life that a snapshot holds.

    Raises:
        InvalidInput: If it is not a life of this network.
    """
    labels = tuple(None if label is None else str(label) for label in manifest["labels"])
    # Without memory: a file may claim room for more classes than there is memory on earth.
    with torch.device("meta"):
        template = network.initial_state(1)
    slots = template.readout.known.shape[-1]
    stored = parts["state"]["readout.known"].shape[-1]
    if len(labels) != stored or stored < slots:
        raise InvalidInput(
            f"{len(labels)} labels for {stored} slots.", "The snapshot is not of this network."
        )
    template = template._replace(readout=network.readout.grow(template.readout, stored))
    return Life(
        _fitting(template, parts["state"]),
        labels,
        ledger_from(parts["lessons"], network.readout.in_shape[0], stored),
        _mind_from(network, manifest, parts),
        int(manifest["sequence"]),
    )


def _mind_from(
    network: BrainNetwork, manifest: Mapping[str, Any], parts: Mapping[str, Mapping[str, Tensor]]
) -> Mind:
    newborn = network.faculties.newborn()
    if "mind" not in parts:  # of a release whose brains remembered nothing
        return newborn
    return Mind(
        _fitting(newborn.state, parts["mind"]),
        tuple(None if name is None else str(name) for name in manifest["names"]),
        tuple(str(rule) for rule in manifest["rules"]),
    )


def _fitting(template: S, named: Mapping[str, Tensor]) -> S:
    """A state like the template.

    Raises:
        InvalidInput: If a tensor is missing, in excess, or of another shape.
    """
    state = from_named(template, named)
    wrong = [
        name
        for (name, tensor), (_, wanted) in zip(leaves(state), leaves(template), strict=True)
        if tensor.shape != wanted.shape
    ]
    if wrong:
        raise InvalidInput(f"{', '.join(wrong)} has another shape.", "It is of another network.")
    return state


def same_life(one: Life, other: Life) -> bool:
    """Whether two lives are equal to the bit, whatever the numbers of their last entries."""
    texts = [(life.labels, life.mind.names, life.mind.rules) for life in (one, other)]
    if texts[0] != texts[1]:
        return False
    parts = zip(life_parts(one).values(), life_parts(other).values(), strict=True)
    return all(
        mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine)
        for mine, theirs in parts
    )
