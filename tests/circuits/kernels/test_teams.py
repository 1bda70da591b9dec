"""Threads that wait for each other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np

from neurallayers.circuits.kernels.teams import wait_for_all
from neurallayers.dynamics.kernels.equations import OPTIONS


@numba.njit(**OPTIONS)
def relay(counter, values, thread, rounds):
    threads = values.size
    wrong = 0
    for meeting in range(1, rounds + 1):
        values[thread] = meeting
        wait_for_all(counter, threads, meeting)
        for other in range(threads):
            # Nobody can be further than one meeting ahead, nor behind.
            wrong += values[other] < meeting or values[other] > meeting + 1
    return wrong


def test_nobody_goes_on_before_all_have_come() -> None:
    counter, values = np.zeros(8, np.int64), np.zeros(3, np.int64)
    relay(counter.ctypes.data, np.zeros(1, np.int64), 0, 0)
    with ThreadPoolExecutor(3) as team:
        waiting = [team.submit(relay, counter.ctypes.data, values, t, 300) for t in range(3)]
        assert [each.result() for each in waiting] == [0, 0, 0]
    assert counter[0] == 900
