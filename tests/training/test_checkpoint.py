from __future__ import annotations

import json

import pytest
import torch

from neurallayers.errors import TrainingError
from neurallayers.training.checkpoint import (
    MANIFEST,
    Checkpoint,
    check_identity,
    read_checkpoint,
    write_checkpoint,
)


def checkpoint(value=1.0):
    return Checkpoint(
        identity={"config": {"seed": 1}, "data": "abc"},
        progress={"history": [{"loss": 1 / 3}]},
        tensors={"w": torch.full((3, 2), value), "step": torch.tensor(7.0)},
    )


def tensors_file(folder):
    (path,) = folder.glob("tensors-*.safetensors")
    return path


def test_what_is_written_is_read_to_the_bit(tmp_path):
    stored = checkpoint(1 / 3)
    assert write_checkpoint(tmp_path / "new" / "run", stored).name == MANIFEST
    found = read_checkpoint(tmp_path / "new" / "run")
    assert found is not None
    assert (found.identity, found.progress) == (stored.identity, stored.progress)
    assert found.tensors.keys() == stored.tensors.keys()
    assert all(torch.equal(found.tensors[name], stored.tensors[name]) for name in stored.tensors)


def test_tensors_that_share_memory_are_written(tmp_path):
    shared = torch.arange(4.0)
    write_checkpoint(tmp_path, Checkpoint({}, {}, {"a": shared, "b": shared[1:]}))
    assert read_checkpoint(tmp_path).tensors["b"].tolist() == [1.0, 2.0, 3.0]


def test_an_empty_folder_has_none(tmp_path):
    assert read_checkpoint(tmp_path) is None
    assert read_checkpoint(tmp_path / "missing") is None


def test_the_one_before_is_replaced_and_nothing_else_is_left(tmp_path):
    write_checkpoint(tmp_path, checkpoint(1.0))
    write_checkpoint(tmp_path, checkpoint(2.0))
    assert float(read_checkpoint(tmp_path).tensors["w"][0, 0]) == 2.0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [MANIFEST, tensors_file(tmp_path).name]
    )


def test_files_of_others_in_the_folder_stay(tmp_path):
    (tmp_path / "model.safetensors").write_text("mine")
    write_checkpoint(tmp_path, checkpoint())
    write_checkpoint(tmp_path, checkpoint(2.0))
    assert (tmp_path / "model.safetensors").read_text() == "mine"


def test_a_crash_between_the_two_files_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    write_checkpoint(tmp_path, checkpoint(1.0))
    replace = type(tmp_path).replace

    def crash_at_the_facts(path, target):
        if target.name == MANIFEST:
            raise KeyboardInterrupt
        return replace(path, target)

    monkeypatch.setattr(type(tmp_path), "replace", crash_at_the_facts)
    with pytest.raises(KeyboardInterrupt):
        write_checkpoint(tmp_path, checkpoint(2.0))
    monkeypatch.undo()
    assert float(read_checkpoint(tmp_path).tensors["w"][0, 0]) == 1.0
    write_checkpoint(tmp_path, checkpoint(3.0))
    assert len(list(tmp_path.iterdir())) == 2


def truncate(folder):
    path = tensors_file(folder)
    path.write_bytes(path.read_bytes()[:-1])


def flip_a_bit(folder):
    path = tensors_file(folder)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def remove_tensors(folder):
    tensors_file(folder).unlink()


def break_the_json(folder):
    (folder / MANIFEST).write_text("{")


def change_a_fact(folder):
    document = json.loads((folder / MANIFEST).read_text())
    document["facts"]["progress"]["history"][0]["loss"] = 0.1
    (folder / MANIFEST).write_text(json.dumps(document))


def leave_out_the_facts(folder):
    document = json.loads((folder / MANIFEST).read_text())
    del document["facts"]
    (folder / MANIFEST).write_text(json.dumps(document))


def become_a_list(folder):
    (folder / MANIFEST).write_text("[]")


DAMAGES = [
    truncate,
    flip_a_bit,
    remove_tensors,
    break_the_json,
    change_a_fact,
    leave_out_the_facts,
    become_a_list,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_told(tmp_path, damage):
    write_checkpoint(tmp_path, checkpoint())
    damage(tmp_path)
    with pytest.raises(TrainingError, match="damaged"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize(("field", "value"), [("version", 99), ("format", "something-else")])
def test_a_newer_or_foreign_file_is_refused(tmp_path, field, value):
    write_checkpoint(tmp_path, checkpoint())
    document = json.loads((tmp_path / MANIFEST).read_text())
    document[field] = value
    (tmp_path / MANIFEST).write_text(json.dumps(document))
    with pytest.raises(TrainingError, match=str(value)):
        read_checkpoint(tmp_path)


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match="cannot be written"):
        write_checkpoint(tmp_path / "file" / "run", checkpoint())


def test_the_same_identity_passes_and_another_is_named_with_both_values():
    identity = {"config": {"seed": 1, "rate_target": (0.1, 0.2)}, "data": "abc"}
    stored = json.loads(json.dumps(identity))
    check_identity(stored, identity)
    other = {"config": {"seed": 2, "rate_target": (0.1, 0.2)}, "data": "abd"}
    with pytest.raises(TrainingError, match=r"config\.seed was 1, is 2; data was 'abc', is 'abd'"):
        check_identity(stored, other)
