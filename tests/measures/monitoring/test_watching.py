"""Named streams of floats, one step at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from neurallayers import state as states
from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName
from neurallayers.measures.monitoring import LIGHT, MonitorSettings, Watch, detect, watch_step

SHORT = MonitorSettings(
    memory_rows=60, shape_rows=5, gap_rows=3, warm_rows=10, baseline_rows=50.0, recent_rows=8.0
)
WATCH = Watch(("rate_hz", "energy"), SHORT)


def life(steps: int, seed: int = 0) -> list[dict[str, float]]:
    numbers = np.random.default_rng(seed).normal(size=(steps, 2))
    return [{"rate_hz": float(a), "energy": float(b)} for a, b in numbers]


def lived(steps: int) -> Any:
    state = WATCH.initial_state()
    for values in life(steps):
        state, _ = WATCH.step(state, values)
    return state


def test_steps_say_what_a_whole_run_says() -> None:
    state, found = WATCH.initial_state(), []
    values = life(120)
    for step in values:
        state, readings = WATCH.step(state, step)
        found.append(readings["energy"])
    whole = detect([step["energy"] for step in values], settings=SHORT)
    assert [reading.index for reading in found] == pytest.approx(whole.index, abs=1e-9)
    assert [reading.anomaly for reading in found] == pytest.approx(whole.anomaly, abs=1e-9)
    assert [reading.alarm for reading in found] == whole.alarms.tolist()


def test_the_state_is_stored_and_life_is_replayed_bit_for_bit() -> None:
    state = lived(70)
    data = safetensors.torch.save(states.to_named(state))
    loaded = states.from_named(WATCH.initial_state(), safetensors.torch.load(data))
    for values in life(30, seed=1):
        state, first = WATCH.step(state, values)
        loaded, second = WATCH.step(loaded, values)
        assert first == second
    assert all(
        torch.equal(a, b)
        for a, b in zip(states.tensors(state), states.tensors(loaded), strict=True)
    )


def test_what_is_handed_in_is_not_touched() -> None:
    state = lived(40)
    before = states.clone(state)
    WATCH.step(state, {"rate_hz": 50.0, "energy": -3.0})
    assert torch.equal(state.memory, before.memory)
    assert torch.equal(state.statistics, before.statistics)


@pytest.mark.parametrize("absent", [{}, {"rate_hz": math.nan}, {"rate_hz": math.inf}])
def test_missing_is_said_and_the_state_kept(absent: dict[str, float]) -> None:
    state = lived(40)
    after, readings = WATCH.step(state, {**absent, "energy": 0.5})
    assert readings["rate_hz"].missing
    assert math.isnan(readings["rate_hz"].index)
    assert not readings["rate_hz"].alarm
    assert readings["rate_hz"].level == "normal"
    assert not readings["energy"].missing
    assert torch.equal(after.memory[:, 0], state.memory[:, 0])
    assert torch.equal(after.statistics[:, 0], state.statistics[:, 0])


def test_brains_share_a_batch_by_stacking_their_states() -> None:
    both = states.stack([lived(20), lived(40)])
    assert states.batch_size(both) == 2
    first, second = states.split(both)
    values = life(1, seed=9)[0]
    assert WATCH.step(second, values)[1] == WATCH.step(lived(40), values)[1]
    assert states.batch_size(first) == 1


def test_the_plain_function_is_the_method() -> None:
    state, values = lived(30), {"rate_hz": 1.0, "energy": 2.0}
    assert watch_step(state, values, watch=WATCH)[1] == WATCH.step(state, values)[1]


def test_numbers_of_other_kinds_are_taken() -> None:
    _, readings = WATCH.step(
        lived(30),
        {"rate_hz": np.float32(1.5), "energy": torch.tensor(2)},  # type: ignore[dict-item]
    )
    assert not readings["rate_hz"].missing
    assert not readings["energy"].missing


def test_nonsense_is_refused() -> None:
    state = lived(5)
    with pytest.raises(UnknownName, match="Did you mean 'energy'"):
        WATCH.step(state, {"enrgy": 1.0})
    with pytest.raises(InvalidInput, match="energy is 'much'"):
        WATCH.step(state, {"energy": "much"})  # type: ignore[dict-item]
    with pytest.raises(ShapeMismatch, match="state of one row"):
        WATCH.step(states.stack([state, state]), {})
    with pytest.raises(ShapeMismatch, match="state of one row"):
        Watch(("a",), LIGHT).step(state, {})


@pytest.mark.parametrize("names", [(), ("a", "a"), ("",), "energy", 3, ("a", 2)])
def test_names_are_names(names: Any) -> None:
    with pytest.raises(InvalidInput, match="names is"):
        Watch(names)
