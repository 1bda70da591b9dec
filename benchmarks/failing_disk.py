"""A disk that fails on demand under a running server: does it say so, and does it come back?"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.connection import Asker, request
from benchmarks.load import run
from benchmarks.server import HOST, NotServing, Server, data_folder, ours, running
from benchmarks.tellers import Teller, verdict

SOURCE = Path(__file__).with_name("faults.c")
FAULTS = {"fsync_error": "FAULT_FSYNC", "full_disk": "FAULT_FULL"}
CALM_SECONDS, FAULT_SECONDS, PATIENCE_SECONDS = 1.5, 5.0, 30.0
POLL_SECONDS = 0.02


def compiled(folder: Path) -> Path | None:
    """The shim that fails calls, or none where there is no C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    shim = folder / "faults.so"
    command = [compiler, "-shared", "-fPIC", "-O2", "-o", str(shim), str(SOURCE), "-ldl"]
    subprocess.run(command, check=True)
    return shim


def environment(shim: Path, folder: Path) -> dict[str, str]:
    """What a server needs to be under the shim; its flags lie beside its data folder."""
    flags = {variable: str(folder / variable) for variable in FAULTS.values()}
    return {
        "LD_PRELOAD": str(shim),
        "FAULT_FOLDER": str(data_folder(folder).resolve()),
        **flags,
    }


def suffered(folder: Path, shim: Path, fault: str, tellers: list[Teller]) -> dict[str, Any]:
    """Let a fault come and go under load, then see what is there.

    Args:
        folder: Where the server was started before; the tellers' brains are in its data folder.
        shim: What :func:`compiled` gave.
        fault: A key of :data:`FAULTS`.
        tellers: Whoever keeps it busy.
    """
    flag = folder / FAULTS[fault]
    server = ours(folder, environment=environment(shim, folder))
    try:
        server.wait_until_ready()
        figures = run(_with_fault(server, flag, tellers))
        survived = server.process.poll() is None
        live = run(verdict(server.port, tellers))
    finally:
        flag.unlink(missing_ok=True)
        server.kill()
    with running(folder) as server:
        stored = run(verdict(server.port, tellers))
    return {
        **figures,
        "without_a_restart": survived,
        "acknowledged_lost": max(live.lost, stored.lost),
        "wrong": live.wrong + stored.wrong,
        "verdict": vars(stored),
    }


async def _with_fault(server: Server, flag: Path, tellers: list[Teller]) -> dict[str, Any]:
    clock = asyncio.get_running_loop().time
    for teller in tellers:
        teller.stopping = False
        teller.answers.clear()
    telling = [
        asyncio.create_task(_keep_telling(teller, server.port, PATIENCE_SECONDS * 3))
        for teller in tellers
    ]
    await asyncio.sleep(CALM_SECONDS)
    flag.touch()
    begin = clock()
    not_ready = await _until(server, ready=False)
    await asyncio.sleep(max(0.0, FAULT_SECONDS - (clock() - begin)))
    flag.unlink()
    end = clock()
    ready = await _until(server, ready=True)
    await asyncio.sleep(CALM_SECONDS)
    for teller in tellers:
        teller.stopping = True
    await asyncio.gather(*telling)
    # Statuses while it lasted; an answer within the first moment may have been on its way.
    meanwhile = Counter(
        (action, status)
        for teller in tellers
        for when, action, status in teller.answers
        if begin + 0.1 < when < end
    )
    for teller in tellers:
        await teller.settle(server.port)
    return {
        "not_ready_after_seconds": not_ready,
        "ready_again_after_seconds": ready,
        "lessons_acknowledged_meanwhile": meanwhile[("learn", 200)],
        "answers_meanwhile": {
            f"{action} {status}": count for (action, status), count in sorted(meanwhile.items())
        },
    }


async def _keep_telling(teller: Teller, port: int, seconds: float) -> None:
    """Tell, and connect again when a connection breaks."""
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    while not teller.stopping and clock() < end:
        with contextlib.suppress(OSError):
            await teller.tell(port, pause_s=0.01)
        await asyncio.sleep(POLL_SECONDS)


async def _until(server: Server, *, ready: bool) -> float:
    """Seconds until the server says that it is (or is not) ready.

    Raises:
        NotServing: If that takes too long.
    """
    clock = asyncio.get_running_loop().time
    begin, asker = clock(), Asker(HOST, server.port)
    prepared = request("GET", server.ready_path)
    try:
        while clock() - begin < PATIENCE_SECONDS:
            status, _ = await asker.ask(prepared, timeout_s=2.0)
            if (status == 200) == ready:
                return round(clock() - begin, 3)
            await asyncio.sleep(POLL_SECONDS)
    finally:
        asker.close()
    word = "ready" if ready else "other than ready"
    raise NotServing(f"The server was never {word}:\n{server.last_words()}")
