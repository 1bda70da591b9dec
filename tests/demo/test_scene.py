"""What is seen of a thought, moving and still."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
from rich.console import Console

from neurallayers.brain import Raster
from neurallayers.demo import Unfolding, watch
from neurallayers.demo.scene import frame


def seen(unfolding: Unfolding, step: int, width: int = 90) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(frame(unfolding, step, console))
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_the_end_shows_answer_evidence_and_spikes(unfoldings: list[Unfolding]) -> None:
    shown = seen(unfoldings[0], unfoldings[0].steps)
    assert f"It answers {unfoldings[0].thought.label!r}" in shown
    assert "cerebrum, 24 of 256" in shown
    assert "times a second" in shown
    assert any(0x2801 <= ord(c) <= 0x28FF for c in shown)


def test_before_the_first_step_nothing_is_known(unfoldings: list[Unfolding]) -> None:
    shown = seen(unfoldings[0], 0)
    assert "looking ..." in shown
    assert "answers" not in shown
    assert "%" not in shown
    assert not any(0x2801 <= ord(c) <= 0x28FF for c in shown)


def test_spikes_only_become_more(unfoldings: list[Unfolding]) -> None:
    dots = [
        sum((ord(c) - 0x2800).bit_count() for c in seen(unfoldings[0], step) if ord(c) > 0x27FF)
        for step in range(unfoldings[0].steps + 1)
    ]
    assert dots == sorted(dots)
    assert dots[-1] > dots[0] == 0


def test_it_says_whether_the_answer_is_right(unfoldings: list[Unfolding]) -> None:
    steps, answer = unfoldings[0].steps, str(unfoldings[0].thought.label)
    assert "right" in seen(replace(unfoldings[0], truth=answer), steps, 200)
    assert "wrong: it is 'x'" in seen(replace(unfoldings[0], truth="x"), steps, 200)
    unknown = seen(replace(unfoldings[0], truth=""), steps, 200)
    assert "right" not in unknown
    assert "wrong" not in unknown


def test_of_many_classes_the_strongest_are_shown(unfoldings: list[Unfolding]) -> None:
    labels = tuple(f"class number {i}" for i in range(30))
    shares = np.zeros((12, 30))
    shares[:, 17] = 1.0
    many = replace(unfoldings[0], labels=labels, shares=shares)
    shown = seen(many, 12)
    assert shown.count("class number") <= 10
    assert "class number …" in shown or "class number 17" in shown


def test_a_long_thought_still_fits(unfoldings: list[Unfolding]) -> None:
    spikes = np.zeros((100, 64), dtype=bool)
    spikes[50] = True
    thought = replace(unfoldings[0].thought, raster=Raster({"sensory": spikes}, 1.0))
    rates = replace(thought.vitals, rates_hz={"sensory": 10.0})
    long = replace(
        unfoldings[0],
        thought=replace(thought, vitals=rates),
        shares=np.full((100, 10), 0.1),
    )
    assert max(map(len, seen(long, 100).splitlines())) <= 90


def test_still_it_prints_only_the_ends(unfoldings: list[Unfolding]) -> None:
    console = Console(file=io.StringIO(), width=90)
    watch(unfoldings, console, animate=False)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert shown.count("It answers") == 2
    assert "looking" not in shown


def test_moving_it_shows_every_step_on_a_terminal(unfoldings: list[Unfolding]) -> None:
    console = Console(
        file=io.StringIO(), width=90, height=50, force_terminal=True, color_system="truecolor"
    )
    watch(unfoldings[:1], console, animate=True, speed=1000)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert shown.count("looking ...") >= unfoldings[0].steps - 1
    assert "It answers" in shown
    assert "▀" in shown
