"""What several tests of this folder need: a network that really tells digits apart, a journal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from tests.brain.individuals import ADAPTIVE, FAST
from tests.brain.journals import GENESIS
from torch import Tensor
from torch.nn import functional

from neurallayers.brain import (
    BrainNetwork,
    BrainSpec,
    ReadoutSpec,
    RegionSpec,
    SenseSpec,
    TractSpec,
)
from neurallayers.brain.exactness import one_thread
from neurallayers.brain.journal import FileJournal
from neurallayers.data import load_digits
from neurallayers.seeding import stream

TRAINED_CLASSES = 8


class Trained(NamedTuple):
    """A network that knows the digits 0 to 7, and digits that it has not seen."""

    network: BrainNetwork
    images: Tensor
    labels: Tensor


def _reader() -> BrainSpec:
    return BrainSpec(
        name="reader",
        sense=SenseSpec(shape=(8, 8), duration_ms=8.0),
        regions=(
            RegionSpec(name="sensory", shape=(64,), neurons=FAST),
            RegionSpec(name="cerebrum", shape=(32,), neurons=ADAPTIVE),
        ),
        tracts=(
            TractSpec(source="sense", target="sensory", gain=2.0),
            TractSpec(source="sensory", target="cerebrum", delay_ms=1.0, gain=3.0),
        ),
        readout=ReadoutSpec(
            sources=("sensory", "cerebrum"),
            labels=tuple(str(digit) for digit in range(TRAINED_CLASSES)),
            capacity=10,
        ),
    )


def _train(network: BrainNetwork, images: Tensor, labels: Tensor) -> None:
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for epoch in range(3):
        order = torch.randperm(len(images), generator=stream(0, "order", epoch))
        for batch in order.split(32):
            optimizer.zero_grad()
            scores = network.perceive(images[batch]).scores
            functional.cross_entropy(scores, labels[batch]).backward()
            optimizer.step()
    with torch.no_grad():
        activity = network.perceive(images)
        network.calibrate(activity.features, labels)
        network.set_rate_targets(
            {name: spikes.mean((0, 1)) for name, spikes in activity.spikes.items()}
        )


@pytest.fixture(scope="session")
def trained() -> Trained:
    """See the class; the network is never changed by what one does with it."""
    digits = load_digits()
    seen = digits.train.labels < TRAINED_CLASSES
    network = BrainNetwork(_reader())
    with one_thread():
        _train(network, digits.train.images[seen].unsqueeze(-1), digits.train.labels[seen])
    return Trained(network, digits.test.images, digits.test.labels)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal lies."""
    return tmp_path / "journal"


@pytest.fixture
def journal(path: Path) -> Iterator[FileJournal]:
    """An empty journal, open."""
    opened = FileJournal.create(path, GENESIS)
    yield opened
    opened.close()
