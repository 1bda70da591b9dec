"""A network goes to a folder and comes back; what is damaged or forged is refused."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.brain.individuals import bits, looped_spec, small_network, small_spec

from neurallayers.brain import (
    PRESETS,
    BrainNetwork,
    BrainSpec,
    RegionSpec,
    SenseSpec,
    load_pretrained,
    preset,
    pretrained_names,
    save_pretrained,
)
from neurallayers.brain import pretrained as pretrained_module
from neurallayers.brain.pretrained import fewest_weights, network_from
from neurallayers.errors import SnapshotError, UnknownName


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_pretrained(small_network(), tmp_path / "made" / "here", card="# A small network\n")


def edit(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, **changes}), encoding="utf-8")


def test_a_network_comes_back_from_its_folder(folder: Path) -> None:
    network = load_pretrained(folder)
    assert network.spec == small_spec()
    assert network.seed == 1
    assert bits(dict(network.state_dict())) == bits(dict(small_network().state_dict()))
    assert network.fingerprint() == small_network().fingerprint()


def test_the_folder_has_the_layout_of_the_hub(folder: Path) -> None:
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["README.md", "config.json", "model.safetensors"]
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["model_type"] == "neurallayers"
    assert config["parameters"] == small_network().parameter_count()
    weights = safetensors.torch.load_file(folder / "model.safetensors")
    assert torch.equal(weights["readout.weight"], small_network().readout.weight)
    assert (folder / "README.md").read_text(encoding="utf-8") == "# A small network\n"


def test_a_folder_can_be_written_again(folder: Path) -> None:
    save_pretrained(small_network(name="other"), folder)
    assert load_pretrained(folder).spec.name == "other"


def test_networks_that_ship_are_found_by_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pretrained_module, "packaged_folder", lambda: folder.parent)
    assert pretrained_names() == ["here"]
    assert load_pretrained("here").spec == small_spec()
    with pytest.raises(UnknownName, match="Did you mean 'here'"):
        load_pretrained("her")
    with pytest.raises(UnknownName):
        load_pretrained("../made/here")
    monkeypatch.setattr(pretrained_module, "packaged_folder", lambda: folder / "nowhere")
    assert pretrained_names() == []


def test_every_network_that_ships_can_be_loaded() -> None:
    for name in pretrained_names():
        assert load_pretrained(name).parameter_count() > 0


@pytest.mark.parametrize("name", ["", ".", "..", "no/such", "hasn"])
def test_a_name_that_is_none_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnknownName, match="There is no network"):
        load_pretrained(name)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "other"},
        {"schema_version": 2},
        {"schema_version": None},
        {"spec": None},
        {"spec": {"name": "x"}},
        {"seed": "x"},
        {"seed": None},
        {"fingerprint": "0" * 64},
        {"spec": looped_spec().to_dict()},
    ],
)
def test_a_wrong_config_is_refused(folder: Path, changes: dict[str, Any]) -> None:
    edit(folder, **changes)
    with pytest.raises(SnapshotError):
        load_pretrained(folder)


@pytest.mark.parametrize("text", ["", "[]", "{", "\0", "[" * 50_000, " " * (1 << 20) + "{}"])
def test_a_config_that_is_none_is_refused(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(SnapshotError):
        load_pretrained(folder)


@pytest.mark.parametrize("damage", ["missing", "truncated", "altered", "empty", "other"])
def test_damaged_weights_are_refused(folder: Path, damage: str) -> None:
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "other":
        save_pretrained(small_network(name="other"), folder.parent / "other")
        weights = {name: tensor + 1 for name, tensor in safetensors.torch.load(whole).items()}
        path.write_bytes(safetensors.torch.save(weights))
    else:
        altered = whole[:-1] + bytes([whole[-1] ^ 1])
        path.write_bytes({"truncated": whole[:-9], "altered": altered, "empty": b""}[damage])
    with pytest.raises(SnapshotError):
        load_pretrained(folder)


@pytest.mark.parametrize("fault", ["missing", "extra", "shape", "dtype"])
def test_weights_of_another_anatomy_are_refused(fault: str) -> None:
    weights = dict(small_network().state_dict())
    if fault == "missing":
        weights["extra"] = weights.pop("readout.bias")
    elif fault == "extra":
        weights["extra"] = torch.zeros(1)
    elif fault == "shape":
        weights["readout.bias"] = torch.zeros(3)
    else:
        weights["readout.bias"] = weights["readout.bias"].double()
    with pytest.raises(SnapshotError, match="other weights than its anatomy has"):
        network_from(small_spec(), weights, "it")


def test_an_anatomy_larger_than_its_weights_is_refused_at_once() -> None:
    fields = small_spec().to_dict()
    fields["regions"][1].update(shape=[1_000_000])
    started = time.monotonic()
    with pytest.raises(SnapshotError, match="weights or more and holds"):
        network_from(BrainSpec.from_dict(fields), dict(small_network().state_dict()), "it")
    fields = small_spec().to_dict()
    fields["readout"].update(options={"rank": 1e9})
    fields["regions"][0].update(shape=[1_000_000])
    # Enough weights for all but the directions of the novelty filter.
    weights = {"w": torch.zeros(1).expand(100_000_000)}
    with pytest.raises(SnapshotError, match="weights or more and holds"):
        network_from(BrainSpec.from_dict(fields), weights, "it")
    assert time.monotonic() - started < 1.0


def test_an_anatomy_whose_shapes_do_not_fit_is_refused() -> None:
    fields = preset("hasn-micro-conv").to_dict()
    fields["tracts"][1].update(padding=0)
    weights = {"w": torch.zeros(1).expand(10_000_000)}
    with pytest.raises(SnapshotError, match=r"it: tracts\[1\]"):
        network_from(BrainSpec.from_dict(fields), weights, "it")


@pytest.mark.parametrize("name", list(PRESETS))
def test_the_fewest_weights_are_not_more_than_there_are(name: str) -> None:
    spec = preset(name)
    stored = sum(tensor.numel() for tensor in BrainNetwork(spec).state_dict().values())
    assert 0.4 * stored < fewest_weights(spec) <= stored


@given(st.integers(2, 12), st.integers(2, 12), st.integers(1, 4), st.integers(1, 9))
@settings(max_examples=25, deadline=None)
def test_the_fewest_weights_hold_for_every_pooling(
    height: int, width: int, pool: int, neurons: int
) -> None:
    pool = min(pool, height, width)
    fields = small_spec(
        sense=SenseSpec(shape=(height, width)),
        regions=(
            RegionSpec(name="sensory", shape=(neurons,)),
            RegionSpec(name="cerebrum", shape=(neurons,)),
        ),
    ).to_dict()
    fields["tracts"][0].update(pool=pool)
    spec = BrainSpec.from_dict(fields)
    stored = sum(tensor.numel() for tensor in BrainNetwork(spec).state_dict().values())
    assert fewest_weights(spec) <= stored
