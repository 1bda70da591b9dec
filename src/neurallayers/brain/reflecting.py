"""What comes to mind with a thought: memories that are like it, and what rules conclude from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from neurallayers.brain.mind import Mind
from neurallayers.brain.network import BrainNetwork
from neurallayers.brain.remembering import recollect
from neurallayers.brain.rulebook import rulebook
from neurallayers.brain.thinking import Thinking
from neurallayers.brain.thought import Thought


def reflect(
    network: BrainNetwork,
    minds: Mapping[int, Mind],
    thinking: Thinking,
    thoughts: Sequence[Thought],
) -> list[Thought]:
    """Thoughts with what comes to mind.

    Args:
        network: Network that thought.
        minds: Whose mind each row was.
        thinking: What was thought.
        thoughts: The thoughts of these rows, in the order of ``minds``.
    """
    recalled = recollect(network, minds, thinking)
    if not recalled and not any(mind.rules for mind in minds.values()):
        return list(thoughts)
    reflected = []
    for (row, mind), thought in zip(minds.items(), thoughts, strict=True):
        if mind.rules:
            book = rulebook(mind.rules, tuple(sorted(thought.scores)))
            thought = replace(thought, conclusions=book.conclude(thought.shares))
        if row in recalled:
            thought = replace(thought, recalled=recalled[row])
        reflected.append(thought)
    return reflected
