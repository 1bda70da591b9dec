"""What an entry brought about besides the next life."""

from __future__ import annotations

from dataclasses import dataclass

from neurallayers.brain.alerts import Alert
from neurallayers.brain.sleeping import Sleep
from neurallayers.brain.thinking import Thinking
from neurallayers.brain.thought import Thought
from neurallayers.dynamics import LessonTrace


@dataclass(frozen=True)
class Outcome:
    """What an entry brought about besides the next life.

    Attributes:
        batch: What was thought by all whose entries were computed together, if there was a
            stimulus.
        place: The row of this individual in it.
        lesson: What was written, if it was a lesson; one row.
        taught: The slot that was taught, -1 for a reward; none if it was no lesson.
        sleep: What a night did, if it was one.
        alerts: Vital signs that are not as usual.
        forgotten: Entries of the episodes that were forgotten, if that was it.
    """

    batch: Thinking | None = None
    place: int = 0
    lesson: LessonTrace | None = None
    taught: int | None = None
    sleep: Sleep | None = None
    forgotten: tuple[int, ...] = ()
    alerts: tuple[Alert, ...] = ()

    @property
    def thinking(self) -> Thinking | None:
        """What this individual thought, if there was a stimulus; one row."""
        return None if self.batch is None else self.batch.row(self.place)

    @property
    def change(self) -> float:
        """Euclidean norm of what was written to the fast weights."""
        if self.lesson is None:
            return 0.0
        return float(self.lesson.key.norm() * self.lesson.coefficient.norm())


@dataclass(frozen=True)
class Lesson:
    """What came of a lesson.

    Attributes:
        entry: Its number in the brain's history; ``forget(entry)`` takes it back.
        thought: What the brain thought of the stimulus before it learned.
        change: Euclidean norm of what was written to the fast weights; 0 if there was nothing to
            learn, because the answer was right by a margin already.
    """

    entry: int
    thought: Thought
    change: float
