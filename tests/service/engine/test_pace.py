"""The expected wait: what counts, and what it is learned from."""

from __future__ import annotations

import asyncio

import pytest

from neurallayers.service.engine.pace import FULL, Pace
from neurallayers.service.engine.work import Happen, Stimulus, Think, Work

LOOP = asyncio.new_event_loop()
SHOWN = Stimulus([[0.0]])


@pytest.fixture(scope="module", autouse=True)
def _close() -> object:
    yield
    LOOP.close()


def think(rows: int = 1) -> Work:
    return Think(future=LOOP.create_future(), deadline=0.0, brain_id="a", stimuli=(SHOWN,) * rows)


def entry() -> Work:
    return Happen(future=LOOP.create_future(), deadline=0.0, brain_id="a", kind="lesson")


def test_what_waits_is_counted_by_stimuli() -> None:
    pace, works = Pace(), [think(3), think(), entry()]
    for work in works:
        pace.submitted(work)
    assert pace.waiting == 5
    assert pace.expected_wait_s == pytest.approx(4 * pace.thought_s + pace.entry_s)
    pace.done(works[:1])
    assert pace.waiting == 2
    pace.done(works[1:])
    assert pace.waiting == 0
    assert pace.expected_wait_s == 0.0


def test_what_is_given_up_twice_is_counted_once() -> None:
    pace, work = Pace(), think(4)
    pace.done([work])
    assert pace.waiting == 0
    pace.submitted(work)
    pace.done([work, work])
    pace.done(iter([work]))
    assert pace.waiting == 0


def test_full_batches_teach_what_work_costs() -> None:
    pace = Pace()
    for _ in range(200):
        pace.learn([think(64)], 64 * 0.002)
    assert pace.thought_s == pytest.approx(0.002, rel=0.01)
    for _ in range(200):
        pace.learn([entry() for _ in range(32)], 32 * 0.0003)
    assert pace.entry_s == pytest.approx(0.0003, rel=0.01)


def test_a_small_batch_never_makes_it_look_slow() -> None:
    pace = Pace()
    before = pace.thought_s, pace.entry_s
    pace.learn([think(FULL - 1)], 10.0)
    pace.learn([entry()], 10.0)
    pace.learn([], 10.0)
    assert (pace.thought_s, pace.entry_s) == before


def test_one_slow_turn_says_little() -> None:
    pace = Pace()
    before = pace.thought_s
    pace.learn([think(FULL)], 60.0)
    assert before < pace.thought_s < 1.5 * before


def test_it_recovers_from_a_wrong_expectation_without_full_batches() -> None:
    # When little is let in because all seems slow, there is never a full batch again.
    pace = Pace()
    pace.thought_s = 0.1
    for _ in range(200):
        pace.learn([think(5)], 5 * 0.0008)
    assert pace.thought_s < 0.001
