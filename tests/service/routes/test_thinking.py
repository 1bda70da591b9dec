"""Showing brains something: many at once, keys of what is lived through."""

from __future__ import annotations

import httpx

from neurallayers.service.schemas import STIMULI_AT_MOST

BRIGHT = [[1.0] * 8] * 8
DARK = [[0.0] * 8] * 8


def test_many_are_not_too_many(client: httpx.Client, brain: str) -> None:
    url = f"{brain}/process-many"
    most = client.post(url, json={"stimuli": [DARK, BRIGHT] * (STIMULI_AT_MOST // 2)})
    assert len(most.json()["thoughts"]) == STIMULI_AT_MOST
    assert most.json()["thoughts"][:2] == most.json()["thoughts"][-2:]
    for stimuli in ([], [DARK] * (STIMULI_AT_MOST + 1)):
        assert client.post(url, json={"stimuli": stimuli}).status_code == 422


def test_a_wrong_one_of_many_is_named(client: httpx.Client, brain: str) -> None:
    answer = client.post(f"{brain}/process-many", json={"stimuli": [DARK, [[2.0] * 8] * 8]})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("Stimulus 1: ")


def test_several_images_are_no_stimulus(client: httpx.Client, brain: str) -> None:
    for several in ([DARK, BRIGHT, DARK], [DARK] * 8):
        for fit in (False, True):
            body = {"stimulus": several, "fit": fit}
            assert client.post(f"{brain}/process", json=body).status_code == 422
            taught = client.post(f"{brain}/learn", json={**body, "target": "x"})
            assert taught.status_code == 422


def test_what_is_lived_through_happens_once_per_key(client: httpx.Client, brain: str) -> None:
    def ask() -> dict[str, object]:
        body = {"stimulus": BRIGHT, "stateful": True}
        key = {"Idempotency-Key": "k"}
        answer: dict[str, object] = client.post(f"{brain}/process", json=body, headers=key).json()
        return answer

    assert ask() == ask()
    assert client.get(brain).json()["sequence"] == 1


def test_white_is_what_the_body_says(client: httpx.Client, brain: str) -> None:
    url = f"{brain}/process"
    expected = client.post(url, json={"stimulus": BRIGHT}).json()
    level = [[16] * 8] * 8
    assert client.post(url, json={"stimulus": level, "maximum": 16}).json() == expected
    assert client.post(url, json={"stimulus": DARK, "invert": True}).json() == expected
    for maximum in (0, -1, 65536, "16"):
        body = {"stimulus": level, "maximum": maximum}
        assert client.post(url, json=body).status_code == 422


def test_an_answer_is_taken_apart(client: httpx.Client, brain: str) -> None:
    lesson = {"stimulus": BRIGHT, "target": "wall", "who": "Ben"}
    entry = client.post(f"{brain}/learn", json=lesson).json()["entry"]
    thought = client.post(f"{brain}/process", json={"stimulus": BRIGHT}).json()
    why = client.post(f"{brain}/explain", json={"stimulus": BRIGHT}).json()
    assert (why["label"], why["score"]) == ("wall", thought["scores"]["wall"])
    assert why["rival"] == list(list(thought["scores"].items())[1])
    assert why["lessons"][0]["entry"] == entry
    taught = sum(one["share"] for one in why["lessons"]) + why["earlier"]
    assert abs(why["bias"] + sum(why["regions"].values()) + taught - why["score"]) < 1e-3
    assert why["recalled"] == thought["recalled"]
    assert client.get(brain).json()["sequence"] == 1


def test_any_class_that_is_known_is_explained_and_no_other(
    client: httpx.Client, brain: str
) -> None:
    seven = client.post(f"{brain}/explain", json={"stimulus": DARK, "label": "7"})
    assert seven.json()["label"] == "7"
    for wrong in ({"label": "z"}, {"label": ""}, {"stimulus": [[2.0]]}, {"fit": 1}):
        refused = client.post(f"{brain}/explain", json={"stimulus": DARK, **wrong})
        assert refused.status_code == 422
    assert client.post(f"/v1/brains/{'0' * 32}/explain", json={"stimulus": DARK}).status_code == 404


def test_circumstances_are_only_of_what_is_lived_through(client: httpx.Client, brain: str) -> None:
    told = {"stimulus": BRIGHT, "where": "lab", "when": 7, "who": "Ben"}
    assert client.post(f"{brain}/process", json=told).status_code == 422
    assert client.post(f"{brain}/process", json={**told, "stateful": True}).json()["entry"] == 1
    (entry,) = client.get(f"{brain}/entries").json()["entries"]
    assert entry["content"]["context"] == {"where": "lab", "when": 7, "who": "Ben"}
