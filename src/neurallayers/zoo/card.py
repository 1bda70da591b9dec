"""Model cards: what a network is, how it was made, and how well it does, in measured numbers.

Source of the form: Mitchell et al. (2019), Model Cards for Model Reporting, FAT*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from neurallayers.brain import BrainNetwork


@dataclass(frozen=True)
class Card:
    """What a reader must know before using a network.

    Attributes:
        network: The network.
        title: Its name.
        summary: What it does, in a sentence or two.
        data: What it was trained and measured on, with licence.
        command: The command that makes it again.
        measured: Figures by name, as that command measured them.
        limits: What it is not good for.
        tags: Words for the index of a hub.
    """

    network: BrainNetwork
    title: str
    summary: str
    data: str
    command: str
    measured: Mapping[str, float | int | str]
    limits: str
    tags: tuple[str, ...] = field(default=("spiking-neural-network", "neurallayers"))

    def text(self) -> str:
        """The card as Markdown with the header that hubs read."""
        spec = self.network.spec
        rows = "\n".join(f"| {name} | {value} |" for name, value in self.measured.items())
        regions = "\n".join(
            f"| {region.name} | {' x '.join(map(str, region.shape))} | {region.neurons.kind} |"
            for region in spec.regions
        )
        tags = "\n".join(f"- {tag}" for tag in self.tags)
        return f"""---
library_name: neurallayers
license: apache-2.0
tags:
{tags}
---

# {self.title}

{self.summary}

```python
import neurallayers as nl

brain = nl.Brain.from_pretrained("{self.title}")
thought = brain.process(image)  # {" x ".join(map(str, spec.sense.shape))}, bytes or 0..1
```

| region | neurons | kind |
| --- | --- | --- |
{regions}

{self.network.parameter_count():,} weights; a stimulus is shown for {spec.sense.duration_ms:g} ms in
steps of {spec.dt_ms:g} ms. Fingerprint `{self.network.fingerprint()}`.

## Measured

By `{self.command}`:

| figure | value |
| --- | --- |
{rows}

## Data

{self.data}

## Limits

{self.limits}
"""
