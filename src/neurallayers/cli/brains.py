"""``neurallayers brains ...``: what one does with individuals that live in a running service."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurallayers.cli.output import (
    AsJson,
    Seed,
    literal,
    print_facts,
    print_json,
    print_table,
    say,
)
from neurallayers.cli.stimuli import HELP, read_image

if TYPE_CHECKING:
    from neurallayers.client import BrainInfo, Client, Event, RemoteBrain, Thought

URL = "http://127.0.0.1:8077"

Url = Annotated[
    str, typer.Option(envvar="NEURALLAYERS_URL", help="Address of the service.", metavar="URL")
]
Key = Annotated[
    str | None,
    typer.Option(
        envvar="NEURALLAYERS_API_KEY",
        show_envvar=True,
        metavar="KEY",
        help="Key of the service; for one on this machine, that in neurallayers-data/api-key "
        "when left out.",
    ),
]
BrainId = Annotated[str, typer.Argument(metavar="BRAIN", help="Id of a brain.")]
Images = Annotated[list[str], typer.Argument(metavar="IMAGE...", help=HELP)]
Invert = Annotated[
    bool,
    typer.Option("--invert", help="The pictures are dark on light; the brain knows the other."),
]
Fit = Annotated[
    bool, typer.Option("--fit", help="Bring arrays of another size to the size that it sees.")
]
Once = Annotated[
    str | None,
    typer.Option(
        metavar="KEY",
        help="Name for these lessons: the same call with the same name teaches only what is not "
        "taught yet.",
    ),
]

brains = typer.Typer(
    help="Work with brains that live in a running service.",
    epilog="Examples:\n\n  neurallayers brains create --name Ada\n\n  neurallayers brains list",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def list_brains(
    limit: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many; all when left out.")
    ] = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """List the brains, oldest first."""
    from itertools import islice

    with _client(url, key) as client:
        found = list(islice(client.brains(), limit))
    if as_json:
        print_json({"brains": [asdict(brain) for brain in found]})
        return
    print_table(
        ("id", "name", "model", "entries"),
        [(brain.id, brain.name, brain.model, brain.sequence) for brain in found],
        whole="id",
    )


def create(
    name: Annotated[str | None, typer.Option(help="A name for people.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Its network; the service's first when left out.")
    ] = None,
    seed: Seed = 0,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Let a brain be born."""
    with _client(url, key) as client:
        born = client.create_brain(model, name, seed)
        _show(born.info(), as_json=as_json)


def show(brain: BrainId, url: Url = URL, key: Key = None, as_json: AsJson = False) -> None:
    """Say who a brain is and what it knows."""
    with _client(url, key) as client:
        _show(client.brain(brain).info(), as_json=as_json)


def process(
    brain: BrainId,
    images: Images,
    stateful: Annotated[
        bool, typer.Option("--stateful", help="Let it live through them, as entries.")
    ] = False,
    invert: Invert = False,
    fit: Fit = False,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Ask a brain what it sees."""
    with _client(url, key) as client:
        it = client.brain(brain)
        thoughts = [
            (name, it.process(image, stateful, fit))
            for name, image in _stimuli(client, it, images, invert=invert)
        ]
    if as_json:
        print_json({"answers": [{"image": name, **asdict(thought)} for name, thought in thoughts]})
        return
    print_table(
        ("image", "answer", "confidence", "next"),
        [(name, one.label, f"{one.confidence:.1%}", _runner_up(one)) for name, one in thoughts],
    )


def teach(
    brain: BrainId,
    label: Annotated[str, typer.Argument(help="What the images show; new names are new classes.")],
    images: Images,
    once: Once = None,
    invert: Invert = False,
    fit: Fit = False,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Teach a brain; each lesson is stored before the next begins, and none is taught twice."""
    from neurallayers.client import ServiceError

    named = once or uuid.uuid4().hex
    lessons: list[dict[str, Any]] = []
    with _client(url, key) as client:
        it = client.brain(brain)
        stimuli = _stimuli(client, it, images, invert=invert)
        try:
            for number, (name, image) in enumerate(stimuli):
                lesson = it.learn(image, label, fit=fit, idempotency_key=f"{named}-{number}")
                lessons.append({"image": name, **asdict(lesson)})
        except (ServiceError, KeyboardInterrupt):
            say(
                f"{len(lessons)} of {len(stimuli)} lessons are known to be taught. The same call "
                f"with --once {named} teaches the others, and none twice."
            )
            raise
        labels = it.info().labels
    if as_json:
        print_json({"brain": brain, "label": label, "lessons": lessons, "labels": labels})
        return
    print_table(
        ("entry", "image", "thought it was", "change of fast weights"),
        [(one["entry"], one["image"], one["thought"]["label"], one["change"]) for one in lessons],
    )
    print_facts({"knows": labels})


def forget(
    brain: BrainId,
    label: Annotated[str | None, typer.Option(help="Class to forget.")] = None,
    entry: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Entry to undo as if it had never happened; may be repeated."),
    ] = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Make a brain forget a class, or lessons as if they had never been given."""
    if (label is None) == (not entry):
        raise typer.BadParameter("Name --label or --entry, one of the two.")
    with _client(url, key) as client:
        _show(client.brain(brain).forget(label=label, entries=entry or None), as_json=as_json)


def snapshot(
    brain: BrainId,
    name: Annotated[str | None, typer.Option(help="A name for people.")] = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Keep this moment of a brain, to return to it."""
    with _client(url, key) as client:
        facts = asdict(client.brain(brain).snapshot(name))
    if as_json:
        print_json(facts)
    else:
        print_facts(_said(facts))


def snapshots(brain: BrainId, url: Url = URL, key: Key = None, as_json: AsJson = False) -> None:
    """List the moments of a brain that were kept, the latest first."""
    with _client(url, key) as client:
        kept = list(client.brain(brain).snapshots())
    if as_json:
        print_json({"snapshots": [asdict(moment) for moment in kept]})
        return
    print_table(
        ("id", "name", "after entry", "kept at"),
        [(moment.id, moment.name or "", moment.sequence, moment.created_at) for moment in kept],
        whole="id",
    )


def restore(
    brain: BrainId,
    snapshot: Annotated[str, typer.Argument(help="Id of a snapshot.")],
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Return to a moment that was kept; what came since is undone."""
    with _client(url, key) as client:
        _show(client.brain(brain).restore(snapshot), as_json=as_json)


def delete(
    brain: BrainId,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Delete a brain and all that is kept of it; asks first."""
    with _client(url, key) as client:
        it = client.brain(brain)
        if not yes:
            who = it.info()
            typer.confirm(
                f"Delete {who.name} ({who.model}, {who.sequence} entries) for ever?",
                abort=True,
                err=True,
            )
        it.delete()
    if as_json:
        print_json({"deleted": brain})
    else:
        say(f"{brain} is deleted.")


def watch(
    brain: BrainId,
    count: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many events; never when left out.")
    ] = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Show what a brain lives through, as it happens; Ctrl-C ends it. JSON comes line by line."""
    from contextlib import closing
    from itertools import islice

    with _client(url, key) as client, closing(client.brain(brain).events()) as events:
        say(f"Watching {brain}; Ctrl-C ends it.")
        for event in islice(events, count):
            typer.echo(json.dumps(asdict(event)) if as_json else _line(event))


def _add(command: Callable[..., None], *examples: str, name: str | None = None) -> None:
    """Add a command; its examples stand under its help, one a line."""
    shown = "\n\n".join(f"  neurallayers brains {example}" for example in examples)
    brains.command(name, epilog=literal(f"Examples:\n\n{shown}"))(command)


_SOMEBODY = "0f8c2e5d1b7a4c6f9e3d2a1b0c9d8e7f"
_add(list_brains, "list", "list --url https://brains.example --json", name="list")
_add(create, "create --name Ada", "create --model hasn-nano-digits --json")
_add(show, f"show {_SOMEBODY}")
_add(process, f"process {_SOMEBODY} digits:12", f"process {_SOMEBODY} seven.png --invert")
_add(
    teach,
    f"teach {_SOMEBODY} smile smile-1.png smile-2.png",
    f"teach {_SOMEBODY} eight digits:train:3 --once monday",
)
_add(forget, f"forget {_SOMEBODY} --label smile", f"forget {_SOMEBODY} --entry 3 --entry 4")
_add(snapshot, f"snapshot {_SOMEBODY} --name before-school")
_add(snapshots, f"snapshots {_SOMEBODY}")
_add(restore, f"restore {_SOMEBODY} 17")
_add(delete, f"delete {_SOMEBODY}", f"delete {_SOMEBODY} --yes")
_add(watch, f"watch {_SOMEBODY}", f"watch {_SOMEBODY} --count 10 --json")


def _client(url: str, key: str | None) -> Client:
    from neurallayers.client import Client

    return Client(url, key)


def _stimuli(
    client: Client, brain: RemoteBrain, images: list[str], *, invert: bool
) -> list[tuple[str, Any]]:
    """The images in the shape that a brain sees; all are read before any is sent."""
    shape = client.model(brain.info().model).image_shape
    return [(name, read_image(name, shape, invert=invert)) for name in images]


def _show(info: BrainInfo, *, as_json: bool) -> None:
    facts = asdict(info)
    if as_json:
        print_json(facts)
    else:
        print_facts(_said(facts))


def _said(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts under the names that people read, without those that are not there."""
    names = {"sequence": "entries", "labels": "knows", "created_at": "since"}
    return {names.get(name, name): value for name, value in facts.items() if value is not None}


def _runner_up(thought: Thought) -> str:
    others = list(thought.scores)[1:2]
    return others[0] if others else ""


def _line(event: Event) -> str:
    """An event in one line."""
    words = [f"{event.sequence if event.sequence is not None else '':>6}", f"{event.kind:<9}"]
    if event.label is not None:
        words.append(event.label)
    if event.confidence is not None:
        words.append(f"{event.confidence:.1%}")
    if event.target is not None:
        words.append(f"taught: {event.target}")
    if event.vitals is not None:
        words.append(f"{event.vitals.spikes:,} spikes")
    if event.labels:
        words.append(f"knows {', '.join(event.labels)}")
    return "  ".join(words)
