"""The whole service over real HTTP: what the contract says happens."""

from __future__ import annotations

import base64
import io
import json
import re
import threading
import uuid
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from tests.service.running import Served, running

from neurallayers.data import load_digits
from neurallayers.service.app import playground_page

DIGITS = load_digits()
PICTURES = [image.tolist() for image in DIGITS.test.images]
NAMES = [str(label) for label in DIGITS.test.labels.tolist()]
ON_HEAD = [image.flip(0).tolist() for image in DIGITS.train.of_classes([4]).images[:8]]


@pytest.fixture
def client(served: Served) -> Any:
    with served.client() as client:
        yield client


@pytest.fixture
def brain(client: httpx.Client) -> str:
    made = client.post("/v1/brains", json={"name": "Ada"})
    assert made.status_code == 201
    assert made.headers["location"] == f"/v1/brains/{made.json()['id']}"
    return str(made.json()["id"])


def think(client: httpx.Client, brain: str, picture: Any) -> dict[str, Any]:
    answer = client.post(f"/v1/brains/{brain}/process", json={"stimulus": picture})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def teach(client: httpx.Client, brain: str, picture: Any, target: str, **headers: str) -> int:
    body = {"stimulus": picture, "target": target}
    answer = client.post(f"/v1/brains/{brain}/learn", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["entry"])


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert document["request_id"] == answer.headers["x-request-id"]
    assert document["detail"]
    assert document["remedy"]
    return document


# ------------------------------------------------------------------ models and brains


def test_models_are_listed_and_described(client: httpx.Client) -> None:
    (model,) = client.get("/v1/models").json()["models"]
    assert model["name"] == "hasn-nano-digits"
    assert model["image_shape"] == [8, 8]
    whole = client.get("/v1/models/hasn-nano-digits").json()
    assert whole["spec"]["regions"]
    assert problem(client.get("/v1/models/hasn-nano-digit"), 404)["remedy"].count("digits")


def test_brains_are_born_listed_in_pages_and_deleted(client: httpx.Client) -> None:
    born = [client.post("/v1/brains").json()["id"] for _ in range(5)]
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = client.get("/v1/brains", params={"limit": 2, **after}).json()
        seen += [brain["id"] for brain in page["brains"]]
        assert len(page["brains"]) <= 2
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert [one for one in seen if one in born] == born
    assert len(seen) == len(set(seen))
    assert client.delete(f"/v1/brains/{born[0]}").status_code == 204
    problem(client.delete(f"/v1/brains/{born[0]}"), 404)
    problem(client.get(f"/v1/brains/{born[0]}"), 404)
    problem(client.post(f"/v1/brains/{born[0]}/process", json={"stimulus": PICTURES[0]}), 404)


def test_a_brain_reads_digits(client: httpx.Client, brain: str) -> None:
    right = sum(think(client, brain, PICTURES[i])["label"] == NAMES[i] for i in range(40))
    assert right >= 36


def test_many_stimuli_are_answered_as_one_by_one(client: httpx.Client, brain: str) -> None:
    many = client.post(f"/v1/brains/{brain}/process-many", json={"stimuli": PICTURES[:7]})
    assert many.json()["thoughts"] == [think(client, brain, one) for one in PICTURES[:7]]


def test_a_picture_is_read_raw_in_base64_and_as_numbers_alike(
    client: httpx.Client, brain: str
) -> None:
    levels = np.array(PICTURES[3]) * 255
    buffer = io.BytesIO()
    Image.fromarray(levels.round().astype(np.uint8)).save(buffer, "PNG")
    raw = client.post(
        f"/v1/brains/{brain}/process",
        content=buffer.getvalue(),
        headers={"content-type": "image/png"},
    ).json()
    text = base64.b64encode(buffer.getvalue()).decode()
    assert think(client, brain, text) == raw
    numbers = client.post(
        f"/v1/brains/{brain}/process",
        json={"stimulus": levels.round().tolist(), "maximum": 255},
    ).json()
    assert numbers["label"] == raw["label"] == NAMES[3]
    inverted = client.post(
        f"/v1/brains/{brain}/process",
        params={"invert": "true"},
        content=_png(255 - levels.round()),
        headers={"content-type": "image/png"},
    ).json()
    assert inverted == raw


def _png(levels: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(levels).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def test_an_array_of_another_size_is_fitted_when_asked(client: httpx.Client, brain: str) -> None:
    large = np.kron(np.array(PICTURES[0]), np.ones((4, 4))).tolist()
    url = f"/v1/brains/{brain}/process"
    problem(client.post(url, json={"stimulus": large}), 422)
    fitted = client.post(url, json={"stimulus": large, "fit": True})
    assert fitted.json()["label"] == NAMES[0]


# ------------------------------------------------------------------ learning


def test_a_lesson_is_learned_and_can_be_taken_back_exactly(
    client: httpx.Client, brain: str
) -> None:
    before = think(client, brain, ON_HEAD[7])
    first = teach(client, brain, PICTURES[0], "other")
    entries = [teach(client, brain, one, "4 on its head") for one in ON_HEAD[:5]]
    assert entries == list(range(first + 1, first + 6))
    assert think(client, brain, ON_HEAD[7])["label"] == "4 on its head"
    forgotten = client.post(f"/v1/brains/{brain}/forget", json={"entries": entries})
    assert "4 on its head" not in forgotten.json()["labels"]
    problem(client.post(f"/v1/brains/{brain}/forget", json={"entries": entries}), 422)
    client.post(f"/v1/brains/{brain}/forget", json={"entries": [first]})
    assert think(client, brain, ON_HEAD[7]) == before


def test_a_class_is_forgotten(client: httpx.Client, brain: str) -> None:
    teach(client, brain, ON_HEAD[0], "new")
    url = f"/v1/brains/{brain}/forget"
    assert "new" not in client.post(url, json={"label": "new"}).json()["labels"]
    problem(client.post(url, json={"label": "new"}), 422)
    problem(client.post(url, json={}), 422)


def test_what_one_brain_learns_another_does_not_know(client: httpx.Client, brain: str) -> None:
    other = client.post("/v1/brains").json()["id"]
    for one in ON_HEAD[:3]:
        teach(client, brain, one, "new")
    assert "new" not in think(client, other, ON_HEAD[0])["scores"]


def test_the_same_key_teaches_once(client: httpx.Client, brain: str) -> None:
    key = str(uuid.uuid4())
    body = {"stimulus": ON_HEAD[0], "target": "new"}
    url = f"/v1/brains/{brain}/learn"
    first, again = (client.post(url, json=body, headers={"Idempotency-Key": key}) for _ in "ab")
    assert first.json() == again.json()
    assert client.get(f"/v1/brains/{brain}").json()["sequence"] == 1
    reused = client.post(url, json={**body, "target": "x"}, headers={"Idempotency-Key": key})
    problem(reused, 422)
    problem(client.post(url, json=body, headers={"Idempotency-Key": "x" * 201}), 400)


def test_the_same_key_makes_one_brain_and_one_snapshot(client: httpx.Client) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    one, again = (client.post("/v1/brains", headers=key).json()["id"] for _ in "ab")
    assert one == again
    url = f"/v1/brains/{one}/snapshots"
    assert client.post(url, headers=key).json()["id"] == client.post(url, headers=key).json()["id"]


def test_a_stateful_stimulus_becomes_an_entry(client: httpx.Client, brain: str) -> None:
    body = {"stimulus": PICTURES[0], "stateful": True}
    assert client.post(f"/v1/brains/{brain}/process", json=body).json()["entry"] == 1
    teach(client, brain, PICTURES[1], NAMES[1])
    entries = client.get(f"/v1/brains/{brain}/entries").json()
    assert [(one["sequence"], one["kind"]) for one in entries["entries"]] == [
        (1, "stimulus"),
        (2, "lesson"),
    ]
    page = client.get(f"/v1/brains/{brain}/entries", params={"limit": 1}).json()
    assert page["next"] == 1


def test_a_reward_changes_what_is_answered(client: httpx.Client, brain: str) -> None:
    before = think(client, brain, PICTURES[0])
    url = f"/v1/brains/{brain}/learn"
    for _ in range(3):
        answer = client.post(url, json={"stimulus": PICTURES[0], "reward": -1.0})
        assert answer.status_code == 200
    after = think(client, brain, PICTURES[0])
    assert after["scores"][before["label"]] < before["scores"][before["label"]]
    problem(client.post(url, json={"stimulus": PICTURES[0], "reward": 1, "target": "x"}), 422)


# ------------------------------------------------------------------ moments


def test_a_brain_returns_to_a_snapshot(client: httpx.Client, brain: str) -> None:
    teach(client, brain, ON_HEAD[0], "new")
    kept = client.post(f"/v1/brains/{brain}/snapshots", json={"name": "before"}).json()
    assert kept["sequence"] == 1
    before = think(client, brain, ON_HEAD[1])
    teach(client, brain, ON_HEAD[1], "newer")
    listed = client.get(f"/v1/brains/{brain}/snapshots").json()["snapshots"]
    assert [one["name"] for one in listed] == ["before"]
    back = client.post(f"/v1/brains/{brain}/snapshots/{kept['id']}/restore").json()
    assert "newer" not in back["labels"]
    assert back["sequence"] == 3
    assert think(client, brain, ON_HEAD[1]) == before
    problem(client.post(f"/v1/brains/{brain}/snapshots/{'0' * 32}/restore"), 404)


# ------------------------------------------------------------------ activity


def test_the_raster_is_the_spikes_of_the_last_thought(client: httpx.Client, brain: str) -> None:
    problem(client.get(f"/v1/brains/{brain}/raster"), 404)
    thought = think(client, brain, PICTURES[0])
    raster = client.get(f"/v1/brains/{brain}/raster").json()
    assert raster["label"] == thought["label"]
    assert sum(len(part) for part in raster["spikes"].values()) == thought["vitals"]["spikes"]
    picture = client.get(f"/v1/brains/{brain}/raster.png")
    assert Image.open(io.BytesIO(picture.content)).format == "PNG"


def test_events_tell_what_happens(served: Served, client: httpx.Client, brain: str) -> None:
    got: list[tuple[str, dict[str, Any]]] = []
    watching = threading.Event()

    def watch() -> None:
        with served.client() as own, own.stream("GET", f"/v1/brains/{brain}/events") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            name = ""
            for line in stream.iter_lines():
                watching.set()
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                if line.startswith("data: "):
                    got.append((name, json.loads(line.removeprefix("data: "))))

    thread = threading.Thread(target=watch)
    thread.start()
    assert watching.wait(10)
    think(client, brain, PICTURES[0])
    entry = teach(client, brain, ON_HEAD[0], "new")
    client.post(f"/v1/brains/{brain}/forget", json={"entries": [entry]})
    client.delete(f"/v1/brains/{brain}")
    thread.join(10)
    assert [name for name, _ in got] == ["thought", "lesson", "forgotten", "deleted"]
    assert got[0][1]["raster"]["spikes"]
    assert got[1][1]["target"] == "new"
    assert "new" not in got[2][1]["labels"]


# ------------------------------------------------------------------ condition


def test_health_needs_no_key(served: Served) -> None:
    live = httpx.get(f"{served.url}/health/live")
    ready = httpx.get(f"{served.url}/health/ready")
    assert live.json()["status"] == "alive"
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")


def test_metrics_count_what_happened(served: Served, client: httpx.Client, brain: str) -> None:
    def figures() -> dict[str, float]:
        text = httpx.get(f"{served.url}/metrics").text
        pairs = re.findall(r"^(\w+(?:\{.*\})?) (\S+)$", text, re.MULTILINE)
        return {name: float(value) for name, value in pairs}

    before = figures()
    thought = think(client, brain, PICTURES[0])
    teach(client, brain, ON_HEAD[0], "new")
    after = figures()

    def gained(name: str) -> float:
        return after[name] - before.get(name, 0.0)

    route = 'route="/v1/brains/{brain_id}/process",status="200"'
    assert gained(f'neurallayers_requests_total{{method="POST",{route}}}') == 1
    assert gained("neurallayers_lessons_total") == 1
    assert gained("neurallayers_thoughts_total") == 2
    spikes = [gained(name) for name in after if name.startswith("neurallayers_spikes_total")]
    assert sum(spikes) > thought["vitals"]["spikes"]
    assert after["neurallayers_brains_in_memory"] >= 1


def test_the_interface_describes_itself(served: Served) -> None:
    document = httpx.get(f"{served.url}/openapi.json").json()
    process = document["paths"]["/v1/brains/{brain_id}/process"]["post"]
    assert process["requestBody"]["content"]["application/json"]["example"]
    assert set(process["requestBody"]["content"]) == {"application/json", "image/png"}
    assert {"200", "401", "413", "422", "503"} <= set(process["responses"])
    names = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(document)))
    assert names <= set(document["components"]["schemas"])


def test_the_page_is_served_with_a_policy(served: Served) -> None:
    page = httpx.get(f"{served.url}/")
    assert page.text == playground_page()
    assert "default-src 'none'" in page.headers["content-security-policy"]


# ------------------------------------------------------------------ what is wrong


@pytest.mark.parametrize(
    ("stimulus", "status"),
    [
        ([[0.5] * 7] * 8, 422),
        ([[0.5] * 8] * 7, 422),
        ([[2.0] * 8] * 8, 422),
        ([[-0.1] * 8] * 8, 422),
        ([[0.5] * 8] * 7 + [[0.5] * 3], 422),
        ([[[0.5, 0.5]] * 8] * 8, 422),
        ([], 422),
        ("not base64!", 422),
        ("aGVsbG8=", 422),
        (None, 422),
        ({}, 422),
    ],
)
def test_a_wrong_stimulus_is_refused(
    client: httpx.Client, brain: str, stimulus: Any, status: int
) -> None:
    url = f"/v1/brains/{brain}"
    problem(client.post(f"{url}/process", json={"stimulus": stimulus}), status)
    problem(client.post(f"{url}/learn", json={"stimulus": stimulus, "target": "x"}), status)
    assert client.get(url).json()["sequence"] == 0


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"stimulus": [[NaN]]}', 400),
        (b"{", 400),
        (b"", 400),
        (b"\xff\xfe", 400),
        (b"[" * 10_000 + b"]" * 10_000, 422),
        (b'{"stimulus": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", 422),
        (b"[]", 422),
        (b'{"stimulus": [[0]], "unknown": 1}', 422),
    ],
)
def test_a_body_that_does_not_fit_is_refused(
    client: httpx.Client, brain: str, content: bytes, status: int
) -> None:
    answer = client.post(
        f"/v1/brains/{brain}/process",
        content=content,
        headers={"content-type": "application/json"},
    )
    problem(answer, status)


def test_another_type_of_body_is_refused(client: httpx.Client, brain: str) -> None:
    answer = client.post(f"/v1/brains/{brain}/process", content=b"x=1")
    problem(answer, 415)


def test_a_picture_larger_than_allowed_is_refused_unread(client: httpx.Client, brain: str) -> None:
    bomb = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(bomb, "PNG")
    headers = {"content-type": "image/png"}
    url = f"/v1/brains/{brain}/process"
    problem(client.post(url, content=bomb.getvalue(), headers=headers), 413)
    problem(client.post(url, content=_png(np.ones((9, 9)))[:40], headers=headers), 422)


# ------------------------------------------------------------------ the end and the beginning


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as first, first.client() as client:
        brain = client.post("/v1/brains", json={"name": "Ada"}).json()["id"]
        for one in ON_HEAD[:3]:
            teach(client, brain, one, "new")
        thought = think(client, brain, ON_HEAD[4])
    with running(tmp_path) as second, second.client() as client:
        assert client.get(f"/v1/brains/{brain}").json()["name"] == "Ada"
        assert think(client, brain, ON_HEAD[4]) == thought
        assert teach(client, brain, ON_HEAD[5], "new") == 4
