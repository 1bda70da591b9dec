"""The client that blocks, against a small service with real sockets."""

from __future__ import annotations

import gc
import inspect
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import httpx
import numpy as np
import pytest
from tests.client.small_service import KEY, SmallService, listening

from neurallayers.client import (
    BrainInfo,
    Client,
    Event,
    NotFound,
    RemoteBrain,
    ServiceError,
    Thought,
    Unavailable,
)
from neurallayers.errors import MissingExtra

IMAGE = np.zeros((8, 8))
EVENT = b'event: thought\ndata: {"sequence": 1, "label": "0", "confidence": 0.5}\n\n'


@pytest.fixture
def service() -> SmallService:
    """One with a brain called Ada."""
    service = SmallService()
    service.create({"name": "Ada"})
    return service


@pytest.fixture
def client(service: SmallService) -> Iterator[Client]:
    """Connected to it."""
    with listening(service) as url, Client(url, KEY, retries=0, timeout_s=5.0) as client:
        yield client


@pytest.fixture
def ada(client: Client) -> RemoteBrain:
    """The brain."""
    return client.brain(f"{1:032x}")


def test_networks_are_listed_and_looked_into(client: Client) -> None:
    (model,) = client.models()
    assert model.image_shape == (8, 8)
    assert model.spec is None
    assert client.model("small").spec == {"name": "small"}
    with pytest.raises(NotFound, match="no large"):
        client.model("large")


def test_a_brain_is_made_asked_taught_and_deleted(client: Client) -> None:
    ben = client.create_brain(model="small", name="Ben", seed=7)
    assert ben.info() == BrainInfo(
        ben.id, "Ben", "small", "2026-01-01T00:00:00Z", sequence=0, labels=("0", "1")
    )
    thought = ben.process(IMAGE)
    assert isinstance(thought, Thought)
    assert (thought.label, thought.entry) == ("0", None)
    assert ben.process(IMAGE, stateful=True).entry == 1
    assert len(ben.process_many(np.zeros((3, 8, 8)))) == 3
    assert ben.learn(IMAGE, target="cross").entry == 2
    assert ben.learn(IMAGE, reward=0.5).entry == 3
    assert ben.info().labels == ("0", "1", "cross")
    assert ben.forget(entries=[2]).id == ben.id
    assert [entry.kind for entry in ben.entries()] == ["stimulus", "reward"]
    assert ben.raster().neurons == {"cerebrum": 4}
    assert ben.raster_png().startswith(b"\x89PNG")
    ben.delete()
    with pytest.raises(NotFound):
        ben.info()


def test_a_moment_is_kept_and_returned_to(ada: RemoteBrain) -> None:
    kept = [ada.snapshot(f"moment {number}") for number in range(5)]
    assert list(ada.snapshots()) == kept[::-1]
    assert ada.restore(kept[0]).sequence == 1
    assert ada.restore(kept[1].id).sequence == 2


def test_brains_are_fetched_as_they_are_looked_at(service: SmallService, client: Client) -> None:
    for _ in range(6):
        service.create({})
    assert [brain.id for brain in islice(client.brains(), 2)] == [f"{n:032x}" for n in (1, 2)]
    assert len(service.asked) == 1
    assert [brain.id for brain in client.brains()] == list(service.brains)


def test_events_come_as_they_happen(service: SmallService, ada: RemoteBrain) -> None:
    service.events = b": alive\n\n" + EVENT * 3
    with closing(ada.events()) as events:
        # The service holds the connection open: an event is not waited for.
        assert (
            list(islice(events, 3)) == [Event("thought", sequence=1, label="0", confidence=0.5)] * 3
        )


def test_events_end_with_the_brain(service: SmallService, ada: RemoteBrain) -> None:
    service.events = EVENT + b'event: deleted\ndata: {"sequence": 2}\n\n'
    assert [event.kind for event in ada.events()] == ["thought", "deleted"]


def test_a_stream_that_breaks_says_so(service: SmallService, ada: RemoteBrain) -> None:
    service.events, service.broken_events = EVENT, True
    events = ada.events()
    assert next(events).kind == "thought"
    with pytest.raises(Unavailable, match="events broke"):
        next(events)


def test_events_of_nobody_are_refused(client: Client) -> None:
    with pytest.raises(NotFound):
        next(client.brain("f" * 32).events())


def open_connections(client: Client) -> int:
    """Connections that the client's pool holds."""
    pool = client._http._transport._pool  # type: ignore[attr-defined]
    return len(pool.connections)


def test_leaving_a_loop_over_events_closes_its_connection(
    service: SmallService, client: Client, ada: RemoteBrain
) -> None:
    service.events = EVENT * 3
    for event in ada.events():
        assert event.kind == "thought"
        assert open_connections(client) == 1
        break
    gc.collect()
    assert open_connections(client) == 0


def test_a_stop_in_the_middle_leaves_no_connection_open(
    service: SmallService, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(service) as url, Client(url, KEY) as client:

        def stop(self: object) -> Iterator[bytes]:
            yield b"{"
            raise KeyboardInterrupt

        monkeypatch.setattr(httpx.Response, "iter_bytes", stop)
        with pytest.raises(KeyboardInterrupt):
            client.models()
        assert open_connections(client) == 0


def test_a_closed_client_says_so(service: SmallService) -> None:
    with listening(service) as url:
        with Client(url, KEY) as client:
            client.models()
        assert open_connections(client) == 0
        with pytest.raises(ServiceError, match="closed"):
            client.models()


def test_something_else_at_the_address_is_not_called_a_service() -> None:
    page = httpx.MockTransport(lambda request: httpx.Response(200, html="<html>"))
    with Client(transport=page, key=KEY) as client:
        with pytest.raises(ServiceError, match="text/html"):
            client.models()
        with pytest.raises(ServiceError, match="no events"):
            next(client.brain("a").events())


def test_an_answer_that_trickles_is_not_waited_for() -> None:
    """Each byte comes in time, the whole does not."""
    now = [0.0]

    def trickle() -> Iterator[bytes]:
        for _ in range(1000):
            now[0] += 1.0
            yield b" "

    handed = httpx.MockTransport(
        lambda request: httpx.Response(
            200, content=trickle(), headers={"content-type": "application/json"}
        )
    )
    with (
        Client(transport=handed, key=KEY, retries=0, clock=lambda: now[0]) as client,
        pytest.raises(Unavailable, match="not whole within 10 s"),
    ):
        client.models()
    assert now[0] < 20.0


def test_threads_may_share_a_client(service: SmallService, ada: RemoteBrain) -> None:
    threads = [
        threading.Thread(target=ada.learn, args=(IMAGE,), kwargs={"target": f"t{number}"})
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(service.lessons(ada.id)) == [f"t{number}" for number in range(8)]


def test_a_silent_service_is_given_up() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        begun = time.monotonic()
        with (
            Client(url, KEY, retries=1, timeout_s=0.1, chance=lambda: 0.0) as client,
            pytest.raises(Unavailable, match="no answer in time") as silent,
        ):
            client.brain("a").learn(IMAGE, target="cross")
    assert time.monotonic() - begun < 5.0
    assert silent.value.maybe_done
    assert silent.value.idempotency_key
    assert silent.value.request_id


def test_without_its_extra_it_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(MissingExtra, match=r"neurallayers\[client\]"):
        Client(key=KEY)


def test_a_handle_says_where_its_brain_is() -> None:
    with Client(key=KEY) as client:
        assert repr(client.brain("a")) == "<RemoteBrain a at http://127.0.0.1:8077>"


@pytest.mark.parametrize("method", ["process", "learn"])
def test_the_images_come_first(method: str) -> None:
    parameters = inspect.signature(getattr(RemoteBrain, method)).parameters
    assert list(parameters)[1] == "stimulus"


def test_a_key_kept_beside_the_service_is_found(
    service: SmallService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NEURALLAYERS_API_KEY", raising=False)
    (tmp_path / "neurallayers-data").mkdir()
    (tmp_path / "neurallayers-data" / "api-key").write_text(KEY, encoding="ascii")
    with listening(service) as url, Client(url) as client:
        assert client.models()
