"""``ask``, ``teach``, ``raster`` and ``replay``: what one does with an individual."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurallayers.cli.answers import print_answers, print_reasons
from neurallayers.cli.output import AsJson, print_facts, print_json, print_table, results, say
from neurallayers.cli.sources import check_home, data_for, held_out, is_home, open_brain
from neurallayers.cli.stimuli import HELP, Pin, When, Where, Who, read_image

if TYPE_CHECKING:
    from torch import Tensor

    from neurallayers.brain import BrainNetwork
    from neurallayers.brain.life import Life

Source = Annotated[
    str, typer.Argument(metavar="BRAIN", help="A network, or the folder or file of a brain.")
]
Digit = Annotated[
    int | None, typer.Option(min=0, max=9, help="Show it a held-out digit of this class instead.")
]
Invert = Annotated[
    bool,
    typer.Option("--invert", help="The pictures are dark on light; the brain knows the other."),
]


def ask(
    source: Source,
    images: Annotated[list[str] | None, typer.Argument(metavar="IMAGE...", help=HELP)] = None,
    digit: Digit = None,
    invert: Invert = False,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help="Say which neurons, lessons, memories and rules made the answer."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Ask a brain what it sees; it stays as it was."""
    with open_brain(source) as brain:
        stimuli = _stimuli(_seen_by(brain.network), images, digit, invert=invert)
        thoughts = [(name, image, brain.process(image)) for name, image in stimuli]
        reasons = [brain.explain(image) if explain else None for _, image in stimuli]
    if as_json:
        answers = [{"image": name, **thought.to_dict()} for name, _, thought in thoughts]
        for answer, reason in zip(answers, reasons, strict=True):
            answer |= {} if reason is None else {"explanation": reason.to_dict()}
        print_json({"answers": answers})
        return
    print_answers([(name, thought) for name, _, thought in thoughts])
    print_reasons([(name, why) for (name, _), why in zip(stimuli, reasons, strict=True) if why])


def teach(
    folder: Annotated[Path, typer.Argument(help="Folder that the brain lives in.")],
    label: Annotated[str, typer.Argument(help="What the images show; new names are new classes.")],
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", help=HELP)],
    network: Annotated[
        str, typer.Option(help="Network of a new brain, if none lives in the folder yet.")
    ] = "hasn-nano-digits",
    where: Where = None,
    when: When = None,
    who: Who = None,
    pin: Pin = False,
    invert: Invert = False,
    as_json: AsJson = False,
) -> None:
    """Teach a brain in a folder; each lesson is on the disk before the next begins."""
    from neurallayers.brain import Brain, load_pretrained

    # A picture that cannot be read must not leave a brain behind that learned nothing.
    inborn = None if is_home(folder) else load_pretrained(network)
    stimuli = None if inborn is None else _stimuli(_seen_by(inborn), images, None, invert=invert)
    with Brain.open(folder, inborn) as brain:
        if inborn is not None:
            say(f"A new brain with the network {network} was born in {folder}.")
        if stimuli is None:
            stimuli = _stimuli(_seen_by(brain.network), images, None, invert=invert)
        lessons = [
            (name, brain.learn(image, label, where=where, when=when, who=who, pinned=pin))
            for name, image in stimuli
        ]
        facts = {
            "folder": str(folder),
            "label": label,
            "lessons": [
                {
                    "image": name,
                    "entry": lesson.entry,
                    "thought_before": lesson.thought.label,
                    "change": lesson.change,
                }
                for name, lesson in lessons
            ],
            "labels": list(brain.labels),
        }
    if as_json:
        print_json(facts)
        return
    print_table(
        ("entry", "image", "thought it was", "change of fast weights"),
        [(lesson.entry, name, lesson.thought.label, lesson.change) for name, lesson in lessons],
    )
    print_facts({"knows": facts["labels"]})


def raster(
    source: Source,
    image: Annotated[str | None, typer.Argument(metavar="IMAGE", help=HELP)] = None,
    digit: Digit = None,
    invert: Invert = False,
    out: Annotated[
        Path | None, typer.Option(help="File for a figure (.png, .svg or .pdf); text otherwise.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show which neurons fire when a brain sees an image."""
    from neurallayers.demo import unfold, watch

    with open_brain(source) as brain:
        named = None if image is None else [image]
        ((name, stimulus),) = _stimuli(_seen_by(brain.network), named, digit, invert=invert)
        unfolding = unfold(brain, stimulus)
    thought = unfolding.thought
    if out is not None:
        _check_figure(out)
        thought.raster.figure(out, title=f"{name}: the answer is {thought.label}")
        say(f"The raster is in {out}.")
    if as_json:
        print_json(
            {
                "image": name,
                "label": thought.label,
                "confidence": thought.confidence,
                "duration_ms": thought.raster.duration_ms,
                "rates_hz": thought.vitals.rates_hz,
                "spikes": {
                    region: [[time_ms, neuron] for time_ms, neuron in events]
                    for region, events in thought.raster.events().items()
                },
            }
        )
    elif out is None:
        watch([unfolding], results(), animate=False)


def replay(
    folder: Annotated[Path, typer.Argument(help="Folder that the brain lives in.")],
    as_json: AsJson = False,
) -> None:
    """Live a brain's life again from birth, and hold it against the brain as it is, bit by bit."""
    from neurallayers.brain import Brain
    from neurallayers.brain.journal import FileJournal

    check_home(folder)
    with (
        tempfile.TemporaryDirectory(prefix="neurallayers-replay-") as place,
        Brain.open(folder) as brain,
    ):
        # A copy without snapshots can only be restored by living through the whole journal.
        again_in = Path(place)
        for name in ("network.safetensors", "journal"):
            shutil.copyfile(folder / name, again_in / name)
        with Brain.open(again_in) as again:
            different = differences(brain.life, again.life)
        journal = FileJournal.open(again_in / "journal")
        entries = [
            {"entry": entry.sequence, "kind": entry.kind, **entry.content}
            for entry in journal.read()
        ]
        journal.close()
        facts = {
            "folder": str(folder),
            "entries": entries,
            "position": brain.sequence,
            "snapshots": len(list((folder / "snapshots").glob("[0-9]*"))),
            "labels": list(brain.labels),
            "identical": not different,
            "different": different,
        }
    if as_json:
        print_json(facts)
    else:
        _show_replay(facts)
    if different:
        raise typer.Exit(1)


def differences(one: Life, other: Life) -> list[str]:
    """Names of what is not the same, to the bit, in two lives."""
    from neurallayers.state import to_named

    first, second = (
        {
            **to_named(life.state),
            **to_named(life.ledger.named()),
            **{f"mind.{name}": part for name, part in to_named(life.mind.state).items()},
        }
        for life in (one, other)
    )
    found = [
        name
        for name in sorted(first.keys() | second.keys())
        if name not in first or name not in second or not _same_bits(first[name], second[name])
    ]
    for name in ("labels", "sequence"):
        if getattr(one, name) != getattr(other, name):
            found.append(name)
    for name in ("names", "rules"):
        if getattr(one.mind, name) != getattr(other.mind, name):
            found.append(f"mind.{name}")
    return found


def _same_bits(one: Tensor, other: Tensor) -> bool:
    return (
        one.dtype == other.dtype
        and one.shape == other.shape
        and one.contiguous().numpy().tobytes() == other.contiguous().numpy().tobytes()
    )


def _show_replay(facts: dict[str, Any]) -> None:
    print_table(
        ("entry", "what", ""),
        [
            (
                entry["entry"],
                entry["kind"],
                " ".join(
                    f"{key}={value}" for key, value in entry.items() if key not in ("entry", "kind")
                ),
            )
            for entry in facts["entries"]
        ],
    )
    console = results()
    if facts["identical"]:
        console.print(
            f"Living through all {len(facts['entries'])} entries again gave the same brain, "
            "[bold green]bit for bit[/]."
        )
    else:
        console.print(
            f"[bold red]Not the same[/]: {', '.join(facts['different'])}. The journal was written "
            "on another machine or by another release, or a file was changed."
        )


def _seen_by(network: BrainNetwork) -> tuple[int, ...]:
    """Shape of the images that a network sees."""
    return tuple(network.spec.sense.shape)


def _stimuli(
    shape: tuple[int, ...], images: list[str] | None, digit: int | None, *, invert: bool
) -> list[tuple[str, Any]]:
    """What the command line named, read in the shape that is seen."""
    if bool(images) == (digit is not None):
        raise typer.BadParameter("Name an image or --digit, one of the two.")
    if digit is not None:
        return [held_out(data_for(shape), digit)]
    return [(name, read_image(name, shape, invert=invert)) for name in images or []]


def _check_figure(out: Path) -> None:
    from neurallayers.errors import InvalidInput

    known = (".png", ".svg", ".pdf")
    if out.suffix.lower() not in known:
        raise InvalidInput(f"{out} is no kind of figure.", f"End its name in {', '.join(known)}.")
