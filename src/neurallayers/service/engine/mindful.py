"""What is asked of a brain's mind: memories, nights, rules, reasons."""

from __future__ import annotations

from typing import Any

from neurallayers.brain.memories import forgetting
from neurallayers.brain.sleeping import as_cycles
from neurallayers.errors import InvalidInput
from neurallayers.service.engine.asked import Asked
from neurallayers.service.engine.asking import as_stimulus, awake
from neurallayers.service.engine.reminiscing import explanation_out, memories_out, rules_out
from neurallayers.service.engine.work import Errand, Happen, RequestKey
from neurallayers.service.schemas import (
    ExplanationOut,
    ForgottenOut,
    MemoriesOut,
    RulesOut,
    SleepOut,
)


class Mindful(Asked):
    """The part of an engine that knows what brains remember, and what rules they heed."""

    async def sleep(
        self, brain_id: str, cycles: int = 4, *, request: RequestKey | None = None
    ) -> SleepOut:
        """Let a brain sleep: what it lived through is replayed, so that it lasts.

        Args:
            brain_id: Who.
            cycles: Cycles of replay.
            request: The same request again is answered as before and is no other night.

        Raises:
            NotFound: If there is no such brain.
            InvalidInput: If ``cycles`` is out of range.
            Unavailable: If it could not be stored, or the engine stops.
        """
        content = {"cycles": as_cycles(cycles)}
        out: SleepOut = await self._submit(
            Happen, brain_id=brain_id, kind="sleep", content=content, request=request
        )
        return out

    async def memories(self, brain_id: str) -> MemoriesOut:
        """All that a brain remembers.

        Raises:
            NotFound: If there is no such brain.
        """
        out: MemoriesOut = await self._submit(
            Errand,
            brain_id=brain_id,
            do=awake(lambda one: memories_out(one.model.network, one.life.mind)),
        )
        return out

    async def forget_memories(
        self,
        brain_id: str,
        *,
        like: Any = None,
        request: RequestKey | None = None,
        **which: Any,
    ) -> ForgottenOut:
        """Forget the episodes for which all that is given holds.

        Args:
            brain_id: Who.
            like: An image that they are like.
            request: The same request again forgets nothing that came since.
            **which: ``what``, ``where``, ``who``, ``first``, ``last``, ``clock``, ``likeness``, as
                :meth:`neurallayers.brain.memories.Memories.forget` takes them.

        Raises:
            NotFound: If there is no such brain.
            InvalidInput: If nothing is given, or something is wrong.
        """
        out: ForgottenOut = await self._submit(
            Happen,
            brain_id=brain_id,
            kind="forget_memories",
            content=forgetting(like=like is not None, **which),
            stimulus=None if like is None else as_stimulus(like),
            request=request,
        )
        return out

    async def rules(self, brain_id: str) -> RulesOut:
        """The rules over a brain's answers.

        Raises:
            NotFound: If there is no such brain.
        """
        out: RulesOut = await self._submit(
            Errand, brain_id=brain_id, do=awake(lambda one: rules_out(one.life.mind))
        )
        return out

    async def add_rules(
        self, brain_id: str, text: str, *, request: RequestKey | None = None
    ) -> RulesOut:
        """Let a brain take on rules, a line each.

        Raises:
            NotFound: If there is no such brain.
            LogicSyntaxError: If the text cannot be read; it says where.
            InvalidInput: If a rule makes no sense or clashes with others.
            MissingExtra: Without the extra ``logic``.
        """
        return await self._rules(brain_id, {"add": text}, request)

    async def remove_rule(
        self, brain_id: str, name: str, *, request: RequestKey | None = None
    ) -> RulesOut:
        """Let a brain give up a rule.

        Raises:
            NotFound: If there is no such brain.
            UnknownName: If it has no rule of that name.
        """
        return await self._rules(brain_id, {"remove": name}, request)

    async def _rules(
        self, brain_id: str, content: dict[str, Any], request: RequestKey | None
    ) -> RulesOut:
        out: RulesOut = await self._submit(
            Happen, brain_id=brain_id, kind="rules", content=content, request=request
        )
        return out

    async def explain(
        self, brain_id: str, stimulus: Any, label: str | None = None
    ) -> ExplanationOut:
        """Say which features, lessons, memories and rules make an answer.

        Args:
            brain_id: Who.
            stimulus: An image, or a :class:`~neurallayers.service.engine.work.Stimulus`.
            label: The class to explain; the answer itself when left out.

        Raises:
            NotFound: If there is no such brain.
            InvalidInput: If the stimulus is wrong, or the brain does not know the class.
        """
        shown = as_stimulus(stimulus)
        out: ExplanationOut = await self._submit(
            Errand, brain_id=brain_id, do=awake(lambda one: explanation_out(one, shown, label))
        )
        return out


def with_context(
    content: dict[str, Any], context: dict[str, Any], *, lived: bool
) -> dict[str, Any]:
    """What an entry says, with its circumstances.

    Raises:
        InvalidInput: If there are circumstances and nothing is lived through.
    """
    if context and not lived:
        raise InvalidInput(
            f"{', '.join(context)} would be forgotten at once.", "Add stateful: true."
        )
    return {**content, "context": context} if context else content
