"""Triton kernels against torch: in Triton's interpreter, and on a GPU where there is one."""

from __future__ import annotations

import importlib.util
import logging
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from neurallayers.dynamics import kernels
from neurallayers.dynamics.kernels import triton_kernels, triton_sweeps
from neurallayers.dynamics.kernels.sweeps import Drive, Loop, Received, SpikeOptions, Wanted
from neurallayers.dynamics.kernels.torch_sweeps import TorchSweeps
from neurallayers.dynamics.neurons import LIF, AdaptiveLIF, LeakyIntegrator
from neurallayers.dynamics.recurrent import RecurrentAdaptiveLIF, RecurrentLIF
from neurallayers.dynamics.surrogate import SURROGATES, surrogate_by_name
from neurallayers.errors import InvalidInput

needs_triton = pytest.mark.skipif(not triton_kernels.INSTALLED, reason="triton is not installed")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")

KINDS = ("integrator", "lif", "adaptive")
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 1e-2}


@pytest.fixture(scope="module")
def interpreted_kernels() -> ModuleType:
    """A second copy of the kernels, which Triton interprets; the first may be compiled."""
    if not triton_kernels.INSTALLED:
        pytest.skip("triton is not installed")
    spec = importlib.util.spec_from_file_location("interpreted_kernels", triton_kernels.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRITON_INTERPRET", "1")
        spec.loader.exec_module(module)
        assert module.interpreted()
        patch.setattr(triton_sweeps, "triton_kernels", module)
        try:
            triton_sweeps.check("cpu")
        except Exception as error:
            # Interpreters of Triton before 3.9 turn arrays of one number into Python's, in a way
            # that NumPy 2.4 no longer allows. Anything else is for the tests to report.
            if "0-dimensional arrays" in str(error) or "ndim > 0" in str(error):
                pytest.skip("this version of Triton's interpreter needs an older NumPy")
    return module


@pytest.fixture
def interpreter(
    interpreted_kernels: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> triton_sweeps.TritonSweeps:
    monkeypatch.setattr(triton_sweeps, "triton_kernels", interpreted_kernels)
    return triton_sweeps.TritonSweeps()


@pytest.fixture(
    params=["interpreter", pytest.param("cuda", marks=[pytest.mark.gpu, needs_gpu, needs_triton])]
)
def ours(request: pytest.FixtureRequest) -> Any:
    """The kernels, with the device that their tensors are to be on."""
    if request.param == "cuda":
        return triton_sweeps.TritonSweeps(), "cuda"
    return request.getfixturevalue("interpreter"), "cpu"


def drive(
    kind: str,
    device: str,
    *,
    shape: tuple[int, ...] = (5,),
    batch: int = 3,
    steps: int = 8,
    held: bool = False,
    dtype: torch.dtype = torch.float32,
    **options: Any,
) -> Drive:
    generator = torch.Generator().manual_seed(0)
    wide = kernels.computing_dtype(torch.empty(0, dtype=dtype))

    def random(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator, dtype=torch.float64).to(device, wide)

    return Drive(
        (4 * random(1 if held else steps, batch, *shape)).to(dtype),
        steps,
        random(*shape),
        random(batch, *shape),
        random(batch, *shape) if kind == "adaptive" else None,
        None if kind == "integrator" else spike_options(**options),
    )


def spike_options(**changes: Any) -> SpikeOptions:
    name = changes.pop("surrogate", "fast_sigmoid")
    usual = {
        "threshold": 1.1,
        "zero_reset": False,
        "reset_gradient": False,
        "adaptation_rise": 0.7,
        "adaptation_decay": 0.9,
    }
    return SpikeOptions(surrogate=surrogate_by_name(name), **(usual | changes))


def alike(left: Any, right: Any, tolerance: float) -> None:
    assert type(left) is type(right)
    for name, a, b in zip(left._fields, left, right, strict=True):
        assert (a is None) == (b is None), name
        if a is not None:
            torch.testing.assert_close(
                a, b, rtol=tolerance, atol=tolerance, msg=lambda text, name=name: f"{name}: {text}"
            )


def received_at_random(given: Drive, outputs: Tensor) -> Received:
    generator = torch.Generator().manual_seed(1)

    def random(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=generator, dtype=torch.float64).to(like)

    last = None if given.adaptation is None else random(given.adaptation)
    return Received(random(outputs), random(given.potential), last)


def assert_equal_to_torch(ours: Any, given: Drive, wanted: Wanted | None = None) -> None:
    sweeps, reference = ours[0], TorchSweeps()
    tolerance = TOLERANCE[given.frames.dtype]
    outcome = reference.forward(given)
    alike(sweeps.forward(given), outcome, tolerance)
    received = received_at_random(given, outcome.outputs)
    wanted = wanted or Wanted(frames=True, decay=True, summed=given.held)
    alike(
        sweeps.backward(given, received, wanted),
        reference.backward(given, received, wanted),
        tolerance,
    )


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_neurons_that_do_not_meet(ours: Any, kind: str, held: bool, dtype: torch.dtype) -> None:
    assert_equal_to_torch(ours, drive(kind, ours[1], held=held, dtype=dtype))


@pytest.mark.parametrize("reset_gradient", [False, True])
@pytest.mark.parametrize("zero_reset", [False, True])
@pytest.mark.parametrize("kind", ["lif", "adaptive"])
def test_resets(ours: Any, kind: str, zero_reset: bool, reset_gradient: bool) -> None:
    given = drive(kind, ours[1], zero_reset=zero_reset, reset_gradient=reset_gradient)
    assert_equal_to_torch(ours, given)


@pytest.mark.parametrize("name", sorted(SURROGATES))
@pytest.mark.parametrize("kind", ["lif", "adaptive"])
def test_surrogates(ours: Any, kind: str, name: str) -> None:
    assert_equal_to_torch(ours, drive(kind, ours[1], surrogate=name))


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize(
    ("steps", "batch", "shape"),
    [
        (1, 1, (1,)),
        (1, 3, (5,)),
        (2, 1, (7,)),
        (3, 5, (triton_sweeps.BLOCK,)),
        (17, 3, (2, 3, 31)),
        (5, 7, (triton_sweeps.BLOCK + 1,)),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_odd_sizes(
    ours: Any, kind: str, steps: int, batch: int, shape: tuple[int, ...], held: bool
) -> None:
    given = drive(kind, ours[1], steps=steps, batch=batch, shape=shape, held=held)
    assert_equal_to_torch(ours, given)


@pytest.mark.parametrize("decay", [False, True])
@pytest.mark.parametrize("frames", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_wanted_is_left_out(ours: Any, kind: str, frames: bool, decay: bool) -> None:
    assert_equal_to_torch(ours, drive(kind, ours[1]), Wanted(frames=frames, decay=decay))


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_the_last_state_alone(ours: Any, kind: str) -> None:
    given = drive(kind, ours[1], reset_gradient=True)
    last = received_at_random(given, given.frames)
    wanted = Wanted(frames=True, decay=True)
    for received in (
        Received(None, last.potential, last.adaptation),
        Received(None, last.potential, None),
        Received(None, None, last.adaptation),
        Received(None, None, None),
    ):
        expected = TorchSweeps().backward(given, received, wanted)
        alike(ours[0].backward(given, received, wanted), expected, 1e-5)


@pytest.mark.parametrize("how", ["the same at each step", "transposed"])
def test_gradients_need_not_be_contiguous(ours: Any, how: str) -> None:
    given = drive("lif", ours[1])
    generator = torch.Generator().manual_seed(2)
    if how == "transposed":
        grad = torch.randn(8, 5, 3, generator=generator).transpose(1, 2)
    else:
        grad = torch.randn(3, 5, generator=generator).expand(8, 3, 5)
    received = Received(grad.to(ours[1]), None, None)
    wanted = Wanted(frames=True, decay=True)
    expected = TorchSweeps().backward(given, received, wanted)
    alike(ours[0].backward(given, received, wanted), expected, 1e-5)


def assert_recurrent_equal(ours: Any, given: Drive) -> None:
    generator = torch.Generator().manual_seed(3)
    n, like = given.decay.numel(), given.potential
    loop = Loop(
        torch.randn(n, n, generator=generator, dtype=torch.float64).to(like),
        torch.rand(like.shape, generator=generator, dtype=torch.float64).to(like),
    )
    tolerance = TOLERANCE[given.frames.dtype]
    sweeps, reference = ours[0], TorchSweeps()
    unkept = sweeps.recurrent_forward(given, loop, keep=False)
    assert unkept.potentials is None
    assert unkept.levels is None
    kept = reference.recurrent_forward(given, loop, keep=True)
    alike(sweeps.recurrent_forward(given, loop, keep=True), kept, tolerance)
    alike(unkept._replace(potentials=kept.potentials, levels=kept.levels), kept, tolerance)
    received = received_at_random(given, kept.outputs)
    for decay in (False, True):
        whole = given
        if decay:
            before = torch.cat([loop.spikes[None], kept.outputs[:-1].to(like)])
            frames = before @ loop.weight.T + given.frames
            whole = Drive(frames, given.steps, given.decay, like, given.adaptation, given.options)
        wanted = Wanted(frames=True, decay=decay)
        alike(
            sweeps.recurrent_backward(whole, loop, kept, received, wanted),
            reference.recurrent_backward(whole, loop, kept, received, wanted),
            tolerance,
        )


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("kind", ["lif", "adaptive"])
def test_neurons_joined_all_to_all(ours: Any, kind: str, held: bool, dtype: torch.dtype) -> None:
    assert_recurrent_equal(ours, drive(kind, ours[1], held=held, dtype=dtype))


@pytest.mark.parametrize(("steps", "batch", "n"), [(1, 1, 1), (1, 3, 5), (6, 2, 33)])
@pytest.mark.parametrize("zero_reset", [False, True])
def test_odd_sizes_joined(ours: Any, zero_reset: bool, steps: int, batch: int, n: int) -> None:
    given = drive(
        "adaptive",
        ours[1],
        steps=steps,
        batch=batch,
        shape=(n,),
        zero_reset=zero_reset,
        reset_gradient=True,
    )
    assert_recurrent_equal(ours, given)


@pytest.mark.parametrize(
    "kind", [LIF, AdaptiveLIF, LeakyIntegrator, RecurrentLIF, RecurrentAdaptiveLIF]
)
def test_cells_agree_with_autograd_through_single_steps(
    ours: Any, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweeps, device = ours
    monkeypatch.setenv("NEURALLAYERS_KERNELS", "triton")
    monkeypatch.setattr(kernels, "sweeps_for", lambda device: sweeps)
    cell = kind(9, tau_ms=5.0, learn_tau=True).double().to(device)
    xs = 3 * torch.rand(11, 4, 9, generator=torch.Generator().manual_seed(5)).double().to(device)
    found = []
    for run in (cell.run, cell.run_reference):
        cell.zero_grad()
        leaf = xs.clone().requires_grad_()
        outputs, last = run(leaf)
        (outputs.square().sum() + sum(part.square().sum() for part in last)).backward()
        found.append([outputs, *last, leaf.grad, *(p.grad for p in cell.parameters())])
    for ours_, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours_, theirs)


def test_inputs_are_left_as_they_were(ours: Any) -> None:
    given = drive("adaptive", ours[1])
    tensors = (given.frames, given.decay, given.potential, given.adaptation)
    before = [tensor.clone() for tensor in tensors if tensor is not None]
    outcome = ours[0].forward(given)
    last = torch.ones_like(given.potential)
    ours[0].backward(given, Received(outcome.outputs, last, last), Wanted(True, True))
    assert bool((last == 1).all())
    for kept, now in zip(before, tensors, strict=True):
        assert now is not None
        assert torch.equal(kept, now)


def test_a_row_has_the_same_bits_in_any_batch(ours: Any) -> None:
    whole = drive("lif", ours[1], batch=130)
    part = Drive(
        whole.frames[:, 7:8].contiguous(),
        whole.steps,
        whole.decay,
        whole.potential[7:8].contiguous(),
        None,
        whole.options,
    )
    together, alone = ours[0].forward(whole), ours[0].forward(part)
    assert torch.equal(together.outputs[:, 7:8], alone.outputs)
    assert torch.equal(together.potential[7:8], alone.potential)


@pytest.mark.gpu
@needs_gpu
@needs_triton
def test_the_check_passes_on_the_device() -> None:
    triton_sweeps.check("cuda")
    assert isinstance(kernels.sweeps_for("cuda"), triton_sweeps.TritonSweeps)


def test_the_check_passes(interpreter: Any) -> None:
    triton_sweeps.check("cpu")


def test_the_check_notices_a_wrong_gradient(
    interpreter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    uncached = triton_sweeps._constants.__wrapped__
    monkeypatch.setattr(triton_sweeps, "_constants", uncached)
    monkeypatch.setattr(triton_sweeps, "_shape", lambda surrogate: ("peak", 4.0, 2.1))
    with pytest.raises(RuntimeError, match="disagree"):
        triton_sweeps.check("cpu")


@pytest.mark.parametrize("name", sorted(SURROGATES))
def test_shapes_are_those_of_the_surrogates(name: str) -> None:
    surrogate = surrogate_by_name(name)
    shape, slope, height = triton_sweeps._shape(surrogate)
    for distance in (-2.0, 0.0, 0.3):
        expected = {
            "peak": height / (1 + slope * abs(distance)) ** 2,
            "bell": height / (1 + (slope * distance) ** 2),
            "triangle": height * max(1 - slope * abs(distance), 0.0),
            "constant": height,
        }[shape]
        found = surrogate.derivative(torch.tensor(distance, dtype=torch.float64))
        assert float(found) == pytest.approx(expected)


def test_numbers_keep_the_precision_of_the_state() -> None:
    given = spike_options(adaptation_decay=0.99)
    numbers, _ = triton_sweeps._constants(given, torch.float64, torch.device("cpu"))
    assert numbers[:4].tolist() == [1.1, 0.7, 0.99, 1.0 - 0.99]


def test_a_gradient_that_repeats_is_read_from_one_frame() -> None:
    frame = torch.rand(3, 5)
    repeated, stride = triton_sweeps._over_time(frame.expand(8, 3, 5))
    assert stride == 0
    assert repeated is not None
    assert repeated.shape == (3, 5)
    assert triton_sweeps._over_time(None) == (None, 0)
    assert triton_sweeps._over_time(torch.rand(8, 3, 5))[1] == 15


def test_kernels_work_in_memory_of_their_own() -> None:
    given = drive("adaptive", "cpu")
    state = triton_sweeps._State.first(given, given.potential)
    grads = Received(None, given.potential, None)
    carried = triton_sweeps._Carried.last(given, grads, Wanted(frames=True, decay=True))
    for tensor in (state.potential, state.spikes, carried.potential):
        assert tensor is not None
        assert torch.equal(tensor, given.potential)
        assert tensor.data_ptr() != given.potential.data_ptr()
    assert carried.adaptation is not None
    assert not carried.adaptation.any()
    decay = carried.decay_over_batch()
    assert decay is not None
    assert decay.shape == given.decay.shape


def test_room_is_made_for_what_is_kept_alone() -> None:
    given = drive("adaptive", "cpu", dtype=torch.bfloat16)
    trace = triton_sweeps._Trace.empty(given, outputs=True, keep=True)
    dtypes = [None if part is None else part.dtype for part in trace]
    assert dtypes == [torch.bfloat16, torch.float32, torch.float32]
    assert all(part is not None and part.shape == (3, 5) for part in trace.at(2))
    unkept = triton_sweeps._Trace.empty(given, outputs=False, keep=False)
    assert unkept.at(0) == (None, None, None)


def test_without_triton_the_reason_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triton_kernels, "INSTALLED", False)
    monkeypatch.setenv("NEURALLAYERS_KERNELS", "triton")
    with pytest.raises(InvalidInput, match="triton is not installed"):
        kernels.sweeps_for("cuda")


def test_compiled_kernels_are_not_for_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triton_kernels, "interpreted", lambda: False)
    monkeypatch.setenv("NEURALLAYERS_KERNELS", "triton")
    with pytest.raises(InvalidInput, match="'cpu'"):
        LIF(3).run(torch.rand(2, 1, 3))


def test_a_device_on_which_triton_fails_is_served_by_torch(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(device: str) -> None:
        raise RuntimeError("Failed to find C compiler")

    monkeypatch.setattr(triton_sweeps, "check", fail)
    with caplog.at_level(logging.WARNING, "neurallayers"):
        assert isinstance(kernels._cuda_sweeps.__wrapped__(), TorchSweeps)
    (record,) = caplog.records
    assert record.msg == "kernels.triton_unusable"
    assert vars(record)["reason"] == "Failed to find C compiler"


def test_a_device_on_which_triton_agrees_is_served_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEURALLAYERS_KERNELS", raising=False)
    served = object()
    monkeypatch.setattr(triton_sweeps, "check", lambda device: None)
    monkeypatch.setattr(triton_sweeps, "TritonSweeps", lambda: served)
    monkeypatch.setattr(kernels, "_cuda_sweeps", kernels._cuda_sweeps.__wrapped__)
    assert kernels.sweeps_for("cuda") is served
    assert isinstance(kernels.sweeps_for("mps"), TorchSweeps)
