"""What is said to a brain about a stimulus, checked and in the form that a journal keeps."""

from __future__ import annotations

import operator
from typing import Any, SupportsIndex

from neurallayers.errors import InvalidInput

LABEL_CHARACTERS_AT_MOST = 200


def feedback(
    target: str | SupportsIndex | None, reward: Any, *, knows_a_class: bool = True
) -> tuple[str, dict[str, Any]]:
    """Kind and content of the entry of a lesson.

    Args:
        target: The class that was shown.
        reward: Or how good the brain's own answer was.
        knows_a_class: Whether the brain has an answer that could be rewarded.

    Raises:
        InvalidInput: If not exactly one of both is given, it is out of range, or there is no answer
            to reward.

    >>> feedback("triangle", None)
    ('lesson', {'target': 'triangle'})
    """
    if (target is None) == (reward is None):
        raise InvalidInput(
            f"target is {_short(target)} and reward is {_short(reward)}.",
            "Give exactly one of them.",
        )
    if target is not None:
        return "lesson", {"target": as_label(target)}
    if not knows_a_class:
        raise InvalidInput("This brain knows no class.", "Teach it one first.")
    return "reward", {"reward": as_reward(reward)}


def as_label(target: str | SupportsIndex) -> str:
    """The name of a class.

    Raises:
        InvalidInput: If it is neither a text of 1 to 200 characters nor a whole number.
    """
    try:
        label = target if isinstance(target, str) else str(operator.index(target))
    except (TypeError, ValueError):  # no number, or one of more digits than Python writes out
        label = None
    if label is None or isinstance(target, bool):
        raise InvalidInput(
            f"target is {_short(target)}.", "A class is named by a text or a whole number."
        )
    if not label.strip() or len(label) > LABEL_CHARACTERS_AT_MOST:
        raise InvalidInput(f"target is {label[:80]!r}.", "Use 1 to 200 characters.")
    if not label.isprintable():
        raise InvalidInput(f"target is {label[:80]!r}.", "Use characters that can be printed.")
    return label


def as_reward(reward: Any) -> float:
    """A reward as a number.

    Raises:
        InvalidInput: If it is no finite number between -1000 and 1000.
    """
    try:
        value = float(reward)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # the last for tensors
        value = float("nan")
    if not -1e3 <= value <= 1e3:
        raise InvalidInput(f"reward is {_short(reward)}.", "Use a finite number, usually -1 to 1.")
    return value


def _short(value: Any) -> str:
    try:
        return repr(value)[:80]
    except ValueError:  # an integer of more digits than Python writes out
        return f"a {type(value).__name__} too long to print"
