"""Messages between the process that serves and the process that computes.

A message is its length in four bytes (little-endian) and a MessagePack array:

```text
to the engine    [number, method, {arguments}]
from the engine  [number, true, answer]           the answer to a call: JSON bytes, or none
                 [number, false, {error}]         or why there is none
                 [0, name, ...]                   news: ready, condition, events
```
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Callable
from typing import Any, cast

import msgspec
import numpy as np

from neurallayers import errors
from neurallayers.errors import InvalidInput, NeuralLayersError
from neurallayers.service import failures
from neurallayers.service.engine.work import RequestKey, Stimulus
from neurallayers.service.failures import TryLater

log = logging.getLogger(__name__)

MESSAGE_BYTES_AT_MOST = 2**30
_LENGTH = struct.Struct("<I")
_ARRAY = 1

Message = list[Any]


def _encode_more(value: Any) -> Any:
    if isinstance(value, (np.number, np.bool_)) and value.itemsize <= 8:
        return value.item()
    # Tensors and pictures of other libraries as well: what a brain is shown may be any of them.
    array = np.asarray(value) if hasattr(value, "__array__") else None
    if array is None or array.dtype.hasobject:
        raise TypeError(f"A {type(value).__name__} is not sent between processes")
    head = msgspec.msgpack.encode([array.dtype.str, array.shape])
    return msgspec.msgpack.Ext(_ARRAY, _LENGTH.pack(len(head)) + head + array.tobytes())


def _decode_more(code: int, data: memoryview) -> Any:
    if code != _ARRAY:
        raise ValueError(f"extension {code}")
    start = _LENGTH.size + _LENGTH.unpack_from(data)[0]
    dtype, shape = msgspec.msgpack.decode(data[_LENGTH.size : start])
    return np.frombuffer(data[start:], dtype=np.dtype(dtype)).reshape(shape).copy()


_encoder = msgspec.msgpack.Encoder(enc_hook=_encode_more)
_decoder = msgspec.msgpack.Decoder(Message, ext_hook=_decode_more)


def pack(message: Message) -> bytes:
    """The bytes of a message.

    Raises:
        InvalidInput: If something in it cannot be sent, or it is too large.
    """
    try:
        body = _encoder.encode(message)
    except (TypeError, ValueError, OverflowError, RecursionError, RuntimeError) as error:
        raise InvalidInput(
            f"This cannot be handed to the engine ({error}).",
            "Give an array or nested lists of real numbers, and plain texts.",
        ) from error
    if len(body) > MESSAGE_BYTES_AT_MOST:
        raise InvalidInput(
            f"This takes {len(body)} bytes.", f"At most {MESSAGE_BYTES_AT_MOST} go in one request."
        )
    return _LENGTH.pack(len(body)) + body


class Wire(asyncio.Protocol):
    """One end of the connection; messages of one moment are written together.

    Args:
        receive: Gets each message.
        lost: Called once when the other end is gone.
    """

    def __init__(self, receive: Callable[[Message], None], lost: Callable[[], None]) -> None:
        self._receive, self._lost = receive, lost
        self._transport: asyncio.Transport | None = None
        self._incoming = bytearray()
        self._outgoing: list[bytes] = []
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        # Not an isinstance check: uvloop's transports only behave like asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """The other end is gone."""
        self._transport = None
        self._lost()

    def data_received(self, data: bytes) -> None:
        """Some bytes came, with any number of messages in them."""
        self._incoming += data
        try:
            messages = self._whole_messages()
        except Exception:
            # Where the next message begins is not known any more.
            log.exception("wire.broken")
            self._incoming = bytearray()
            if self._transport is not None:
                self._transport.abort()
            return
        for message in messages:
            try:
                self._receive(message)
            except Exception:
                # Others wait for what comes after it.
                log.exception("wire.message_failed")

    def _whole_messages(self) -> list[Message]:
        """What is there completely; the rest stays.

        Raises:
            ValueError: If it is no message.
        """
        start, end = 0, len(self._incoming)
        view = memoryview(self._incoming)
        messages: list[Message] = []
        while end - start >= _LENGTH.size:
            length = _LENGTH.unpack_from(view, start)[0]
            if length > MESSAGE_BYTES_AT_MOST:
                raise ValueError(f"a message of {length} bytes")
            stop = start + _LENGTH.size + length
            if stop > end:
                break
            messages.append(_decoder.decode(view[start + _LENGTH.size : stop]))
            start = stop
        view.release()
        del self._incoming[:start]
        return messages

    def send(self, message: Message) -> None:
        """Send a message; nothing happens if the other end is gone.

        Raises:
            InvalidInput: If something in it cannot be sent; nothing is sent then.
        """
        self.send_packed(pack(message))

    def send_packed(self, data: bytes) -> None:
        """Send the bytes of a message."""
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(data)

    def _flush(self) -> None:
        outgoing, self._outgoing = self._outgoing, []
        if outgoing and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(outgoing))

    def close(self) -> None:
        """Close this end, when all is written."""
        self._flush()
        if self._transport is not None:
            self._transport.close()


# ------------------------------------------------------------------ what is in messages


def stimulus_to(stimulus: Stimulus) -> list[Any]:
    """A stimulus as it is sent."""
    return [stimulus.image, stimulus.maximum, stimulus.fit, stimulus.invert]


def stimulus_from(sent: list[Any]) -> Stimulus:
    """A stimulus as it was sent."""
    return Stimulus(*sent)


def key_to(request: RequestKey | None) -> list[Any] | None:
    """A request key as it is sent."""
    return None if request is None else [request.key, request.digest]


def key_from(sent: list[Any] | None) -> RequestKey | None:
    """A request key as it was sent."""
    return None if sent is None else RequestKey(*sent)


def error_to(error: BaseException) -> dict[str, Any]:
    """An error as it is sent; what is our mistake stays a mystery to clients."""
    if not isinstance(error, NeuralLayersError):
        return {"class": ""}
    sent: dict[str, Any] = {
        "class": type(error).__name__,
        "problem": error.problem,
        "remedy": error.remedy,
    }
    if isinstance(error, TryLater):
        sent["retry_after_s"], sent["reason"] = error.retry_after_s, error.reason
    return sent


def error_from(sent: dict[str, Any]) -> Exception:
    """The error that was sent, of the same class."""
    name = sent["class"]
    kind = getattr(failures, name, None) or getattr(errors, name, None) if name else None
    if not (isinstance(kind, type) and issubclass(kind, NeuralLayersError)):
        return RuntimeError("the engine made a mistake; its log says which")
    more = {key: sent[key] for key in ("retry_after_s", "reason") if key in sent}
    return kind(sent["problem"], sent["remedy"], **more)
