"""The entries of a turn until they are stored: nobody hears of them before they are safe."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from torch import Tensor

from neurallayers.brain.alerts import Alert
from neurallayers.brain.entry import Entry
from neurallayers.brain.inner import INNER
from neurallayers.brain.life import Life
from neurallayers.brain.living import live_together
from neurallayers.brain.network import BrainNetwork
from neurallayers.brain.outcome import Outcome
from neurallayers.brain.reflecting import reflect
from neurallayers.brain.thinking import think
from neurallayers.brain.thought import Thought, decode, decode_rows, padded_labels
from neurallayers.errors import InvalidInput, NeuralLayersError
from neurallayers.service.engine.activity import Event
from neurallayers.service.engine.answers import (
    answer_again,
    change_event,
    stored_answer,
    thought_event,
    thought_out,
)
from neurallayers.service.engine.reminiscing import (
    EVENTS,
    inner_again,
    inner_content,
    inner_out,
    stored_inner,
)
from neurallayers.service.engine.resident import Resident
from neurallayers.service.engine.work import Happen, RequestKey, Work
from neurallayers.service.failures import Conflict
from neurallayers.service.schemas import LessonOut, ThoughtOut
from neurallayers.service.store.store import Answer, Group

if TYPE_CHECKING:
    from neurallayers.service.engine.stepper import Stepper

log = logging.getLogger(__name__)


@dataclass
class Staged:
    """What one brain became in this turn.

    Attributes:
        resident: The brain as it was before.
        life: Its life now.
        lasting: What of its state survives rest.
        entries: What happened.
        answers: To requests with a key.
        works: Who waits for the transaction, with the answer.
        lessons: How many of the entries are lessons.
        events: For those who watch.
        alerts: Levels of vital signs that rose.
        thought: Its last thought.
    """

    resident: Resident
    life: Life
    lasting: tuple[Tensor, ...]
    entries: list[Entry] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    works: list[tuple[Work, Any]] = field(default_factory=list)
    lessons: int = 0
    events: list[Event] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    thought: Thought | None = None


class _Lived(NamedTuple):
    """A brain that lived through an entry, before it is stored."""

    resident: Resident
    work: Happen
    entry: Entry
    before: Life
    after: Life
    outcome: Outcome


class Staging:
    """What all brains became in a turn.

    Args:
        stepper: Whose turn it is.
    """

    def __init__(self, stepper: Stepper) -> None:
        self._stepper = stepper
        self._staged: dict[str, Staged] = {}

    def life(self, resident: Resident) -> Life:
        """The life of a brain with what this turn did to it."""
        staged = self._staged.get(resident.record.id)
        return resident.life if staged is None else staged.life

    def lasting(self, resident: Resident) -> tuple[Tensor, ...]:
        """What of its state survives rest."""
        staged = self._staged.get(resident.record.id)
        return resident.lasting if staged is None else staged.lasting

    def answer(self, results: list[tuple[Any, Any]]) -> None:
        """Answer thoughts: at once, or after the transaction if they depend on it."""
        at_once = []
        for work, result in results:
            staged = self._staged.get(work.brain_id)
            if staged is None:
                at_once.append((work, result))
            else:
                staged.works.append((work, result))
        self._stepper.settle(at_once)

    def tell(self, brain_id: str, events: list[Event]) -> None:
        """Tell those who watch: at once, or after the transaction and what came before it."""
        staged = self._staged.get(brain_id)
        if staged is not None:
            staged.events += events
            return
        for event in events:
            self._stepper.activity.publish(brain_id, event)

    # -- living through entries ---------------------------------------------------------------

    def live_through(self, happens: list[tuple[Resident, Happen]]) -> None:
        """One entry for each of these brains, one batch for each network."""
        groups: dict[str, list[tuple[Resident, Happen, Entry]]] = {}
        for resident, work in happens:
            try:
                if work.request is not None and self._answered(resident, work, work.request):
                    continue
                entry = self._entry(resident, work)
            except Exception as error:
                # Whatever is wrong with it is its own; the others live on.
                if not isinstance(error, NeuralLayersError):
                    log.exception("entry.failed")
                self._stepper.reply(work, self._stepper.outage(error))
                continue
            groups.setdefault(resident.model.fingerprint, []).append((resident, work, entry))
        for group in groups.values():
            try:
                self._live_together(group)
            except Exception as error:
                log.exception("living.failed", extra={"entries": len(group)})
                self._stepper.settle((work, error) for _, work, _ in group)

    def _answered(self, resident: Resident, work: Happen, request: RequestKey) -> bool:
        """Whether a request came before; then it gets the same answer and nothing happens."""
        staged = self._staged.get(resident.record.id)
        known = [one for one in staged.answers if one.key == request.key] if staged else []
        before = known[0] if known else self._stepper.store.answer(resident.journal, request.key)
        if before is None:
            return False
        request.check(before.digest)
        self.answer([(work, self._again(resident, work, before))])
        return True

    def _again(self, resident: Resident, work: Happen, before: Answer) -> Any:
        """The answer to a request that came before.

        If something earlier was forgotten since, what was thought then is gone as well; the answer
        then holds what the brain thinks of the stimulus now.

        Raises:
            Conflict: If the entry itself was forgotten since.
        """
        if work.kind in INNER:
            return inner_again(work.kind, before.answer, resident, self.life(resident))
        if before.answer:
            return answer_again(work.kind, before.answer)
        kinds = self._stepper.store.kinds(resident.journal, [before.sequence])
        if before.sequence not in kinds or work.stimulus is None:
            raise Conflict(
                f"This request became entry {before.sequence}, which was forgotten since.",
                "Make a new key to do it anew.",
            )
        network, life = resident.model.network, self.life(resident)
        image = work.stimulus.prepared(network.spec.sense.shape)
        thinking = think(network, life.state, image)
        decoded = decode(network, thinking, life.labels)
        thought = thought_out(reflect(network, {0: life.mind}, thinking, [decoded])[0])
        if work.kind == "stimulus":
            thought.entry = before.sequence
            return thought
        return LessonOut(before.sequence, 0.0, thought)

    def _entry(self, resident: Resident, work: Happen) -> Entry:
        """The entry, checked against the life that it happens to and to be one that can be kept."""
        life = self.life(resident)
        if work.kind == "reward" and not life.known_labels:
            raise InvalidInput("This brain knows no class.", "Teach it one first.")
        content = inner_content(work.kind, work.content, life)
        tensors = {}
        if work.stimulus is not None:
            shape = resident.model.network.spec.sense.shape
            tensors = {"stimulus": work.stimulus.prepared(shape)[0].clone()}
        entry = Entry(life.sequence + 1, work.kind, content, tensors)
        entry.encode()
        return entry

    def _live_together(self, group: list[tuple[Resident, Happen, Entry]]) -> None:
        lives = [self.life(resident) for resident, _, _ in group]
        entries = [entry for _, _, entry in group]
        results = live_together(group[0][0].model.network, lives, entries)
        lived: list[_Lived] = []
        for (resident, work, entry), before, result in zip(group, lives, results, strict=True):
            if isinstance(result, NeuralLayersError):
                self._stepper.reply(work, result)
            else:
                lived.append(_Lived(resident, work, entry, before, *result))
        thoughts = _thoughts(group[0][0].model.network, lived)
        for one in lived:
            self._stage(one, thoughts.get(one.work))
        if thoughts:
            model = group[0][0].model.name
            self._stepper.observe_thoughts(model, list(thoughts.values()))

    def _stage(self, lived: _Lived, thought: Thought | None) -> None:
        """Keep what came of an entry until it is stored."""
        resident, work, entry, outcome = lived.resident, lived.work, lived.entry, lived.outcome
        staged = self._staged.get(resident.record.id)
        if staged is None:
            staged = self._staged[resident.record.id] = Staged(resident, lived.after, ())
        staged.life = lived.after
        staged.lasting = resident.model.resting.lasting(lived.after.state)
        staged.entries.append(entry)
        watched = self._stepper.activity.watched(work.brain_id)
        if thought is None:
            out = inner_out(work.kind, resident, lived.after, outcome)
            staged.works.append((work, out))
            self._keep_answer(staged, work, entry, stored_inner(out))
            if watched:
                staged.events.append(change_event(EVENTS[work.kind], lived.after))
            return
        staged.thought = thought
        staged.alerts += [alert for alert in thought.alerts if alert.risen]
        lesson = outcome.lesson is not None
        staged.lessons += lesson
        answer: LessonOut | ThoughtOut = thought_out(thought, entry.sequence)
        if lesson:
            answer = LessonOut(entry.sequence, outcome.change, thought_out(thought))
        self._keep_answer(staged, work, entry, stored_answer(answer))
        staged.works.append((work, answer))
        if watched:
            staged.events.append(
                thought_event(
                    thought,
                    entry.sequence,
                    entry=entry.sequence,
                    target=work.content.get("target"),
                    lesson=lesson,
                )
            )

    def _keep_answer(self, staged: Staged, work: Happen, entry: Entry, answer: bytes) -> None:
        if work.request is not None:
            key, digest = work.request.key, work.request.digest
            staged.answers.append(Answer(key, digest, entry.sequence, answer))

    # -- storing ------------------------------------------------------------------------------

    def commit(self) -> None:
        """Store everything in one transaction; then, and only then, let the brains live on."""
        staged = list(self._staged.values())
        self._staged = {}
        if not staged:
            return
        groups = [Group(one.resident.journal, one.entries, one.answers) for one in staged]
        begun = time.monotonic()
        try:
            self._stepper.store.append(groups)
        except Exception as error:
            self._lose(staged, error)
            return
        self._stepper.observer.commit(time.monotonic() - begun)
        lessons = 0
        replies: list[tuple[Work, Any]] = []
        for one in staged:
            self._stepper.pool.live_on(one.resident, one.life)
            if one.thought is not None:
                one.resident.thought = one.thought
            self._stepper.due(one.resident)
            lessons += one.lessons
            self._alert(one)
            replies += one.works
            self.tell(one.resident.record.id, one.events)
        # Counted first: who has the answer may look at the figures at once.
        if lessons:
            self._stepper.observer.lessons(lessons)
        self._stepper.settle(replies)

    def _alert(self, staged: Staged) -> None:
        """Tell of vital signs that are not as usual any more."""
        for alert in staged.alerts:
            record = staged.resident.record
            log.warning(
                "brain.alert",
                extra={"brain": record.id, "vital": alert.vital, "level": alert.level},
            )
            self._stepper.observer.alert(record.model, alert.vital, alert.level)

    def _lose(self, staged: list[Staged], error: Exception) -> None:
        """Nothing was stored that anybody may rely on: the brains wake again from the store."""
        log.error("turn.not_stored", extra={"brains": len(staged), "error": str(error)})
        self._stepper.observer.commit_failed()
        failure = self._stepper.outage(error)
        for one in staged:
            self._stepper.pool.drop(one.resident.record.id)
            self._stepper.settle((work, failure) for work, _ in one.works)


def _thoughts(network: BrainNetwork, lived: list[_Lived]) -> dict[Happen, Thought]:
    """What each of these brains thought, those of a batch decoded together."""
    batches: dict[int, list[_Lived]] = {}
    for one in lived:
        if one.outcome.batch is not None:
            batches.setdefault(id(one.outcome.batch), []).append(one)
    thoughts: dict[Happen, Thought] = {}
    for together in batches.values():
        batch = together[0].outcome.batch
        assert batch is not None
        labels = {
            one.outcome.place: padded_labels(one.before.labels, one.after.labels)
            for one in together
        }
        minds = {one.outcome.place: one.before.mind for one in together}
        decoded = reflect(network, minds, batch, decode_rows(network, batch, labels))
        for one, thought in zip(together, decoded, strict=True):
            thoughts[one.work] = replace(thought, alerts=one.outcome.alerts)
    return thoughts
