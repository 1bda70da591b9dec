from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from neurallayers.errors import InvalidInput
from neurallayers.training.augmentation import Augmentation
from neurallayers.training.config import NOT_COMPARED_ON_RESUME, FitConfig


def test_it_is_json_and_back():
    config = FitConfig(
        epochs=3, augment=Augmentation(shift_pixels=2), checkpoint_folder=Path("runs"), patience=4
    )
    assert FitConfig.model_validate_json(config.model_dump_json()) == config


def test_it_cannot_be_changed_in_place():
    with pytest.raises(ValidationError, match="frozen"):
        FitConfig().epochs = 5


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("batch_size", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("schedule", "triangle"),
        ("warmup_fraction", 1.0),
        ("weight_decay", -1.0),
        ("optimizer", "adam"),
        ("clip_norm", 0.0),
        ("label_smoothing", 1.0),
        ("patience", 0),
        ("validation_fraction", 1.0),
        ("precision", "float16"),
        ("threads", 0),
        ("average_weights", 1.0),
        ("time_limit_seconds", 0.0),
        ("rate_target", (0.5, 0.1)),
    ],
)
def test_a_field_out_of_range_is_named_with_its_value(field, value):
    with pytest.raises(InvalidInput, match=field) as caught:
        FitConfig(**{field: value})
    assert str(value) in str(caught.value)


def test_a_field_of_the_augmentation_is_named_with_its_path():
    with pytest.raises(InvalidInput, match=r"augment\.shift_pixels is -1"):
        FitConfig(augment={"shift_pixels": -1})


def test_an_unknown_field_is_refused():
    with pytest.raises(InvalidInput, match="epoch is 3"):
        FitConfig(epoch=3)


def test_resuming_needs_a_folder():
    with pytest.raises(InvalidInput, match="checkpoint_folder"):
        FitConfig(resume=True)


def test_changed_replaces_and_checks():
    config = FitConfig(seed=3)
    assert config.changed(epochs=2) == FitConfig(seed=3, epochs=2)
    with pytest.raises(InvalidInput, match="epochs is -1"):
        config.changed(epochs=-1)


def test_what_does_not_reach_the_weights_is_not_decisive(tmp_path):
    config = FitConfig()
    moved = config.changed(checkpoint_folder=tmp_path, resume=True, progress=True)
    assert moved.decisive() == config.decisive()
    assert set(FitConfig.model_fields) >= NOT_COMPARED_ON_RESUME
    assert config.changed(seed=1).decisive() != config.decisive()
