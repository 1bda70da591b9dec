"""The image and its compose file fit the service that they run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import neurallayers
from neurallayers.errors import InvalidInput
from neurallayers.service.settings import Settings, variable_of

ROOT = Path(__file__).resolve().parent.parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
FINAL = DOCKERFILE.rsplit("\nFROM ", 1)[1]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text("utf-8"))
    return loaded


@pytest.fixture(scope="module")
def service(compose: dict[str, Any]) -> dict[str, Any]:
    (only,) = compose["services"].values()
    return dict(only)


def environment_of_the_image() -> dict[str, str]:
    block = re.search(r"^ENV ((?:.*\\\n)*.*)$", FINAL, re.MULTILINE)
    assert block is not None
    return dict(pair.split("=", 1) for pair in block[1].replace("\\\n", " ").split())


def test_the_image_does_not_run_as_root() -> None:
    assert re.search(r"^USER 10001:10001$", FINAL, re.MULTILINE)
    # Nothing after it changes the user again.
    assert FINAL.count("\nUSER ") == 1


def test_the_settings_of_the_image_are_settings_and_refuse_to_start_without_a_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = {variable_of(name) for name in Settings.model_fields}
    chosen = {
        name: value
        for name, value in environment_of_the_image().items()
        if name.startswith("NEURALLAYERS_")
    }
    assert set(chosen) <= known
    for name in known:
        monkeypatch.delenv(name, raising=False)
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInput, match="no api_key is set"):
        Settings.load()
    monkeypatch.setenv("NEURALLAYERS_API_KEY", "a-key-that-is-long-enough")
    settings = Settings.load()
    assert f"EXPOSE {settings.port}" in FINAL
    assert f'"{settings.data}"' in re.findall(r"^VOLUME (.*)$", FINAL, re.MULTILINE)[0]


def test_what_is_compiled_has_a_folder_that_can_be_written() -> None:
    cache = environment_of_the_image()["NUMBA_CACHE_DIR"]
    assert f'"{cache}"' in re.findall(r"^VOLUME (.*)$", FINAL, re.MULTILINE)[0]
    assert FINAL.index("warm_up.py\n\n") > FINAL.index("\nUSER ")


def test_the_label_says_the_version() -> None:
    assert f"ARG VERSION={neurallayers.__version__}\n" in FINAL


def test_everything_that_the_image_copies_is_let_in() -> None:
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line[1:] for line in ignore if line.startswith("!")}
    assert "*" in ignore
    copied: set[str] = set()
    for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE):
        copied |= set(line.split()[:-1])
    assert copied == let_in
    assert all((ROOT / name).exists() for name in copied)


def test_no_index_of_packages_is_fixed_but_that_of_torch_for_cpus() -> None:
    assert set(re.findall(r"https?://([^/\s\"]+)", DOCKERFILE)) == {
        "download.pytorch.org",
        "github.com",
    }
    assert re.search(r"^ARG PIP_INDEX_URL$", DOCKERFILE, re.MULTILINE)


def test_compose_gives_it_no_more_than_it_needs(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_compose_keeps_the_data_in_a_volume(
    service: dict[str, Any], compose: dict[str, Any]
) -> None:
    mounted = dict(volume.split(":") for volume in service["volumes"])
    image = environment_of_the_image()
    places = {image["NEURALLAYERS_SERVICE_DATA"], image["NUMBA_CACHE_DIR"]}
    assert set(mounted.values()) == places
    assert set(mounted) == set(compose["volumes"])


def test_compose_needs_a_key_and_sets_nothing_unknown(service: dict[str, Any]) -> None:
    known = {variable_of(name) for name in Settings.model_fields}
    assert set(service["environment"]) <= known
    # `:?` makes compose refuse to start, with what follows as the reason.
    assert service["environment"]["NEURALLAYERS_API_KEY"].startswith("${NEURALLAYERS_API_KEY:?")


def test_compose_waits_longer_than_accepted_work_may_take(service: dict[str, Any]) -> None:
    grace_s = int(service["stop_grace_period"].removesuffix("s"))
    assert grace_s > Settings.model_fields["drain_timeout_s"].default + 30


def test_compose_has_room_for_what_the_settings_allow(service: dict[str, Any]) -> None:
    fields = Settings.model_fields
    brains_mib = int(service["environment"]["NEURALLAYERS_BRAINS_IN_MEMORY_MIB"])
    bodies_mib = fields["bodies_limit_bytes"].default // 2**20
    beside_mib = 1024  # Python and torch, in both processes
    limit_mib = int(service["mem_limit"].removesuffix("g")) * 1024
    assert brains_mib + bodies_mib + beside_mib < limit_mib


def test_compose_asks_the_same_question_about_health(service: dict[str, Any]) -> None:
    asked = re.search(r"HEALTHCHECK .*\\\n\s+CMD \[(.*)\]", FINAL)
    assert asked is not None
    words = [word.strip(' "') for word in asked[1].split(",")]
    assert service["healthcheck"]["test"] == ["CMD", *words]
