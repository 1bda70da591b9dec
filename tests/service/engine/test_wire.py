"""Messages between two processes: any content, in any pieces, on any loop."""

from __future__ import annotations

import asyncio
import math
import socket
import struct
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest
import torch
import uvloop
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neurallayers import errors
from neurallayers.errors import InvalidInput, NeuralLayersError, ShapeMismatch, UnknownName
from neurallayers.service import failures
from neurallayers.service.engine import RequestKey, Stimulus, wire
from neurallayers.service.engine.wire import Message, Wire
from neurallayers.service.failures import KeyReused, NotFound, Overloaded, Unavailable

DTYPES = ("u1", "i8", "<f4", ">f4", "f8", "f2", "?", "c8")
ARRAYS = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.arrays(
        dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0), fill=st.nothing()
    )
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text()
    | st.binary()
    | ARRAYS
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
MESSAGES = st.lists(VALUES, max_size=5)


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal in type and to the bit."""
    if isinstance(one, np.ndarray):
        alike = isinstance(other, np.ndarray) and (one.dtype, one.shape) == (
            other.dtype,
            other.shape,
        )
        return alike and one.tobytes() == other.tobytes()
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    return type(one) is type(other) and one == other


class Ear:
    """One end that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[Message] = []
        self.losses = 0

    def wire(self) -> Wire:
        """The end; needs a running loop."""
        return Wire(self.heard.append, self._lost)

    def _lost(self) -> None:
        self.losses += 1


def heard_in(pieces: list[bytes]) -> list[Message]:
    """What a wire makes of these pieces."""

    async def hear() -> list[Message]:
        ear = Ear()
        end = ear.wire()
        for piece in pieces:
            end.data_received(piece)
        return ear.heard

    return asyncio.run(hear())


async def joined(one: Ear, other: Ear) -> tuple[Wire, Wire]:
    """Two ends of one connection."""
    loop = asyncio.get_running_loop()
    ends = []
    for ear, sock in zip((one, other), socket.socketpair(), strict=True):
        sock.setblocking(False)
        _, end = await loop.create_connection(ear.wire, sock=sock)
        ends.append(end)
    return ends[0], ends[1]


async def until(true: Callable[[], bool], within_s: float = 5.0) -> None:
    """Wait for something."""
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.005)


# ------------------------------------------------------------------ content


@given(MESSAGES)
def test_any_message_survives(message: Message) -> None:
    (heard,) = heard_in([wire.pack(message)])
    assert same(message, heard)


@given(st.lists(MESSAGES, min_size=1, max_size=4), st.data())
def test_any_number_of_messages_survives_in_any_pieces(
    messages: list[Message], data: st.DataObject
) -> None:
    stream = b"".join(map(wire.pack, messages))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert same(messages, heard_in(pieces))


def test_a_message_survives_byte_by_byte() -> None:
    message = [7, "process", {"image": np.arange(6, dtype="f4").reshape(2, 3), "key": b"\x00"}]
    stream = wire.pack(message) * 2
    assert same([message, message], heard_in([stream[i : i + 1] for i in range(len(stream))]))


def test_what_comes_out_can_be_written_to() -> None:
    ((heard,),) = heard_in([wire.pack([np.zeros(3)])])
    heard[0] = 1.0
    assert heard.tolist() == [1.0, 0.0, 0.0]


def test_arrays_that_are_views_arrive_as_they_look() -> None:
    array = np.arange(24.0).reshape(4, 6)
    views = [array[::2, ::-3], array.T, np.asfortranarray(array), np.broadcast_to(array[0], (3, 6))]
    (heard,) = heard_in([wire.pack(views)])
    for sent, got in zip(views, heard, strict=True):
        np.testing.assert_array_equal(sent, got)


@pytest.mark.parametrize(
    ("value", "arrives"),
    [
        (np.float32(0.5), 0.5),
        (np.int16(-3), -3),
        (np.bool_(True), True),
        ((1, (2, 3)), [1, [2, 3]]),
    ],
)
def test_numbers_of_numpy_and_tuples_arrive_as_plain_ones(value: Any, arrives: Any) -> None:
    ((heard,),) = heard_in([wire.pack([value])])
    assert same(arrives, heard)


def test_tensors_arrive_as_arrays() -> None:
    ((heard,),) = heard_in([wire.pack([torch.tensor([[1, 2]], dtype=torch.uint8)])])
    assert same(np.array([[1, 2]], dtype="u1"), heard)


@pytest.mark.parametrize(
    "value",
    [
        object(),
        np.array([object()]),
        {1, 2}.__iter__(),
        2**64,
        "\ud800",
        torch.zeros(2, requires_grad=True),
        np.datetime64("2024-01-01").astype(object).__class__,
    ],
    ids=["object", "objects", "iterator", "huge", "surrogate", "gradient", "class"],
)
def test_what_cannot_be_sent_is_refused_before_anything_is(value: Any) -> None:
    async def send() -> None:
        one, other = Ear(), Ear()
        here, there = await joined(one, other)
        with pytest.raises(InvalidInput, match="cannot be handed"):
            here.send([1, value])
        here.send([2])
        await until(lambda: bool(other.heard))
        assert other.heard == [[2]]
        here.close()
        there.close()
        await until(lambda: one.losses + other.losses == 2)

    asyncio.run(send())


def test_a_list_nested_without_end_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InvalidInput, match="cannot be handed"):
        wire.pack(endless)


# ------------------------------------------------------------------ what is no message


def test_a_message_that_is_too_large_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MESSAGE_BYTES_AT_MOST", 100)
    assert wire.pack([b"x" * 90])
    with pytest.raises(InvalidInput, match="takes 113 bytes"):
        wire.pack([b"x" * 110])


@pytest.mark.parametrize(
    "noise",
    [
        struct.pack("<I", wire.MESSAGE_BYTES_AT_MOST + 1),
        struct.pack("<I", 3) + b"\xc1\xc1\xc1",
        struct.pack("<I", 1) + b"\x05",
        struct.pack("<I", 4) + b"\x91\xc7\x00\x07",
        struct.pack("<I", 9) + b"\x91\xc7\x06\x01\x02\x00\x00\x00\xc0\xc0",
    ],
    ids=["length", "garbage", "no array", "extension", "no dtype"],
)
def test_noise_ends_the_connection_and_nothing_else(
    noise: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def hear() -> None:
        one, other = Ear(), Ear()
        here, _ = await joined(one, other)
        assert here._transport is not None
        here._transport.write(wire.pack([1]))
        await until(lambda: bool(other.heard))
        here._transport.write(noise)
        await until(lambda: one.losses == 1 and other.losses == 1)
        assert other.heard == [[1]]

    asyncio.run(hear())
    assert "wire.broken" in caplog.text


def test_a_receiver_that_fails_misses_nothing_after_it(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Any] = []

    def receive(message: Message) -> None:
        heard.append(10 // message[0])

    async def hear() -> None:
        end = Wire(receive, lambda: None)
        end.data_received(wire.pack([0]) + wire.pack([5]))

    asyncio.run(hear())
    assert heard == [2]
    assert "wire.message_failed" in caplog.text


# ------------------------------------------------------------------ connections


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_both_ends_talk_on_either_loop(run: Callable[[Coroutine[Any, Any, None]], None]) -> None:
    big = [1, np.random.default_rng(0).integers(0, 256, 3_000_000, dtype="u1")]

    async def talk() -> None:
        one, other = Ear(), Ear()
        here, there = await joined(one, other)
        for number in range(100):
            here.send([number])
        here.send(big)
        there.send(["meanwhile"])
        await until(lambda: len(other.heard) == 101 and len(one.heard) == 1)
        assert other.heard[:100] == [[number] for number in range(100)]
        assert same(big, other.heard[100])
        # What was said before the end is heard.
        here.send(["last"])
        here.close()
        await until(lambda: one.losses == 1 and other.losses == 1)
        assert other.heard[101:] == [["last"]]
        here.send(["nobody hears this"])
        there.send(["nor this"])
        await asyncio.sleep(0.01)
        assert (one.losses, other.losses) == (1, 1)

    run(talk())


def test_messages_of_one_moment_are_one_write() -> None:
    class Transport(asyncio.Transport):
        def __init__(self) -> None:
            super().__init__()
            self.written: list[bytes] = []

        def write(self, data: Any) -> None:
            self.written.append(bytes(data))

        def is_closing(self) -> bool:
            return False

    async def send() -> list[bytes]:
        end, transport = Ear().wire(), Transport()
        end.connection_made(transport)
        end.send([1])
        end.send([2])
        assert transport.written == []
        await asyncio.sleep(0)
        return transport.written

    assert asyncio.run(send()) == [wire.pack([1]) + wire.pack([2])]


# ------------------------------------------------------------------ what is in messages


def test_a_stimulus_arrives_as_it_was_given() -> None:
    stimulus = Stimulus(np.eye(2, dtype="u1"), maximum=16.0, fit=True, invert=True)
    ((sent,),) = heard_in([wire.pack([wire.stimulus_to(stimulus)])])
    got = wire.stimulus_from(sent)
    assert same(stimulus.image, got.image)
    assert (got.maximum, got.fit, got.invert) == (16.0, True, True)


@pytest.mark.parametrize("key", [None, RequestKey("again", b"\x00\xff")])
def test_a_request_key_arrives_as_it_was(key: RequestKey | None) -> None:
    ((sent,),) = heard_in([wire.pack([wire.key_to(key)])])
    assert wire.key_from(sent) == key


def told(error: BaseException) -> Exception:
    """An error as it arrives."""
    ((sent,),) = heard_in([wire.pack([wire.error_to(error)])])
    return wire.error_from(sent)


KINDS = sorted(
    {
        kind
        for module in (errors, failures)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, NeuralLayersError)
    },
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_of_the_tree_arrives_as_itself(kind: type[NeuralLayersError]) -> None:
    got = told(kind("It is 3.", "Use 4."))
    assert type(got) is kind
    assert isinstance(got, NeuralLayersError)
    assert (got.problem, got.remedy) == ("It is 3.", "Use 4.")


@pytest.mark.parametrize("kind", [Overloaded, Unavailable])
def test_when_and_why_to_try_again_arrive_too(kind: type[failures.TryLater]) -> None:
    got = told(kind("Full.", "Wait.", retry_after_s=2.5, reason="store"))
    assert isinstance(got, kind)
    assert (got.retry_after_s, got.reason) == (2.5, "store")
    assert got.headers == [(b"retry-after", b"3")]


def test_tables_of_errors_find_what_arrives() -> None:
    assert isinstance(told(ShapeMismatch("a", "b")), InvalidInput)
    assert isinstance(told(UnknownName("a", "b")), KeyError)
    assert isinstance(told(NotFound("a", "b")), failures.Failure)
    assert isinstance(told(KeyReused("a", "b")), failures.Failure)


class Private(NeuralLayersError):
    """An error that no module of the tree knows."""


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("secret"),
        KeyError("/private/place"),
        asyncio.CancelledError(),
        Private("a", "b"),
    ],
)
def test_what_is_our_mistake_stays_a_mystery(error: BaseException) -> None:
    got = told(error)
    assert type(got) is RuntimeError
    assert str(got) == "the engine made a mistake; its log says which"


@pytest.mark.parametrize("name", ["TYPE_CHECKING", "math", "Headers", "annotations", "__doc__"])
def test_a_name_that_is_no_error_is_a_mistake(name: str) -> None:
    assert type(wire.error_from({"class": name, "problem": "", "remedy": ""})) is RuntimeError
