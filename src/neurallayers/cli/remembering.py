"""``sleep``, ``memories`` and ``rules``: what a brain keeps of its life, and what it heeds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurallayers.cli.output import AsJson, print_facts, print_json, print_table, say
from neurallayers.cli.sources import check_home, open_brain
from neurallayers.cli.stimuli import HELP, read_image

if TYPE_CHECKING:
    from neurallayers.brain import Brain

Folder = Annotated[Path, typer.Argument(help="Folder that the brain lives in.")]
Source = Annotated[
    str, typer.Argument(metavar="BRAIN", help="A network, or the folder or file of a brain.")
]
What = Annotated[str | None, typer.Option(help="Those that were said to be this.")]
Where = Annotated[str | None, typer.Option(help="Those that happened there.")]
Who = Annotated[str | None, typer.Option(help="Those that were told by this source.")]
First = Annotated[int | None, typer.Option(min=0, help="Those of this time and later.")]
Last = Annotated[int | None, typer.Option(min=0, help="Those of this time and earlier.")]
ByEntry = Annotated[
    bool, typer.Option("--by-entry", help="--first and --last are numbers of entries, not times.")
]
Like = Annotated[str | None, typer.Option(metavar="IMAGE", help="Those like this image. " + HELP)]
Likeness = Annotated[
    float, typer.Option(min=-1.0, max=1.0, help="How like --like at least, a cosine.")
]
Cycles = Annotated[int, typer.Option(min=1, max=20, help="Cycles of replay.")]
Forget = Annotated[
    bool,
    typer.Option("--forget", help="Forget the episodes that are meant; what lessons wrote stays."),
]
Add = Annotated[
    list[str] | None,
    typer.Option(metavar="RULE", help="Rule to take on, after removals; may be repeated."),
]
Remove = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="Rule to give up; may be repeated.")
]


def sleep(folder: Folder, cycles: Cycles = 4, as_json: AsJson = False) -> None:
    """Let a brain replay what it lived through, so that it lasts."""
    from neurallayers.brain import Brain

    check_home(folder)
    with Brain.open(folder) as brain:
        night = brain.sleep(cycles).to_dict()
        whats = {episode.entry: episode.what for episode in brain.memory}
    show_night({"folder": str(folder), **night}, whats, as_json=as_json)


def memories(
    source: Source,
    what: What = None,
    where: Where = None,
    who: Who = None,
    first: First = None,
    last: Last = None,
    by_entry: ByEntry = False,
    like: Like = None,
    likeness: Likeness = 0.9,
    forget: Forget = False,
    as_json: AsJson = False,
) -> None:
    """List what a brain remembers, all of it or what the options mean, or forget that."""
    which = selection(
        what=what, where=where, who=who, first=first, last=last, like=like, by_entry=by_entry
    )
    check_selection(which, forget=forget)
    if forget:
        check_home(source)
    with open_brain(source) as brain:
        if like is not None:
            image = read_image(like, tuple(brain.network.spec.sense.shape))
            which |= {"like": image, "likeness": likeness}
        if forget:
            show_forgotten(brain.memory.forget(**which), source, as_json=as_json)
            return
        facts = _remembered(brain, which)
    show_memories({"source": source, **facts}, as_json=as_json, whole=not which)


def rules(source: Source, add: Add = None, remove: Remove = None, as_json: AsJson = False) -> None:
    """List the rules over a brain's answers; take on new ones, give up others."""
    if add or remove:
        check_home(source)
    with open_brain(source) as brain:
        # On a copy first: one that is refused leaves the brain with all the rules that it had.
        for one in (brain.fork(), brain) if add or remove else ():
            for name in remove or []:
                one.rules.remove(name)
            if add:
                one.rules.add("\n".join(add))
        texts = list(brain.rules)
    show_rules(source, texts, as_json=as_json)


# -- what the options mean ------------------------------------------------------------------------


def selection(*, by_entry: bool, like: str | None, **given: Any) -> dict[str, Any]:
    """Which episodes are meant, as far as it was said; without the image.

    Raises:
        typer.BadParameter: If ``--by-entry`` has nothing to count.
    """
    which = {name: value for name, value in given.items() if value is not None}
    if by_entry and not {"first", "last"} & which.keys():
        raise typer.BadParameter("--by-entry needs --first or --last.")
    if by_entry:
        which["clock"] = "entry"
    return which | ({} if like is None else {"like": like})


def check_selection(which: dict[str, Any], *, forget: bool) -> None:
    """See that something is meant, if it is to be forgotten.

    Raises:
        typer.BadParameter: If nothing is.
    """
    if forget and not which:
        raise typer.BadParameter(
            "--forget needs --what, --where, --who, --first, --last or --like."
        )


def _remembered(brain: Brain, which: dict[str, Any]) -> dict[str, Any]:
    # A copy tells which episodes are meant, by forgetting them.
    meant = set(brain.fork().memory.forget(**which)) if which else None
    return {
        "episodes": [
            {
                name: value
                for name, value in episode.to_dict().items()
                if name not in ("likeness", "weight")
            }
            for episode in brain.memory
            if meant is None or episode.entry in meant
        ],
        "in_mind": [
            {
                "strength": one.strength,
                "entry": None if one.recollection is None else one.recollection.entry,
                "what": None if one.recollection is None else one.recollection.what,
            }
            for one in brain.memory.in_mind()
        ],
        "concepts": [vars(concept) for concept in brain.memory.concepts()],
    }


# -- what is shown --------------------------------------------------------------------------------


def show_night(facts: dict[str, Any], whats: dict[int, str | None], *, as_json: bool) -> None:
    """Say what a night did.

    Args:
        facts: The night, as JSON has it.
        whats: What the episodes that are left were said to be.
        as_json: As JSON.
    """
    if as_json:
        print_json(facts)
        return
    replayed: list[int] = facts["replayed"]
    times = {entry: replayed.count(entry) for entry in sorted(set(replayed))}
    if times:
        print_table(
            ("entry", "what", "replayed", "learned again"),
            [
                (
                    entry,
                    whats.get(entry) or "",
                    f"{count} times",
                    "yes" if entry in facts["relearned"] else "",
                )
                for entry, count in times.items()
            ],
        )
    else:
        say("There was nothing to replay: this brain remembers no episode.")
    print_facts(
        {
            "entry of the night": facts["entry"],
            "change of fast weights": facts["change"],
            "concepts": f"{facts['founded']} new, {facts['changed']} moved",
            "merged": [f"{gone} into {kept}" for kept, gone in facts["merged"]] or "none",
            "faded away": facts["pruned"] or "none",
        }
    )


def show_memories(facts: dict[str, Any], *, as_json: bool, whole: bool) -> None:
    """Show what a brain remembers.

    Args:
        facts: Episodes, what is in mind, and concepts, as JSON has them.
        as_json: As JSON.
        whole: Whether these are all episodes; then what is in mind and concepts are shown too.
    """
    if as_json:
        print_json(facts)
        return
    if not facts["episodes"]:
        say("It remembers no episode." if whole else "It remembers no such episode.")
    else:
        print_table(
            ("entry", "what", "where", "when", "who", "surprise [bits]", "importance"),
            [
                (
                    one["entry"],
                    *(one[name] or "" for name in ("what", "where")),
                    # It is the number of the entry where nobody said a time.
                    "" if one["when"] == one["entry"] else str(one["when"]),
                    one["who"] or "",
                    f"{one['surprise_bits']:.1f}",
                    f"{one['importance']:.2f}",
                )
                for one in facts["episodes"]
            ],
        )
    if whole and facts["in_mind"]:
        print_table(
            ("in mind", "entry", "strength"),
            [
                (one["what"] or "", one["entry"] or "", f"{one['strength']:.0%}")
                for one in facts["in_mind"]
            ],
        )
    if whole and facts["concepts"]:
        print_table(
            ("concept", "replays behind it", "spread"),
            [
                (one["what"] or "", f"{one['examples']:.0f}", f"{one['spread']:.2f}")
                for one in facts["concepts"]
            ],
        )


def show_forgotten(entries: tuple[int, ...], source: str, *, as_json: bool) -> None:
    """Say which episodes were forgotten."""
    if as_json:
        print_json({"source": source, "forgotten": list(entries)})
    else:
        print_facts({"forgotten": list(entries) or "nothing: there is no such episode"})


def show_rules(source: str, texts: list[str], *, as_json: bool) -> None:
    """Show the rules of a brain."""
    if as_json:
        print_json({"source": source, "rules": texts})
    elif texts:
        for text in texts:
            typer.echo(text)
    else:
        say("It heeds no rules.")
