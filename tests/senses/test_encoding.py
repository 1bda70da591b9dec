"""Encoders against closed forms and statistics, and the laws that all of them keep."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from neurallayers import state as states
from neurallayers.dynamics.neurons import LIF
from neurallayers.errors import InvalidInput, ShapeMismatch, UnknownName
from neurallayers.senses import (
    ENCODERS,
    DeltaEvents,
    DirectCurrent,
    Encoder,
    FirstSpikeLatency,
    PoissonRate,
)

LAW = settings(max_examples=20, deadline=None, derandomize=True, database=None)
SHAPE = (3, 4, 2)


def images(batch: int, seed: int = 0) -> Tensor:
    return torch.rand(batch, *SHAPE, generator=torch.Generator().manual_seed(seed))


def made(name: str, batch: int, seed: int = 0) -> tuple[Encoder[Any], Any]:
    encoder = ENCODERS.make(name)
    return encoder, encoder.initial_state(batch, seed=seed, in_shape=SHAPE)


def test_the_registry_knows_them_and_suggests() -> None:
    assert list(ENCODERS) == ["current", "delta", "latency", "poisson"]
    assert ENCODERS.make("poisson", rate_hz=50.0) == PoissonRate(rate_hz=50.0)
    with pytest.raises(UnknownName, match="Did you mean 'poisson'"):
        ENCODERS.make("poison")


@pytest.mark.parametrize("name", list(ENCODERS))
@given(batch=st.integers(1, 4), steps=st.integers(1, 9), seed=st.integers(0, 99))
@LAW
def test_drive_has_the_shape_that_is_promised(name: str, batch: int, steps: int, seed: int) -> None:
    encoder, state = made(name, batch, seed)
    drive, after = encoder.encode(images(batch, seed), steps, state)
    assert drive.shape == (1 if encoder.held else steps, batch, *encoder.out_shape(SHAPE))
    assert drive.dtype == torch.float32
    assert states.batch_size(after) == states.batch_size(state)


@pytest.mark.parametrize("name", list(ENCODERS))
@given(steps=st.integers(1, 9), seed=st.integers(0, 99))
@LAW
def test_a_replay_gives_the_same_bits(name: str, steps: int, seed: int) -> None:
    """Also from a state that was stored, and the state that was handed in is not touched."""
    encoder, state = made(name, 3, seed)
    _, state = encoder.encode(images(3, seed + 1), 4, state)
    stored = safetensors.torch.load(safetensors.torch.save(states.to_named(state)))
    first, after = encoder.encode(images(3, seed), steps, state)
    loaded = states.from_named(state, stored)
    second, after_second = encoder.encode(images(3, seed), steps, loaded)
    assert torch.equal(first, second)
    assert all(
        map(torch.equal, states.to_named(after).values(), states.to_named(after_second).values())
    )


@pytest.mark.parametrize("name", list(ENCODERS))
@given(row=st.integers(0, 2), steps=st.integers(1, 9), seed=st.integers(0, 99))
@LAW
def test_rows_never_meet(name: str, row: int, steps: int, seed: int) -> None:
    encoder, state = made(name, 3, seed)
    pixels = images(3, seed)
    together, after = encoder.encode(pixels, steps, state)
    alone, after_alone = encoder.encode(pixels[row : row + 1], steps, states.gather(state, [row]))
    assert torch.equal(alone[:, 0], together[:, row])
    expected = states.to_named(states.gather(after, [row]))
    assert all(map(torch.equal, states.to_named(after_alone).values(), expected.values()))


@pytest.mark.parametrize("name", ["delta", "poisson"])
@given(first=st.integers(1, 6), second=st.integers(1, 6), seed=st.integers(0, 99))
@LAW
def test_what_has_a_state_goes_on_where_it_stopped(
    name: str, first: int, second: int, seed: int
) -> None:
    encoder, state = made(name, 2, seed)
    pixels = images(2, seed)
    whole, _ = encoder.encode(pixels, first + second, state)
    begin, between = encoder.encode(pixels, first, state)
    end, _ = encoder.encode(pixels, second, between)
    assert torch.equal(whole, torch.cat([begin, end]))


@pytest.mark.parametrize("name", list(ENCODERS))
def test_what_does_not_fit_is_refused(name: str) -> None:
    encoder, state = made(name, 2)
    with pytest.raises(ShapeMismatch, match="as_images"):
        encoder.encode(torch.rand(2, 3, 4), 5, state)
    with pytest.raises(ShapeMismatch, match="steps is 0"):
        encoder.encode(images(2), 0, state)


@pytest.mark.parametrize("name", ["delta", "poisson"])
def test_images_and_rows_of_state_must_be_as_many(name: str) -> None:
    encoder, state = made(name, 2)
    with pytest.raises(ShapeMismatch, match="3 images and 2 rows"):
        encoder.encode(images(3), 5, state)


@pytest.mark.parametrize(
    ("name", "options", "named"),
    [
        ("current", {"gain": 0.0}, "gain is 0"),
        ("current", {"gain": math.inf}, "gain is inf"),
        ("poisson", {"rate_hz": 0.0}, "rate_hz is 0"),
        ("poisson", {"rate_hz": 1001.0}, "above 1000 Hz"),
        ("poisson", {"rate_hz": 300.0, "dt_ms": 4.0}, "above 250 Hz"),
        ("latency", {"threshold": 1.0}, "threshold is 1"),
        ("latency", {"tau_ms": -2.0}, "tau_ms is -2"),
        ("delta", {"threshold": 0.0}, "threshold is 0"),
        ("delta", {"threshold": math.nan}, "threshold is nan"),
        *[(name, {"dt_ms": 0.0}, "dt_ms is 0") for name in ENCODERS],
    ],
)
def test_options_out_of_range_are_refused(name: str, options: dict[str, float], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        ENCODERS.make(name, **options)


def test_an_encoder_cannot_be_changed_while_it_is_in_use() -> None:
    encoder = PoissonRate()
    with pytest.raises(FrozenInstanceError):
        encoder.rate_hz = 5.0  # type: ignore[misc]


def test_current_is_proportional_and_differentiable() -> None:
    encoder = DirectCurrent(gain=3.0)
    pixels = images(2).requires_grad_()
    drive, _ = encoder.encode(pixels, 50, encoder.initial_state(2))
    assert encoder.held
    assert torch.equal(drive[0], 3.0 * pixels)
    drive.sum().backward()
    assert pixels.grad is not None
    assert torch.equal(pixels.grad, torch.full_like(pixels, 3.0))


@pytest.mark.parametrize("intensity", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize(("rate_hz", "dt_ms"), [(100.0, 1.0), (1000.0, 1.0), (400.0, 0.5)])
def test_the_rate_is_as_promised(intensity: float, rate_hz: float, dt_ms: float) -> None:
    """Five standard errors of a binomial count around its mean."""
    encoder = PoissonRate(rate_hz=rate_hz, dt_ms=dt_ms)
    pixels = torch.full((4, 10, 10, 1), intensity)
    spikes, _ = encoder.encode(pixels, 250, encoder.initial_state(4, seed=1))
    p, n = rate_hz * dt_ms / 1000.0 * intensity, spikes.numel()
    assert spikes.unique().tolist() in ([0.0], [1.0], [0.0, 1.0])
    assert abs(spikes.mean().item() - p) <= 5 * math.sqrt(p * (1 - p) / n)


def test_the_intervals_between_poisson_spikes_are_geometric() -> None:
    """A memoryless source: mean (1/p) and share of spikes followed at once by another (p)."""
    encoder = PoissonRate(rate_hz=200.0)
    spikes, _ = encoder.encode(torch.ones(1, 10, 10, 1), 1000, encoder.initial_state(1, seed=2))
    trains = spikes.flatten(1)
    fired = trains[:-1].bool()
    followed = trains[1:][fired].mean().item()
    assert followed == pytest.approx(0.2, abs=5 * math.sqrt(0.16 / int(fired.sum())))
    pairs = (trains[:, :-1] * trains[:, 1:]).mean().item()
    assert pairs == pytest.approx(0.04, abs=5 * math.sqrt(0.04 * 0.96 / 99_000))


def test_rows_and_seeds_of_poisson_spikes_are_unlike_and_a_row_keeps_its_own() -> None:
    encoder = PoissonRate(rate_hz=500.0)
    pixels = torch.ones(2, 8, 8, 1)
    spikes, _ = encoder.encode(pixels, 20, encoder.initial_state(2, seed=0))
    other, _ = encoder.encode(pixels, 20, encoder.initial_state(2, seed=1))
    for a, b in ((spikes[:, 0], spikes[:, 1]), (spikes[:, 0], other[:, 0])):
        assert (a == b).float().mean().item() == pytest.approx(0.5, abs=0.1)
    assert torch.equal(
        encoder.initial_state(5, seed=0).seed[:2], encoder.initial_state(2, seed=0).seed
    )


def test_a_pixel_fires_once_at_the_time_of_the_closed_form() -> None:
    encoder = FirstSpikeLatency(threshold=0.2, tau_ms=20.0, dt_ms=0.5)
    pixels = torch.linspace(0.21, 1.0, 24).view(1, *SHAPE)
    spikes, _ = encoder.encode(pixels, 200, encoder.initial_state())
    assert torch.equal(spikes.sum(0), torch.ones_like(pixels))
    end_of_step_ms = (spikes.argmax(0).double() + 1) * 0.5
    exact_ms = 20.0 * torch.log(pixels.double() / (pixels.double() - 0.2))
    late_ms = end_of_step_ms - exact_ms
    assert (late_ms >= 0).all()
    assert (late_ms < 0.5).all()
    assert torch.allclose(encoder.times_ms(pixels), exact_ms)


@given(seed=st.integers(0, 999), threshold=st.floats(0.05, 0.9), tau_ms=st.floats(2, 40))
@LAW
def test_latency_is_that_of_a_membrane_under_constant_current(
    seed: int, threshold: float, tau_ms: float
) -> None:
    pixels = images(2, seed)
    encoder = FirstSpikeLatency(threshold=threshold, tau_ms=tau_ms)
    spikes, _ = encoder.encode(pixels, 60, encoder.initial_state(2))
    cell = LIF(SHAPE, threshold=threshold, tau_ms=tau_ms).double()
    fired, _ = cell.run_reference(pixels.double()[None], steps=60)
    first = fired * (fired.cumsum(0) == 1)
    assert torch.equal(spikes.double(), first)


def test_the_brighter_fires_earlier_and_the_dim_never() -> None:
    encoder = FirstSpikeLatency(threshold=0.3, tau_ms=10.0)
    pixels = torch.tensor([1.0, 0.6, 0.4, 0.3, 0.1, 0.0]).view(1, 1, 6, 1)
    spikes, _ = encoder.encode(pixels, 100, encoder.initial_state())
    counts, first = spikes.sum(0).flatten(), spikes.argmax(0).flatten()
    assert counts.tolist() == [1, 1, 1, 0, 0, 0]
    assert first[0] < first[1] < first[2]


@given(seed=st.integers(0, 999), threshold=st.floats(0.05, 0.5))
@LAW
def test_events_count_the_thresholds_that_a_jump_crosses(seed: int, threshold: float) -> None:
    before, after = images(2, seed), images(2, seed + 1)
    encoder = DeltaEvents(threshold=threshold)
    _, state = encoder.encode(before, 30, encoder.initial_state(2, in_shape=SHAPE))
    events, seen = encoder.encode(after, 30, state)
    on, off = events.sum(0).split(SHAPE[-1], dim=-1)
    jump = after - state.reference
    # Within a rounding of the threshold either answer is right.
    crossed = jump.abs() / threshold
    assert ((on + off - crossed).abs() <= 1 + 1e-4).all()
    assert torch.equal(on > 0, (on > 0) & (jump > 0))
    assert torch.equal(off > 0, (off > 0) & (jump < 0))
    rebuilt = state.reference + threshold * (on - off)
    assert torch.allclose(rebuilt, seen.reference, atol=1e-5)
    assert ((after - seen.reference).abs() <= threshold + 1e-5).all()


def test_a_scene_that_stands_still_falls_silent() -> None:
    encoder = DeltaEvents(threshold=0.1)
    pixels = images(1)
    _, state = encoder.encode(pixels, 12, encoder.initial_state(1, in_shape=SHAPE))
    events, after = encoder.encode(pixels, 5, state)
    assert events.sum() == 0
    assert torch.equal(after.reference, state.reference)


def test_a_movie_is_read_a_frame_a_step() -> None:
    encoder = DeltaEvents(threshold=0.2)
    movie = torch.zeros(1, 4, 1, 1, 1)
    movie[0, 1:3] = 0.25
    events, _ = encoder.encode(movie, 4, encoder.initial_state(1, in_shape=(1, 1, 1)))
    assert events.flatten(1).tolist() == [[0, 0], [1, 0], [0, 0], [0, 1]]
    with pytest.raises(ShapeMismatch, match="4 frames for 5 steps"):
        encoder.encode(movie, 5, encoder.initial_state(1, in_shape=(1, 1, 1)))


def test_a_movie_of_one_frame_is_an_image() -> None:
    encoder, state = made("delta", 2)
    pixels = images(2)
    assert torch.equal(
        encoder.encode(pixels[:, None], 1, state)[0], encoder.encode(pixels, 1, state)[0]
    )


def test_delta_events_need_the_shape_of_what_they_remember() -> None:
    with pytest.raises(ShapeMismatch, match="in_shape is None"):
        DeltaEvents().initial_state(2)
    encoder, state = made("delta", 2)
    with pytest.raises(ShapeMismatch, match="in_shape"):
        encoder.encode(torch.rand(2, 5, 5, 1), 3, state)


def test_later_work_on_an_image_does_not_reach_the_memory_of_it() -> None:
    encoder, state = made("delta", 1)
    pixels = images(1)
    _, seen = encoder.encode(pixels, 3, state)
    kept = seen.reference.clone()
    pixels.zero_()
    assert torch.equal(seen.reference, kept)
    assert not seen.reference.requires_grad
