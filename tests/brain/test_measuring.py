"""One call measures a network; the numbers follow what the network is."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from tests.brain.individuals import FAST, small_network

from neurallayers.brain import Brain, RegionSpec, TractSpec
from neurallayers.brain.measuring import measure
from neurallayers.errors import InvalidInput

QUICK = {"trials": 8, "before_ms": 60.0, "after_ms": 40.0}


def test_a_report_is_words_and_json() -> None:
    told: list[str] = []
    report = measure(small_network(), progress=told.append, **QUICK)
    assert set(report.rates_hz) == {"sensory", "cerebrum"}
    assert 0.0 <= report.lempel_ziv <= 1.5
    assert report.neurons is not None
    assert len(report.neurons[1]) == 3
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["small_system"]["region"] == "cerebrum"
    assert "PCIst" in str(report)
    assert told == ["activity in noise, and a push", "complexity", "integrated information"]


def test_the_same_seed_gives_the_same_numbers() -> None:
    one, other = (measure(small_network(), seed=3, **QUICK).to_dict() for _ in range(2))
    assert one == other


def test_regions_that_do_not_meet_are_less_integrated() -> None:
    regions = (
        RegionSpec(name="left", shape=(16,), neurons=FAST),
        RegionSpec(name="right", shape=(16,), neurons=FAST),
    )
    readout = small_network().spec.readout.model_copy(update={"sources": ("left", "right")})
    to_left = TractSpec(source="sense", target="left", gain=4.0)
    apart = small_network(
        regions=regions,
        tracts=(to_left, TractSpec(source="sense", target="right", gain=4.0)),
        readout=readout,
    )
    report = measure(apart, **QUICK)
    assert report.phi_discrete is None
    assert "no region hears itself" in str(report)
    # What is done to the one is nothing to the other.
    assert not report.response.difference()[:, :, 16:].any()
    assert report.reach <= 0.5


def test_what_hears_itself_only_through_the_world_has_no_phi() -> None:
    network = small_network()
    with torch.no_grad():
        network.regions["cerebrum"].neurons.recurrent_weight.zero_()
    assert measure(network, **QUICK).phi_discrete == 0.0


def test_a_silent_network_says_nothing() -> None:
    report = measure(small_network(), noise=0.0, strength=1e-9, **QUICK)
    assert report.lempel_ziv == 0.0
    assert report.reach == 0.0
    assert math.isnan(report.pci)
    assert math.isnan(report.phi_star_nats)
    assert report.to_dict()["pci"] is None


def test_an_individual_is_measured_as_it_has_become() -> None:
    brain = Brain(small_network())
    state = brain.life.state
    sensory = state.regions["sensory"]
    # A life that left its sensory neurons less excitable.
    tired = sensory._replace(excitability=sensory.excitability - 2.0)
    regions = {**state.regions, "sensory": tired}
    lived = measure(brain.network, state=state._replace(regions=regions), **QUICK)
    fresh = measure(brain.network, state=state, **QUICK)
    assert lived.rates_hz["sensory"] < fresh.rates_hz["sensory"]
    assert fresh.to_dict() == measure(brain.network, **QUICK).to_dict()


def test_the_report_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "report.png"
    measure(small_network(), **QUICK).figure(path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_baseline_must_be_long_enough() -> None:
    with pytest.raises(InvalidInput, match="at least 20 ms"):
        measure(small_network(), trials=2, before_ms=5.0)
