"""The client against the real service; nothing here is scripted but the breaking of connections."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from neurallayers.cli import app
from neurallayers.client import (
    AsyncClient,
    Client,
    InvalidRequest,
    NotFound,
    RemoteBrain,
    ServiceError,
    Unauthorized,
)
from neurallayers.data import load_digits

IMAGES = load_digits().train.images
PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "how-to" / "use-the-client.md"
EXAMPLE = re.compile(r"^```py\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.fixture
def client(served: Any) -> Iterator[Client]:
    """Connected to the service."""
    with Client(served.url, served.key) as client:
        yield client


@pytest.fixture
def ada(client: Client) -> Iterator[RemoteBrain]:
    """A brain that is gone after the test."""
    brain = client.create_brain(name="Ada", seed=7)
    yield brain
    brain.delete()


class Breaking(httpx.HTTPTransport):
    """Loses the first answers to whatever teaches, after the service has given them."""

    def __init__(self, losses: int) -> None:
        super().__init__()
        self.losses = losses

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if request.method != "GET" and self.losses:
            self.losses -= 1
            response.read()
            response.close()
            raise httpx.ReadError("the answer is lost")
        return response


@pytest.fixture
def losing(served: Any) -> Iterator[Callable[[int], Client]]:
    """Makes clients that lose so many answers."""
    made: list[Client] = []

    def make(losses: int) -> Client:
        made.append(
            Client(served.url, served.key, transport=Breaking(losses), sleep=lambda seconds: None)
        )
        return made[-1]

    yield make
    for client in made:
        client.close()


def test_networks_are_there(client: Client) -> None:
    model = client.models()[0]
    full = client.model(model.name)
    assert full.spec is not None
    assert (full.image_shape, full.labels) == (model.image_shape, model.labels)
    with pytest.raises(NotFound):
        client.model("no-such-network")


def test_a_brain_learns_and_goes_back(ada: RemoteBrain) -> None:
    assert ada.process(IMAGES[0]).label == str(int(load_digits().train.labels[0]))
    moment = ada.snapshot("before")
    lesson = ada.learn(IMAGES[0], target="my sign")
    assert ada.process(IMAGES[0]).label == "my sign"
    assert [entry.kind for entry in ada.entries()] == ["lesson"]
    assert next(ada.snapshots()).id == moment.id
    ada.restore(moment)
    assert "my sign" not in ada.info().labels
    ada.forget(entries=[lesson.entry])
    assert lesson.entry not in [entry.sequence for entry in ada.entries()]


def test_classes_are_forgotten(ada: RemoteBrain) -> None:
    ada.learn(IMAGES[0], target="my sign")
    assert "my sign" not in ada.forget(label="my sign").labels
    with pytest.raises((InvalidRequest, NotFound)):
        ada.forget(label="my sign")


def test_many_stimuli_are_thought_of_as_one_by_one(ada: RemoteBrain) -> None:
    assert ada.process_many(IMAGES[:5]) == tuple(ada.process(image) for image in IMAGES[:5])


def test_the_raster_is_that_of_the_last_thought(ada: RemoteBrain) -> None:
    with pytest.raises(NotFound):
        ada.raster()
    thought = ada.process(IMAGES[0])
    raster = ada.raster()
    assert raster.label == thought.label
    assert sum(len(spikes) for spikes in raster.spikes.values()) == thought.vitals.spikes
    pytest.importorskip("matplotlib")
    assert ada.raster_png().startswith(b"\x89PNG")


def test_a_brain_remembers_and_tells_why(ada: RemoteBrain) -> None:
    ada.learn(IMAGES[0], target="my sign", where="lab", when=7, who="Ben", pinned=True)
    ada.learn(IMAGES[1], target="my sign", who="Eve")
    (first, second) = ada.memories().episodes
    assert (first.what, first.where, first.when, first.who) == ("my sign", "lab", 7, "Ben")
    assert first.picture == tuple(
        tuple(round(float(value) * 255) for value in row) for row in IMAGES[0]
    )
    thought = ada.process(IMAGES[0])
    assert thought.recalled[0].entry == 1
    assert thought.recalled[0].likeness > 0.99
    why = ada.explain(IMAGES[0])
    assert why.label == "my sign"
    taught = sum(lesson.share for lesson in why.lessons) + why.earlier
    assert why.bias + sum(why.regions.values()) + taught == pytest.approx(why.score, abs=1e-4)
    assert [one.entry for one in why.recalled] == [one.entry for one in thought.recalled]
    assert "training gave" in str(why)
    assert ada.forget_memories(who="Eve") == (second.entry,)
    assert [episode.who for episode in ada.memories().episodes] == ["Ben"]


def test_a_brain_sleeps_over_it(ada: RemoteBrain) -> None:
    for number in range(6):
        ada.learn(IMAGES[number], target=f"sign {number % 2}")
    night = ada.sleep(cycles=1)
    assert night.entry == 7
    assert set(night.replayed) <= set(range(1, 7))
    assert {concept.what for concept in ada.memories().concepts} >= {"sign 0", "sign 1"}
    with pytest.raises(InvalidRequest):
        ada.sleep(cycles=0)


def test_a_brain_heeds_rules(ada: RemoteBrain) -> None:
    pytest.importorskip("z3")
    digit = str(int(load_digits().train.labels[0]))
    (rule,) = ada.add_rules(f"mine: sought(x) <- digit(x, {digit})")
    assert rule.name == "mine"
    (conclusion,) = ada.process(IMAGES[0]).conclusions
    assert (conclusion.statement, conclusion.reading) == ("sought(It)", "true")
    assert ada.explain(IMAGES[0]).conclusions[0].statement == "sought(It)"
    with pytest.raises(InvalidRequest, match="no class 'seven'"):
        ada.add_rules('odd(x) <- digit(x, "seven")')
    assert ada.remove_rule("mine") == ()
    assert ada.process(IMAGES[0]).conclusions == ()


def test_brains_are_listed_page_by_page(client: Client) -> None:
    made = [client.create_brain(name=f"brain {number}") for number in range(3)]
    assert [brain.id for brain in client.brains()][-3:] == [brain.id for brain in made]
    for brain in made:
        brain.delete()
        with pytest.raises(NotFound):
            brain.info()


@pytest.mark.parametrize("losses", [1, 4])
def test_nothing_is_done_twice_when_answers_are_lost(
    ada: RemoteBrain, client: Client, losing: Callable[[int], Client], losses: int
) -> None:
    assert losing(losses).brain(ada.id).learn(IMAGES[0], target="cross").entry == 1
    assert losing(losses).brain(ada.id).learn(IMAGES[0], reward=1.0).entry == 2
    assert losing(losses).brain(ada.id).process(IMAGES[0], stateful=True).entry == 3
    losing(losses).brain(ada.id).snapshot("now")
    assert [moment.name for moment in ada.snapshots() if moment.name] == ["now"]
    losing(losses).brain(ada.id).forget(entries=[1])
    assert [entry.sequence for entry in ada.entries()] == [2, 3]
    losing(losses).brain(ada.id).sleep(cycles=1)
    losing(losses).brain(ada.id).forget_memories(what="cross")
    assert [entry.kind for entry in ada.entries()][2:] == ["sleep", "forget_memories"]
    before = len(list(client.brains()))
    born = losing(losses).create_brain(name="once")
    assert len(list(client.brains())) == before + 1
    losing(losses).brain(born.id).delete()
    assert len(list(client.brains())) == before


def test_a_lesson_that_failed_is_finished_with_its_key(
    ada: RemoteBrain, losing: Callable[[int], Client]
) -> None:
    with pytest.raises(ServiceError) as lost:
        losing(5).brain(ada.id).learn(IMAGES[0], target="cross")
    assert lost.value.maybe_done
    key = lost.value.idempotency_key
    assert ada.learn(IMAGES[0], target="cross", idempotency_key=key).entry == 1
    assert ada.info().sequence == 1
    with pytest.raises(InvalidRequest):
        ada.learn(IMAGES[1], target="cross", idempotency_key=key)


def test_a_lesson_whose_answer_was_lost_is_known_after_another_was_forgotten(
    ada: RemoteBrain,
) -> None:
    first = ada.learn(IMAGES[0], target="circle")
    ada.learn(IMAGES[1], target="cross", idempotency_key="second")
    ada.forget(entries=[first.entry])
    ada.learn(IMAGES[1], target="cross", idempotency_key="second")
    assert [entry.sequence for entry in ada.entries()] == [2]


def test_refusals_say_what_is_wrong(served: Any, ada: RemoteBrain) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ada.process([[0.5, 0.5]])
    assert refused.value.request_id
    assert refused.value.remedy
    with Client(served.url, "wrong") as stranger, pytest.raises(Unauthorized):
        stranger.models()


def test_events_come_as_they_happen(ada: RemoteBrain) -> None:
    seen: list[Any] = []

    def watch() -> None:
        with closing(ada.events()) as events:
            seen.extend(islice(events, 2))

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    # Lessons until two are seen: the stream may open after the first of them.
    for _ in range(200):
        ada.learn(IMAGES[0], target="cross")
        watching.join(0.05)
        if not watching.is_alive():
            break
    assert [event.kind for event in seen] == ["lesson", "lesson"]
    assert seen[1].entry == seen[0].entry + 1
    assert seen[0].raster.steps > 0


def test_many_at_once(served: Any, ada: RemoteBrain) -> None:
    async def ask() -> list[Any]:
        async with AsyncClient(served.url, served.key) as client:
            brain = client.brain(ada.id)
            return await asyncio.gather(*(brain.process(image) for image in IMAGES[:32]))

    assert tuple(asyncio.run(ask())) == ada.process_many(IMAGES[:32])


def test_the_examples_of_the_how_to_run(
    served: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("z3")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEURALLAYERS_API_KEY", served.key)
    blocks = EXAMPLE.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) == 10
    text = "\n".join(blocks).replace("http://127.0.0.1:8077", served.url)
    exec(compile(text, str(PAGE), "exec"), {"__name__": "__example__"})


def test_the_command_line_reaches_it(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURALLAYERS_URL", served.url)
    monkeypatch.setenv("NEURALLAYERS_API_KEY", served.key)
    runner = CliRunner()

    def call(*arguments: str) -> str:
        result = runner.invoke(app, ["brains", *arguments])
        assert result.exit_code == 0, result.output
        return result.stdout

    born = re.search(r'"id": "(\w+)"', call("create", "--name", "Eve", "--json"))
    assert born is not None
    call("teach", born[1], "my sign", "digits:train:0")
    assert "my sign" in call("process", born[1], "digits:train:0")
    assert "my sign" in call("show", born[1])
    call("delete", born[1], "--yes")
