from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from neurallayers.dynamics.kernels import threads


@pytest.fixture(params=["team", "pool"])
def workers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "pool":
        monkeypatch.setattr(threads, "_torch_team", lambda process: None)


def mark(start: int, stop: int, seen: np.ndarray) -> None:
    seen[start:stop] += 1


@pytest.mark.parametrize("size", [1, 2, 63, 64, 65, 1000])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_slices_cover_everything_once(workers: None, size: int, count: int) -> None:
    seen = np.zeros(size, np.int64)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(count)
        threads.in_slices(mark, size, (seen,), threads.INLINE_ELEMENTS, threads.ALIGNMENT)
    finally:
        torch.set_num_threads(before)
    assert (seen == 1).all()


def test_little_work_stays_on_this_thread() -> None:
    found: list[tuple[int, int, int]] = []

    def kernel(start: int, stop: int) -> None:
        found.append((start, stop, threading.get_ident()))

    threads.in_slices(kernel, 100, (), threads.INLINE_ELEMENTS - 1)
    assert found == [(0, 100, threading.get_ident())]


def test_an_error_in_a_thread_reaches_the_caller(workers: None) -> None:
    def fail() -> None:
        raise ValueError("broken")

    done: list[int] = []
    with pytest.raises(ValueError, match="broken"):
        threads.run_together([lambda: done.append(1), fail], 2)
    assert done == [1]


def test_a_forked_child_does_not_wait_for_threads_of_its_parent() -> None:
    assert threads._torch_team(-1) is None
