"""``neurallayers measure`` of networks, brains and recordings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.cli.conftest import Invoke

from neurallayers.brain import Brain


def test_a_network_is_measured_in_words_and_in_json(invoke: Invoke, network: str) -> None:
    shown = invoke("measure", network, "--trials", 4)
    assert shown.exit_code == 0, shown.output
    assert "PCIst" in shown.stdout
    told = json.loads(invoke("measure", network, "--trials", 4, "--json").stdout)
    assert 0.0 <= told["reach"] <= 1.0
    assert told["small_system"]["region"] == "cerebrum"


def test_a_brain_in_a_folder_is_measured_and_drawn(invoke: Invoke, network: str) -> None:
    pytest.importorskip("matplotlib")
    with Brain.open("home", network):
        pass
    shown = invoke("measure", "home", "--trials", 4, "--out", "report.png")
    assert shown.exit_code == 0, shown.output
    assert Path("report.png").read_bytes().startswith(b"\x89PNG")


def test_recordings_are_measured(invoke: Invoke) -> None:
    generator = np.random.default_rng(0)
    noise = generator.normal(size=(400, 3))
    np.save("noise.npy", noise)
    np.savetxt("noise.csv", noise, delimiter=",", header="a,b,c", comments="")
    for name in ("noise.npy", "noise.csv"):
        told = json.loads(invoke("measure", name, "--json").stdout)
        assert told["channels"] == 3
        assert told["lempel_ziv"] > 0.8
        assert told["phi_star_nats"] < 0.05
    assert "permutation_entropy" in invoke("measure", "noise.csv").stdout.replace(" ", "_")


@pytest.mark.parametrize("text", ["a,b\n1,x\n", "1,2\n3,4\n", ""])
def test_what_is_no_recording_is_refused(invoke: Invoke, text: str) -> None:
    Path("bad.csv").write_text(text)
    refused = invoke("measure", "bad.csv")
    assert refused.exit_code == 1
    assert "What to do" in refused.stderr
