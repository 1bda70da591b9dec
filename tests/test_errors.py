"""Every error says what is wrong and what to do, and is also what Python code expects to catch."""

from __future__ import annotations

import copy
import inspect

import pytest

from neurallayers import errors
from neurallayers.errors import InvalidSpec, NeuralLayersError

EVERY_ERROR = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, NeuralLayersError)
]
PARENTS = {
    "InvalidInput": ValueError,
    "ShapeMismatch": errors.InvalidInput,
    "LogicSyntaxError": errors.InvalidInput,
    "InvalidSpec": ValueError,
    "UnknownName": KeyError,
    "MissingExtra": ImportError,
}


@pytest.mark.parametrize("kind", EVERY_ERROR)
def test_an_error_shows_problem_and_remedy_as_sentences(kind: type[NeuralLayersError]) -> None:
    error = kind("tau_ms is -1.", "Give a positive time.")
    assert error.problem == "tau_ms is -1."
    assert error.remedy == "Give a positive time."
    # A KeyError would otherwise show quotes around it.
    assert str(error) == "tau_ms is -1. Give a positive time."


@pytest.mark.parametrize("kind", EVERY_ERROR)
def test_every_error_is_caught_as_ours(kind: type[NeuralLayersError]) -> None:
    with pytest.raises(NeuralLayersError, match=r"Do this\.$"):
        raise kind("It is wrong.", "Do this.")


@pytest.mark.parametrize(("name", "parent"), PARENTS.items())
def test_an_error_is_also_what_other_code_catches(name: str, parent: type[Exception]) -> None:
    assert issubclass(getattr(errors, name), parent)


@pytest.mark.parametrize("kind", EVERY_ERROR)
def test_every_error_is_drawn_in_the_tree(kind: type[NeuralLayersError]) -> None:
    assert errors.__doc__ is not None
    assert kind.__name__ in errors.__doc__


def test_a_wrong_spec_names_the_path_of_the_field() -> None:
    error = InvalidSpec("-5 neurons.", "Give at least one.", path="regions[2].neurons")
    assert error.path == "regions[2].neurons"
    assert str(error) == "regions[2].neurons: -5 neurons. Give at least one."
    assert str(InvalidSpec("No region.", "Add one.")) == "No region. Add one."


def test_an_error_survives_a_copy() -> None:
    """As happens when a process pool or a test runner hands it on."""
    error = copy.copy(InvalidSpec("No region.", "Add one.", path="regions"))
    assert str(error) == "regions: No region. Add one."
