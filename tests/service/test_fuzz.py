"""A short fuzz over the description of the interface; :mod:`benchmarks.fuzz` is the long one.

Both run schemathesis with all its phases and all its checks. Here a warning within the service is
an error, as in all tests, so it shows as an answer of 500.
"""

from __future__ import annotations

import httpx
import pytest
from benchmarks.fuzz import fuzz
from tests.service.running import KEY, Served

from benchmarks import fuzz_rules

CASES, SEED = 4, 1


def port_of(served: Served) -> int:
    return int(served.url.rpartition(":")[2])


def test_a_client_with_the_key_finds_no_mistake(served: Served) -> None:
    found = fuzz(port_of(served), CASES, SEED, key=KEY)
    assert found["failures"] == 0, found["by_code"]
    assert found["server_errors"] == 0
    assert found["operations"] == len(operations(served))
    # It came through the door, and did not only rattle at it.
    assert found["valid_accepted"] > 100
    assert {"200", "201", "204", "400", "401", "404", "405", "415", "422"} <= set(found["statuses"])


def test_a_stranger_finds_no_way_in(served: Served) -> None:
    found = fuzz(port_of(served), 1, SEED)
    assert found["failures"] == 0, found["by_code"]
    assert set(found["statuses"]) <= {"200", "401", "404", "405"}
    open_doors = [name for name in operations(served) if not name.split()[1].startswith("/v1")]
    assert found["statuses"]["200"] <= 5 * len(open_doors)
    assert found["statuses"]["401"] > 100


def operations(served: Served) -> list[str]:
    paths = httpx.get(f"{served.url}/openapi.json").json()["paths"]
    return [f"{method} {path}" for path, methods in paths.items() for method in methods]


# ------------------------------------------------------------------ what the document says


def test_what_is_made_says_where_its_name_is_used_next(served: Served) -> None:
    paths = httpx.get(f"{served.url}/openapi.json").json()["paths"]
    brain = paths["/v1/brains"]["post"]["responses"]["201"]["links"]
    assert {"process", "learn", "forget", "get_brain", "delete_brain", "keep_snapshot"} <= set(
        brain
    )
    assert brain["process"]["parameters"] == {"brain_id": "$response.body#/id"}
    snapshot = paths["/v1/brains/{brain_id}/snapshots"]["post"]["responses"]["201"]["links"]
    assert snapshot["restore_snapshot"]["parameters"] == {
        "brain_id": "$request.path.brain_id",
        "snapshot_id": "$response.body#/id",
    }


def test_every_operation_has_a_short_name_of_its_own(served: Served) -> None:
    paths = httpx.get(f"{served.url}/openapi.json").json()["paths"]
    names = [
        operation["operationId"] for methods in paths.values() for operation in methods.values()
    ]
    assert len(set(names)) == len(names) == len(operations(served))
    assert all(name.isidentifier() and "v1" not in name for name in names)


def test_an_address_tells_all_methods_that_it_has(served: Served) -> None:
    answer = httpx.patch(f"{served.url}/v1/brains", headers={"Authorization": f"Bearer {KEY}"})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, POST"


# ------------------------------------------------------------------ what the query says of JSON


def test_what_the_query_says_counts_for_json_as_well(served: Served) -> None:
    stimulus = {"stimulus": fuzz_rules.STIMULUS, "maximum": 16}
    with served.client() as client:
        brain = client.post("/v1/brains").json()["id"]
        lived = client.post(f"/v1/brains/{brain}/process?stateful=true", json=stimulus).json()
        assert lived["entry"] == 1
        taught = client.post(f"/v1/brains/{brain}/learn?target=wave", json=stimulus).json()
        assert taught["entry"] == 2
        both = client.post(f"/v1/brains/{brain}/learn?target=a&reward=1", json=stimulus)
        assert both.status_code == 422


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("process?stateful=perhaps", {}, 422),
        ("process?invert=", {}, 422),
        ("learn?reward=nan", {}, 422),
        ("learn?reward=1_0", {}, 422),
        ("learn?reward=1001", {}, 422),
        ("process", {"Idempotency-Key": "two words"}, 400),
    ],
)
def test_wrong_words_beside_a_json_body_are_refused(
    served: Served, path: str, headers: dict[str, str], status: int
) -> None:
    stimulus = {"stimulus": fuzz_rules.STIMULUS, "maximum": 16}
    with served.client() as client:
        brain = client.post("/v1/brains").json()["id"]
        answer = client.post(f"/v1/brains/{brain}/{path}", json=stimulus, headers=headers)
    assert answer.status_code == status


# ------------------------------------------------------------------ rules of the fuzz


def problem(slug: str, detail: str) -> dict[str, str]:
    return {"type": f"urn:neurallayers:problem:{slug}", "detail": detail}


@pytest.mark.parametrize(
    ("status", "slug", "detail", "known"),
    [
        (422, "shape-mismatch", "anything", True),
        (422, "invalid-input", "This brain does not know 'a'.", True),
        (422, "invalid-input", "Expected `str`, got `int` - at `$.name`.", False),
        (400, "shape-mismatch", "anything", False),
        (404, "not-found", "There is no brain.", False),
    ],
)
def test_only_refusals_by_a_rule_are_no_failures(
    status: int, slug: str, detail: str, known: bool
) -> None:
    assert fuzz_rules.is_rule(status, problem(slug, detail)) is known
