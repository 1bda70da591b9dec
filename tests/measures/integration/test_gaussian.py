from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.measures.integration.gaussian_processes import process

from neurallayers import measures
from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName
from neurallayers.measures.integration import gaussian
from neurallayers.measures.integration.gaussian_measures import MEASURES
from neurallayers.measures.integration.gaussian_partitions import bipartitions


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_the_partition_is_the_one_with_the_least_value(name: str) -> None:
    of = process(11, 4)
    values = {parts: MEASURES[name](of, parts) for parts in bipartitions(4)}
    found = gaussian.gaussian_integration(of, name)
    assert found.phi_nats == pytest.approx(min(values.values()), abs=1e-9)
    assert values[found.partition] == pytest.approx(found.phi_nats, abs=1e-9)
    assert found.partitions_tried == 7
    assert found.exact
    assert found.normalized == found.phi_nats


def test_a_recording_and_its_covariance_say_the_same() -> None:
    data = np.random.default_rng(1).normal(size=(400, 3)).cumsum(axis=0) * 0.1
    data = data[1:] + 0.5 * data[:-1][:, [1, 2, 0]]
    of_data = gaussian.gaussian_integration(torch.from_numpy(data), "phi_r", lag_steps=2)
    covariance = gaussian.LaggedCovariance.of_data(data, lag_steps=2)
    of_process = gaussian.gaussian_integration(covariance, "phi_r")
    assert of_data == of_process


def test_a_given_partition_is_measured_as_it_is() -> None:
    of = process(5, 4)
    found = gaussian.gaussian_integration(of, "phi_star", partition=[[3, 0], [1, 2]])
    assert found.partition == ((0, 3), (1, 2))
    assert found.partitions_tried == 1
    atomic = gaussian.gaussian_integration(of, "phi_star", partition="atomic")
    assert len(atomic.information_of_parts_nats) == 4
    assert 0.0 <= atomic.phi_nats <= atomic.information_nats


def test_normalizing_compares_parts_of_unequal_size() -> None:
    of = process(9, 5)
    scaled = gaussian.gaussian_integration(of, "phi_star", normalization="entropy")
    plain = gaussian.gaussian_integration(of, "phi_star")
    assert plain.phi_nats <= scaled.phi_nats + 1e-12
    assert scaled.normalized < scaled.phi_nats
    assert "phi_star" in str(scaled)


def test_the_short_names_are_exported() -> None:
    of = process(2, 3)
    assert measures.gaussian_phi_star(of) == gaussian.gaussian_integration(of).phi_nats
    assert measures.gaussian_phi_r(of) == gaussian.gaussian_integration(of, "phi_r").phi_nats
    assert measures.gaussian_integration is gaussian.gaussian_integration
    assert measures.LaggedCovariance is gaussian.LaggedCovariance


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"measure": "phistar"}, UnknownName, "Did you mean 'phi_star'"),
        ({"normalization": "size"}, InvalidInput, "none, entropy"),
        ({"search": "random"}, InvalidInput, "exhaustive, queyranne"),
        ({"partition": [[0], [1]]}, InvalidInput, "each of the channels"),
    ],
    ids=["measure", "normalization", "search", "partition"],
)
def test_options_that_make_no_sense_are_refused(
    options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        gaussian.gaussian_integration(process(0, 3), **options)


def test_data_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InvalidInput, match="two channels"):
        gaussian.gaussian_integration(np.random.default_rng(0).normal(size=(100, 1)))
    with pytest.raises(ShapeMismatch):
        gaussian.gaussian_integration(np.zeros(10))
    with pytest.raises(InvalidInput):
        gaussian.gaussian_integration(None)
