"""Networks that brains are born with."""

from __future__ import annotations

import httpx
import pytest


def test_the_list_leaves_the_anatomy_out(client: httpx.Client) -> None:
    (listed,) = client.get("/v1/models").json()["models"]
    whole = client.get(f"/v1/models/{listed['name']}").json()
    assert listed["spec"] is None
    assert {**whole, "spec": None} == listed
    assert len(whole["spec"]["regions"]) == len(whole["regions"])


@pytest.mark.parametrize(("name", "status"), [("x" * 201, 422), ("nano", 404), ("%00", 404)])
def test_another_name_is_refused(client: httpx.Client, name: str, status: int) -> None:
    assert client.get(f"/v1/models/{name}").status_code == status
