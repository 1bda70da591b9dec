"""Integrated information in one call."""

from __future__ import annotations

import numpy as np
import pytest
from tests.measures.integration.networks import COPY_LOOP, OR_COPY_XOR

from neurallayers import measures
from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName
from neurallayers.measures import integration
from neurallayers.measures.integration import Substrate, integrated_information


def test_one_call_takes_every_form() -> None:
    substrate = Substrate(OR_COPY_XOR)
    forms = [
        OR_COPY_XOR,
        OR_COPY_XOR.tolist(),
        substrate.state_by_state,
        OR_COPY_XOR.reshape(2, 2, 2, 3, order="F"),
        substrate,
    ]
    for tpm in forms:
        found = integrated_information(tpm, (1, 0, 0))
        assert found.phi == pytest.approx(2.3125)
        assert found.version == "3.0"
        assert len(found.concept_phi) == 4


def test_the_other_version_is_one_word_away() -> None:
    found = integrated_information(COPY_LOOP, (1, 0), version="4.0")
    assert found.phi == pytest.approx(2.0)


def test_nodes_labels_and_connectivity_are_taken() -> None:
    found = integrated_information(
        OR_COPY_XOR,
        (1, 0, 0),
        nodes=["or", "xor"],
        labels=["or", "copy", "xor"],
        connectivity=np.ones((3, 3)),
    )
    assert found.nodes == (0, 2)
    assert "or,xor" in str(found)


def test_bad_input_is_refused_in_words() -> None:
    with pytest.raises(UnknownName, match=r"'3\.0' or '4\.0'"):
        integrated_information(COPY_LOOP, (1, 0), version="2.0")  # type: ignore[call-overload]
    with pytest.raises(ShapeMismatch):
        integrated_information(np.ones((3, 2)), (1, 0))
    with pytest.raises(InvalidInput, match="2 nodes"):
        integrated_information(COPY_LOOP, (1, 0, 0))
    with pytest.raises(InvalidInput, match="leads to the state"):
        integrated_information(np.ones((4, 2)), (0, 0))
    with pytest.raises(InvalidInput, match="own connectivity"):
        integrated_information(Substrate(COPY_LOOP), (1, 0), labels=["x", "y"])


def test_the_names_are_exported() -> None:
    assert measures.integrated_information is integrated_information
    for name in integration.__all__:
        assert getattr(integration, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'phi'"):
        _ = integration.phi
