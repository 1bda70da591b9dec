from __future__ import annotations

import numba
import numpy as np
import pytest
import torch

from neurallayers.dynamics.kernels.compiler import kernel, narrow, row_kernel, widen


@row_kernel
def round_trip(values: np.ndarray, stored: np.ndarray, back: np.ndarray) -> None:
    for j in range(values.size):
        stored[j] = narrow(values[j], stored)
        back[j] = widen(stored[j])


def test_bfloat16_is_stored_as_torch_stores_it() -> None:
    generator = torch.Generator().manual_seed(0)
    bits = torch.randint(-(2**31), 2**31, (100_000,), generator=generator, dtype=torch.int64)
    values = bits.to(torch.int32).view(torch.float32)
    values[:4] = torch.tensor([float("nan"), float("inf"), -float("inf"), 3.3895e38])
    stored = np.empty(values.numel(), np.uint16)
    back = np.empty(values.numel(), np.float32)
    round_trip(values.numpy(), stored, back)
    expected = values.bfloat16()
    ours = torch.from_numpy(stored).view(torch.bfloat16)
    torch.testing.assert_close(ours, expected, rtol=0, atol=0, equal_nan=True)
    torch.testing.assert_close(
        torch.from_numpy(back), expected.float(), rtol=0, atol=0, equal_nan=True
    )


def test_a_cache_that_cannot_be_made_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    original = numba.njit

    def without_cache(**options: object) -> object:
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return original(**options)

    monkeypatch.setattr(numba, "njit", without_cache)

    def double(x: float) -> float:
        return 2 * x

    assert kernel(double)(2.0) == 4.0


def test_stored_code_is_known_by_the_source_of_what_it_is_made_of() -> None:
    def one(x: float) -> float:
        return x

    def two(x: float) -> float:
        return x

    suffixes = {kernel(f).py_func.__qualname__.rpartition(".")[2] for f in (one, two)}
    assert len(suffixes) == 1
    assert len(suffixes.pop()) == 12
