"""Living examples of the cells of memory, for the tests of the contract."""

from __future__ import annotations

from tests.dynamics.living_cells import Example, untouched

from neurallayers.memory import WorkingMemory

EXAMPLES_MEMORY: dict[str, Example] = {
    # Frames are in [0, 3): a gate above 1 is open, and items match rarely or often.
    "WorkingMemory": Example(
        lambda: WorkingMemory(4, capacity=3, decay_ms=8.0, match=0.97), untouched, learns=True
    ),
    "WorkingMemory, often refreshed": Example(
        lambda: WorkingMemory(3, capacity=2, decay_ms=2.0, match=0.8, forgotten=0.3),
        untouched,
        learns=True,
    ),
}
