"""A life as a snapshot holds it: a manifest and named tensors, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from neurallayers.brain.exactness import numeric_platform
from neurallayers.brain.life import Life, ledger_from
from neurallayers.brain.network import BrainNetwork
from neurallayers.errors import InvalidInput
from neurallayers.state import from_named, leaves, to_named


def life_manifest(life: Life) -> dict[str, Any]:
    """What of a life is not a tensor, for a manifest."""
    return {
        "labels": list(life.labels),
        "sequence": life.sequence,
        "platform": numeric_platform(),
    }


def life_parts(life: Life) -> dict[str, dict[str, Tensor]]:
    """The tensors of a life, for a snapshot."""
    return {"state": to_named(life.state), "lessons": to_named(life.ledger.named())}


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
    state = from_named(template, parts["state"])
    wrong = [
        name
        for (name, tensor), (_, wanted) in zip(leaves(state), leaves(template), strict=True)
        if tensor.shape != wanted.shape
    ]
    if wrong:
        raise InvalidInput(f"{', '.join(wrong)} has another shape.", "It is of another network.")
    return Life(
        state,
        labels,
        ledger_from(parts["lessons"], network.readout.in_shape[0], stored),
        int(manifest["sequence"]),
    )


def same_life(one: Life, other: Life) -> bool:
    """Whether two lives are equal to the bit, whatever the numbers of their last entries."""
    if one.labels != other.labels:
        return False
    parts = zip(life_parts(one).values(), life_parts(other).values(), strict=True)
    return all(
        mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine)
        for mine, theirs in parts
    )
