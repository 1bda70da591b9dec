"""A service small enough to read, that keeps the contract and has mishaps on demand.

It remembers what it was taught, so that tests can count lessons; it knows idempotency keys as the
contract says. A mishap says what goes wrong with the next request: before it is done, or after.
"""

from __future__ import annotations

import json
import re
import threading
import urllib.parse
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from tests.client.small_mind import EXPLANATION, RECOLLECTION

from neurallayers.client.answers import PNG_SIGNATURE

KEY = "nl_small"
VITALS = {
    "rates_hz": {"cerebrum": 12.5},
    "active_fraction": {"cerebrum": 0.25},
    "spikes": 40,
    "excitability": {"cerebrum": 0},
}
RASTER = {
    "label": "0",
    "dt_ms": 1,
    "steps": 20,
    "neurons": {"cerebrum": 4},
    "spikes": {"cerebrum": [[0, 1], [3, 2]]},
}
MODEL = {
    "name": "small",
    "fingerprint": "f" * 64,
    "image_shape": [8, 8],
    "labels": ["0", "1"],
    "regions": [{"name": "cerebrum", "neurons": 4, "kind": "LIF"}],
    "parameters": 12,
    "steps": 20,
    "dt_ms": 1.0,
}


class Mishap(Enum):
    """What goes wrong with a request; its value is whether it is done all the same."""

    NOTHING = ("nothing", True)
    REFUSED = ("the connection is refused", False)
    OVERLOADED = ("503 with Retry-After", False)
    BROKEN_BEFORE = ("the connection breaks before it is done", False)
    BROKEN_AFTER = ("the connection breaks after it is done", True)
    HALF = ("half an answer, of a length that says so", True)
    CUT = ("half an answer, of no known length", True)
    TIMEOUT = ("done, and the answer comes too late", True)
    GATEWAY = ("a proxy in between gives up, with a page in HTML", True)

    @property
    def done(self) -> bool:
        return self.value[1]


@dataclass
class Reply:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Refusal(Exception):
    def __init__(self, status: int, slug: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.slug = status, slug


def found(what: Any, name: str) -> Any:
    if what is None:
        raise Refusal(404, "not-found", f"There is no {name}.")
    return what


class SmallService:
    """Answers requests one after the other; counts what it was asked."""

    def __init__(self, *mishaps: Mishap) -> None:
        self.mishaps = deque(mishaps)
        self.brains: dict[str, dict[str, Any]] = {}
        self.histories: dict[str, list[dict[str, Any]]] = {}
        self.snapshots: dict[str, list[dict[str, Any]]] = {}
        self.episodes: dict[str, list[dict[str, Any]]] = {}
        self.texts: dict[str, list[dict[str, str]]] = {}
        self.kept: dict[str, tuple[bytes, Reply]] = {}
        self.asked: list[tuple[str, str, Mapping[str, str], bytes]] = []
        self.events = b""
        self.broken_events = False
        self.keys_known = True
        self.page = 2
        self._turn = threading.Lock()

    def lessons(self, brain_id: str) -> list[str]:
        """What a brain was taught, in order."""
        history = self.histories[brain_id]
        return [entry["content"]["target"] for entry in history if entry["kind"] == "lesson"]

    def answer(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Do what is asked, once for a key."""
        with self._turn:
            self.asked.append((method, url, headers, body))
            key = headers.get("idempotency-key") if self.keys_known else None
            if key in self.kept:
                first, reply = self.kept[key]
                if first == body:
                    return reply
                return self._refuse(Refusal(422, "idempotency-key-reused", "The key is used."))
            try:
                if headers.get("authorization") != f"Bearer {KEY}":
                    raise Refusal(401, "unauthorized", "The key is wrong.")
                reply = self._do(method, url, json.loads(body) if body else {})
            except Refusal as refusal:
                return self._refuse(refusal)
            if key is not None:
                self.kept[key] = (body, reply)
            return reply

    def _refuse(self, refusal: Refusal) -> Reply:
        problem = {
            "type": f"urn:neurallayers:problem:{refusal.slug}",
            "title": "Not possible",
            "status": refusal.status,
            "detail": str(refusal),
            "remedy": "Do something else.",
            "request_id": "r-1",
        }
        content = {"content-type": "application/problem+json"}
        return Reply(refusal.status, json.dumps(problem).encode(), content)

    def _do(self, method: str, url: str, body: dict[str, Any]) -> Reply:
        parts = urllib.parse.urlsplit(url)
        query = dict(urllib.parse.parse_qsl(parts.query))
        for verb, pattern, action in ROUTES:
            match = re.fullmatch(pattern, parts.path)
            if verb == method and match:
                answer = getattr(self, action)(*match.groups(), query=query, body=body)
                if isinstance(answer, Reply):
                    return answer
                status = 201 if action in ("create", "snapshot") else 200
                return Reply(
                    status, json.dumps(answer).encode(), {"content-type": "application/json"}
                )
        raise Refusal(404, "not-found", f"There is nothing at {parts.path}.")

    def _paged(self, items: list[Any], query: dict[str, str]) -> tuple[list[Any], str | None]:
        begin = int(query.get("after", 0))
        end = begin + min(self.page, int(query.get("limit", 50)))
        return items[begin:end], str(end) if end < len(items) else None

    def _live(self, brain_id: str, kind: str, content: dict[str, Any]) -> int:
        brain = self.brains[brain_id]
        brain["sequence"] += 1
        self.histories[brain_id].append(
            {"sequence": brain["sequence"], "kind": kind, "content": content}
        )
        return int(brain["sequence"])

    # -- routes -------------------------------------------------------------------------------

    def models(self, **_: Any) -> Any:
        return {"models": [MODEL]}

    def model(self, name: str, **_: Any) -> Any:
        return {**found(MODEL if name == "small" else None, name), "spec": {"name": "small"}}

    def create(self, body: dict[str, Any], **_: Any) -> Any:
        brain_id = f"{len(self.brains) + 1:032x}"
        self.brains[brain_id] = {
            "id": brain_id,
            "name": body.get("name") or "nameless",
            "model": body.get("model") or "small",
            "created_at": "2026-01-01T00:00:00Z",
            "sequence": 0,
            "labels": ["0", "1"],
        }
        self.histories[brain_id], self.snapshots[brain_id] = [], []
        self.episodes[brain_id], self.texts[brain_id] = [], []
        return self.brains[brain_id]

    def list_brains(self, query: dict[str, str], **_: Any) -> Any:
        brains, after = self._paged(list(self.brains.values()), query)
        return {"brains": brains, "next": after}

    def info(self, brain_id: str, **_: Any) -> Any:
        return found(self.brains.get(brain_id), brain_id)

    def delete(self, brain_id: str, **_: Any) -> Any:
        found(self.brains.pop(brain_id, None), brain_id)
        return Reply(204)

    def process(self, brain_id: str, body: dict[str, Any], **_: Any) -> Any:
        found(self.brains.get(brain_id), brain_id)
        entry = self._live(brain_id, "stimulus", {}) if body.get("stateful") else None
        return {
            "label": "0",
            "confidence": 0.75,
            "scores": {"0": 2.0, "1": 1},
            "vitals": VITALS,
            "entry": entry,
            "new in the next release": True,
        }

    def process_many(self, brain_id: str, body: dict[str, Any], **_: Any) -> Any:
        return {"thoughts": [self.process(brain_id, {}) for _ in body["stimuli"]]}

    def learn(self, brain_id: str, body: dict[str, Any], **_: Any) -> Any:
        thought = self.process(brain_id, {})
        target = body.get("target")
        kind = "lesson" if target else "reward"
        entry = self._live(brain_id, kind, {"target": target} if target else {})
        told = {name: RECOLLECTION[name] for name in ("when", "surprise_bits", "importance")}
        context = {name: body.get(name) for name in ("where", "who")}
        self.episodes[brain_id].append(
            {**told, **context, "entry": entry, "what": target, "picture": [[0, 255], [7, [1, 2]]]}
        )
        if target and target not in self.brains[brain_id]["labels"]:
            self.brains[brain_id]["labels"].append(target)
        return {"entry": entry, "change": 0.5, "thought": thought}

    def forget(self, brain_id: str, body: dict[str, Any], **_: Any) -> Any:
        brain = found(self.brains.get(brain_id), brain_id)
        history = self.histories[brain_id]
        if "label" in body:
            if body["label"] not in brain["labels"]:
                raise Refusal(422, "invalid-input", f"It does not know {body['label']}.")
            brain["labels"].remove(body["label"])
            self._live(brain_id, "forget_class", body)
            return brain
        missing = set(body["entries"]) - {entry["sequence"] for entry in history}
        if missing:
            raise Refusal(404, "not-found", f"There are no entries {sorted(missing)}.")
        history[:] = [one for one in history if one["sequence"] not in body["entries"]]
        return brain

    def explain(self, brain_id: str, **_: Any) -> Any:
        found(self.brains.get(brain_id), brain_id)
        return EXPLANATION

    def sleep(self, brain_id: str, body: dict[str, Any], **_: Any) -> Any:
        entries = [one["entry"] for one in self.episodes[brain_id]]
        night = self._live(brain_id, "sleep", body)
        return {
            "entry": night,
            "replayed": entries * body["cycles"],
            "relearned": entries[:1],
            "change": 1,
            "merged": [[1, 2]],
            "pruned": [],
            "founded": 1,
            "changed": 0,
        }

    def memories(self, brain_id: str, **_: Any) -> Any:
        return {
            "episodes": self.episodes[brain_id],
            "in_mind": [{"strength": 1, "entry": None, "what": None}],
            "concepts": [{"what": "cross", "examples": 2, "spread": 0.5}],
        }

    def forget_memories(self, brain_id: str, body: dict[str, Any], **_: Any) -> Any:
        held = self.episodes[brain_id]
        gone = [
            one
            for one in held
            if all(one[name] == body[name] for name in ("what", "where", "who") if name in body)
        ]
        self.episodes[brain_id] = [one for one in held if one not in gone]
        self._live(brain_id, "forget_memories", body)
        return {"entries": [one["entry"] for one in gone]}

    def rules(self, brain_id: str, **_: Any) -> Any:
        return {"rules": self.texts[brain_id]}

    def add_rules(self, brain_id: str, body: dict[str, Any], **_: Any) -> Any:
        for line in body["text"].splitlines():
            self.texts[brain_id].append({"name": line.partition(":")[0], "text": line})
        self._live(brain_id, "rules", body)
        return self.rules(brain_id)

    def remove_rule(self, brain_id: str, name: str, **_: Any) -> Any:
        name = urllib.parse.unquote(name)
        left = [rule for rule in self.texts[brain_id] if rule["name"] != name]
        if len(left) == len(self.texts[brain_id]):
            raise Refusal(404, "unknown-name", f"There is no rule {name!r}.")
        self.texts[brain_id] = left
        return self.rules(brain_id)

    def entries(self, brain_id: str, query: dict[str, str], **_: Any) -> Any:
        after = int(query.get("after", 0))
        later = [one for one in self.histories[brain_id] if one["sequence"] > after]
        more = len(later) > self.page
        page = later[: self.page]
        return {"entries": page, "next": page[-1]["sequence"] if more else None}

    def snapshot(self, brain_id: str, body: dict[str, Any], **_: Any) -> Any:
        kept = self.snapshots[brain_id]
        made = {
            "id": f"s{len(kept)}",
            "name": body.get("name"),
            "sequence": self.brains[brain_id]["sequence"],
            "created_at": "2026-01-01T00:00:00Z",
        }
        kept.append(made)
        return made

    def list_snapshots(self, brain_id: str, query: dict[str, str], **_: Any) -> Any:
        kept, after = self._paged(self.snapshots[brain_id][::-1], query)
        return {"snapshots": kept, "next": after}

    def restore(self, brain_id: str, snapshot_id: str, **_: Any) -> Any:
        known = {one["id"]: one for one in self.snapshots[brain_id]}
        self._live(
            brain_id, "rollback", {"to": found(known.get(snapshot_id), snapshot_id)["sequence"]}
        )
        return self.brains[brain_id]

    def raster(self, brain_id: str, **_: Any) -> Any:
        return RASTER

    def raster_png(self, brain_id: str, **_: Any) -> Any:
        return Reply(200, PNG_SIGNATURE + b"...", {"content-type": "image/png"})

    def stream(self, brain_id: str, **_: Any) -> Any:
        found(self.brains.get(brain_id), brain_id)
        return Reply(200, self.events, {"content-type": "text/event-stream; charset=utf-8"})


BRAIN = "/v1/brains/([^/]+)"
ROUTES = [
    ("GET", "/v1/models", "models"),
    ("GET", "/v1/models/([^/]+)", "model"),
    ("POST", "/v1/brains", "create"),
    ("GET", "/v1/brains", "list_brains"),
    ("GET", BRAIN, "info"),
    ("DELETE", BRAIN, "delete"),
    ("POST", f"{BRAIN}/process", "process"),
    ("POST", f"{BRAIN}/process-many", "process_many"),
    ("POST", f"{BRAIN}/learn", "learn"),
    ("POST", f"{BRAIN}/forget", "forget"),
    ("POST", f"{BRAIN}/explain", "explain"),
    ("POST", f"{BRAIN}/sleep", "sleep"),
    ("GET", f"{BRAIN}/memories", "memories"),
    ("POST", f"{BRAIN}/memories/forget", "forget_memories"),
    ("GET", f"{BRAIN}/rules", "rules"),
    ("POST", f"{BRAIN}/rules", "add_rules"),
    ("DELETE", f"{BRAIN}/rules/([^/]+)", "remove_rule"),
    ("GET", f"{BRAIN}/entries", "entries"),
    ("POST", f"{BRAIN}/snapshots", "snapshot"),
    ("GET", f"{BRAIN}/snapshots", "list_snapshots"),
    ("POST", f"{BRAIN}/snapshots/([^/]+)/restore", "restore"),
    ("GET", f"{BRAIN}/raster", "raster"),
    ("GET", f"{BRAIN}/raster.png", "raster_png"),
    ("GET", f"{BRAIN}/events", "stream"),
]


def overloaded() -> Reply:
    return Reply(503, b"busy", {"content-type": "text/plain", "retry-after": "2"})


def gateway() -> Reply:
    return Reply(502, b"<html>Bad gateway</html>", {"content-type": "text/html"})


# -- without a network ------------------------------------------------------------------------


def transport(service: SmallService) -> httpx.MockTransport:
    """The service behind httpx's own test double; serves both clients."""

    def handle(request: httpx.Request) -> httpx.Response:
        mishap = service.mishaps.popleft() if service.mishaps else Mishap.NOTHING
        reply = Reply(0)
        if mishap.done:
            headers = {name.lower(): value for name, value in request.headers.items()}
            target = request.url.raw_path.decode()
            reply = service.answer(request.method, target, headers, request.content)
        if mishap is Mishap.REFUSED:
            raise httpx.ConnectError("refused")
        if mishap in (Mishap.BROKEN_BEFORE, Mishap.BROKEN_AFTER):
            raise httpx.ReadError("connection reset")
        if mishap is Mishap.TIMEOUT:
            raise httpx.ReadTimeout("too late")
        if mishap is Mishap.HALF:
            raise httpx.RemoteProtocolError("peer closed connection")
        if mishap is Mishap.CUT:
            reply = Reply(reply.status, reply.body[: len(reply.body) // 2], reply.headers)
        if mishap is Mishap.OVERLOADED:
            reply = overloaded()
        if mishap is Mishap.GATEWAY:
            reply = gateway()
        return httpx.Response(reply.status, content=reply.body, headers=reply.headers)

    return httpx.MockTransport(handle)


# -- with real sockets ------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    service: SmallService
    hold: threading.Event

    def handle_one(self) -> None:
        service = self.service
        mishap = service.mishaps.popleft() if service.mishaps else Mishap.NOTHING
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        reply = Reply(0)
        if mishap.done:
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = service.answer(self.command, self.path, headers, body)
        self.close_connection = mishap is not Mishap.NOTHING
        if mishap in (Mishap.BROKEN_BEFORE, Mishap.BROKEN_AFTER):
            return
        if mishap is Mishap.TIMEOUT:
            self.hold.wait(10)
            return
        self._send(mishap, reply)

    def _send(self, mishap: Mishap, reply: Reply) -> None:
        if mishap is Mishap.OVERLOADED:
            reply = overloaded()
        if mishap is Mishap.GATEWAY:
            reply = gateway()
        streaming = reply.headers.get("content-type", "").startswith("text/event-stream")
        self.close_connection |= streaming
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        if mishap is not Mishap.CUT and not (streaming and not self.service.broken_events):
            self.send_header("Content-Length", str(len(reply.body) + self.service.broken_events))
        self.end_headers()
        half = mishap in (Mishap.HALF, Mishap.CUT)
        self.wfile.write(reply.body[: len(reply.body) // 2] if half else reply.body)
        if streaming and not self.service.broken_events:
            self.wfile.flush()
            self.hold.wait(10)

    do_GET = do_POST = do_DELETE = handle_one

    def log_message(self, *arguments: Any) -> None:
        """Nothing is told."""


class Server(ThreadingHTTPServer):
    daemon_threads = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is what these tests are about."""


@contextmanager
def listening(service: SmallService) -> Iterator[str]:
    """The service on a port of this machine; gives its address."""
    hold = threading.Event()
    handler = type("Bound", (Handler,), {"service": service, "hold": hold})
    server = Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        hold.set()
        server.shutdown()
        thread.join()
        server.server_close()
