"""The compiled step of a block and the sweeps over steps."""

from __future__ import annotations

import re
from typing import Any

import numba
import numpy as np
import pytest
import torch
from numba import types

from neurallayers.dynamics.kernels.blocks import FLOATS, SPIKES, STATE
from neurallayers.dynamics.kernels.equations import OPTIONS
from neurallayers.dynamics.kernels.hodgkin_huxley import (
    SEGMENT,
    SOLVER_CODES,
    STAGGERED,
    VARIABLES,
    crossing_sweep,
    forward_sweep,
    squid_kernel,
)
from neurallayers.dynamics.membrane.squid_axon import SQUID_STEPS, SquidParameters

P = tuple(SquidParameters())
SHARED = np.array([*P, 1.0, 0.025, 0.0])


def started(n: int) -> np.ndarray[Any, Any]:
    generator = np.random.default_rng(0)
    rows = [-70 + 80 * generator.random(n), *generator.random((3, n))]
    return np.concatenate(rows)


def inputs(n: int, steps: int, solver: int, parameters: Any = None) -> tuple[Any, ...]:
    address = squid_kernel(solver, parameters is not None).address(torch.float64)
    parameters = np.empty(0) if parameters is None else parameters
    drive = np.linspace(0.0, 20.0, n)
    return address, steps, SHARED, parameters, drive, 0, np.full(n, 0.1), 0


@pytest.mark.parametrize("name", sorted(SOLVER_CODES))
def test_a_sweep_repeats_the_equation(name: str) -> None:
    n, steps, state = 300, 5, started(300)
    expected = torch.from_numpy(state.copy()).reshape(VARIABLES, n).unbind(0)
    drive = torch.linspace(0.0, 20.0, n, dtype=torch.float64)
    potentials = []
    for _ in range(steps):
        expected = SQUID_STEPS[name](*expected, drive, 0.1, P, 1.0, 0.025)
        potentials.append(expected[0].numpy())
    out = np.zeros(steps * n)
    forward_sweep()(0, n, inputs(n, steps, SOLVER_CODES[name]), state, out, STATE, np.empty(0))
    assert out.reshape(steps, n) == pytest.approx(np.stack(potentials), rel=1e-11)
    for found, other in zip(state.reshape(VARIABLES, n), expected, strict=True):
        assert found == pytest.approx(other.numpy(), rel=1e-10)


def test_constants_of_each_neuron_that_are_alike_change_nothing() -> None:
    n, results = 70, []
    for parameters in (None, np.repeat(np.array(P), n)):
        state, out = started(n), np.zeros(50 * n)
        given = inputs(n, 50, STAGGERED, parameters)
        forward_sweep()(0, n, given, state, out, SPIKES, np.empty(0))
        results.append((state, out))
    # What is alike is multiplied once for all, which rounds otherwise.
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-10)
    assert (results[0][1] == results[1][1]).all()
    assert results[0][1].sum() > 0


def test_bits_do_not_depend_on_the_place_in_a_block() -> None:
    n, state = 300, started(300)
    whole, out = state.copy(), np.empty(0)
    forward_sweep()(0, n, inputs(n, 40, STAGGERED), whole, out, SPIKES, np.empty(0))
    parts = state.copy()
    for low, high in ((0, 3), (3, 200), (200, 300)):
        forward_sweep()(low, high, inputs(n, 40, STAGGERED), parts, out, SPIKES, np.empty(0))
    assert (whole == parts).all()


def test_kept_states_are_those_before_every_segment() -> None:
    n, steps = 10, 2 * SEGMENT + 1
    kept = np.zeros(3 * VARIABLES * n)
    state = started(n)
    forward_sweep()(0, n, inputs(n, steps, STAGGERED), state, np.empty(0), SPIKES, kept)
    again = started(n)
    for segment in range(3):
        assert (kept.reshape(3, -1)[segment] == again).all()
        many = inputs(n, SEGMENT, STAGGERED)
        forward_sweep()(0, n, many, again, np.empty(0), SPIKES, np.empty(0))


def test_crossings_beyond_the_room_are_counted() -> None:
    n, state = 40, np.repeat([-65.0, 0.05, 0.6, 0.32], 40)
    neurons, times, found = np.zeros(2, np.int64), np.zeros(2), np.zeros(1, np.int64)
    crossing_sweep()(0, n, inputs(n, 2_000, STAGGERED), state, neurons, times, found)
    assert found[0] > 2
    assert (times > 0).all()


@pytest.mark.parametrize(("dtype", "wide"), [(torch.float64, 8), (torch.float32, 16)])
def test_the_step_is_made_of_vectors(dtype: torch.dtype, wide: int) -> None:
    """A scalar loop would cost five times as much, and nothing else would tell."""
    pointer = types.CPointer(FLOATS[dtype])
    options = {key: value for key, value in OPTIONS.items() if key != "nogil"}
    # Not from disk, where only machine code is kept.
    fresh = numba.cfunc(types.void(pointer, pointer), fastmath={"contract"}, **options)(
        squid_kernel(STAGGERED, False).function
    )
    text = fresh.inspect_llvm()
    kind = "double" if dtype == torch.float64 else "float"
    vectors = re.findall(rf"fdiv contract <(\d+) x {kind}>", text)
    assert {int(width) for width in vectors} & {wide // 4, wide // 2, wide}
    assert len(vectors) >= 8
    assert "@exp" not in text
