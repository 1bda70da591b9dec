"""``neurallayers brains sleep``, ``memories`` and ``rules``: minds that live in a service."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from neurallayers.cli.brains import SOMEBODY, BrainId, Key, Url, add, brains, connected
from neurallayers.cli.brains import URL as HERE
from neurallayers.cli.output import AsJson
from neurallayers.cli.remembering import (
    Add,
    ByEntry,
    Cycles,
    First,
    Forget,
    Last,
    Like,
    Likeness,
    Remove,
    What,
    Where,
    Who,
    check_selection,
    selection,
    show_forgotten,
    show_memories,
    show_night,
    show_rules,
)
from neurallayers.cli.stimuli import read_image

if TYPE_CHECKING:
    from neurallayers.client import Episode

__all__ = ["brains"]


def sleep(
    brain: BrainId, cycles: Cycles = 4, url: Url = HERE, key: Key = None, as_json: AsJson = False
) -> None:
    """Let a brain replay what it lived through, so that it lasts."""
    with connected(url, key) as client:
        it = client.brain(brain)
        night = asdict(it.sleep(cycles))
        whats = {} if as_json else {one.entry: one.what for one in it.memories().episodes}
    show_night({"brain": brain, **night}, whats, as_json=as_json)


def memories(
    brain: BrainId,
    what: What = None,
    where: Where = None,
    who: Who = None,
    first: First = None,
    last: Last = None,
    by_entry: ByEntry = False,
    like: Like = None,
    likeness: Likeness = 0.9,
    forget: Forget = False,
    url: Url = HERE,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """List what a brain remembers, all of it or what the options mean, or forget that."""
    which = selection(
        what=what, where=where, who=who, first=first, last=last, like=like, by_entry=by_entry
    )
    check_selection(which, forget=forget)
    if like is not None and not forget:
        raise typer.BadParameter("--like needs --forget for a brain in a service.")
    with connected(url, key) as client:
        it = client.brain(brain)
        if forget:
            if like is not None:
                shape = client.model(it.info().model).image_shape
                which |= {"like": read_image(like, shape), "likeness": likeness}
            show_forgotten(it.forget_memories(**which), brain, as_json=as_json)
            return
        found = it.memories()
    facts = asdict(found) | {"episodes": [_told(one) for one in found.episodes if _is(one, which)]}
    show_memories({"brain": brain, **facts}, as_json=as_json, whole=not which)


def rules(
    brain: BrainId,
    add: Add = None,
    remove: Remove = None,
    url: Url = HERE,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """List the rules over a brain's answers; take on new ones, give up others."""
    with connected(url, key) as client:
        it = client.brain(brain)
        for name in remove or []:
            it.remove_rule(name)
        texts = [rule.text for rule in (it.add_rules("\n".join(add)) if add else it.rules())]
    show_rules(brain, texts, as_json=as_json)


add(sleep, f"sleep {SOMEBODY}", f"sleep {SOMEBODY} --cycles 8")
add(memories, f"memories {SOMEBODY}", f"memories {SOMEBODY} --who Ada --forget")
add(
    rules,
    f"rules {SOMEBODY}",
    f"rules {SOMEBODY} --add 'parity: even(x) <- digit(x, 2) | digit(x, 4)'",
    f"rules {SOMEBODY} --remove parity",
)


def _told(episode: Episode) -> dict[str, Any]:
    """An episode without its picture, which is nothing for a terminal."""
    return {name: value for name, value in asdict(episode).items() if name != "picture"}


def _is(episode: Episode, which: dict[str, Any]) -> bool:
    """Whether an episode is one of those that are meant."""
    time = episode.entry if which.get("clock") == "entry" else episode.when
    said = all(getattr(episode, name) == which[name] for name in _NAMES if name in which)
    return said and which.get("first", time) <= time <= which.get("last", time)


_NAMES = ("what", "where", "who")
