"""A card says what a network is, in the numbers that were measured."""

from __future__ import annotations

from neurallayers.brain import BrainNetwork, preset
from neurallayers.zoo import Card


def test_a_card_names_network_data_figures_and_limits() -> None:
    network = BrainNetwork(preset("hasn-nano"))
    text = Card(
        network=network,
        title="tiny",
        summary="Reads digits.",
        data="Digits that people wrote.",
        command="make zoo",
        measured={"accuracy": "0.9861", "epochs": 15},
        limits="Nothing but digits.",
        tags=("spiking",),
    ).text()
    assert text.startswith(
        "---\nlibrary_name: neurallayers\nlicense: apache-2.0\ntags:\n- spiking\n---"
    )
    assert "| accuracy | 0.9861 |" in text
    assert "| cerebrum | 256 | RecurrentAdaptiveLIF |" in text
    assert f"{network.parameter_count():,} weights" in text
    assert network.fingerprint() in text
    assert 'from_pretrained("tiny")' in text
    for words in ("Reads digits.", "Digits that people wrote.", "Nothing but digits."):
        assert words in text
