"""What a lost answer has already deleted or forgotten is found out."""

from __future__ import annotations

import pytest
from tests.client.small_service import Mishap
from tests.client.test_retries import BRAIN, IMAGE, MISHAPS, connected, with_a_brain

from neurallayers.client import Conflict, InvalidRequest, NotFound, ServiceError
from neurallayers.errors import InvalidInput

DONE = [mishap for mishap in MISHAPS if mishap.done]


@pytest.mark.parametrize("mishap", MISHAPS)
def test_a_brain_is_deleted_whatever_becomes_of_the_answer(mishap: Mishap) -> None:
    service = with_a_brain(mishap)
    with connected(service) as client:
        client.brain(BRAIN).delete()
    assert service.brains == {}


def test_a_brain_that_never_was_cannot_be_deleted() -> None:
    service = with_a_brain(Mishap.OVERLOADED, Mishap.REFUSED)
    with connected(service) as client, pytest.raises(NotFound):
        client.brain("f" * 32).delete()


@pytest.mark.parametrize("keys_known", [True, False])
@pytest.mark.parametrize("mishap", MISHAPS)
def test_lessons_are_forgotten_whatever_becomes_of_the_answer(
    mishap: Mishap, keys_known: bool
) -> None:
    service = with_a_brain()
    service.keys_known = keys_known
    with connected(service) as client:
        ada = client.brain(BRAIN)
        for _ in range(7):  # more than a page of entries
            ada.learn(IMAGE, target="cross")
        service.mishaps.append(mishap)
        assert ada.forget(entries=[2, 6]).id == BRAIN
        assert [entry.sequence for entry in ada.entries()] == [1, 3, 4, 5, 7]


@pytest.mark.parametrize("keys_known", [True, False])
@pytest.mark.parametrize("mishap", MISHAPS)
def test_a_class_is_forgotten_whatever_becomes_of_the_answer(
    mishap: Mishap, keys_known: bool
) -> None:
    service = with_a_brain()
    service.keys_known = keys_known
    with connected(service) as client:
        ada = client.brain(BRAIN)
        ada.learn(IMAGE, target="cross")
        service.mishaps.append(mishap)
        assert "cross" not in ada.forget(label="cross").labels
    forgotten = [entry["kind"] for entry in service.histories[BRAIN]]
    assert forgotten == ["lesson", "forget_class"]


@pytest.mark.parametrize("mishap", DONE)
def test_a_refusal_whose_answer_was_lost_is_still_a_refusal(mishap: Mishap) -> None:
    """One of the entries is there, one is not: nothing was forgotten, and it says so."""
    service = with_a_brain()
    with connected(service) as client:
        ada = client.brain(BRAIN)
        ada.learn(IMAGE, target="cross")
        service.mishaps.append(mishap)
        with pytest.raises(NotFound):
            ada.forget(entries=[1, 9])
        assert service.lessons(BRAIN) == ["cross"]


def test_what_was_never_there_is_refused_at_once() -> None:
    service = with_a_brain()
    with connected(service) as client:
        with pytest.raises((NotFound, Conflict, InvalidRequest)):
            client.brain(BRAIN).forget(entries=[9])
        with pytest.raises(InvalidInput):
            client.brain(BRAIN).forget()
        for wrong in (3, ["3"], [1.5]):
            with pytest.raises(InvalidInput, match="entries is"):
                client.brain(BRAIN).forget(entries=wrong)  # type: ignore[arg-type]
        with pytest.raises(ServiceError):
            client.brain(BRAIN).forget(label="unknown")
    assert len(service.asked) == 2
