"""Connectomes of the worm and of the macaque's cortex, against what is published of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurallayers.data import load_celegans, load_macaque_cortex
from neurallayers.data.connectomes import CELEGANS, Connectome, CorticalAreas
from neurallayers.data.folders import candidate_folders
from neurallayers.errors import DataUnavailable, InvalidInput, UnknownName


def lies_here(name: str) -> bool:
    return any(place.is_dir() for place in candidate_folders(name))


worm = pytest.mark.skipif(
    not lies_here("celegans_connectome"), reason="the connectomes of C. elegans are not here"
)
macaque = pytest.mark.skipif(
    not lies_here("macaque_cortex29"), reason="the areas of the macaque are not here"
)


@worm
def test_the_worm_has_302_neurons() -> None:
    connectome = load_celegans()
    assert len(connectome) == 302
    # As many joined pairs as the data set's own description counts.
    assert np.count_nonzero(connectome.chemical) == 3_709
    np.testing.assert_array_equal(connectome.gap, connectome.gap.T)
    assert np.count_nonzero(np.triu(connectome.gap, 1)) == 1_091
    assert set(connectome.kinds) == {"sensory", "inter", "motor", "pharynx", "neuron_other"}
    assert len(load_celegans(neurons_only=False)) == 473


@worm
def test_command_neurons_drive_the_motor_neurons() -> None:
    """AVA, the command of going backwards, sends to the A motor neurons (White et al. 1986)."""
    connectome = load_celegans()
    sent = connectome.chemical[connectome.index("AVAL")]
    backward = [i for i, cell in enumerate(connectome.cells) if cell.startswith(("VA", "DA"))]
    forward = [i for i, cell in enumerate(connectome.cells) if cell.startswith(("VB", "DB"))]
    assert sent[backward].sum() > 10 * max(sent[forward].sum(), 1)


@worm
@pytest.mark.parametrize("name", CELEGANS)
def test_every_reconstruction_is_whole(name: str) -> None:
    connectome = load_celegans(name, neurons_only=False)
    n = len(connectome)
    assert connectome.chemical.shape == connectome.gap.shape == (n, n)
    assert len(set(connectome.cells)) == n
    assert connectome.chemical.min() >= 0
    assert connectome.source
    assert connectome.licence


@worm
def test_other_names_are_refused() -> None:
    with pytest.raises(UnknownName, match="cook2019"):
        load_celegans("cook2018")
    with pytest.raises(UnknownName, match="AVAL"):
        load_celegans().index("AVAK")


def test_a_part_keeps_what_joins_it() -> None:
    weights = np.arange(9.0).reshape(3, 3)
    whole = Connectome("w", ("a", "b", "c"), ("x", "y", "x"), weights, weights.T, "s", "l")
    part = whole.of(np.array([True, False, True]))
    assert part.cells == ("a", "c")
    assert part.kinds == ("x", "x")
    np.testing.assert_array_equal(part.chemical, [[0, 2], [6, 8]])
    np.testing.assert_array_equal(part.gap, [[0, 6], [2, 8]])


@macaque
def test_the_cortex_has_a_hierarchy_from_v1() -> None:
    cortex = load_macaque_cortex()
    assert len(cortex.areas) == 29
    assert cortex.areas[0] == "V1"
    assert cortex.hierarchy[0] == 0
    # Rows of FLN are parts of all inputs of an area; V2 is the largest source of V1.
    assert (cortex.fraction_of_labelled_neurons.sum(1) <= 1 + 1e-9).all()
    assert cortex.areas[int(cortex.fraction_of_labelled_neurons[0].argmax())] == "V2"
    up = cortex.fraction_supragranular[cortex.areas.index("V4"), 0]
    down = cortex.fraction_supragranular[0, cortex.areas.index("V4")]
    assert up > 0.9 > 0.5 > down


def test_matrices_of_another_size_are_refused() -> None:
    with pytest.raises(InvalidInput, match="2 areas"):
        CorticalAreas(("a", "b"), np.zeros((2, 3)), np.zeros((2, 2)), np.zeros(2), "", "")


def test_what_is_nowhere_or_damaged_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataUnavailable, match="none of these folders"):
        load_celegans(folder=tmp_path)
    (tmp_path / "celegans.npz").write_bytes(b"something else")
    with pytest.raises(DataUnavailable, match="SHA-256"):
        load_celegans(folder=tmp_path)
