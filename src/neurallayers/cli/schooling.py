"""``train`` and ``evaluate``: what training gives, and how good it is."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurallayers.cli.output import AsJson, Seed, print_facts, print_json, print_table, say, talk
from neurallayers.cli.sources import load_data, open_brain
from neurallayers.errors import InvalidInput

if TYPE_CHECKING:
    from neurallayers.brain import Brain, BrainNetwork
    from neurallayers.data import Dataset, Split
    from neurallayers.training import Evaluation, FitResult

QUESTIONS_AT_ONCE = 256
CONFUSIONS_SHOWN = 5

Data = Annotated[str | None, typer.Option(help="Data set: digits or mnist.", show_default=False)]
Download = Annotated[
    bool, typer.Option("--download", help="Fetch the data set if it is not on this machine.")
]


def train(
    recipe: Annotated[
        str | None, typer.Argument(help="Name of a recipe (`info` lists them).", show_default=False)
    ] = None,
    spec: Annotated[
        Path | None, typer.Option(help="Or the anatomy to train, a JSON or YAML file.")
    ] = None,
    data: Data = None,
    out: Annotated[Path | None, typer.Option(help="Folder that the network is saved to.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the data.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Images a step.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="The highest of the schedule.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads to compute with.")] = None,
    seed: Seed = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an interrupted training to --out stopped.")
    ] = False,
    download: Download = False,
    as_json: AsJson = False,
) -> None:
    """Train a network and measure it on images that it has not seen."""
    if (recipe is None) == (spec is None):
        raise typer.BadParameter("Name a recipe or --spec FILE, one of the two.")
    if resume and out is None:
        raise typer.BadParameter("--resume needs --out: that is where the checkpoint lies.")
    changes: dict[str, Any] = {
        name: value
        for name, value in (
            ("epochs", epochs),
            ("batch_size", batch_size),
            ("learning_rate", learning_rate),
            ("threads", threads),
        )
        if value is not None
    }
    changes |= {"seed": seed, "progress": True}
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        changes |= {"checkpoint_folder": out / "checkpoint", "resume": resume}
    name, network, result, evaluation, used = (
        _follow(recipe, data, changes, download=download)
        if recipe is not None
        else _fit(spec, data, changes, download=download)
    )
    facts = {
        "network": name,
        "data": used.name,
        "accuracy": evaluation.accuracy,
        "loss": evaluation.loss,
        "tested_on": f"{len(used.test)} images, {used.test.name}",
        "epochs": len(result.history),
        "stopped": result.stopped,
        "train_seconds": result.seconds,
        "images_per_second": result.samples_per_second,
        "parameters": network.parameter_count(),
        "seed": seed,
        "folder": None if out is None else str(out),
    }
    if out is not None:
        _keep(network, out, facts)
    else:
        say("The network was not saved; name a folder with --out to keep it.")
    if as_json:
        print_json(facts)
    else:
        print_facts({key: value for key, value in facts.items() if value is not None})


def _follow(
    recipe: str, data: str | None, changes: dict[str, Any], *, download: bool
) -> tuple[str, BrainNetwork, FitResult, Evaluation, Dataset]:
    from neurallayers.research import RECIPES
    from neurallayers.research import train as follow

    own = RECIPES.make(recipe)
    chosen = load_data(data or own.data, download=download)
    trained = follow(recipe, data=chosen, **changes)
    return recipe, trained.network, trained.result, trained.evaluation, chosen


def _fit(
    spec: Path | None, data: str | None, changes: dict[str, Any], *, download: bool
) -> tuple[str, BrainNetwork, FitResult, Evaluation, Dataset]:
    from neurallayers.brain import BrainNetwork, BrainSpec
    from neurallayers.training import FitConfig, evaluate, fit

    assert spec is not None
    anatomy = BrainSpec.from_file(spec)
    chosen = load_data(data or "digits", download=download)
    _check_fits(anatomy.sense.shape, anatomy.readout.labels, chosen)
    network = BrainNetwork(anatomy, seed=changes["seed"])
    result = fit(network, chosen.train, FitConfig(**changes))
    return anatomy.name, network, result, evaluate(network, chosen.test), chosen


def _check_fits(shape: tuple[int, ...], labels: tuple[str, ...], data: Dataset) -> None:
    images = tuple(data.train.images.shape[1:])
    if tuple(shape) not in (images, (*images, 1)):
        raise InvalidInput(
            f"The anatomy sees images of {list(shape)}, those of {data.name} are {list(images)}.",
            f"Set sense.shape to {list(images)} or choose other --data.",
        )
    if len(labels) < len(data.train.class_names):
        raise InvalidInput(
            f"The anatomy has {len(labels)} labels, {data.name} has "
            f"{len(data.train.class_names)} classes.",
            f"Set readout.labels to {list(data.train.class_names)}.",
        )


def _keep(network: BrainNetwork, out: Path, facts: dict[str, Any]) -> None:
    from neurallayers.brain import save_pretrained

    lines = "\n".join(f"| {name} | {value} |" for name, value in facts.items() if name != "folder")
    card = (
        f"# {facts['network']}\n\nTrained with `neurallayers train`; the numbers are what it "
        f"measured.\n\n| | |\n|---|---|\n{lines}\n"
    )
    save_pretrained(network, out, card=card)
    # It served its purpose: what it could be resumed to is saved.
    shutil.rmtree(out / "checkpoint", ignore_errors=True)


def evaluate(
    source: Annotated[
        str, typer.Argument(metavar="NETWORK", help="A network, or the folder or file of a brain.")
    ],
    data: Data = None,
    part: Annotated[str, typer.Option(help="Which part of the data: test or train.")] = "test",
    download: Download = False,
    as_json: AsJson = False,
) -> None:
    """Measure a network or a brain on a data set."""
    from neurallayers.cli.sources import data_for

    if part not in ("test", "train"):
        raise typer.BadParameter(f"--part is {part!r}; use test or train.")
    with open_brain(source) as brain:
        shape = brain.network.spec.sense.shape
        chosen = load_data(data or data_for(shape), download=download)
        split: Split = getattr(chosen, part)
        answers = _answers(brain, split)
    truths = [split.class_names[label] for label in split.labels.tolist()]
    counts = Counter(truths)
    right = Counter(truth for truth, answer in zip(truths, answers, strict=True) if truth == answer)
    confused = Counter(
        (truth, str(answer))
        for truth, answer in zip(truths, answers, strict=True)
        if truth != answer
    ).most_common(CONFUSIONS_SHOWN)
    facts = {
        "source": source,
        "data": chosen.name,
        "part": split.name,
        "images": len(split),
        "accuracy": right.total() / len(split),
        "per_class": {name: right[name] / counts[name] for name in counts},
        "confused": [
            {"truth": truth, "answer": answer, "times": times}
            for (truth, answer), times in confused
        ],
    }
    if as_json:
        print_json(facts)
        return
    print_facts({name: facts[name] for name in ("source", "data", "part", "images")})
    print_facts({"accuracy": f"{facts['accuracy']:.2%}"})
    print_table(
        ("class", "images", "right"),
        [(name, counts[name], f"{right[name] / counts[name]:.1%}") for name in sorted(counts)],
    )
    if confused:
        print_table(("is", "answered", "times"), [(*pair, times) for pair, times in confused])


def _answers(brain: Brain, split: Split) -> list[str | None]:
    from rich.progress import track

    found: list[str | None] = []
    console = talk()
    for images in track(
        split.images.split(QUESTIONS_AT_ONCE),
        description="asking",
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ):
        found += [thought.label for thought in brain.process_batch(images)]
    return found
