"""Names on the command line: folders and files of brains, networks, data sets."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from neurallayers.brain import Brain
from neurallayers.cli.sources import check_home, data_for, held_out, is_home, load_data, open_brain
from neurallayers.data import load_digits
from neurallayers.errors import DataUnavailable, InvalidInput, JournalError, UnknownName


def test_a_network_a_file_and_a_folder_all_give_a_brain(network: str, tmp_path: Path) -> None:
    image = load_digits().train.images[0]
    brain = Brain.from_pretrained(network)
    brain.learn(image, "new")
    file = brain.save(tmp_path / "one.brain")
    with Brain.open(tmp_path / "home", network) as resident:
        resident.learn(image, "new")
    labels = {}
    for source in (network, str(file), str(tmp_path / "home")):
        with open_brain(source) as opened:
            labels[source] = opened.labels
    assert "new" not in labels[network]
    assert "new" in labels[str(file)]
    assert labels[str(file)] == labels[str(tmp_path / "home")]


def test_a_brain_in_a_folder_is_given_free_again(network: str, tmp_path: Path) -> None:
    Brain.open(tmp_path, network).close()
    with open_brain(str(tmp_path)):
        pass
    with open_brain(str(tmp_path)) as again:
        assert again.sequence == 0


def test_a_name_of_nothing_is_refused() -> None:
    with pytest.raises(UnknownName, match="no network 'nothing'"), open_brain("nothing"):
        pass


def test_looking_for_a_home_makes_none(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    assert not is_home(missing)
    with pytest.raises(JournalError, match="No brain lives"):
        check_home(missing)
    assert not missing.exists()


def test_a_held_out_digit_is_of_its_class_and_can_be_named() -> None:
    name, image = held_out("digits", 7)
    number = int(name.removeprefix("digits:"))
    test = load_digits().test
    assert int(test.labels[number]) == 7
    assert torch.equal(image, test.images[number])
    with pytest.raises(InvalidInput, match="12"):
        held_out("digits", 12)


def test_missing_data_is_refused_with_the_command_that_fetches_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NEURALLAYERS_DATA", raising=False)
    monkeypatch.setenv("NEURALLAYERS_CACHE", str(tmp_path / "cache"))
    with pytest.raises(DataUnavailable, match="--data mnist --download"):
        load_data("mnist")
    with pytest.raises(UnknownName, match="Did you mean 'digits'"):
        load_data("digit")


def test_the_data_follows_the_size_of_the_images() -> None:
    assert data_for((8, 8)) == "digits"
    assert data_for((28, 28)) == "mnist"
