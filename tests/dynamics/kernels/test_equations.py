"""Equations compiled: those marked before and after the compiler was loaded, and their literals."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numba
import numpy as np
import pytest

from neurallayers.dynamics.arithmetic import EQUATIONS, equation, exp
from neurallayers.dynamics.kernels.equations import OPTIONS

SHIFT = 0.1


@equation
def shifted(x: Any) -> Any:
    return x * 3.3 + SHIFT


def halves(x: Any) -> Any:
    return x / 2.0


def halves_of_numbers(x: Any) -> Any:
    return 0.5 * exp(0.0 * x) * x


equation(halves, compiled=halves_of_numbers)


@numba.njit(**OPTIONS)
def loop(x: Any, out: Any) -> None:
    for i in range(x.size):
        out[i] = shifted(x[i]) + halves(x[i])


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_equations_marked_after_the_compiler_was_loaded_are_known_to_it(kind: type) -> None:
    x = np.linspace(-1, 1, 7).astype(kind)
    out = np.empty_like(x)
    loop(x, out)
    literals = np.array([3.3, SHIFT]).astype(kind)
    # Each literal in the precision of the arguments, to the last bit.
    np.testing.assert_array_equal(out, x * literals[0] + literals[1] + kind(0.5) * x)


def test_an_equation_stays_the_function_that_it_was() -> None:
    assert shifted(2.0) == 2.0 * 3.3 + SHIFT
    assert (halves, halves_of_numbers) in EQUATIONS
    assert halves(3.0) == 1.5


def test_marking_an_equation_loads_no_compiler() -> None:
    code = (
        "import sys, neurallayers.dynamics, neurallayers.dynamics.membrane;"
        "from neurallayers.dynamics.arithmetic import EQUATIONS;"
        "print(len(EQUATIONS) > 10, 'numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]
