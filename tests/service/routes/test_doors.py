"""What routes take from the address."""

from __future__ import annotations

import httpx
from tests.service.running import Served

from neurallayers.service.schemas import BRAIN_ID_PATTERN


def test_the_limits_of_addresses_are_described(served: Served) -> None:
    document = httpx.get(f"{served.url}/openapi.json").json()
    found = {
        one["name"]: one["schema"]
        for path in document["paths"].values()
        for operation in path.values()
        for one in operation.get("parameters", [])
    }
    assert found["brain_id"]["pattern"] == BRAIN_ID_PATTERN
    assert found["snapshot_id"]["pattern"] == BRAIN_ID_PATTERN
    assert (found["limit"]["minimum"], found["limit"]["maximum"]) == (1, 500)


def test_every_brains_address_refuses_what_is_no_name(served: Served, client: httpx.Client) -> None:
    document = httpx.get(f"{served.url}/openapi.json").json()
    tried = 0
    for path, operations in document["paths"].items():
        if "{brain_id}" not in path:
            continue
        address = path.replace("{brain_id}", "nobody").replace("{snapshot_id}", "0" * 32)
        for method in operations:
            assert client.request(method, address).status_code == 422
            tried += 1
    assert tried >= 13
