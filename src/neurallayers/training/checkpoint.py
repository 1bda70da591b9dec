"""Checkpoints of training: a folder with one file of tensors and one of facts, never pickle.

The tensors are written first, under a name of their own; then the facts, which name that file and
hold its digest, replace those of the checkpoint before in one rename. So there is at every moment
exactly one valid checkpoint, the old one or the new one.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from neurallayers.errors import TrainingError

FORMAT = "neurallayers-training-checkpoint"
VERSION = 1
MANIFEST = "checkpoint.json"


@dataclass(frozen=True)
class Checkpoint:
    """Where training stood.

    Attributes:
        identity: What must be the same to go on: configuration, network, data. JSON values.
        progress: How far it was. JSON values.
        tensors: Weights and the state of the optimiser, by name.
    """

    identity: dict[str, Any]
    progress: dict[str, Any]
    tensors: dict[str, Tensor]


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint and remove the one before it.

    Returns:
        The file of facts.

    Raises:
        TrainingError: If the folder cannot be written to.
    """
    # Copies, as safetensors refuses tensors that share memory.
    tensors = {
        name: t.detach().cpu().clone().contiguous() for name, t in checkpoint.tensors.items()
    }
    content = safetensors.torch.save(tensors)
    digest = hashlib.sha256(content).hexdigest()
    name = f"tensors-{digest[:16]}.safetensors"
    facts = {
        "identity": checkpoint.identity,
        "progress": checkpoint.progress,
        "tensors": {"file": name, "sha256": digest},
    }
    document = {"format": FORMAT, "version": VERSION, "sha256": _digest(facts), "facts": facts}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _replace(folder / name, content)
        _replace(folder / MANIFEST, json.dumps(document, indent=1, allow_nan=False).encode())
        for old in folder.glob("tensors-*.safetensors"):
            if old.name != name:
                old.unlink(missing_ok=True)
    except OSError as error:
        raise TrainingError(
            f"The checkpoint in {folder} cannot be written ({error}).",
            "Make room, or choose another checkpoint_folder.",
        ) from error
    return folder / MANIFEST


def read_checkpoint(folder: Path) -> Checkpoint | None:
    """Read the checkpoint of a folder; none if there is none.

    Raises:
        TrainingError: If it is damaged or was written by a newer version.
    """
    manifest = folder / MANIFEST
    if not manifest.is_file():
        return None
    try:
        document = json.loads(manifest.read_bytes())
        if document["format"] != FORMAT or document["version"] > VERSION:
            raise TrainingError(
                f"{manifest} is a {document['format']} of version {document['version']}, "
                f"expected {FORMAT} up to version {VERSION}.",
                "Resume with the version of neurallayers that wrote it.",
            )
        facts = document["facts"]
        if document["sha256"] != _digest(facts):
            raise ValueError("its facts do not have the digest that it names")
        content = (folder / Path(facts["tensors"]["file"]).name).read_bytes()
        if hashlib.sha256(content).hexdigest() != facts["tensors"]["sha256"]:
            raise ValueError("its tensors do not have the digest that it names")
        tensors = safetensors.torch.load(content)
        return Checkpoint(dict(facts["identity"]), dict(facts["progress"]), tensors)
    except (OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError) as error:
        raise TrainingError(
            f"The checkpoint in {folder} is damaged ({type(error).__name__}: {error}).",
            "Remove the folder and train from the start, or restore it from a copy.",
        ) from error


def check_identity(stored: Mapping[str, Any], present: Mapping[str, Any]) -> None:
    """Refuse to go on with something else than what the checkpoint was written for.

    Raises:
        TrainingError: If anything differs; names each with both values.
    """
    differing = list(_differences("", stored, json.loads(json.dumps(present))))
    if differing:
        raise TrainingError(
            f"The checkpoint belongs to another run: {'; '.join(differing)}.",
            "Resume with the same network, data and configuration, or choose another "
            "checkpoint_folder.",
        )


def _differences(path: str, stored: Any, present: Any) -> list[str]:
    if isinstance(stored, dict) and isinstance(present, dict):
        found = []
        for key in sorted(stored.keys() | present.keys()):
            inner = f"{path}.{key}" if path else key
            found += _differences(inner, stored.get(key), present.get(key))
        return found
    return [] if stored == present else [f"{path} was {stored!r}, is {present!r}"]


def _digest(facts: Mapping[str, Any]) -> str:
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    if os.name == "posix":  # the rename itself must survive a power cut
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
