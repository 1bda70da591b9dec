from __future__ import annotations

import resource
import sys
from pathlib import Path

import pytest
import torch

from neurallayers.dynamics.kernels.pages import HUGE_PAGE, empty

HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


@pytest.mark.parametrize("shape", [(), (0,), (3, 4), (2 * HUGE_PAGE // 4 + 5,)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_memory_is_as_asked_for(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    tensor = empty(shape, torch.zeros(1, dtype=dtype))
    assert tensor.shape == shape
    assert tensor.dtype == dtype
    assert tensor.is_contiguous()
    assert not tensor.requires_grad
    assert bool((tensor.fill_(2.0) == 2.0).all())


def test_the_dtype_may_differ() -> None:
    assert empty((2,), torch.zeros(1), torch.float64).dtype == torch.float64


@pytest.mark.skipif(
    not sys.platform.startswith("linux")
    or not HUGE_PAGES.exists()
    or "[never]" in HUGE_PAGES.read_text(),
    reason="this system offers no huge pages",
)
def test_large_memory_costs_few_page_faults() -> None:
    # Larger than what the allocator keeps for later, so that it comes fresh from the system.
    tensor = empty((16 * 1024 * 1024,), torch.zeros(1))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    tensor.zero_()
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    assert faults < tensor.nbytes / 4096 / 4
