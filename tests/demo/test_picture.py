"""The picture of the README: well formed, small, true to the spikes, the same each time."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from neurallayers.brain import BrainNetwork, save_pretrained
from neurallayers.demo import Unfolding
from neurallayers.demo.picture import NEURONS, SCENE_S, draw, main

SVG = "{http://www.w3.org/2000/svg}"
ROOT = Path(__file__).resolve().parent.parent.parent


def test_it_is_well_formed_and_says_what_it_shows(unfoldings: list[Unfolding]) -> None:
    picture = ElementTree.fromstring(draw(unfoldings))
    assert picture.tag == f"{SVG}svg"
    answers = ", ".join(str(unfolding.thought.label) for unfolding in unfoldings)
    assert answers in str(picture.get("aria-label"))
    words = [text.text for text in picture.iter(f"{SVG}text")]
    for unfolding in unfoldings:
        assert f"It is {unfolding.thought.label}" in words


def test_every_sampled_spike_is_a_dash(unfoldings: list[Unfolding]) -> None:
    picture = ElementTree.fromstring(draw(unfoldings[:1]))
    dashes = [
        str(path.get("d")).count("M")
        for path in picture.iter(f"{SVG}path")
        if path.get("stroke-linecap") == "round"
    ]
    sampled = unfoldings[0].sampled(NEURONS).spikes.values()
    assert dashes == [int(spikes.sum()) for spikes in sampled]


def test_the_bars_end_at_the_shares(unfoldings: list[Unfolding]) -> None:
    drawn = draw(unfoldings[:1])
    for place, share in enumerate(unfoldings[0].shares[-1]):
        assert f".b0-{place} {{ transform: scaleX({share:.3f});" in drawn


def test_what_moves_has_keyframes_in_order(unfoldings: list[Unfolding]) -> None:
    drawn = draw(unfoldings)
    assert f"animation-duration: {2 * SCENE_S:g}s" in drawn
    for name, frames in re.findall(r"@keyframes (\S+) \{ (.*) \}\n", drawn):
        moments = [float(moment) for moment in re.findall(r"([\d.]+)% \{", frames)]
        assert moments == sorted(moments), name
        assert moments[0] == 0
        assert moments[-1] == 100
        assert f".{name} {{" in drawn


def test_without_motion_it_shows_one_answer(unfoldings: list[Unfolding]) -> None:
    drawn = draw(unfoldings)
    assert "prefers-reduced-motion" in drawn
    assert ".s0 { opacity: 1;" in drawn
    assert ".s1 { opacity: 0;" in drawn


def test_a_wrong_answer_is_called_wrong_and_names_are_escaped(
    unfoldings: list[Unfolding],
) -> None:
    drawn = draw([replace(unfoldings[0], truth="<eight>")])
    assert "wrong: it is &lt;eight&gt;" in drawn
    ElementTree.fromstring(drawn)


def test_the_command_writes_the_same_bytes_each_time(network: BrainNetwork, tmp_path: Path) -> None:
    save_pretrained(network, tmp_path / "network")
    for name in ("one.svg", "images/two.svg"):
        main([str(tmp_path / name), "--network", str(tmp_path / "network")])
    one = (tmp_path / "one.svg").read_bytes()
    assert one == (tmp_path / "images" / "two.svg").read_bytes()
    assert len(one) < 300_000


def test_the_picture_of_the_repository_moves_without_scripts_or_links() -> None:
    picture = ROOT / "docs" / "images" / "answering.svg"
    if not picture.is_file():
        pytest.skip("docs/ is not here: this is no checkout")
    text = picture.read_text(encoding="utf-8")
    assert len(text) < 300_000
    assert "@keyframes" in text
    assert not re.search(r"<script|href|url\(|@import", text)
