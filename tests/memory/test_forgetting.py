"""Retention and strengthening, against closed forms and Ebbinghaus' table."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.errors import InvalidInput
from neurallayers.memory.forgetting import (
    ebbinghaus_savings,
    retention,
    spaced_strength,
    strengthened,
)

LAW = settings(max_examples=25, deadline=None, derandomize=True, database=None)


@given(st.floats(0.0, 1e6), st.floats(0.01, 100.0), st.floats(0.1, 1e4), st.floats(0.1, 3.0))
@LAW
def test_retention_is_the_power_law(t: float, strength: float, life: float, psi: float) -> None:
    found = retention(torch.tensor(t), torch.tensor(strength), lifetime=life, exponent=psi)
    assert float(found) == pytest.approx((1.0 + t / (life * strength)) ** -psi, rel=1e-4)


def test_retention_begins_at_one_falls_and_is_zero_without_strength() -> None:
    times = torch.tensor([-5.0, 0.0, 1.0, 10.0, 100.0])
    kept = retention(times, torch.ones(5), lifetime=10.0)
    assert kept[:2].tolist() == [1.0, 1.0]
    assert bool((kept[1:].diff() < 0).all())
    assert float(retention(times[2], torch.tensor(0.0), lifetime=10.0)) == 0.0
    whole = retention(torch.tensor([3]), torch.ones(1), lifetime=1.0)
    assert whole.dtype == torch.float32
    assert float(whole) == 0.5


def test_a_stronger_memory_fades_more_slowly() -> None:
    kept = retention(torch.tensor(50.0), torch.tensor([1.0, 2.0, 4.0]), lifetime=10.0)
    assert bool((kept.diff() > 0).all())


def test_what_had_faded_more_gains_more() -> None:
    gained = strengthened(torch.ones(3), torch.tensor([1.0, 0.5, 0.0]), 2.0)
    assert gained.tolist() == [1.0, 2.0, 3.0]


@given(gaps=st.lists(st.floats(0.1, 5.0), min_size=1, max_size=4), factor=st.floats(1.5, 20.0))
@LAW
def test_spaced_recall_strengthens_more_than_massed(gaps: list[float], factor: float) -> None:
    massed = [0.0, *itertools.accumulate(gaps)]
    spaced = [factor * time for time in massed]
    assert spaced_strength(spaced, lifetime=10.0) > spaced_strength(massed, lifetime=10.0) > 1.0


# What Ebbinghaus' own formula gave him (1885, section 29): minutes and savings [%].
CALCULATED = {20: 57.0, 64: 46.7, 526: 34.5, 1440: 30.4, 2 * 1440: 28.1, 6 * 1440: 24.9}


@pytest.mark.parametrize("minutes", CALCULATED)
def test_savings_are_those_of_ebbinghaus(minutes: int) -> None:
    assert ebbinghaus_savings(minutes) == pytest.approx(CALCULATED[minutes], abs=0.12)


def test_nonsense_is_refused() -> None:
    with pytest.raises(InvalidInput, match="lifetime"):
        retention(torch.ones(1), torch.ones(1), lifetime=0.0)
    with pytest.raises(InvalidInput, match="exponent"):
        retention(torch.ones(1), torch.ones(1), lifetime=1.0, exponent=-1.0)
    with pytest.raises(InvalidInput, match="rising"):
        spaced_strength([1.0, 0.0], lifetime=1.0)
    with pytest.raises(InvalidInput, match="rising"):
        spaced_strength([], lifetime=1.0)
    with pytest.raises(InvalidInput, match="minutes"):
        ebbinghaus_savings(0.5)
