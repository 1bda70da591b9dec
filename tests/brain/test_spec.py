"""A spec is JSON and YAML and back, and says which of its fields is wrong."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.brain.individuals import looped_spec, small_spec

from neurallayers.brain import (
    BrainNetwork,
    BrainSpec,
    NeuronSpec,
    ReadoutSpec,
    RegionSpec,
    SenseSpec,
    preset,
)
from neurallayers.errors import InvalidSpec

ANY_SPEC = [small_spec(), looped_spec("poisson", rate_hz=200.0), preset("hasn-micro-conv")]

# Path of the field that is changed, what is put there, and the path that the error names.
FAULTS: list[tuple[str, Any, str]] = [
    ("name", "", "name"),
    ("name", None, "name"),
    ("dt_ms", 0, "dt_ms"),
    ("dt_ms", 1e-310, "dt_ms"),
    ("dt_ms", float("nan"), "dt_ms"),
    ("dt_ms", "soon", "dt_ms"),
    ("schema_version", 2, "schema_version"),
    ("schema_version", "1", "schema_version"),
    ("schema_version", True, "schema_version"),
    ("colour", "red", "colour"),
    ("sense", None, "sense"),
    ("sense.shape", [8], "sense.shape"),
    ("sense.shape", [8, 0], "sense.shape[1]"),
    ("sense.duration_ms", -1, "sense.duration_ms"),
    ("sense.encoder", "curent", "sense.encoder"),
    ("sense.options", {"gain": -1.0}, "sense.options"),
    ("sense.options", {"loudness": 1.0}, "sense.options"),
    ("sense.options", {"gain": "x"}, "sense.options.gain"),
    ("sense.colour", 1, "sense.colour"),
    ("regions", [], "regions"),
    ("regions", "cortex", "regions"),
    ("regions.0.name", "Sensory", "regions[0].name"),
    ("regions.0.name", "sense", "regions[0].name"),
    ("regions.0.name", "keys", "regions[0].name"),
    ("regions.1.name", "sensory", "regions[1].name"),
    ("regions.1.shape", [], "regions[1].shape"),
    ("regions.1.shape", [0], "regions[1].shape[0]"),
    ("regions.1.shape", [10**7], "regions[1].shape[0]"),
    ("regions.1.shape", [2, 3], "regions[1].shape"),
    ("regions.1.neurons.kind", "LFI", "regions[1].neurons.kind"),
    ("regions.1.neurons.kind", "Linear", "regions[1].neurons.kind"),
    ("regions.1.neurons.options", {"tau_ms": -1}, "regions[1].neurons.options"),
    ("regions.1.neurons.options", {"threshold": "x"}, "regions[1].neurons.options"),
    ("regions.1.neurons.options", {"tau_ms": "x"}, "regions[1].neurons.options"),
    ("regions.1.neurons.options", {"speed": 2.0}, "regions[1].neurons.options"),
    ("regions.1.neurons.options", {"seed": 2}, "regions[1].neurons.options"),
    ("regions.1.neurons.options", {"surrogate": "arctn"}, "regions[1].neurons.options"),
    ("regions.1.neurons.options", {"tau_ms": None}, "regions[1].neurons.options.tau_ms"),
    ("regions.1.colour", 1, "regions[1].colour"),
    ("tracts", [], "tracts"),
    ("tracts.0.source", "sensory", "tracts[0].delay_ms"),
    ("tracts.0.delay_ms", 1, "tracts[0].delay_ms"),
    ("tracts.1.delay_ms", 0.4, "tracts[1].delay_ms"),
    ("tracts.1.source", "sensry", "tracts[1].source"),
    ("tracts.1.target", "sense", "tracts[1].target"),
    ("tracts.1.pattern", "woven", "tracts[1].pattern"),
    ("tracts.1.kernel", 0, "tracts[1].kernel"),
    ("tracts.1.gain", float("inf"), "tracts[1].gain"),
    ("readout.sources", [], "readout.sources"),
    ("readout.sources", ["cerebru"], "readout.sources[0]"),
    ("readout.sources", ["cerebrum", "cerebrum"], "readout.sources[1]"),
    ("readout.labels", ["a", "a"], "readout.labels"),
    ("readout.labels", [1, 2], "readout.labels[0]"),
    ("readout.capacity", 1, "readout.capacity"),
    ("readout.delay_ms", 0.4, "readout.delay_ms"),
    ("readout.tau_ms", 0, "readout.tau_ms"),
    ("readout.options", {"margin": -1}, "readout.options"),
    ("readout.options", {"margn": 1}, "readout.options"),
    ("readout.options", {"slots": 9}, "readout.options"),
]


def changed(fields: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of a spec's fields with another value at a dotted path."""
    fields = copy.deepcopy(fields)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    node: Any = fields
    for part in parents:
        node = node[part]
    node[last] = value
    return fields


@pytest.mark.parametrize("spec", ANY_SPEC, ids=lambda spec: spec.name)
def test_a_spec_is_json_and_yaml_and_back(spec: BrainSpec, tmp_path: Path) -> None:
    assert BrainSpec.from_text(spec.to_json()) == spec
    assert BrainSpec.from_text(spec.to_yaml()) == spec
    assert BrainSpec.from_dict(spec.to_dict()) == spec
    (tmp_path / "brain.yaml").write_text(spec.to_yaml(), encoding="utf-8")
    assert BrainSpec.from_file(tmp_path / "brain.yaml") == spec


def test_the_same_spec_is_the_same_text() -> None:
    assert small_spec().to_json() == BrainSpec.from_dict(small_spec().to_dict()).to_json()
    assert small_spec().to_json() != small_spec(name="other").to_json()


@given(st.floats(1e-9, 1e9), st.floats(0.001, 100))
@settings(max_examples=30, deadline=None)
def test_every_number_survives_the_text(tau_ms: float, threshold: float) -> None:
    neurons = NeuronSpec(options={"tau_ms": tau_ms, "threshold": threshold, "learn_tau": True})
    cerebrum = RegionSpec(name="cerebrum", shape=(16,))
    spec = small_spec(regions=(RegionSpec(name="sensory", shape=(16,), neurons=neurons), cerebrum))
    assert BrainSpec.from_text(spec.to_json()) == spec
    assert BrainSpec.from_text(spec.to_yaml()) == spec


@pytest.mark.parametrize(("path", "value", "named"), FAULTS)
def test_a_wrong_field_is_named(path: str, value: Any, named: str) -> None:
    with pytest.raises(InvalidSpec) as refused:
        BrainSpec.from_dict(changed(small_spec().to_dict(), path, value))
    assert refused.value.path == named
    assert str(refused.value).startswith(f"{named}: ")
    assert refused.value.remedy


@pytest.mark.parametrize("field", ["name", "sense", "regions", "tracts", "readout"])
def test_a_missing_field_is_named(field: str) -> None:
    fields = small_spec().to_dict()
    del fields[field]
    with pytest.raises(InvalidSpec) as refused:
        BrainSpec.from_dict(fields)
    assert refused.value.path == field


@pytest.mark.parametrize(
    ("path", "value", "meant"),
    [
        ("regions.1.neurons.kind", "LFI", "LIF"),
        ("regions.1.neurons.options", {"surrogate": "arctn"}, "arctan"),
        ("sense.encoder", "poison", "poisson"),
        ("tracts.1.source", "sensry", "sensory"),
        ("readout.sources", ["cerebru"], "cerebrum"),
    ],
)
def test_what_was_probably_meant_is_said(path: str, value: Any, meant: str) -> None:
    with pytest.raises(InvalidSpec, match=f"Did you mean '{meant}'"):
        BrainSpec.from_dict(changed(small_spec().to_dict(), path, value))


def test_several_faults_are_counted() -> None:
    fields = changed(changed(small_spec().to_dict(), "dt_ms", 0), "name", "")
    with pytest.raises(InvalidSpec, match=r"1 more field\(s\) are wrong"):
        BrainSpec.from_dict(fields)


def test_a_part_made_by_hand_names_its_field_too() -> None:
    with pytest.raises(InvalidSpec) as refused:
        SenseSpec(shape=(0, 8))
    assert refused.value.path == "shape[0]"
    with pytest.raises(InvalidSpec, match="less than or equal to 1"):
        small_spec(schema_version=2)


def test_two_tracts_between_the_same_regions_are_refused() -> None:
    tracts = small_spec().tracts
    with pytest.raises(InvalidSpec, match="sensory_to_cerebrum is there twice"):
        small_spec(tracts=(*tracts, tracts[1]))


def test_a_brain_without_a_sense_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="no tract starts at the sense"):
        small_spec(tracts=small_spec().tracts[1:])


def test_shapes_that_do_not_fit_are_refused_when_the_network_is_made() -> None:
    fields = changed(preset("hasn-micro-conv").to_dict(), "tracts.1.padding", 0)
    with pytest.raises(InvalidSpec) as refused:
        BrainNetwork(BrainSpec.from_dict(fields))
    assert refused.value.path == "tracts[1]"


@pytest.mark.parametrize("text", ["{", "a: [1", "\t", "- 1", "3", "null", "[" * 20_000])
def test_a_text_that_is_no_spec_is_refused(text: str) -> None:
    with pytest.raises(InvalidSpec):
        BrainSpec.from_text(text)


def test_a_text_that_unfolds_without_end_is_refused_quickly() -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    assert len(yaml.safe_load("\n".join(lines))) == 12
    with pytest.raises(InvalidSpec) as refused:
        BrainSpec.from_text("\n".join([*lines, "name: *a11"]))
    assert len(str(refused.value)) < 2000


def test_a_spec_does_not_change() -> None:
    spec = small_spec()
    with pytest.raises(ValueError, match="frozen"):
        spec.name = "other"
    with pytest.raises(ValueError, match="frozen"):
        spec.regions[0].shape = (1,)


def test_regions_share_no_options() -> None:
    one, other = RegionSpec(name="a", shape=(1,)), RegionSpec(name="b", shape=(1,))
    one.neurons.options["tau_ms"] = 5.0
    assert other.neurons.options == {}


def test_a_region_is_found_by_its_name() -> None:
    assert small_spec().region("cerebrum").shape == (16,)
    with pytest.raises(InvalidSpec, match="Did you mean 'cerebrum'"):
        small_spec().region("cerebru")


def test_a_stimulus_lasts_at_least_one_step() -> None:
    assert small_spec(dt_ms=1.0).steps == 8
    short = SenseSpec(shape=(4, 4), duration_ms=0.1)
    assert small_spec(sense=short).steps == 1


def test_a_rank_may_be_written_as_any_number() -> None:
    readout = ReadoutSpec(sources=("sensory",), labels=("a",), options={"rank": 3.0})
    assert BrainNetwork(small_spec(readout=readout)).readout.basis.shape[0] == 3
