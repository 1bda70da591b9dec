"""What happens inside: no raster without a thought, not too many streams."""

from __future__ import annotations

import contextlib
import io
import time

import httpx
import pytest
from PIL import Image
from tests.service.running import Served

from neurallayers.service.routes import activity

DARK = [[0.0] * 8] * 8


def test_a_figure_needs_a_thought(client: httpx.Client, brain: str) -> None:
    assert client.get(f"{brain}/raster.png").status_code == 404
    # A dark picture may make no neuron fire; it is a thought all the same.
    assert client.post(f"{brain}/process", json={"stimulus": DARK}).status_code == 200
    figure = client.get(f"{brain}/raster.png")
    assert figure.headers["content-type"] == "image/png"
    width, height = Image.open(io.BytesIO(figure.content)).size
    assert min(width, height) > 100


def test_streams_are_not_too_many_and_give_their_place_back(
    served: Served, client: httpx.Client, brain: str
) -> None:
    lines = []  # A stream ends when nobody holds its lines any more.
    with contextlib.ExitStack() as open_streams:
        for _ in range(2):
            own = open_streams.enter_context(served.client())
            stream = open_streams.enter_context(own.stream("GET", f"{brain}/events"))
            assert stream.headers["cache-control"] == "no-store"
            lines.append(stream.iter_lines())
            assert next(lines[-1]) == ": watching"
        with client.stream("GET", f"{brain}/events") as refusal:
            assert refusal.status_code == 503
            assert refusal.headers["retry-after"] == "10"
    for _ in range(200):
        with client.stream("GET", f"{brain}/events") as again:
            if again.status_code == 200:
                return
        time.sleep(0.01)
    pytest.fail("The places of streams that were closed are not given back.")


def test_silence_is_filled_with_signs_of_life(
    served: Served, brain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "ALIVE_S", 0.02)
    with served.client() as own, own.stream("GET", f"{brain}/events") as stream:
        lines = stream.iter_lines()
        heard = [next(lines) for _ in range(5)]
    assert heard == [": watching", "", ": alive", "", ": alive"]


def test_a_brain_that_is_not_there_is_not_watched(client: httpx.Client) -> None:
    assert client.get(f"/v1/brains/{'0' * 32}/events").status_code == 404
