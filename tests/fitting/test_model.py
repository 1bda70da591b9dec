from __future__ import annotations

import numpy as np
import pytest
import torch

from neurallayers.errors import InvalidInput, UnknownName
from neurallayers.fitting import MODELS, Parameter


@pytest.mark.parametrize("logarithmic", [False, True])
def test_places_and_values_are_each_others_inverse(logarithmic: bool) -> None:
    parameter = Parameter("tau_ms", 2.0, 200.0, logarithmic)
    for place in (0.0, 0.25, 1.0):
        assert parameter.place(float(parameter.value(place))) == pytest.approx(place)
    assert parameter.value(0.5) == pytest.approx(20.0 if logarithmic else 101.0)
    assert parameter.place(1e6) == 1.0
    assert parameter.place(0.0) == 0.0
    of_tensor = parameter.value(torch.tensor([0.5], dtype=torch.float64))
    assert of_tensor.item() == pytest.approx(float(parameter.value(0.5)))


@pytest.mark.parametrize("name", list(MODELS))
def test_every_model_makes_as_many_numbers_as_its_kernel_reads(name: str) -> None:
    model = MODELS.make(name)
    places = np.full((len(model.parameters), 3), 0.5)
    values = model.values(places)
    assert values.shape == places.shape
    assert model.initial(values, None).shape == (len(model.variables), 3)
    assert model.initial(values, -71.0)[0].tolist() == [-71.0] * 3
    assert np.isfinite(model.coefficients(values, model.step_ms)).all()
    assert model.source
    assert len(set(model.names)) == len(model.names)


def test_bounds_can_be_narrowed_and_nonsense_is_refused() -> None:
    model = MODELS.make("adex").with_bounds({"capacitance_pf": (50.0, 60.0)})
    assert (model.parameters[0].lower, model.parameters[0].upper) == (50.0, 60.0)
    assert MODELS.make("adex").parameters[0].lower != 50.0
    with pytest.raises(UnknownName, match="Did you mean 'capacitance_pf'"):
        model.with_bounds({"capacitance": (1.0, 2.0)})
    with pytest.raises(InvalidInput, match="lower, upper"):
        model.with_bounds({"resting_mv": (2.0, 1.0)})
    with pytest.raises(InvalidInput, match="stay positive"):
        model.with_bounds({"capacitance_pf": (0.0, 1.0)})
