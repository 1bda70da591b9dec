"""The picture of the README: digits never trained on, the spikes, the evidence, the answer.

An animated SVG, drawn from the real spikes of a trained network, the same bytes each time::

    python -m neurallayers.demo.picture docs/images/answering.svg

It moves by CSS alone, so that it also moves where a page shows it as an image. Who asks the system
for less motion, and whatever cannot move it, sees the first answer as it ends.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import numpy as np
import numpy.typing as npt

from neurallayers.brain import Brain
from neurallayers.brain.files import write_atomically
from neurallayers.data import load_digits
from neurallayers.demo.unfolding import Unfolding, unfold

WIDTH, HEIGHT = 900, 416
LEFT, MIDDLE, RIGHT, TOP = 32, 226, 664, 72
IMAGE_SIDE = 152
RASTER_WIDTH, RASTER_TOP, RASTER_HEIGHT, RASTER_GAP = 396, 88, 76, 32
BAR_STEP, BAR_WIDTH, BAR_HEIGHT = 23.6, 184, 12
NEURONS = 40
UNFOLDING_S, SCENE_S, FADE_S = 4.8, 8.0, 0.3
DIGITS = (3, 8, 5)

INK, QUIET, FAINT, CARD, EDGE = "#ece7dc", "#8d93a3", "#2a303e", "#12161f", "#232936"
REGION_COLOURS = ("#7fb2e5", "#7cc9a2", "#e3a377", "#b79be0", "#d6c36a", "#e08aa4")
WINNER, OTHERS = "#e9d8a6", "#4d5568"


def draw(unfoldings: Sequence[Unfolding]) -> str:
    """The picture: one thought after the other, for ever.

    Args:
        unfoldings: One thought or more.
    """
    total = SCENE_S * len(unfoldings)
    styles = [_fixed_style(total)]
    body = []
    for number, unfolding in enumerate(unfoldings):
        clock = _Clock(number * SCENE_S, total)
        styles.append(_moving_style(number, unfolding, clock))
        body.append(_scene(number, unfolding))
    answers = ", ".join(str(unfolding.thought.label) for unfolding in unfoldings)
    title = f"A spiking network looks at handwritten digits and answers {answers}"
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{escape(title)}">'
    )
    card = (
        f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="14" '
        f'fill="{CARD}" stroke="{EDGE}"/>'
    )
    calm = "@media (prefers-reduced-motion: reduce) { * { animation: none !important } }"
    head = [opening, f"<title>{escape(title)}</title>", "<style>", *styles, calm, "</style>"]
    below, above = _desk(unfoldings[0]), _labels(unfoldings[0])
    return "\n".join([*head, card, *below, *body, *above, "</svg>", ""])


class _Clock:
    """Turns seconds of a scene into percentages of the whole loop."""

    def __init__(self, begin: float, total: float) -> None:
        self._begin, self._total = begin, total

    def percent(self, seconds: float) -> str:
        share = 100 * (self._begin + seconds) / self._total
        return f"{min(max(share, 0.0), 100.0):.2f}%"


def _fixed_style(total: float) -> str:
    return (
        "text { font-family: ui-sans-serif, system-ui, 'Segoe UI', Helvetica, Arial, sans-serif; "
        f"font-size: 12.5px; fill: {QUIET} }}\n"
        f".label {{ fill: {INK} }} "
        f".answer {{ font-size: 30px; font-weight: 600; fill: {WINNER} }}\n"
        f".moves {{ animation-duration: {total:g}s; animation-iteration-count: infinite; "
        "animation-timing-function: linear }\n"
        ".bar { transform-box: fill-box; transform-origin: left center }\n"
        ".cover { transform-box: fill-box; transform-origin: right center; "
        "transform: scaleX(0) }"
    )


def _moving_style(number: int, unfolding: Unfolding, clock: _Clock) -> str:
    """Keyframes of one scene: it comes and goes, the spikes are uncovered, the bars grow."""
    at = clock.percent
    shown = (
        f"0% {{ opacity: 0 }} {at(0)} {{ opacity: 0 }} {at(FADE_S)} {{ opacity: 1 }} "
        f"{at(SCENE_S - FADE_S)} {{ opacity: 1 }} {at(SCENE_S)} {{ opacity: 0 }} "
        "100% { opacity: 0 }"
    )
    cover = (
        f"0% {{ transform: scaleX(1) }} {at(0)} {{ transform: scaleX(1) }} "
        f"{at(UNFOLDING_S)} {{ transform: scaleX(0) }} 100% {{ transform: scaleX(0) }}"
    )
    hand = (
        f"0% {{ transform: translateX(0px) }} {at(0)} {{ transform: translateX(0px); opacity: 1 }} "
        f"{at(UNFOLDING_S)} {{ transform: translateX({RASTER_WIDTH}px); opacity: 1 }} "
        f"{at(UNFOLDING_S + FADE_S)} {{ transform: translateX({RASTER_WIDTH}px); opacity: 0 }} "
        f"100% {{ transform: translateX({RASTER_WIDTH}px); opacity: 0 }}"
    )
    answer = (
        f"0% {{ opacity: 0 }} {at(UNFOLDING_S)} {{ opacity: 0 }} "
        f"{at(UNFOLDING_S + FADE_S)} {{ opacity: 1 }} 100% {{ opacity: 1 }}"
    )
    lines = [
        _animation(f"s{number}", shown, f"opacity: {1 if number == 0 else 0}"),
        _animation(f"c{number}", cover),
        _animation(f"h{number}", hand, "opacity: 0"),
        _animation(f"a{number}", answer),
    ]
    moments = [UNFOLDING_S * (step + 1) / unfolding.steps for step in range(unfolding.steps)]
    for place in range(len(unfolding.labels)):
        shares = unfolding.shares[:, place]
        ahead = unfolding.shares.argmax(axis=1) == place
        looks = [
            f"transform: scaleX({share:.3f}); fill: {WINNER if leads else OTHERS}"
            for share, leads in zip(shares, ahead, strict=True)
        ]
        nothing = f"transform: scaleX(0); fill: {OTHERS}"
        grows = " ".join(
            f"{at(moment)} {{ {look} }}" for moment, look in zip(moments, looks, strict=True)
        )
        frames = f"0% {{ {nothing} }} {at(0)} {{ {nothing} }} {grows} 100% {{ {looks[-1]} }}"
        lines.append(_animation(f"b{number}-{place}", frames, looks[-1]))
    return "\n".join(lines)


def _animation(name: str, frames: str, still: str = "") -> str:
    """A class of that name: how it looks without motion, and how it moves."""
    return (
        f".{name} {{ {still + '; ' if still else ''}animation-name: {name} }}\n"
        f"@keyframes {name} {{ {frames} }}"
    )


def _scene(number: int, unfolding: Unfolding) -> str:
    parts = [
        f'<g class="s{number} moves">',
        *_image(unfolding),
        *_rasters(number, unfolding),
        *_bars(number, unfolding),
        "</g>",
    ]
    return "\n".join(parts)


def _desk(unfolding: Unfolding) -> Iterable[str]:
    """What lies under every scene: the words, and the grooves of the bars."""
    for x, words in ((LEFT, "It sees a digit"), (MIDDLE, "Its neurons fire")):
        yield _text(x, 48, words, "label")
    yield _text(RIGHT, 48, "The evidence grows", "label")
    for line, words in enumerate(("written by somebody,", "never shown in training")):
        yield _text(LEFT, TOP + IMAGE_SIDE + 22 + 17 * line, words)
    for place, label in enumerate(unfolding.labels):
        y = TOP + place * BAR_STEP
        yield _text(RIGHT, y + 10.5, label)
        yield (
            f'<rect x="{RIGHT + 20}" y="{y:g}" width="{BAR_WIDTH}" height="{BAR_HEIGHT}" rx="3" '
            f'fill="{FAINT}" fill-opacity="0.55"/>'
        )


def _labels(unfolding: Unfolding) -> Iterable[str]:
    """What lies over every scene: the names of the regions and the axis of time."""
    bottom = 0
    for top, (name, spikes) in zip(_tops(unfolding), _spikes_of(unfolding), strict=True):
        bottom = top + RASTER_HEIGHT
        yield f'<path d="M{MIDDLE} {bottom + 3.5}h{RASTER_WIDTH}" stroke="{FAINT}"/>'
        yield _text(MIDDLE, top - 8, f"{name}, {NEURONS} of its {spikes.shape[1]} neurons")
    yield _text(MIDDLE, bottom + 20, "0 ms")
    duration = unfolding.thought.raster.duration_ms
    yield _text(MIDDLE + RASTER_WIDTH, bottom + 20, f"{duration:g} ms", anchor="end")


def _tops(unfolding: Unfolding) -> list[int]:
    """Where the raster of each region begins."""
    regions = len(unfolding.thought.raster.spikes)
    return [RASTER_TOP + place * (RASTER_HEIGHT + RASTER_GAP) for place in range(regions)]


def _spikes_of(unfolding: Unfolding) -> list[tuple[str, npt.NDArray[np.bool_]]]:
    return list(unfolding.thought.raster.spikes.items())


def _image(unfolding: Unfolding) -> Iterable[str]:
    height, width = unfolding.image.shape
    side = IMAGE_SIDE / max(height, width)
    for row in range(height):
        for column in range(width):
            yield (
                f'<rect x="{LEFT + column * side:g}" y="{TOP + row * side:g}" '
                f'width="{side - 1.5:g}" height="{side - 1.5:g}" rx="2.5" '
                f'fill="{_mixed(float(unfolding.image[row, column]))}"/>'
            )


def _rasters(number: int, unfolding: Unfolding) -> Iterable[str]:
    sampled, tops = unfolding.sampled(NEURONS).spikes.values(), _tops(unfolding)
    bottom = tops[-1] + RASTER_HEIGHT
    for place, (top, spikes) in enumerate(zip(tops, sampled, strict=True)):
        colour = REGION_COLOURS[place % len(REGION_COLOURS)]
        yield (
            f'<path d="{_dashes(spikes, top)}" stroke="{colour}" stroke-width="1.5" '
            'stroke-linecap="round" fill="none"/>'
        )
    yield (
        f'<rect class="c{number} cover moves" x="{MIDDLE - 2}" y="{RASTER_TOP - 2}" '
        f'width="{RASTER_WIDTH + 4}" height="{bottom - RASTER_TOP + 4}" fill="{CARD}"/>'
    )
    yield (
        f'<path class="h{number} moves" d="M{MIDDLE} {RASTER_TOP - 2}V{bottom + 3}" '
        f'stroke="{INK}" stroke-opacity="0.5"/>'
    )


def _bars(number: int, unfolding: Unfolding) -> Iterable[str]:
    for place in range(len(unfolding.labels)):
        yield (
            f'<rect class="b{number}-{place} bar moves" x="{RIGHT + 20}" '
            f'y="{TOP + place * BAR_STEP:g}" width="{BAR_WIDTH}" height="{BAR_HEIGHT}" rx="3"/>'
        )
    thought = unfolding.thought
    bottom = TOP + len(unfolding.labels) * BAR_STEP + 38
    yield f'<g class="a{number} moves">'
    yield _text(RIGHT, bottom, f"It is {thought.label}", "answer")
    # Rounding must not make a certainty of it.
    sure = f"confidence {min(thought.confidence, 0.999):.1%}"
    wrong = f"wrong: it is {unfolding.truth}"
    yield _text(RIGHT, bottom + 24, sure if unfolding.right or not unfolding.truth else wrong)
    yield "</g>"


def _dashes(spikes: npt.NDArray[np.bool_], top: float) -> str:
    """A dash for each spike: time to the right, a neuron a row."""
    step_width = RASTER_WIDTH / len(spikes)
    row_height = RASTER_HEIGHT / spikes.shape[1]
    return "".join(
        f"M{MIDDLE + (step + 0.25) * step_width:.1f} {top + (neuron + 0.5) * row_height:.1f}"
        f"h{step_width / 2:.1f}"
        for step, neuron in np.argwhere(spikes).tolist()
    )


def _mixed(level: float) -> str:
    """A grey level between the card and the ink."""
    low, high = ([int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in (EDGE, INK))
    return "#" + "".join(
        f"{round(a + (b - a) * level):02x}" for a, b in zip(low, high, strict=True)
    )


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    described = f' class="{kind}"' if kind else ""
    described += f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{x:g}" y="{y:g}"{described}>{escape(words)}</text>'


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the picture into a file."""
    parser = argparse.ArgumentParser(
        prog="python -m neurallayers.demo.picture",
        description="Draw a trained network answering digits, as an animated SVG.",
    )
    parser.add_argument("file", type=Path, help="where the picture goes")
    parser.add_argument("--network", default="hasn-nano-digits", help="name or folder")
    parser.add_argument(
        "--digits", type=int, nargs="+", default=DIGITS, help="the first held-out one of each"
    )
    chosen = parser.parse_args(arguments)
    held_out = load_digits().test
    brain = Brain.from_pretrained(chosen.network)
    picture = draw(
        [
            unfold(brain, held_out.of_classes([digit]).images[0], str(digit))
            for digit in chosen.digits
        ]
    )
    chosen.file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(chosen.file, [picture.encode()])


if __name__ == "__main__":
    main()
