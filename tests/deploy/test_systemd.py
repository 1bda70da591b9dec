"""The unit fits the service that it runs, and systemd understands it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from neurallayers.service.settings import Settings, variable_of

UNIT = Path(__file__).resolve().parent.parent.parent / "deploy" / "neurallayers.service"
TEXT = UNIT.read_text(encoding="utf-8")


def values(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", TEXT, re.MULTILINE)


def test_what_it_sets_are_settings() -> None:
    known = {variable_of(name) for name in Settings.model_fields}
    chosen = dict(pair.split("=", 1) for pair in values("Environment"))
    ours = {name for name in chosen if name.startswith("NEURALLAYERS_")}
    assert ours <= known
    # The folder that systemd keeps for it is where the data lie.
    assert chosen["NEURALLAYERS_SERVICE_DATA"] == f"%S/{values('StateDirectory')[0]}"
    assert chosen["NUMBA_CACHE_DIR"] == f"%C/{values('CacheDirectory')[0]}"


def test_it_waits_longer_than_accepted_work_may_take() -> None:
    assert int(values("TimeoutStopSec")[0]) > Settings.model_fields["drain_timeout_s"].default + 30


def test_it_may_open_as_many_files_as_connections_take() -> None:
    connections = Settings.model_fields["connections_at_most"].default
    assert int(values("LimitNOFILE")[0]) > 2 * connections + 256


def test_it_gets_little_and_may_compile_its_kernels() -> None:
    for name in ("DynamicUser", "NoNewPrivileges", "PrivateTmp", "PrivateDevices"):
        assert values(name) == ["yes"], name
    assert values("ProtectSystem") == ["strict"]
    assert values("CapabilityBoundingSet") == [""]
    assert values("MemoryDenyWriteExecute") == []


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)
def test_systemd_understands_it(tmp_path: Path) -> None:
    # What it starts is not installed here; something that is stands in its place.
    stands_in = tmp_path / "neurallayers.service"
    stands_in.write_text(TEXT.replace(values("ExecStart")[0], f"{shutil.which('true')} serve"))
    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(stands_in)],
        capture_output=True,
        text=True,
        env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"},
    )
    assert result.returncode == 0, result.stderr
    assert "neurallayers.service" not in result.stderr
