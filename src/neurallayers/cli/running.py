"""``run``: the first minute. A brain is trained, looks at digits, and learns two more for life."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurallayers.cli.output import AsJson, Seed, own_name, print_json, results, say
from neurallayers.errors import MissingExtra, NeuralLayersError

if TYPE_CHECKING:
    from rich.console import Console
    from torch import Tensor

    from neurallayers.brain import Brain, BrainNetwork
    from neurallayers.data import Dataset, Split
    from neurallayers.demo import Novelty, Progress
    from neurallayers.research import Recipe

RECIPE = "hasn-nano-digits"
KNOWN, NEW = tuple(range(8)), (8, 9)
EXAMPLES = 10
CODE = "#8a93a6"


@dataclass(frozen=True)
class School:
    """A trained network, and what belongs to its story.

    Attributes:
        network: The network.
        where: How to name it on the command line.
        trained_on: What it was trained on, in words.
        seconds: How long training took; none if it was not trained now [s].
        known: Held-out images of the classes that it was trained on.
        novelties: Classes that it was never trained on.
        new: What those are, in words.
    """

    network: BrainNetwork
    where: str
    trained_on: str
    seconds: float | None
    known: Split
    novelties: tuple[Novelty, ...]
    new: str


def run(
    seed: Seed = 0,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the digits; the recipe's when left out.")
    ] = None,
    pretrained: Annotated[
        bool, typer.Option("--pretrained", help="Use the network that ships with the package.")
    ] = False,
    retrain: Annotated[
        bool, typer.Option("--retrain", help="Train again, even if an earlier run did.")
    ] = False,
    still: Annotated[bool, typer.Option("--still", help="Show no moving pictures.")] = False,
    speed: Annotated[float, typer.Option(min=0.1, help="How fast the pictures move.")] = 1.0,
    serving: Annotated[
        bool,
        typer.Option(
            "--serve/--no-serve", help="Go on serving the network, with a page to play with."
        ),
    ] = True,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to serve on; 0 picks a free one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train a brain on real digits, watch it see and learn, then serve it for you to play with."""
    from neurallayers.brain import Brain
    from neurallayers.demo import teach_novelties

    console = results()
    console.quiet = as_json
    school = _ready_made() if pretrained else _trained(seed, epochs, again=retrain, console=console)
    brain = Brain(school.network, seed=seed)
    known = [school.known.class_names[label] for label in school.known.labels.tolist()]
    accuracy = _introduce(brain, school, known, console)
    moving = speed if console.is_terminal and not still else None
    _look(brain, school, console, moving)
    console.print(
        f"[bold]It learns while it lives[/]\n\nNow {school.new}.\n"
        "A lesson is one picture and its name. Nothing is trained:\n"
        "only the fast weights of this one individual change.\n"
    )
    console.print("  examples of each   new classes   old classes", style="dim")
    exams = teach_novelties(
        brain,
        school.novelties,
        school.known.images,
        known,
        on_exam=lambda result: _show_exam(result, console),
    )
    lessons = EXAMPLES * len(school.novelties)
    console.print(f"\n{lessons} lessons took {exams[-1].seconds:.2f} s. It now knows the classes:")
    console.print(f"  {', '.join(brain.labels)}\n", style=CODE)
    _look_again(brain, school, console, moving)
    _what_next(school, console)
    if as_json:
        print_json(
            {
                "network": school.where,
                "trained_on": school.trained_on,
                "train_seconds": school.seconds,
                "accuracy": accuracy,
                "held_out": len(known),
                "lessons": [exam.to_dict() for exam in exams],
                "labels": list(brain.labels),
            }
        )
    elif serving:
        _serve(school.where, port)


def _serve(network: str, port: int | None) -> None:
    """Serve the network until Ctrl-C; on another port if the usual one is taken."""
    from neurallayers.cli.serving import settings_for, start

    try:
        settings = settings_for(models=[network], port=port)
    except MissingExtra as error:
        # Everything that was promised is done; a page to play with is more.
        say(f"To serve it, with a page to play with: {error.remedy}")
        return
    from neurallayers.service.server import port_is_free

    if port is None and not port_is_free(settings):
        say(f"Port {settings.port} is taken; another one is used.")
        settings = settings_for(models=[network], port=0)
    say("starting the service (Ctrl-C ends it) ...")
    start(settings, show_key=True)


# -- where the network comes from -----------------------------------------------------------------


def _trained(seed: int, epochs: int | None, *, again: bool, console: Console) -> School:
    """A network that knows eight of the ten digits, from an earlier run or trained now."""
    from neurallayers.brain import load_pretrained, save_pretrained
    from neurallayers.data import load_digits
    from neurallayers.research import RECIPES, prepare, train

    console.print("[bold]A brain goes to school[/]\n")
    digits = load_digits()
    school = _only(digits, KNOWN)
    recipe: Recipe = RECIPES.make(RECIPE)
    changes: dict[str, Any] = {} if epochs is None else {"epochs": epochs}
    folder = _kept_in(recipe, school, {"seed": seed, **changes})
    network, seconds = None, None
    if not again and (folder / "config.json").is_file():
        try:
            network = load_pretrained(folder)
            console.print(f"It was trained by an earlier run and is kept in {folder}", style="dim")
        except NeuralLayersError as error:
            say(f"The network of an earlier run cannot be used: {error}")
    if network is None:
        begun = time.perf_counter()
        say("fitting the kernels to this machine (seconds, once) ...")
        prepare(RECIPE, school)
        say(
            f"done in {time.perf_counter() - begun:.1f} s; "
            f"training on {len(school.train):,} handwritten digits, 0 to 7, of 43 people ..."
        )
        trained = train(RECIPE, seed=seed, data=school, progress=True, **changes)
        network, seconds = trained.network, trained.result.seconds
        try:
            save_pretrained(network, folder)
        except OSError as error:
            say(f"It could not be kept for the next run in {folder}: {error.strerror}.")
    return School(
        network=network,
        where=str(folder) if (folder / "config.json").is_file() else RECIPE,
        trained_on="the digits 0 to 7",
        seconds=seconds,
        known=school.test,
        novelties=tuple(_novelty(str(digit), digits, digit) for digit in NEW),
        new="it meets 8 and 9, which it has never seen",
    )


def _ready_made() -> School:
    """The network of the package, which knows all ten digits; it is taught turned ones."""
    from neurallayers.brain import load_pretrained
    from neurallayers.data import load_digits

    digits = load_digits()
    return School(
        network=load_pretrained(RECIPE),
        where=RECIPE,
        trained_on="all ten digits",
        seconds=None,
        known=digits.test,
        novelties=(
            _novelty("4 on its head", digits, 4, turned=(0, 1)),
            _novelty("7 in a mirror", digits, 7, turned=(1,)),
        ),
        new="it meets a 4 on its head and a 7 in a mirror",
    )


def _only(digits: Dataset, classes: tuple[int, ...]) -> Dataset:
    return replace(
        digits,
        train=digits.train.of_classes(classes, relabel=True),
        test=digits.test.of_classes(classes, relabel=True),
    )


def _novelty(label: str, digits: Dataset, digit: int, *, turned: tuple[int, ...] = ()) -> Novelty:
    """A class from the digits, with the axes (0 for up and down) along which they are turned."""
    from neurallayers.demo import Novelty

    axes = [axis + 1 for axis in turned]
    lessons = digits.train.of_classes([digit]).images[:EXAMPLES]
    return Novelty(label, lessons.flip(axes), digits.test.of_classes([digit]).images.flip(axes))


def _kept_in(recipe: Recipe, school: Dataset, changes: dict[str, Any]) -> Path:
    """The folder that keeps a network; its name changes with whatever the weights depend on."""
    import torch

    from neurallayers import __version__
    from neurallayers.data.download import cache_folder

    decisive = {
        "config": recipe.config.changed(**changes).decisive(),
        "spec": recipe.spec(school.train).to_dict(),
        "versions": [__version__, torch.__version__],
    }
    digest = hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()
    return cache_folder() / "networks" / f"digits-0-7-{digest[:12]}"


# -- what is shown --------------------------------------------------------------------------------


def _introduce(brain: Brain, school: School, known: list[str], console: Console) -> float:
    from neurallayers.demo.lessons import accuracy

    network = school.network
    regions = " -> ".join(region.name for region in network.spec.regions)
    spoken = f" in {school.seconds:.1f} s" if school.seconds is not None else ""
    console.print(f"{network.spec.name}: {regions}, {network.parameter_count():,} weights")
    console.print(f"trained on {school.trained_on}{spoken}")
    right = accuracy(brain, school.known.images, known)
    console.print(
        f"Of {len(known)} digits that it has not seen, it reads [bold]{right:.1%}[/] rightly.\n"
    )
    return right


def _look(brain: Brain, school: School, console: Console, speed: float | None) -> None:
    console.print("[bold]It looks at digits that it has not seen[/]\n")
    classes = school.known.class_names
    # One is enough to read; three are pleasant to watch.
    chosen = (3,) if speed is None else (0, 3, 7)
    _show(
        brain,
        [(school.known.of_classes([place]).images[0], classes[place]) for place in chosen],
        console,
        speed,
    )


def _look_again(brain: Brain, school: School, console: Console, speed: float | None) -> None:
    console.print("[bold]It looks at the new ones again, in pictures it has not seen[/]\n")
    _show(brain, [(novelty.exam[0], novelty.label) for novelty in school.novelties], console, speed)


def _show(
    brain: Brain, images: list[tuple[Tensor, str]], console: Console, speed: float | None
) -> None:
    """Show thoughts about images, moving at this speed or, without one, as they end."""
    from neurallayers.demo import unfold, watch

    watch(
        (unfold(brain, image, truth) for image, truth in images),
        console,
        animate=speed is not None,
        speed=speed or 1.0,
    )


def _show_exam(result: Progress, console: Console) -> None:
    from neurallayers.demo.drawing import bar

    console.print(
        f"  {result.lessons:>16}   {bar(result.new_accuracy, 12)} {result.new_accuracy:4.0%}   "
        f"{result.old_accuracy:6.1%}"
    )


def _what_next(school: School, console: Console) -> None:
    program, network = own_name(), school.where
    console.print("[bold]What to try next[/]\n")
    for command, meaning in (
        (f"ask {network} digits:12 --explain", "why does it say so?"),
        (f"raster {network} --digit 7 --out raster.png", "the spikes as a figure"),
        (f"teach my-brain 8 digits:train:5 --network {network}", "a brain of your own, on disk"),
        ("replay my-brain", "live its life again, to the same bits"),
        ("--help", "everything else"),
    ):
        console.print(f"  [dim]# {meaning}[/]")
        console.print(f"  {program} {command}", soft_wrap=True, markup=False)
