"""``neurallayers brains ...``: what one does with individuals that live in a running service."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurallayers.cli.answers import print_answers, print_reasons
from neurallayers.cli.output import (
    AsJson,
    Seed,
    literal,
    print_facts,
    print_json,
    print_table,
    say,
)
from neurallayers.cli.stimuli import HELP, Pin, When, Where, Who, read_image

if TYPE_CHECKING:
    from neurallayers.client import BrainInfo, Client, Event, Explanation, RemoteBrain, Thought

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

    with connected(url, key) as client:
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
    with connected(url, key) as client:
        born = client.create_brain(model, name, seed)
        _show(born.info(), as_json=as_json)


def show(brain: BrainId, url: Url = URL, key: Key = None, as_json: AsJson = False) -> None:
    """Say who a brain is and what it knows."""
    with connected(url, key) as client:
        _show(client.brain(brain).info(), as_json=as_json)


def process(
    brain: BrainId,
    images: Images,
    stateful: Annotated[
        bool, typer.Option("--stateful", help="Let it live through them, as entries.")
    ] = False,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help="Say which neurons, lessons, memories and rules made the answer."
        ),
    ] = False,
    where: Where = None,
    when: When = None,
    who: Who = None,
    invert: Invert = False,
    fit: Fit = False,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Ask a brain what it sees."""
    with connected(url, key) as client:
        it = client.brain(brain)
        answers = []
        for name, image in _stimuli(client, it, images, invert=invert):
            # Explained first: afterwards it may have lived through it.
            why = it.explain(image, fit=fit) if explain else None
            thought = it.process(image, stateful, fit, where=where, when=when, who=who)
            answers.append((name, thought, why))
    if as_json:
        print_json({"answers": [_answer(*one) for one in answers]})
        return
    print_answers([(name, thought) for name, thought, _ in answers])
    print_reasons([(name, why) for name, _, why in answers if why is not None])


def teach(
    brain: BrainId,
    label: Annotated[str, typer.Argument(help="What the images show; new names are new classes.")],
    images: Images,
    once: Once = None,
    where: Where = None,
    when: When = None,
    who: Who = None,
    pin: Pin = False,
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
    with connected(url, key) as client:
        it = client.brain(brain)
        stimuli = _stimuli(client, it, images, invert=invert)
        try:
            for number, (name, image) in enumerate(stimuli):
                lesson = it.learn(
                    image,
                    label,
                    fit=fit,
                    where=where,
                    when=when,
                    who=who,
                    pinned=pin,
                    idempotency_key=f"{named}-{number}",
                )
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
    with connected(url, key) as client:
        _show(client.brain(brain).forget(label=label, entries=entry or None), as_json=as_json)


def snapshot(
    brain: BrainId,
    name: Annotated[str | None, typer.Option(help="A name for people.")] = None,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Keep this moment of a brain, to return to it."""
    with connected(url, key) as client:
        facts = asdict(client.brain(brain).snapshot(name))
    if as_json:
        print_json(facts)
    else:
        print_facts(_said(facts))


def snapshots(brain: BrainId, url: Url = URL, key: Key = None, as_json: AsJson = False) -> None:
    """List the moments of a brain that were kept, the latest first."""
    with connected(url, key) as client:
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
    with connected(url, key) as client:
        _show(client.brain(brain).restore(snapshot), as_json=as_json)


def delete(
    brain: BrainId,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    url: Url = URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Delete a brain and all that is kept of it; asks first."""
    with connected(url, key) as client:
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

    with connected(url, key) as client, closing(client.brain(brain).events()) as events:
        say(f"Watching {brain}; Ctrl-C ends it.")
        for event in islice(events, count):
            typer.echo(json.dumps(asdict(event)) if as_json else _line(event))


def add(command: Callable[..., None], *examples: str, name: str | None = None) -> None:
    """Add a command; its examples stand under its help, one a line."""
    shown = "\n\n".join(f"  neurallayers brains {example}" for example in examples)
    brains.command(name, epilog=literal(f"Examples:\n\n{shown}"))(command)


SOMEBODY = "0f8c2e5d1b7a4c6f9e3d2a1b0c9d8e7f"
add(list_brains, "list", "list --url https://brains.example --json", name="list")
add(create, "create --name Ada", "create --model hasn-nano-digits --json")
add(show, f"show {SOMEBODY}")
add(
    process,
    f"process {SOMEBODY} digits:12",
    f"process {SOMEBODY} seven.png --invert --explain",
)
add(
    teach,
    f"teach {SOMEBODY} smile smile-1.png smile-2.png",
    f"teach {SOMEBODY} eight digits:train:3 --who Ada --once monday",
)
add(forget, f"forget {SOMEBODY} --label smile", f"forget {SOMEBODY} --entry 3 --entry 4")
add(snapshot, f"snapshot {SOMEBODY} --name before-school")
add(snapshots, f"snapshots {SOMEBODY}")
add(restore, f"restore {SOMEBODY} 17")
add(delete, f"delete {SOMEBODY}", f"delete {SOMEBODY} --yes")
add(watch, f"watch {SOMEBODY}", f"watch {SOMEBODY} --count 10 --json")


def connected(url: str, key: str | None) -> Client:
    """A client of the service at this address."""
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


def _answer(name: str, thought: Thought, why: Explanation | None) -> dict[str, Any]:
    reason = {} if why is None else {"explanation": asdict(why)}
    return {"image": name, **asdict(thought), **reason}


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
    words += [f"{alert.vital} {alert.level}" for alert in event.alerts if alert.risen]
    if event.labels:
        words.append(f"knows {', '.join(event.labels)}")
    return "  ".join(words)
