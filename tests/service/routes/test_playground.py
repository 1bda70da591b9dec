"""The page: no key is needed for it, and none is in it."""

from __future__ import annotations

import httpx
from tests.service.running import Served


def test_the_page_needs_and_holds_no_key(served: Served) -> None:
    answer = httpx.get(served.url + "/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert served.key not in answer.text
    assert len(answer.content) < 100_000


def test_the_page_is_no_part_of_the_interface(served: Served) -> None:
    assert "/" not in httpx.get(f"{served.url}/openapi.json").json()["paths"]
