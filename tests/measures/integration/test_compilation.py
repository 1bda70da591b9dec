"""Kernels are compiled, and are where no cache can be written too."""

from __future__ import annotations

import numba
import pytest

from neurallayers.measures.integration import compilation


def double(number: int) -> int:
    return 2 * number


def test_a_kernel_is_compiled() -> None:
    fast = compilation.compiled(double)
    assert fast(21) == 42
    assert isinstance(fast, numba.core.registry.CPUDispatcher)


def test_without_a_folder_for_the_cache_it_is_compiled_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = numba.njit

    def refusing(*arguments: object, **options: object) -> object:
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return plain(*arguments, **options)

    monkeypatch.setattr(numba, "njit", refusing)
    assert compilation.compiled(double)(4) == 8
