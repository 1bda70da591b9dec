"""What is seen of a brain that looks at something: the stimulus, the evidence, the spikes."""

from __future__ import annotations

import time
from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from neurallayers.brain.raster import COLOURS
from neurallayers.demo.drawing import bar, draw_image, draw_spikes
from neurallayers.demo.unfolding import Unfolding

ROWS = 10
SPIKE_ROWS = 6
BAR_WIDTH = 30
CLASSES_SHOWN = ROWS
STEPS_SHOWN = 16
LABEL_WIDTH = 14
STEP_SECONDS, PAUSE_SECONDS = 0.09, 0.7


def watch(
    unfoldings: Iterable[Unfolding],
    console: Console,
    *,
    animate: bool,
    speed: float = 1.0,
) -> None:
    """Show thoughts one after the other.

    Args:
        unfoldings: The thoughts.
        console: Where.
        animate: Let each unfold over time; otherwise only its end is printed.
        speed: How fast; at 1 a step stays 90 ms, and the end 0.7 s.
    """
    for unfolding in unfoldings:
        if not animate:
            console.print(frame(unfolding, unfolding.steps, console))
            continue
        first = frame(unfolding, 0, console)
        with Live(first, console=console, auto_refresh=False, transient=False) as live:
            for step in range(1, unfolding.steps + 1):
                time.sleep(STEP_SECONDS / speed)
                live.update(frame(unfolding, step, console), refresh=True)
        time.sleep(PAUSE_SECONDS / speed)


def frame(unfolding: Unfolding, step: int, console: Console) -> RenderableType:
    """What is seen after so many steps.

    Args:
        unfolding: The thought.
        step: How many steps have passed.
        console: Where it will be shown; decides on colours.
    """
    colour = console.color_system is not None
    upper = Table.grid(padding=(0, 3))
    upper.add_row(
        Group(*draw_image(unfolding.image, colour=colour, rows=ROWS)),
        Group(*_evidence(unfolding, step)),
    )
    return Group(_headline(unfolding, step), upper, Text(), _regions(unfolding, step), Text())


def _headline(unfolding: Unfolding, step: int) -> Text:
    line = Text()
    line.append(f"{step * unfolding.dt_ms:4.0f} ms  ", "dim")
    if step < unfolding.steps:
        return line.append("looking ...")
    thought = unfolding.thought
    line.append(f"It answers {thought.label!r}", "bold")
    line.append(
        f" (confidence {thought.confidence:.0%}), sure from {unfolding.decided_ms():.0f} ms on"
    )
    if unfolding.truth:
        right = unfolding.right
        line.append("  ")
        line.append(
            "right" if right else f"wrong: it is {unfolding.truth!r}",
            "bold green" if right else "bold red",
        )
    return line


def _evidence(unfolding: Unfolding, step: int) -> list[Text]:
    shares = unfolding.shares[step - 1] if step else unfolding.shares[0] * 0.0
    final = unfolding.shares[-1]
    order = range(len(unfolding.labels))
    if len(unfolding.labels) > CLASSES_SHOWN:
        strongest = sorted(order, key=lambda i: -final[i])[:CLASSES_SHOWN]
        order = sorted(strongest)  # type: ignore[assignment]
    lines = []
    for i in order:
        label = unfolding.labels[i]
        ahead = step > 0 and label == unfolding.leader(step - 1)
        line = Text(f"{_cut(label):>3} ", "bold" if ahead else "")
        line.append(bar(float(shares[i]), BAR_WIDTH), COLOURS[0] if ahead else "dim")
        line.append(f" {shares[i]:4.0%}" if step else "", "bold" if ahead else "dim")
        lines.append(line)
    return lines


def _regions(unfolding: Unfolding, step: int) -> RenderableType:
    raster = unfolding.sampled(4 * SPIKE_ROWS)
    rates = unfolding.thought.vitals.rates_hz
    if unfolding.steps > STEPS_SHOWN:
        # Long thoughts do not fit as dashes: the whole raster, a dot where any neuron fired.
        drawn = unfolding.thought.raster.text(STEPS_SHOWN * 2 - 8, SPIKE_ROWS)
        shown = dict.fromkeys(drawn, "all ")
    else:
        drawn = draw_spikes(raster, step, SPIKE_ROWS)
        shown = {name: f"{part.shape[1]} of " for name, part in raster.spikes.items()}
    grid = Table.grid(padding=(0, 2))
    names = list(raster.spikes)
    counts = {name: part.shape[1] for name, part in unfolding.thought.raster.spikes.items()}
    grid.add_row(*(Text(f"{name}, {shown[name]}{counts[name]}", "dim") for name in names))
    grid.add_row(
        *(Text("\n".join(drawn[name]), COLOURS[i % len(COLOURS)]) for i, name in enumerate(names))
    )
    if step == unfolding.steps:
        grid.add_row(*(Text(f"each {rates[name]:.0f} times a second", "dim") for name in names))
    return grid


def _cut(label: str) -> str:
    return label if len(label) <= LABEL_WIDTH else f"{label[: LABEL_WIDTH - 1]}…"
