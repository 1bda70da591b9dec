from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.logic.formulas import DEGREES

from neurallayers.errors import InvalidInput, UnknownName
from neurallayers.logic.knowledge import KnowledgeBase
from neurallayers.logic.operators import (
    GOLDEN_RATIO,
    cognitive_product,
    fibonacci_weights,
    phi_activation,
    premise_weights_named,
)


def test_phi_activation_is_the_gaussian_of_golden_width() -> None:
    assert pytest.approx(1.618033988749895) == GOLDEN_RATIO
    x = torch.tensor([0.0, 1.0, -1.0, GOLDEN_RATIO, 3.0], dtype=torch.float64)
    expected = [math.exp(-value * value / (2.0 * GOLDEN_RATIO**2)) for value in x.tolist()]
    assert phi_activation(x).tolist() == pytest.approx(expected, rel=1e-12)
    # One standard deviation away.
    assert phi_activation(x)[3].item() == pytest.approx(math.exp(-0.5))


def test_phi_activation_of_vectors_takes_their_length() -> None:
    x = torch.tensor([[3.0, 4.0]], dtype=torch.float64)
    assert phi_activation(x, sigma=5.0, dim=1).tolist() == pytest.approx([math.exp(-0.5)])


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.inf, math.nan])
def test_a_width_is_positive(sigma: float) -> None:
    with pytest.raises(InvalidInput, match="sigma is"):
        phi_activation(torch.zeros(1), sigma=sigma)


@settings(deadline=None, derandomize=True, database=None, max_examples=50)
@given(DEGREES, DEGREES)
def test_the_cognitive_product_is_below_the_product(a: float, b: float) -> None:
    joined = cognitive_product(a, b)
    assert joined == pytest.approx(a * b / math.sqrt(1.0 + a * a + b * b))
    assert joined == cognitive_product(b, a)
    assert 0.0 <= joined <= a * b
    assert joined <= 1.0 / math.sqrt(3.0) + 1e-15


@settings(deadline=None, derandomize=True, database=None, max_examples=50)
@given(*[st.floats(1e-3, 1.0)] * 3)
def test_the_cognitive_product_multiplies_one_and_the_inverse_square(
    a: float, b: float, c: float
) -> None:
    def generator(degree: float) -> float:
        return 1.0 + 1.0 / degree**2

    assert generator(cognitive_product(a, b)) == pytest.approx(generator(a) * generator(b))
    # Hence it is associative.
    left = cognitive_product(cognitive_product(a, b), c)
    assert left == pytest.approx(cognitive_product(a, cognitive_product(b, c)))


def test_each_fibonacci_weight_is_the_sum_of_the_two_before() -> None:
    weights = fibonacci_weights(7)
    assert sum(weights) == pytest.approx(7.0)
    assert [weight / weights[0] for weight in weights] == pytest.approx([1, 1, 2, 3, 5, 8, 13])
    assert fibonacci_weights(0) == []
    assert fibonacci_weights(1) == [1.0]
    with pytest.raises(InvalidInput, match="-1 premises"):
        fibonacci_weights(-1)


def test_fibonacci_weights_make_the_last_premises_count() -> None:
    knowledge = KnowledgeBase("c <- a & b & d", premise_weights="fibonacci")
    # Weights 3/4, 3/4, 3/2: 1 - 3/4 * 0.2 against 1 - 3/2 * 0.2.
    first = knowledge.infer({"a": 0.8, "b": 1.0, "d": 1.0}).bounds("c").lower
    last = knowledge.infer({"a": 1.0, "b": 1.0, "d": 0.8}).bounds("c").lower
    assert (first, last) == (pytest.approx(0.85), pytest.approx(0.7))


def test_the_cognitive_semantics_loses_truth_with_each_rule() -> None:
    knowledge = KnowledgeBase("b <- a\nc <- b", semantics="cognitive")
    conclusions = knowledge.infer({"a": 1.0})
    once = cognitive_product(1.0, 1.0)
    assert conclusions.bounds("b").lower == pytest.approx(once)
    assert conclusions.bounds("c").lower == pytest.approx(cognitive_product(once, 1.0))


def test_weightings_are_found_by_name() -> None:
    assert premise_weights_named(None) is premise_weights_named("uniform") is None
    assert premise_weights_named("fibonacci") is fibonacci_weights
    with pytest.raises(UnknownName, match="Did you mean 'fibonacci'"):
        premise_weights_named("fibonaci")
