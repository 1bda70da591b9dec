"""Connectors connect whom PyNN's connect."""

from __future__ import annotations

import numpy as np
import pytest

import neurallayers.circuits.importers.pynn as sim
from neurallayers.errors import InvalidInput, ShapeMismatch


def matrix(
    connector: object, senders: int = 4, receivers: int = 5, same: bool = False
) -> np.ndarray:
    rows = connector.connectivity().rows(senders, receivers, np.random.default_rng(1), same)  # type: ignore[attr-defined]
    found = np.zeros((senders, receivers), int)
    np.add.at(found, (rows.senders, rows.receivers), 1)
    return found


def test_all_to_all_and_one_to_one() -> None:
    assert (matrix(sim.AllToAllConnector()) == 1).all()
    without = matrix(sim.AllToAllConnector(allow_self_connections=False), 4, 4, same=True)
    assert (without == 1 - np.eye(4)).all()
    assert (matrix(sim.OneToOneConnector(), 4, 4) == np.eye(4)).all()


def test_fixed_numbers() -> None:
    assert (matrix(sim.FixedNumberPreConnector(3)).sum(axis=0) == 3).all()
    assert matrix(sim.FixedNumberPreConnector(3)).max() == 1
    assert (matrix(sim.FixedNumberPostConnector(2)).sum(axis=1) == 2).all()
    assert matrix(sim.FixedTotalNumberConnector(17)).sum() == 17
    many = matrix(sim.FixedNumberPreConnector(9, with_replacement=True))
    assert (many.sum(axis=0) == 9).all()


def test_fixed_probability() -> None:
    found = matrix(sim.FixedProbabilityConnector(0.2), 200, 300)
    # A standard deviation of the mean is 0.0016.
    assert found.mean() == pytest.approx(0.2, abs=0.006)
    with pytest.raises(InvalidInput, match="probability"):
        sim.FixedProbabilityConnector(1.2)


def test_lists_have_weights_and_delays() -> None:
    rows = [(0, 1, 0.5, 1.0), (3, 4, 0.25, 2.0)]
    for connector in (
        sim.FromListConnector(rows),
        sim.FromListConnector(rows, column_names=["i", "j", "weight", "delay"]),
    ):
        assert np.argwhere(matrix(connector)).tolist() == [[0, 1], [3, 4]]
        assert connector.listed("weight").tolist() == [0.5, 0.25]
        assert connector.listed("delay").tolist() == [1.0, 2.0]
    bare = sim.FromListConnector([(0, 1), (2, 2)])
    assert bare.listed("weight") is None
    only = sim.FromListConnector([(0, 1, 3.0)], column_names=["delay"])
    assert only.listed("delay").tolist() == [3.0]
    assert matrix(sim.FromListConnector([])).sum() == 0


def test_lists_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeMismatch, match="3 columns"):
        sim.FromListConnector([(0, 1, 0.5)])
    with pytest.raises(InvalidInput, match="tau_rec"):
        sim.FromListConnector([(0, 1, 0.5)], column_names=["tau_rec"])
    with pytest.raises(InvalidInput, match="without replacement"):
        sim.FixedTotalNumberConnector(3, with_replacement=False)
