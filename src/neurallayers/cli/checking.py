"""``info``, ``bench`` and ``version``: what there is, and how this machine does."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurallayers.cli.output import AsJson, print_facts, print_json, print_table, results, say
from neurallayers.cli.sources import is_home, open_brain

if TYPE_CHECKING:
    from neurallayers.brain import BrainNetwork, BrainSpec

BATCH = 256
RECORDED = Path("benchmarks") / "results"


def info(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="A network, preset, spec file, or the folder or file of a brain; all names "
            "when left out.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a network, an anatomy or a brain is; without a name, what there is."""
    if source is None:
        _list_names(as_json=as_json)
        return
    facts, spec = _describe(source)
    facts |= {
        "image": list(spec.sense.shape),
        "duration_ms": spec.sense.duration_ms,
        "dt_ms": spec.dt_ms,
    }
    regions = [
        {"region": part.name, "neurons": list(part.shape), "kind": part.neurons.kind}
        for part in spec.regions
    ]
    tracts = [
        {"from": part.source, "to": part.target, "pattern": part.pattern, "delay_ms": part.delay_ms}
        for part in spec.tracts
    ]
    if as_json:
        print_json({**facts, "regions": regions, "tracts": tracts, "spec": spec.to_dict()})
        return
    print_facts(facts)
    print_table(regions[0], [part.values() for part in regions])
    print_table(tracts[0], [part.values() for part in tracts])


def _list_names(*, as_json: bool) -> None:
    from neurallayers.brain import PRESETS, pretrained_names
    from neurallayers.data import DATASETS
    from neurallayers.research import RECIPES

    names = {
        "networks": pretrained_names(),
        "presets": list(PRESETS),
        "recipes": list(RECIPES),
        "data": list(DATASETS),
    }
    if as_json:
        print_json(names)
    else:
        print_facts(names)


def _describe(source: str) -> tuple[dict[str, Any], BrainSpec]:
    """What is behind a name, and its anatomy."""
    from neurallayers.brain import PRESETS, BrainNetwork, BrainSpec
    from neurallayers.brain.exactness import numeric_platform

    path = Path(source)
    if source in PRESETS and not path.exists():
        spec = PRESETS.make(source)
        return {"is": "preset", "name": spec.name, **_size(BrainNetwork(spec))}, spec
    if path.is_file() and path.suffix in (".json", ".yaml", ".yml"):
        spec = BrainSpec.from_file(path)
        return {"is": "anatomy", "name": spec.name, **_size(BrainNetwork(spec))}, spec
    kind = "brain" if is_home(path) or path.is_file() else "network"
    with open_brain(source) as brain:
        facts: dict[str, Any] = {
            "is": kind,
            "name": brain.network.spec.name,
            **_size(brain.network),
            "labels": list(brain.labels),
            "platform": numeric_platform(),
        }
        if kind == "brain":
            facts |= {
                "entries": brain.sequence,
                "lessons_kept": len(brain.life.ledger.entries),
            }
        return facts, brain.network.spec


def _size(network: BrainNetwork) -> dict[str, Any]:
    return {"parameters": network.parameter_count(), "fingerprint": network.fingerprint()}


def bench(
    seconds: Annotated[
        float, typer.Option(min=0.1, help="How long each figure is measured.")
    ] = 1.0,
    as_json: AsJson = False,
) -> None:
    """Check this machine in a few seconds; in a checkout, show the recorded benchmarks too."""
    from neurallayers.brain import Brain, BrainNetwork, preset

    say("measuring hasn-nano: one brain, one thread ...")
    brain = Brain(BrainNetwork(preset("hasn-nano")))
    images = _noise((BATCH, 8, 8))
    facts = {
        "same_bits_in_any_batch": brain.self_check(),
        "thoughts_per_second_alone": _rate(lambda: brain.process(images[0]), seconds),
        "thoughts_per_second_in_batches": BATCH
        * _rate(lambda: brain.process_batch(images), seconds),
        "lessons_per_second": _rate(lambda: brain.fork().learn(images[0], "new"), seconds),
        "parameters": brain.network.parameter_count(),
    }
    recorded = _recorded()
    if as_json:
        print_json({**facts, "recorded": recorded})
        return
    print_facts(facts, title="this machine, now")
    if not recorded:
        return
    results().print("\nrecorded in benchmarks/results; `make bench` measures them again")
    for name, document in recorded.items():
        print_facts(_plain(document.get("results", {})), title=f"{name}: {document.get('command')}")


def _noise(shape: tuple[int, ...]) -> Any:
    import torch

    from neurallayers.seeding import stream

    return torch.rand(shape, generator=stream(0, "bench", "images"))


def _rate(act: Callable[[], object], seconds: float) -> float:
    """How often a second something can be done, after a first time."""
    act()
    times, begun = 0, time.perf_counter()
    while (passed := time.perf_counter() - begun) < seconds or times == 0:
        act()
        times += 1
    return times / passed


def _recorded() -> dict[str, Any]:
    """Results of the benchmarks, if this is a checkout."""
    found = {}
    for path in sorted(RECORDED.glob("*.json")):
        try:
            found[path.stem] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            say(f"{path} cannot be read: {error}")
    return found


def _plain(figures: dict[str, Any]) -> dict[str, Any]:
    """The single figures, without the raw measurements below them."""
    return {name: value for name, value in figures.items() if not isinstance(value, dict | list)}


def version(as_json: AsJson = False) -> None:
    """Print the version, and with --json those of what it stands on."""
    from neurallayers import __version__

    if not as_json:
        typer.echo(__version__)
        return
    from importlib import metadata

    print_json(
        {
            "neurallayers": __version__,
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in ("torch", "numpy", "numba")},
        }
    )
