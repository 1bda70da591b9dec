"""Thinking from asynchronous programs: calls that come together are answered in one batch."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from neurallayers.brain.batching import Batcher
from neurallayers.errors import NeuralLayersError, ShapeMismatch
from neurallayers.senses import as_images
from neurallayers.state import batch_size, stack

if TYPE_CHECKING:
    from neurallayers.brain.network import BrainNetwork, BrainState
    from neurallayers.brain.thinking import Thinking

IDLE_S = 5.0


@dataclass(frozen=True, eq=False)
class Question:
    """A stimulus on its way through a batch.

    Attributes:
        network: The network to ask.
        image: The stimulus, ``[1, height, width, channels]``.
        state: Whom to ask, one row.
        future: Where the answer is awaited.
    """

    network: BrainNetwork
    image: Tensor
    state: BrainState
    future: asyncio.Future[Thinking]


def settle(results: Iterable[tuple[asyncio.Future[Any], Any]]) -> None:
    """Give results, or errors, to futures of whatever loops; those that were given up are skipped.

    Each loop is woken once, however many of its futures are settled.
    """
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for future, result in results:
        by_loop.setdefault(future.get_loop(), []).append((future, result))
    for loop, settled in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle_here, settled)
        except RuntimeError:
            # The loop was closed: nobody waits any more.
            continue


def _settle_here(results: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, result in results:
        if future.done():
            continue
        if isinstance(result, BaseException):
            future.set_exception(result)
        else:
            future.set_result(result)


class AsyncDoor:
    """The way into a network for coroutines; its thread ends by itself when there is no work."""

    def __init__(self) -> None:
        self._batcher: Batcher[Question] = Batcher(
            _answer, _give_up, queue_at_most=100_000, idle_s=IDLE_S, name="neurallayers-thinking"
        )

    async def ask(
        self, network: BrainNetwork, stimulus: Any, state: BrainState | None = None
    ) -> Thinking:
        """Think about one stimulus, together with what others ask at the time.

        Raises:
            InvalidInput: If the stimulus is no image that the network can see, or there is more
                than one stimulus or state.
            NeuralLayersError: If too many wait.
        """
        image = as_images(stimulus, network.spec.sense.shape)
        whom = network.initial_state(1) if state is None else state
        if len(image) != 1 or batch_size(whom) != 1:
            raise ShapeMismatch(
                f"{len(image)} stimuli for {batch_size(whom)} states.",
                "Ask one individual about one stimulus a call; calls that come together are one "
                "batch.",
            )
        future = asyncio.get_running_loop().create_future()
        if not self._batcher.submit(Question(network, image, whom, future)):
            raise NeuralLayersError("Too many stimuli wait.", "Await some before you ask more.")
        thinking: Thinking = await future
        return thinking

    def __deepcopy__(self, memo: dict[int, Any]) -> AsyncDoor:
        """A copy of a network has a door of its own."""
        return AsyncDoor()

    def __reduce__(self) -> tuple[type[AsyncDoor], tuple[()]]:
        return AsyncDoor, ()


def _answer(questions: list[Question]) -> bool:
    groups: dict[tuple[int, Any], list[Question]] = {}
    for question in questions:
        if not question.future.cancelled():
            shape = question.state.readout.known.shape[-1], question.image.device
            groups.setdefault((id(question.network), shape), []).append(question)
    for group in groups.values():
        settle(_answers(group))
    return False


def _answers(group: list[Question]) -> list[tuple[asyncio.Future[Any], Any]]:
    """One batch; if somebody in it spoils it, each by itself."""
    from neurallayers.brain.thinking import think

    try:
        state = stack([question.state for question in group])
        thinking = think(group[0].network, state, torch.cat([one.image for one in group]))
        return [(one.future, thinking.row(i)) for i, one in enumerate(group)]
    except Exception as error:
        if len(group) == 1:
            return [(group[0].future, error)]
        return [_answers([one])[0] for one in group]


def _give_up(questions: list[Question], error: Exception) -> None:
    settle((question.future, error) for question in questions)
