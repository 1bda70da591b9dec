"""Fused runs are held against the loop of single steps: values and gradients, on each back end."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from neurallayers.dynamics import kernels
from neurallayers.dynamics.cell import Cell
from neurallayers.dynamics.neurons import LIF, AdaptiveLIF, LeakyIntegrator
from neurallayers.dynamics.recurrent import RecurrentAdaptiveLIF, RecurrentLIF
from neurallayers.dynamics.surrogate import SURROGATES
from neurallayers.errors import InvalidInput, ShapeMismatch

SPIKING = (LIF, AdaptiveLIF, RecurrentLIF, RecurrentAdaptiveLIF)
CELLS: tuple[Any, ...] = (*SPIKING, LeakyIntegrator)
BACK_ENDS = ("numba", "torch")
# Examples share the fixture that names the back end; the fixture holds nothing else.
law = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(params=BACK_ENDS)
def back_end(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("NEURALLAYERS_KERNELS", request.param)
    return str(request.param)


@pytest.fixture
def compiled_back_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURALLAYERS_KERNELS", "numba")


def make(kind: Any, n: Any, *, dtype: torch.dtype = torch.float32, **options: Any) -> Cell[Any]:
    # Learned unless asked otherwise: one compiled variant then serves most tests.
    cell: Cell[Any] = kind(n, **{"tau_ms": 5.0, "learn_tau": True, **options})
    return cell.to(dtype)


def lived_state(cell: Cell[Any], batch: int, dtype: torch.dtype) -> tuple[Any, list[Tensor]]:
    """A state that is not the initial one, and its tensors as leaves."""
    generator = torch.Generator().manual_seed(1)
    template = cell.initial_state(batch)
    parts = [
        torch.rand(part.shape, generator=generator, dtype=torch.float64).to(dtype).requires_grad_()
        for part in template
    ]
    return type(template)(*parts), parts


def trial(cell: Cell[Any], how: str, xs: Tensor, **options: Any) -> dict[str, Tensor]:
    """Outputs, last state and all gradients of a weighted sum of both."""
    cell.zero_grad()
    leaf = xs.detach().clone().requires_grad_()
    wide = torch.promote_types(xs.dtype, torch.float32)
    state, parts = lived_state(cell, xs.shape[1], wide)
    outputs, last = getattr(cell, how)(leaf, state, **options)
    generator = torch.Generator().manual_seed(2)
    loss = torch.zeros((), dtype=torch.float64)
    for tensor in (outputs, *last):
        weight = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
        loss = loss + (tensor.double() * weight).sum()
    loss.backward()
    found = {"outputs": outputs, "frames gradient": leaf.grad}
    for name, tensor, part in zip(last._fields, last, parts, strict=True):
        found[f"last {name}"], found[f"gradient of first {name}"] = tensor, part.grad
    for name, parameter in cell.named_parameters():
        found[f"gradient of {name}"] = parameter.grad
    return {name: tensor.detach() for name, tensor in found.items() if tensor is not None}


def assert_alike(cell: Cell[Any], xs: Tensor, tolerance: float = 1e-5, **options: Any) -> None:
    fused, reference = (
        trial(cell, "run", xs, **options),
        trial(cell, "run_reference", xs, **options),
    )
    assert fused.keys() == reference.keys()
    for name, expected in reference.items():
        assert fused[name].dtype == expected.dtype, name
        scale = max(1.0, float(expected.abs().max()))
        error = float((fused[name].double() - expected.double()).abs().max()) / scale
        assert error <= tolerance, f"{name}: {error}"


@given(
    kind=st.sampled_from(CELLS),
    steps=st.integers(1, 12),
    batch=st.integers(1, 5),
    shape=st.one_of(st.integers(1, 40), st.tuples(st.integers(1, 4), st.integers(1, 5))),
    options=st.fixed_dictionaries(
        {
            "reset": st.sampled_from(["subtract", "zero"]),
            "surrogate": st.sampled_from(sorted(SURROGATES)),
            "reset_gradient": st.booleans(),
        }
    ),
    held=st.booleans(),
    seed=st.integers(0, 2**16),
)
@law
def test_a_run_equals_the_loop_of_steps(
    back_end: str,
    kind: Any,
    steps: int,
    batch: int,
    shape: Any,
    options: dict[str, Any],
    held: bool,
    seed: int,
) -> None:
    if kind is LeakyIntegrator:
        options = {}
    elif kind is not LIF and back_end == "numba":
        # Each is compiled for itself from the same row; LIF goes through all of them.
        options["surrogate"] = "fast_sigmoid"
    if kind in (RecurrentLIF, RecurrentAdaptiveLIF):
        shape = shape if isinstance(shape, int) else shape[0] * shape[1]
    cell = make(kind, shape, dtype=torch.float64, **options)
    generator = torch.Generator().manual_seed(seed)
    frames = (1 if held else steps, batch, *cell.in_shape)
    xs = 3 * torch.rand(frames, generator=generator, dtype=torch.float64)
    assert_alike(cell, xs, **({"steps": steps} if held else {}))


@pytest.mark.parametrize("reset_gradient", [False, True])
@pytest.mark.parametrize("reset", ["subtract", "zero"])
@pytest.mark.parametrize("kind", SPIKING)
def test_single_precision_agrees(
    back_end: str, kind: Any, reset: str, reset_gradient: bool
) -> None:
    cell = make(kind, 33, reset=reset, reset_gradient=reset_gradient)
    xs = 3 * torch.rand(20, 3, 33, generator=torch.Generator().manual_seed(3))
    assert trial(cell, "run", xs)["outputs"].sum() > 50
    assert_alike(cell, xs)


@pytest.mark.parametrize("kind", CELLS)
def test_fixed_time_constants_agree_too(back_end: str, kind: Any) -> None:
    cell = make(kind, 9, learn_tau=False)
    assert_alike(cell, 3 * torch.rand(12, 3, 9, generator=torch.Generator().manual_seed(17)))


@pytest.mark.parametrize("kind", CELLS)
def test_strided_and_expanded_frames(back_end: str, kind: Any) -> None:
    cell = make(kind, 6)
    generator = torch.Generator().manual_seed(5)
    strided = (3 * torch.rand(3, 7, 6, generator=generator)).transpose(0, 1)
    expanded = (3 * torch.rand(1, 3, 6, generator=generator)).expand(7, 3, 6)
    for xs in (strided, expanded):
        outputs, last = cell.run(xs)
        expected, state = cell.run_reference(xs)
        torch.testing.assert_close(outputs, expected)
        torch.testing.assert_close(tuple(last), tuple(state))


@pytest.mark.parametrize("kind", CELLS)
def test_gradients_reach_each_frame_of_an_expanded_input(back_end: str, kind: Any) -> None:
    cell = make(kind, 6)
    frame = 3 * torch.rand(1, 2, 6, generator=torch.Generator().manual_seed(6))
    grads = []
    for how in ("run", "run_reference"):
        xs = frame.clone().requires_grad_().expand(5, 2, 6)
        xs.retain_grad()
        getattr(cell, how)(xs)[0].square().sum().backward()
        grads.append(xs.grad)
    torch.testing.assert_close(*grads)


@pytest.mark.parametrize("kind", CELLS)
def test_a_held_frame_equals_its_copies(back_end: str, kind: Any) -> None:
    cell = make(kind, 5)
    frame = (3 * torch.rand(1, 2, 5, generator=torch.Generator().manual_seed(7))).requires_grad_()
    copies = frame.detach().repeat(9, 1, 1).requires_grad_()
    held, _ = cell.run(frame, steps=9)
    shown, _ = cell.run(copies)
    assert torch.equal(held, shown)
    held.sum().backward()
    shown.sum().backward()
    torch.testing.assert_close(frame.grad, copies.grad.sum(0, keepdim=True))


@pytest.mark.parametrize("kind", CELLS)
def test_bfloat16_frames_keep_a_float32_state(back_end: str, kind: Any) -> None:
    cell = make(kind, 24)
    xs = (3 * torch.rand(15, 4, 24, generator=torch.Generator().manual_seed(10))).bfloat16()
    outputs, last = cell.run(xs)
    assert outputs.dtype == torch.bfloat16
    assert all(part.dtype == torch.float32 for part in last)
    assert_alike(cell, xs, tolerance=1e-2)
    # The arithmetic is that of float32 on the same numbers, rounded once.
    wide, wide_last = cell.run(xs.float())
    assert torch.equal(outputs, wide.bfloat16())
    assert all(torch.equal(a, b) for a, b in zip(last, wide_last, strict=True))


def test_bfloat16_gradients_round_to_nearest_even(compiled_back_end: None) -> None:
    cell = make(LeakyIntegrator, 3000)
    xs = torch.zeros(1, 1, 3000, dtype=torch.bfloat16, requires_grad=True)
    weight = torch.randn(3000, generator=torch.Generator().manual_seed(11))
    weight[:3] = torch.tensor([float("nan"), float("inf"), -0.0])
    outputs, _ = cell.run(xs)
    outputs[0, 0].backward(weight.bfloat16())
    expected = weight.bfloat16().float() * (1 - cell.decay().detach())  # type: ignore[operator]
    torch.testing.assert_close(xs.grad[0, 0], expected.bfloat16(), rtol=0, atol=0, equal_nan=True)


def test_cells_work_under_autocast(back_end: str) -> None:
    weight = torch.randn(20, 30, generator=torch.Generator().manual_seed(12), requires_grad=True)
    cell = make(RecurrentLIF, 20)
    with torch.autocast("cpu", torch.bfloat16):
        drive = 4 * torch.rand(10, 3, 30) @ weight.T
        assert drive.dtype == torch.bfloat16
        spikes, state = cell.run(drive)
    spikes.float().sum().backward()
    assert state.membrane_potential.dtype == torch.float32
    assert weight.grad is not None
    assert weight.grad.abs().sum() > 0


@pytest.mark.parametrize("kind", CELLS)
def test_states_that_do_not_fit_are_refused(back_end: str, kind: Any) -> None:
    cell = make(kind, 4)
    with pytest.raises(ShapeMismatch, match="membrane_potential has shape"):
        cell.run(torch.rand(6, 3, 4), cell.initial_state(2))


def test_a_weight_that_does_not_fit_is_refused() -> None:
    options = make(LIF, 4).options()  # type: ignore[operator]
    zeros = torch.zeros(2, 4)
    with pytest.raises(ShapeMismatch, match="recurrent_weight has shape"):
        kernels.recurrent_lif(
            torch.zeros(3, 2, 4), zeros, zeros, torch.ones(4), torch.ones(4, 5), options
        )


def test_the_reference_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURALLAYERS_KERNELS", "reference")
    assert not kernels.available(torch.zeros(1, 1, 1))
    monkeypatch.setenv("NEURALLAYERS_KERNELS", "numpy")
    with pytest.raises(InvalidInput, match="NEURALLAYERS_KERNELS is 'numpy'"):
        kernels.available(torch.zeros(1, 1, 1))


@pytest.mark.parametrize("dtype", [torch.float16, torch.int64])
def test_other_dtypes_take_the_reference(dtype: torch.dtype) -> None:
    assert not kernels.available(torch.zeros(1, 1, 1, dtype=dtype))
    assert kernels.available(torch.zeros(1, 1, 1))


def test_transforms_of_programs_take_the_reference() -> None:
    seen: list[bool] = []

    def look(xs: Tensor) -> Tensor:
        seen.append(kernels.available(xs))
        return xs.sum()

    torch.vmap(look)(torch.zeros(2, 3))
    torch.func.grad(look)(torch.zeros(3))
    assert seen == [False, False]


def test_vmap_over_runs_gives_what_a_loop_gives() -> None:
    cell = make(LIF, 4)
    xs = 3 * torch.rand(5, 6, 2, 4, generator=torch.Generator().manual_seed(16))
    together = torch.vmap(lambda frames: cell.run(frames)[0])(xs)
    torch.testing.assert_close(together, torch.stack([cell.run(frames)[0] for frames in xs]))


def test_the_back_end_that_serves_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kernels.backend("cpu") in ("numba", "torch")
    monkeypatch.setenv("NEURALLAYERS_KERNELS", "torch")
    assert kernels.backend("cpu") == "torch"
    monkeypatch.setenv("NEURALLAYERS_KERNELS", "reference")
    assert kernels.backend("cpu") == "reference"
