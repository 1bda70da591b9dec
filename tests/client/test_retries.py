"""Nothing is taught twice and nothing is lost in silence, whatever happens on the way."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.client.small_service import KEY, Mishap, SmallService, listening, transport

from neurallayers.client import (
    Client,
    InvalidRequest,
    NotFound,
    Overloaded,
    ServiceError,
    Unauthorized,
    Unavailable,
)
from neurallayers.client.retries import Patience
from neurallayers.errors import InvalidInput

IMAGE = [[0.0] * 8] * 8
MISHAPS = [mishap for mishap in Mishap if mishap is not Mishap.NOTHING]
ON_SOCKETS = [mishap for mishap in MISHAPS if mishap is not Mishap.REFUSED]
BRAIN = f"{1:032x}"


class Times:
    """A clock that only pauses move."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def connected(service: SmallService, times: Times | None = None, **options: Any) -> Client:
    times = times or Times()
    return Client(
        "http://127.0.0.1:8077",
        KEY,
        transport=transport(service),
        sleep=times.sleep,
        clock=times.clock,
        chance=random.Random(7).random,
        **options,
    )


def with_a_brain(*mishaps: Mishap) -> SmallService:
    service = SmallService()
    service.create({"name": "Ada"})
    service.mishaps.extend(mishaps)
    return service


def failure_of(act: Callable[[], object]) -> ServiceError | None:
    try:
        act()
    except ServiceError as error:
        return error
    return None


@given(st.lists(st.sampled_from(MISHAPS), max_size=7), st.integers(0, 4))
def test_a_lesson_is_taught_once_or_the_caller_knows(mishaps: list[Mishap], retries: int) -> None:
    service = with_a_brain(*mishaps)
    with connected(service, retries=retries) as client:
        ada = client.brain(BRAIN)
        failure = failure_of(lambda: ada.learn(IMAGE, target="cross"))
        if failure is not None:
            assert len(mishaps) > retries
            # What was taught without an answer is never called a failure that changed nothing.
            assert failure.maybe_done or not service.lessons(BRAIN)
            assert len(service.lessons(BRAIN)) <= 1
            service.mishaps.clear()
            again = ada.learn(IMAGE, target="cross", idempotency_key=failure.idempotency_key)
            assert again.entry == 1
    assert service.lessons(BRAIN) == ["cross"]


@pytest.mark.parametrize("mishap", ON_SOCKETS)
def test_a_lesson_is_taught_once_over_real_connections(mishap: Mishap) -> None:
    service = with_a_brain(mishap, mishap)
    timeout_s = 0.2 if mishap is Mishap.TIMEOUT else 10.0
    with (
        listening(service) as url,
        Client(url, KEY, timeout_s=timeout_s, sleep=lambda seconds: None) as client,
    ):
        lesson = client.brain(BRAIN).learn(IMAGE, target="cross")
        assert client.brain(BRAIN).learn(IMAGE, target="cross").entry == 2
    assert lesson.entry == 1
    assert service.lessons(BRAIN) == ["cross", "cross"]


def test_a_service_that_starts_late_is_waited_for() -> None:
    service = with_a_brain()
    with listening(service) as url:
        pass  # the port is free again, and nobody listens
    with Client(url, KEY, retries=2, sleep=lambda seconds: None) as client:
        with pytest.raises(Unavailable, match="the last of 3 attempts") as refused:
            client.brain(BRAIN).learn(IMAGE, target="cross")
        assert "neurallayers serve" in refused.value.remedy
        assert not refused.value.maybe_done


def test_all_attempts_at_one_lesson_have_one_key_and_two_lessons_have_two() -> None:
    service = with_a_brain(Mishap.BROKEN_AFTER, Mishap.GATEWAY)
    with connected(service) as client:
        client.brain(BRAIN).learn(IMAGE, target="cross")
        client.brain(BRAIN).learn(IMAGE, target="cross")
    keys = [headers["idempotency-key"] for _, _, headers, _ in service.asked]
    names = [headers["x-request-id"] for _, _, headers, _ in service.asked]
    assert len(keys) == 4
    assert len(set(keys[:3])) == len(set(names[:3])) == 1
    assert keys[3] != keys[0]
    assert names[3] != names[0]


ACTS: dict[str, Callable[[Client], object]] = {
    "create": lambda client: client.create_brain(),
    "stateful": lambda client: client.brain(BRAIN).process(IMAGE, stateful=True),
    "reward": lambda client: client.brain(BRAIN).learn(IMAGE, reward=1.0),
    "snapshot": lambda client: client.brain(BRAIN).snapshot("now"),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("mishap", MISHAPS)
def test_whatever_adds_something_adds_it_once(act: str, mishap: Mishap) -> None:
    service = with_a_brain(mishap, mishap)
    before = held(service)
    with connected(service) as client:
        ACTS[act](client)
    assert held(service) == before + 1


def held(service: SmallService) -> int:
    """How much there is."""
    return len(service.brains) + len(service.histories[BRAIN]) + len(service.snapshots[BRAIN])


def test_what_changes_nothing_is_asked_again_without_a_key() -> None:
    service = with_a_brain(Mishap.BROKEN_AFTER, Mishap.OVERLOADED)
    with connected(service) as client:
        assert client.brain(BRAIN).process(IMAGE).label == "0"
    assert all("idempotency-key" not in headers for _, _, headers, _ in service.asked)


@pytest.mark.parametrize("mishap", [one for one in MISHAPS if one.done])
def test_a_restore_whose_answer_is_lost_is_not_repeated(mishap: Mishap) -> None:
    service = with_a_brain()
    service.snapshot(BRAIN, {})
    service.mishaps.append(mishap)
    with connected(service) as client, pytest.raises(Unavailable) as lost:
        client.brain(BRAIN).restore("s0")
    assert [entry["kind"] for entry in service.histories[BRAIN]] == ["rollback"]
    assert lost.value.maybe_done
    assert "Look at the brain" in lost.value.remedy


@pytest.mark.parametrize("mishap", [Mishap.REFUSED, Mishap.OVERLOADED])
def test_a_restore_that_did_not_begin_is_repeated(mishap: Mishap) -> None:
    service = with_a_brain()
    service.snapshot(BRAIN, {})
    service.mishaps.append(mishap)
    with connected(service) as client:
        assert client.brain(BRAIN).restore("s0").sequence == 1


def test_a_refusal_is_not_repeated() -> None:
    service = with_a_brain()
    times = Times()
    with connected(service, times) as client:
        with pytest.raises(NotFound) as missing:
            client.brain("f" * 32).info()
        with pytest.raises(InvalidRequest):
            client.brain(BRAIN).forget(label="unknown")
    with connected(service, times) as client:
        client._http.headers["Authorization"] = "Bearer wrong"
        with pytest.raises(Unauthorized):
            client.models()
    assert len(service.asked) == 3
    assert times.pauses == []
    assert (missing.value.status, missing.value.slug) == (404, "not-found")
    assert missing.value.request_id == "r-1"


def test_it_waits_as_long_as_the_service_asks_and_a_little_more() -> None:
    times = Times()
    with connected(with_a_brain(Mishap.OVERLOADED, Mishap.OVERLOADED), times) as client:
        client.models()
    assert len(times.pauses) == 2
    assert 2.0 < times.pauses[0] < 2.2
    assert 2.0 < times.pauses[1] < 2.4


def test_it_does_not_wait_beyond_the_deadline() -> None:
    times = Times()
    service = with_a_brain(*[Mishap.OVERLOADED] * 9)
    with (
        connected(service, times, retries=9, deadline_s=5.0) as client,
        pytest.raises(Overloaded) as busy,
    ):
        client.models()
    assert times.now < 5.0
    assert len(times.pauses) == 2
    assert busy.value.retry_after_s == 2.0


def test_an_attempt_gets_no_more_time_than_is_left() -> None:
    service, times, waits = with_a_brain(Mishap.TIMEOUT, Mishap.TIMEOUT), Times(), []
    inner = transport(service)

    def slow(request: Any) -> Any:
        waits.append(request.extensions["timeout"]["read"])
        times.now += waits[-1]
        return inner.handler(request)

    with (
        Client(
            key=KEY,
            deadline_s=12.0,
            transport=httpx.MockTransport(slow),
            sleep=times.sleep,
            clock=times.clock,
            chance=lambda: 0.5,
        ) as client,
        pytest.raises(Unavailable),
    ):
        client.models()
    assert waits == [10.0, pytest.approx(1.9)]


@given(
    st.integers(1, 2000),
    st.floats(0.0, 1.0, exclude_max=True),
    st.none() | st.floats(0.0, 1e9),
)
def test_waits_are_bounded(attempt: int, chance: float, asked_s: float | None) -> None:
    patience = Patience()
    wait_s = patience.wait_s(attempt, chance, asked_s)
    assert 0.0 <= wait_s <= patience.longest_wait_s + patience.longest_asked_s
    assert wait_s >= min(asked_s or 0.0, patience.longest_asked_s)
    assert wait_s <= patience.wait_s(attempt + 1, chance, asked_s)


@pytest.mark.parametrize(
    "wrong", [{"retries": -1}, {"timeout_s": 0.0}, {"deadline_s": float("inf")}]
)
def test_patience_that_cannot_be_meant_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        Patience(**wrong)
