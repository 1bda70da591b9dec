"""The index as a whole: levels, missing values, weights that learn."""

from __future__ import annotations

import pytest
import torch

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.measures.monitoring import (
    LEVELS,
    LIGHT,
    MonitorSettings,
    UnifiedMonitoringIndex,
)

SHORT = MonitorSettings(
    memory_rows=60, shape_rows=5, gap_rows=3, warm_rows=10, baseline_rows=50.0, recent_rows=8.0
)


def noise(rows: int, channels: int = 1, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, 1, channels, generator=generator, dtype=torch.float64)


def bursts() -> torch.Tensor:
    """Noise with ever larger jumps, the last of them for good."""
    xs = noise(600, seed=5)
    xs[200:203] += 5
    xs[300:306] += 8
    xs[450:] += 60
    return xs


def test_the_index_is_the_weighted_sum_of_its_components() -> None:
    cell = UnifiedMonitoringIndex(2, settings=SHORT).double()
    observed, _ = cell.observe(noise(100, 2))
    weights = torch.tensor([0.4, 0.3, 0.2, 0.1], dtype=torch.float64)
    assert torch.allclose(observed.index, (observed.components * weights).sum(-1), atol=1e-6)
    assert observed.components[:10].abs().max() == 0
    assert observed.components[10:].amax((0, 1, 2)).min() > 0


def test_a_jump_is_critical_and_a_new_normal_is_normal() -> None:
    xs = noise(900)
    xs[600:] += 12
    observed, _ = UnifiedMonitoringIndex(1, settings=LIGHT).double().observe(xs)
    level = observed.level[:, 0, 0]
    assert LEVELS[int(level[595])] == "normal"
    assert LEVELS[int(level[600:610].max())] == "critical"
    assert observed.alarm[600, 0, 0]
    assert not observed.alarm[601:660].any()
    assert LEVELS[int(level[-1])] == "normal"


def test_levels_rise_at_once_and_fall_with_hysteresis() -> None:
    """The level follows the index by the written rule, whatever the index does."""
    settings = SHORT.replace(dwell_rows=4)
    observed, _ = UnifiedMonitoringIndex(1, settings=settings).double().observe(bursts())
    level, dwell, seen = 0, 0, set()
    for index, found in zip(
        observed.index[:, 0, 0].tolist(), observed.level[:, 0, 0].tolist(), strict=True
    ):
        high = sum(index >= edge for edge in settings.rise)
        held = sum(index >= edge for edge in settings.fall)
        dwell += 1
        if high > level:
            level, dwell = high, 0
        elif held < level and dwell >= 4:
            level, dwell = held, 0
        assert found == level
        seen.add(level)
    assert seen == {0, 1, 2, 3}


def test_a_missing_value_changes_nothing() -> None:
    cell = UnifiedMonitoringIndex(2, settings=SHORT).double()
    with torch.no_grad():
        _, state = cell.run(noise(80, 2))
        for run in (cell.run, cell.run_reference):
            gap = torch.tensor([[[torch.nan, 0.3]]], dtype=torch.float64)
            index, after = run(gap, state)
            assert torch.isnan(index[0, 0, 0])
            assert torch.isfinite(index[0, 0, 1])
            assert torch.equal(after.memory[0, 0], state.memory[0, 0])
            assert torch.equal(after.statistics[0, 0], state.statistics[0, 0])
            assert not torch.equal(after.memory[0, 1], state.memory[0, 1])


def test_a_stream_that_never_changes_is_normal() -> None:
    observed, _ = (
        UnifiedMonitoringIndex(1, settings=SHORT)
        .double()
        .observe(torch.full((300, 1, 1), 7.5, dtype=torch.float64))
    )
    assert observed.index.abs().max() < 1e-6
    assert not observed.alarm.any()


def test_weights_learn_by_gradient_and_stay_on_the_simplex() -> None:
    cell = UnifiedMonitoringIndex(1, settings=SHORT).double()
    xs = noise(200)
    xs[150:160] += 6
    optimiser = torch.optim.Adam(cell.parameters(), lr=0.1)
    before = cell.weights.detach().clone()
    for _ in range(20):
        optimiser.zero_grad()
        index, _ = cell.run(xs)
        (index[20:150].mean() - index[150:160].mean()).backward()
        optimiser.step()
    weights = cell.weights.detach()
    assert weights.sum() == pytest.approx(1.0)
    assert weights.min() > 0
    # What was learned tells the jump better from noise than the first weights did.
    with torch.no_grad():
        index, _ = cell.run(xs)
        first, _ = UnifiedMonitoringIndex(1, settings=SHORT).double().run(xs)

    def contrast(found: torch.Tensor) -> float:
        return (found[150:160].mean() - found[20:150].mean()).item()

    assert contrast(index) > contrast(first)
    assert not torch.allclose(weights, before)


def test_weights_can_be_set() -> None:
    cell = UnifiedMonitoringIndex(1)
    cell.set_weights((0.1, 0.2, 0.3, 0.4))
    assert cell.weights.tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4])
    with pytest.raises(InvalidInput, match="add up to 1"):
        cell.set_weights((1.0, 1.0, 0.0, 0.0))


def test_rest_keeps_what_was_learned() -> None:
    cell = UnifiedMonitoringIndex(1, settings=SHORT).double()
    xs = noise(120)
    xs[-1] += 20
    _, state = cell.run(xs)
    rested = cell.rest(state)
    assert torch.equal(rested.memory, state.memory)
    changed = (rested.statistics != state.statistics).sum()
    assert 1 <= int(changed) <= 2


@pytest.mark.parametrize("channels", [0, -1, 1.5, "one", True])
def test_channels_are_counted(channels: object) -> None:
    with pytest.raises(InvalidInput, match="Watch one stream or more"):
        UnifiedMonitoringIndex(channels)  # type: ignore[arg-type]


def test_a_state_of_other_streams_is_refused() -> None:
    other = UnifiedMonitoringIndex(1, settings=SHORT.replace(memory_rows=90)).initial_state()
    with pytest.raises(ShapeMismatch, match="memory has shape"):
        UnifiedMonitoringIndex(1, settings=SHORT).run(noise(5).float(), other)
    with pytest.raises(InvalidInput, match="float32 or float64"):
        UnifiedMonitoringIndex(1, settings=SHORT).observe(torch.ones(5, 1, 1, dtype=torch.int64))
