"""Every request that a client can make, and how its answer is read (version 1 of the API)."""

from __future__ import annotations

import json
import re
import urllib.parse
import uuid
from collections.abc import Iterable
from typing import Any

from neurallayers.client import answers
from neurallayers.client.answers import (
    BrainInfo,
    BrainSummary,
    Entry,
    Lesson,
    Model,
    Page,
    Raster,
    Snapshot,
    Thought,
)
from neurallayers.client.exchange import Call, Repeat, Request
from neurallayers.client.reminiscence import Explanation, Memories, Rule, Sleep
from neurallayers.client.stimuli import encode, jsonable, white
from neurallayers.errors import InvalidInput

PAGE = 100
_ID = re.compile(r"[0-9A-Za-z_-]{1,200}")
_KEY = re.compile(r"[!-~]{1,200}")


def models() -> Call[Page[Model]]:
    """All networks."""
    return Call(Request("GET", "/v1/models"), answers.listed(Model, "models"))


def model(name: str) -> Call[Model]:
    """One network, with its anatomy."""
    if not name or set(name) == {"."}:
        raise InvalidInput(f"{name!r} is no name of a model.", "List them with models().")
    path = f"/v1/models/{urllib.parse.quote(name, safe='')}"
    return Call(Request("GET", path), answers.whole(Model))


def create_brain(
    model: str | None, name: str | None, seed: int, idempotency_key: str | None
) -> Call[BrainInfo]:
    """A brain to be born."""
    body = {"model": model, "name": name, "seed": seed}
    return Call(_keyed("/v1/brains", body, idempotency_key), answers.whole(BrainInfo))


def brains(after: str | None) -> Call[Page[BrainSummary]]:
    """A page of brains, oldest first."""
    request = Request("GET", "/v1/brains", _page(after))
    return Call(request, answers.listed(BrainSummary, "brains"))


def info(brain_id: str) -> Call[BrainInfo]:
    """One brain."""
    return Call(Request("GET", _brain(brain_id)), answers.whole(BrainInfo))


def delete(brain_id: str) -> Call[None]:
    """The end of a brain."""
    return Call(Request("DELETE", _brain(brain_id), repeat=Repeat.SETTLES), answers.nothing)


def process(
    brain_id: str,
    stimulus: Any,
    *,
    stateful: bool,
    fit: bool,
    maximum: float | None,
    where: str | None = None,
    when: int | None = None,
    who: str | None = None,
    idempotency_key: str | None,
) -> Call[Thought]:
    """A stimulus to think about; lived through if ``stateful``."""
    context = _given(where=where, when=when, who=who)
    if context and not stateful:
        raise InvalidInput(
            f"{', '.join(context)} would be forgotten at once.", "Add stateful=True."
        )
    body = _stimulus(stimulus, fit=fit, maximum=maximum) | context
    if stateful:
        body["stateful"] = True
    path = f"{_brain(brain_id)}/process"
    request = _keyed(path, body, idempotency_key) if stateful else _asking(path, body)
    return Call(request, answers.whole(Thought))


def process_many(
    brain_id: str, stimuli: Iterable[Any], *, fit: bool, maximum: float | None
) -> Call[Page[Thought]]:
    """Stimuli to think about, each from rest."""
    several = list(stimuli)
    if not several:
        raise InvalidInput("There is no stimulus to process.", "Give at least one.")
    body = {
        "stimuli": [encode(one) for one in several],
        "maximum": white(several, maximum),
        "fit": fit,
    }
    request = _asking(f"{_brain(brain_id)}/process-many", body)
    return Call(request, answers.listed(Thought, "thoughts"))


def learn(
    brain_id: str,
    stimulus: Any,
    *,
    target: str | None,
    reward: float | None,
    fit: bool,
    maximum: float | None,
    where: str | None = None,
    when: int | None = None,
    who: str | None = None,
    pinned: bool = False,
    idempotency_key: str | None,
) -> Call[Lesson]:
    """A lesson: what a stimulus is, or a reward for the brain's own answer."""
    if (target is None) == (reward is None):
        raise InvalidInput(
            f"The lesson has the target {target!r} and the reward {reward!r}.",
            "Give exactly one of the two.",
        )
    told = {"target": target, "reward": reward, "pinned": pinned or None}
    context = _given(where=where, when=when, who=who)
    body = _stimulus(stimulus, fit=fit, maximum=maximum) | told | context
    request = _keyed(f"{_brain(brain_id)}/learn", body, idempotency_key)
    return Call(request, answers.whole(Lesson))


def forget(brain_id: str, *, label: str | None, entries: list[int] | None) -> Call[BrainInfo]:
    """A class or entries to forget."""
    if (label is None) == (not entries):
        raise InvalidInput(
            f"What to forget has the label {label!r} and the entries {entries!r}.",
            "Give exactly one of the two.",
        )
    body = {"label": label, "entries": entries or None}
    request = _keyed(f"{_brain(brain_id)}/forget", body, None, Repeat.SETTLES)
    return Call(request, answers.whole(BrainInfo))


def explain(
    brain_id: str, stimulus: Any, label: str | None, *, fit: bool, maximum: float | None
) -> Call[Explanation]:
    """An answer to take apart."""
    body = _stimulus(stimulus, fit=fit, maximum=maximum) | {"label": label}
    return Call(_asking(f"{_brain(brain_id)}/explain", body), answers.whole(Explanation))


def sleep(brain_id: str, cycles: int, idempotency_key: str | None) -> Call[Sleep]:
    """A night."""
    request = _keyed(f"{_brain(brain_id)}/sleep", {"cycles": cycles}, idempotency_key)
    return Call(request, answers.whole(Sleep))


def memories(brain_id: str) -> Call[Memories]:
    """All that a brain remembers."""
    return Call(Request("GET", f"{_brain(brain_id)}/memories"), answers.whole(Memories))


def forget_memories(
    brain_id: str,
    *,
    what: str | None,
    where: str | None,
    who: str | None,
    first: int | None,
    last: int | None,
    clock: str,
    like: Any,
    likeness: float,
    fit: bool,
    maximum: float | None,
    idempotency_key: str | None,
) -> Call[tuple[int, ...]]:
    """Episodes to forget."""
    body = _given(what=what, where=where, who=who, first=first, last=last)
    if not body and like is None:
        raise InvalidInput(
            "Nothing says which episodes to forget.",
            "Give what, where, who, first, last or like.",
        )
    body["clock"] = clock
    if like is not None:
        shown = _stimulus(like, fit=fit, maximum=maximum)
        body |= {"like": shown.pop("stimulus"), "likeness": likeness, **shown}
    request = _keyed(f"{_brain(brain_id)}/memories/forget", body, idempotency_key)
    return Call(request, answers.part(tuple[int, ...], "entries"))


def rules(brain_id: str) -> Call[tuple[Rule, ...]]:
    """The rules of a brain."""
    return Call(Request("GET", f"{_brain(brain_id)}/rules"), _RULES)


def add_rules(brain_id: str, text: str, idempotency_key: str | None) -> Call[tuple[Rule, ...]]:
    """Rules to take on."""
    return Call(_keyed(f"{_brain(brain_id)}/rules", {"text": text}, idempotency_key), _RULES)


def remove_rule(brain_id: str, name: str, idempotency_key: str | None) -> Call[tuple[Rule, ...]]:
    """A rule to give up."""
    if not name or set(name) == {"."}:
        raise InvalidInput(f"{name!r} is no name of a rule.", "List them with rules().")
    path = f"{_brain(brain_id)}/rules/{urllib.parse.quote(name, safe='')}"
    return Call(_keyed(path, None, idempotency_key, method="DELETE"), _RULES)


_RULES = answers.part(tuple[Rule, ...], "rules")


def entries(brain_id: str, after: str | None) -> Call[Page[Entry]]:
    """A page of a brain's history."""
    request = Request("GET", f"{_brain(brain_id)}/entries", _page(after))
    return Call(request, answers.listed(Entry, "entries"))


def snapshot(brain_id: str, name: str | None, idempotency_key: str | None) -> Call[Snapshot]:
    """A moment to keep."""
    request = _keyed(f"{_brain(brain_id)}/snapshots", {"name": name}, idempotency_key)
    return Call(request, answers.whole(Snapshot))


def snapshots(brain_id: str, after: str | None) -> Call[Page[Snapshot]]:
    """A page of the moments that were kept, the latest first."""
    request = Request("GET", f"{_brain(brain_id)}/snapshots", _page(after))
    return Call(request, answers.listed(Snapshot, "snapshots"))


def restore(brain_id: str, snapshot_id: str) -> Call[BrainInfo]:
    """A moment to return to."""
    path = f"{_brain(brain_id)}/snapshots/{_id(snapshot_id, 'snapshot')}/restore"
    return Call(_keyed(path, None, None, Repeat.NEVER), answers.whole(BrainInfo))


def raster(brain_id: str) -> Call[Raster]:
    """The spikes of the last thought."""
    return Call(Request("GET", f"{_brain(brain_id)}/raster"), answers.whole(Raster))


def raster_png(brain_id: str) -> Call[bytes]:
    """The spikes of the last thought as a picture."""
    request = Request("GET", f"{_brain(brain_id)}/raster.png", accept="image/png")
    return Call(request, answers.picture)


def events(brain_id: str) -> Call[None]:
    """What a brain lives through from now on; the body is read as it comes."""
    request = Request("GET", f"{_brain(brain_id)}/events", accept="text/event-stream")
    return Call(request, answers.nothing)


def _stimulus(stimulus: Any, *, fit: bool, maximum: float | None) -> dict[str, Any]:
    return {"stimulus": encode(stimulus), "maximum": white([stimulus], maximum), "fit": fit}


def _given(**values: Any) -> dict[str, Any]:
    """What of it was given."""
    return {name: value for name, value in values.items() if value is not None}


def _asking(path: str, body: dict[str, Any]) -> Request:
    """A POST that changes nothing."""
    return Request("POST", path, body=_json(body))


def _keyed(
    path: str,
    body: dict[str, Any] | None,
    idempotency_key: str | None,
    repeat: Repeat = Repeat.KEYED,
    method: str = "POST",
) -> Request:
    """A request that changes something, with a key that all attempts at it share."""
    if idempotency_key is not None and not _KEY.fullmatch(idempotency_key):
        raise InvalidInput(
            f"{idempotency_key[:60]!r} cannot be an idempotency key.",
            "Give 1 to 200 visible ASCII characters, such as str(uuid.uuid4()).",
        )
    return Request(
        method,
        path,
        body=None if body is None else _json(body),
        repeat=repeat,
        idempotency_key=idempotency_key or str(uuid.uuid4()),
    )


def _json(body: dict[str, Any]) -> bytes:
    given = {name: value for name, value in body.items() if value is not None}
    try:
        return json.dumps(
            given, allow_nan=False, default=jsonable, ensure_ascii=False, separators=(",", ":")
        ).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(
            f"What is to be sent cannot be written as JSON ({error}).",
            "Give finite numbers, in rows, and names that are text.",
        ) from error


def _page(after: str | None) -> dict[str, str]:
    return {"limit": str(PAGE)} | ({} if after is None else {"after": after})


def _brain(brain_id: str) -> str:
    return f"/v1/brains/{_id(brain_id, 'brain')}"


def _id(value: str, of: str) -> str:
    if not _ID.fullmatch(value):
        raise InvalidInput(
            f"{value[:60]!r} is no id of a {of}.", f"Use the id that the {of} was created with."
        )
    return value
