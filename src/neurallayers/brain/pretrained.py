"""Networks in a folder, in the layout of the Hugging Face Hub; some ship with the package.

```text
folder/
  config.json         the spec, and the fingerprint of the network
  model.safetensors   its weights
  README.md           its card
```
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from neurallayers.brain.files import write_atomically
from neurallayers.brain.network import BrainNetwork
from neurallayers.brain.spec import SENSE, BrainSpec
from neurallayers.errors import NeuralLayersError, SnapshotError, UnknownName
from neurallayers.registry import nearest_name

FORMAT = "neurallayers.network"
LARGEST_CONFIG = 1 << 20


def packaged_folder() -> Path:
    """Where the networks lie that ship with the package."""
    return Path(str(resources.files("neurallayers"))) / "weights"


def pretrained_names() -> list[str]:
    """Names of the networks that ship with the package."""
    folder = packaged_folder()
    if not folder.is_dir():
        return []
    return sorted(path.parent.name for path in folder.glob("*/config.json"))


def load_pretrained(name_or_folder: str | Path) -> BrainNetwork:
    """A trained network by its name, or from a folder.

    Args:
        name_or_folder: A name of :func:`pretrained_names`, or a folder that
            :func:`save_pretrained` wrote.

    Raises:
        UnknownName: If it is neither.
        SnapshotError: If the folder's files are damaged or of a newer release.
    """
    folder = Path(name_or_folder)
    if not folder.is_dir() and str(name_or_folder) in pretrained_names():
        folder = packaged_folder() / str(name_or_folder)
    if not (folder / "config.json").is_file():
        raise UnknownName(
            f"There is no network {str(name_or_folder)!r}, neither as a folder nor in the package.",
            nearest_name(str(name_or_folder), pretrained_names()),
        )
    config = _read_config(folder / "config.json")
    try:
        spec = BrainSpec.from_dict(config["spec"])
        seed = int(config.get("seed", 0))
        weights = safetensors.torch.load_file(folder / "model.safetensors")
    except (OSError, safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
        raise SnapshotError(
            f"{folder} does not hold a whole network ({error}).", "Save or download it again."
        ) from error
    network = network_from(spec, weights, str(folder), seed=seed)
    if config.get("fingerprint") != network.fingerprint():
        raise SnapshotError(
            f"The weights in {folder} are not those that its config.json names.",
            "Save or download it again.",
        )
    return network


def save_pretrained(network: BrainNetwork, folder: str | Path, *, card: str = "") -> Path:
    """Write a network to a folder.

    Args:
        network: The network.
        folder: Where; made if it is missing.
        card: Text of its README.md (a model card).

    Returns:
        The folder.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "format": FORMAT,
        "schema_version": 1,
        "model_type": "neurallayers",
        "spec": network.spec.to_dict(),
        "seed": network.seed,
        "fingerprint": network.fingerprint(),
        "parameters": network.parameter_count(),
    }
    weights = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    write_atomically(
        folder / "model.safetensors", [safetensors.torch.save(weights, metadata={"format": "pt"})]
    )
    text = json.dumps(config, indent=2, sort_keys=True) + "\n"
    write_atomically(folder / "config.json", [text.encode()])
    if card:
        write_atomically(folder / "README.md", [card.encode()])
    return folder


def network_from(
    spec: BrainSpec, weights: Mapping[str, Tensor], source: str, *, seed: int = 0
) -> BrainNetwork:
    """A network of this anatomy with these weights.

    Raises:
        SnapshotError: If the weights are not those of the anatomy. An anatomy larger than the
            weights is refused before anything of its size is allocated.
    """
    stored = sum(tensor.numel() for tensor in weights.values())
    if fewest_weights(spec) > stored:
        raise SnapshotError(
            f"{source} describes {fewest_weights(spec)} weights or more and holds {stored}.",
            "It is damaged or forged; do not use it.",
        )
    try:
        network = BrainNetwork(spec, seed=seed)
    except NeuralLayersError as error:
        raise SnapshotError(f"{source}: {error}", "It is damaged; do not use it.") from error
    expected = network.state_dict()
    wrong = sorted(
        name
        for name in expected.keys() | weights.keys()
        if name not in expected
        or name not in weights
        or expected[name].shape != weights[name].shape
        or expected[name].dtype != weights[name].dtype
    )
    if wrong:
        raise SnapshotError(
            f"{source} holds other weights than its anatomy has: {', '.join(wrong[:5])}.",
            "It is damaged or was written by another release.",
        )
    network.load_state_dict(dict(weights))
    return network


def fewest_weights(spec: BrainSpec) -> int:
    """A lower bound of the weights of an anatomy, from its numbers alone."""
    shapes = {region.name: region.shape for region in spec.regions}
    shapes[SENSE] = spec.sense.shape
    total = sum(math.prod(region.shape) for region in spec.regions)
    for tract in spec.tracts:
        source, target = shapes[tract.source], shapes[tract.target]
        if tract.pattern == "convolution":
            total += tract.kernel**2 * target[-1]
        else:
            total += math.prod(source) // (2 * tract.pool - 1) ** 2 * math.prod(target)
    for region in spec.regions:
        if region.neurons.kind.startswith("Recurrent"):
            total += region.shape[0] ** 2
    features = sum(math.prod(shapes[name]) for name in spec.readout.sources)
    rank = min(int(spec.readout.options.get("rank", 1)), features)
    return total + features * (len(spec.readout.labels) + rank)


def _read_config(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_CONFIG:
            size = path.stat().st_size
            raise SnapshotError(f"{path} has {size} bytes.", "It is no config of ours.")
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SnapshotError(f"{path} cannot be read ({error}).", "Save it again.") from error
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise SnapshotError(f"{path} is no config of a network.", f'Its "format" must be {FORMAT}.')
    version = config.get("schema_version")
    if not isinstance(version, int) or version > 1:
        raise SnapshotError(f"{path} has schema version {version}.", "Upgrade neurallayers.")
    return config
