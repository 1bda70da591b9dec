"""What one asks a brain's memory: what is there, what comes to mind, what is to be forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from neurallayers.brain.context import as_context, as_name
from neurallayers.brain.feedback import as_label
from neurallayers.brain.mind import Faculties, Mind
from neurallayers.brain.remembering import Recollection, all_episodes, recall
from neurallayers.brain.sleeping import picture
from neurallayers.brain.thinking import think
from neurallayers.errors import InvalidInput

if TYPE_CHECKING:
    from neurallayers.brain.brain import Brain


@dataclass(frozen=True)
class InMind:
    """Something that working memory holds.

    Attributes:
        strength: How strongly, 1 (just now) falling to 0.
        recollection: The episode that it is most like, if there is any.
    """

    strength: float
    recollection: Recollection | None


@dataclass(frozen=True)
class Concept:
    """Something that sleep made of episodes.

    Attributes:
        what: What they were said to be.
        examples: Of how many replays it was made.
        spread: Root of the mean variance of their keys, which are scaled to a mean square of 1.
    """

    what: str | None
    examples: float
    spread: float


class Memories:
    """The memories of one brain; a view of it that holds nothing itself.

    >>> import torch
    >>> from neurallayers.brain import Brain, BrainNetwork, preset
    >>> brain = Brain(BrainNetwork(preset("hasn-nano")))
    >>> lesson = brain.learn(torch.ones(8, 8), "wall", who="Ada")
    >>> [episode.what for episode in brain.memory]
    ['wall']
    >>> brain.memory.forget(who="Ada")
    (1,)
    """

    def __init__(self, brain: Brain) -> None:
        self._brain = brain

    def __len__(self) -> int:
        return self._brain.life.mind.held

    def __iter__(self) -> Iterator[Recollection]:
        """Every episode, in the order of the journal."""
        return iter([episode for _, episode in all_episodes(self._brain.life.mind)])

    def __repr__(self) -> str:
        concepts = len(self.concepts())
        return f"Memories({len(self)} episodes, {concepts} concepts, {len(self.in_mind())} in mind)"

    def recall(self, stimulus: Any, most: int = 3) -> tuple[Recollection, ...]:
        """The episodes most like a stimulus, the best first.

        Args:
            stimulus: An image, as for :meth:`Brain.process`.
            most: How many at most.

        Raises:
            InvalidInput: If the stimulus is wrong, or ``most`` not positive.
        """
        brain = self._brain
        thinking = think(brain.network, brain.life.state, brain.one(stimulus))
        key = brain.network.faculties.keys(brain.network, thinking.features)
        return recall(brain.network.faculties, brain.life.mind, key, most)

    def picture(self, entry: int) -> npt.NDArray[np.float32]:
        """What was seen in an episode, ``[height, width, channels]`` in 0..1.

        Raises:
            InvalidInput: If no episode of this entry is held.
        """
        for slot, episode in all_episodes(self._brain.life.mind):
            if episode.entry == entry:
                image: npt.NDArray[np.float32] = picture(self._brain.life, slot).numpy()
                return image
        raise InvalidInput(
            f"No episode of entry {entry!r} is remembered.", "Iterate over brain.memory to see all."
        )

    def in_mind(self) -> tuple[InMind, ...]:
        """What working memory holds, the strongest first."""
        return in_mind(self._brain.network.faculties, self._brain.life.mind)

    def concepts(self) -> tuple[Concept, ...]:
        """What sleep made of episodes, that of most examples first."""
        return concepts(self._brain.life.mind)

    def forget(
        self,
        *,
        what: str | SupportsIndex | None = None,
        where: str | None = None,
        who: str | None = None,
        first: SupportsIndex | None = None,
        last: SupportsIndex | None = None,
        clock: str = "when",
        like: Any = None,
        likeness: float = 0.9,
    ) -> tuple[int, ...]:
        """Forget the episodes for which all that is given holds.

        What lessons wrote to the weights stays: ``brain.forget_class`` and, for a brain in a
        folder, ``brain.forget(entries)`` take that back.

        Args:
            what: What they were said to be.
            where: Where they happened.
            who: Who told.
            first: The earliest time.
            last: The latest time.
            clock: Whether times are those that were said (``"when"``) or numbers of entries
                (``"entry"``).
            like: An image that they are like.
            likeness: How like it at least, as the cosine of their keys.

        Returns:
            The entries of the episodes that were forgotten.

        Raises:
            InvalidInput: If nothing is given, or something is wrong.
            JournalError: If the brain lives in a folder and this could not be recorded.
        """
        content = forgetting(
            what=what,
            where=where,
            who=who,
            first=first,
            last=last,
            clock=clock,
            like=like is not None,
            likeness=likeness,
        )
        tensors = {} if like is None else {"stimulus": self._brain.one(like)[0].clone()}
        return self._brain.happen("forget_memories", content, tensors).forgotten


def in_mind(faculties: Faculties, mind: Mind) -> tuple[InMind, ...]:
    """What working memory holds, the strongest first."""
    held = []
    for slot, strength in enumerate(mind.state.working.strength[0].tolist()):
        if strength > 0.0:
            key = mind.state.working.items[:, slot]
            held.append(InMind(strength, next(iter(recall(faculties, mind, key, 1)), None)))
    return tuple(sorted(held, key=lambda one: -one.strength))


def concepts(mind: Mind) -> tuple[Concept, ...]:
    """What sleep made of episodes, that of most examples first."""
    known = mind.state.concepts
    found = [
        Concept(
            mind.name(int(known.what[0, slot])),
            examples,
            float(known.variance[0, slot].mean().sqrt()),
        )
        for slot, examples in enumerate(known.examples[0].tolist())
        if examples > 0.0
    ]
    return tuple(sorted(found, key=lambda one: -one.examples))


def forgetting(
    *,
    what: str | SupportsIndex | None = None,
    where: str | None = None,
    who: str | None = None,
    first: SupportsIndex | None = None,
    last: SupportsIndex | None = None,
    clock: str = "when",
    like: bool = False,
    likeness: float = 0.9,
) -> dict[str, Any]:
    """What an entry says that forgets episodes; arguments as :meth:`Memories.forget`.

    Raises:
        InvalidInput: If nothing is given, or something is wrong.
    """
    content: dict[str, Any] = {}
    if what is not None:
        content["what"] = as_label(what)
    for field, name in (("where", where), ("who", who)):
        if name is not None:
            content[field] = as_name(field, name)
    for field, time in (("first", first), ("last", last)):
        if time is not None:
            content[field] = as_context(when=time)["when"]
    if not content and not like:
        raise InvalidInput(
            "Nothing says which episodes to forget.",
            "Give what, where, who, first, last or like; a new brain has no memories at all.",
        )
    if clock not in ("when", "entry"):
        raise InvalidInput(f"clock is {clock!r:.80}.", "Use 'when' or 'entry'.")
    if content.get("last", 2**53) < content.get("first", 0):
        raise InvalidInput(f"first is {first!r}, last {last!r}.", "The first comes first.")
    if not -1.0 <= likeness <= 1.0:
        raise InvalidInput(f"likeness is {likeness!r:.80}.", "It is a cosine, -1 to 1.")
    return {**content, "clock": clock, "likeness": float(likeness)}
