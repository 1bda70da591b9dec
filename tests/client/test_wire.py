"""What is said to and about the HTTP library."""

from __future__ import annotations

import httpx
import pytest

from neurallayers.client import ServiceError
from neurallayers.client.access import access
from neurallayers.client.exchange import Request, Send
from neurallayers.client.wire import broken_stream, check_open, is_stream, lost, options, silence

STREAM = Send(Request("GET", "/events", accept="text/event-stream"), "r", 3.0)
PLAIN = Send(Request("GET", "/v1/models"), "r", 3.0)


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        (httpx.ConnectError("refused"), False),
        (httpx.ConnectTimeout("slow"), False),
        (httpx.PoolTimeout("full"), False),
        (httpx.ReadTimeout("slow"), True),
        (httpx.WriteTimeout("slow"), True),
        (httpx.ReadError("reset"), True),
        (httpx.WriteError("reset"), True),
        (httpx.RemoteProtocolError("closed"), True),
        (httpx.DecodingError("gzip"), True),
    ],
)
def test_only_what_was_surely_not_sent_is_called_so(error: Exception, sent: bool) -> None:
    assert lost(error).sent is sent


def test_a_timeout_is_called_one() -> None:
    assert lost(httpx.ReadTimeout("x")).reason == "no answer in time"
    assert lost(httpx.ConnectTimeout("x")).reason == "no connection in time"


def test_a_stream_may_be_silent_for_longer() -> None:
    assert silence(PLAIN) == {"connect": 3.0, "read": 3.0, "write": 3.0, "pool": 3.0}
    assert silence(STREAM)["read"] == 45.0
    assert silence(STREAM)["connect"] == 3.0


def test_a_stream_is_known_by_its_content_type() -> None:
    assert is_stream(STREAM, 200, {"content-type": "text/event-stream; charset=utf-8"})
    assert not is_stream(STREAM, 404, {"content-type": "application/problem+json"})
    assert not is_stream(PLAIN, 200, {"content-type": "text/event-stream"})
    with pytest.raises(ServiceError, match="no events"):
        is_stream(STREAM, 200, {"content-type": "text/html"})


def test_a_proxy_is_not_asked_for_this_machine() -> None:
    assert not options(access("http://127.0.0.1:8077", None, {}))["trust_env"]
    far = options(access("https://brains.example", "nl_k", {}))
    assert far["trust_env"]
    assert not far["follow_redirects"]  # the key would go along


def test_a_broken_stream_and_a_closed_client_say_what_to_do() -> None:
    assert "entries" in broken_stream("http://a", httpx.ReadError("reset")).remedy
    check_open(closed=False)
    with pytest.raises(ServiceError, match="closed"):
        check_open(closed=True)
