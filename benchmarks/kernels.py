"""Fused kernels against other frameworks and against the matrix products alone.

All contenders of a case see the same data and take turns, round after round, in one process; the
figures are medians over the rounds [ms]. Beside them stand the page faults of a round, which decide
at this speed. Peers: ``pip install --no-deps -r benchmarks/requirements-peers.txt``.

Run: ``python -m benchmarks.kernels [--quick]``
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.peers import TAU, Layer, Peer, installed
from benchmarks.results import write
from neurallayers.dynamics.neurons import LIF
from neurallayers.dynamics.recurrent import RecurrentLIF
from neurallayers.dynamics.sequential import Sequential
from neurallayers.dynamics.synapses import Linear

COMMAND = "python -m benchmarks.kernels"
SOURCES = Path(__file__).resolve().parent.parent / "src"
Contender = Callable[[], None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few rounds; nothing is written")
    rounds = 5 if (quick := parser.parse_args().quick) else 25
    peers, missing = installed()
    for name, reason in missing.items():
        print(f"{name} is missing and not compared: {reason}")
    torch.manual_seed(0)
    # Other work on the machine spoils these figures: what there was is part of the result.
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    results: dict[str, Any] = {
        **measure("lif", lif_contenders(peers), rounds),
        **measure("mlp", mlp_contenders(peers), rounds),
        **measure("recurrent", recurrent_contenders(peers), rounds),
        **start_up(1 if quick else 5),
    }
    results |= conclusions(results, list(peers))
    results["firing_rate"] = firing_rates()
    results["load_average_before"] = load
    results["threads"] = torch.get_num_threads()
    results["settings"] = {name: peer.setting for name, peer in peers.items()}
    results["peers_missing"] = sorted(missing)
    command = COMMAND + (" --quick" if quick else "")
    with tempfile.TemporaryDirectory() as scratch:
        write("kernels", results, command, **({"folder": Path(scratch)} if quick else {}))


def measure(case: str, contenders: Mapping[str, Contender], rounds: int) -> dict[str, float]:
    """Medians of wall time [ms] and of page faults of each contender."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    faults: dict[str, list[int]] = {name: [] for name in contenders}
    for turn in range(rounds + 2):
        for name, contender in contenders.items():
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            start = time.perf_counter()
            contender()
            elapsed = 1e3 * (time.perf_counter() - start)
            if turn >= 2:
                times[name].append(elapsed)
                faults[name].append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    found = {}
    for name in contenders:
        found[f"{case}_{name}_ms"] = statistics.median(times[name])
        found[f"{case}_{name}_page_faults"] = statistics.median(faults[name])
    return found


def conclusions(results: Mapping[str, Any], peers: list[str]) -> dict[str, float | None]:
    """The figures that the claims rest on."""

    def speedup(case: str) -> float | None:
        if not peers:
            return None
        best = min(results[f"{case}_{peer}_ms"] for peer in peers)
        return float(best / results[f"{case}_neurallayers_ms"])

    bf16 = results.get("mlp_neurallayers_bf16_ms")
    return {
        "lif_speedup_over_best_peer": speedup("lif"),
        "mlp_speedup_over_best_peer": speedup("mlp"),
        "mlp_ratio_to_floor": results["mlp_neurallayers_ms"] / results["mlp_floor_ms"],
        "mlp_bf16_ratio_to_float32_floor": bf16 / results["mlp_floor_ms"] if bf16 else None,
        "recurrent_speedup_over_best_peer": speedup("recurrent"),
        "recurrent_ratio_to_floor": (
            results["recurrent_neurallayers_ms"] / results["recurrent_floor_ms"]
        ),
        "first_call_seconds": results["first_call_seconds"],
        "cached_first_call_seconds": results["cached_first_call_seconds"],
        "import_ratio_to_torch": results["import_ratio_to_torch"],
    }


# ------------------------------------------------------------------------------------------ cases


def lif_contenders(peers: Mapping[str, Peer]) -> dict[str, Contender]:
    """One layer of 1024 LIF neurons, 100 steps, batch 64: forward and backward."""
    xs = (2.5 * torch.rand(100, 64, 1024)).requires_grad_()
    grad = torch.randn(100, 64, 1024)
    layers = {"neurallayers": ours(LIF(1024, tau_ms=TAU))}
    layers |= {name: peer.neurons(1024) for name, peer in peers.items()}

    def contender(layer: Layer) -> Contender:
        def run() -> None:
            xs.grad = None
            layer(xs).backward(grad)

        return run

    result = torch.empty_like(grad)

    def copy() -> None:
        result.copy_(xs.detach())
        torch.mul(xs.detach(), grad, out=result)

    contenders = {name: contender(layer) for name, layer in layers.items()}
    return contenders | {"copy_of_the_data": copy}


def mlp_contenders(peers: Mapping[str, Peer]) -> dict[str, Contender]:
    """A training step of 784-512-256-10, 50 steps, batch 128, and its matrix products alone."""
    xs = events(50, 128, 784, sparsity=4)
    labels = torch.randint(0, 10, (128,))
    cells = spiking_mlp()

    def train(net: Layer, parameters: list[nn.Parameter]) -> Contender:
        optimiser = torch.optim.SGD(parameters, lr=1e-6)

        def run() -> None:
            optimiser.zero_grad()
            functional.cross_entropy(net(xs).float().sum(0), labels).backward()
            optimiser.step()

        return run

    train_ours = train(ours(cells), list(cells.parameters()))

    def train_bf16() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            train_ours()

    contenders = {"neurallayers": train_ours}
    for name, peer in peers.items():
        stages: list[Any] = []
        linears = []
        for cell in cells.cells:
            if isinstance(cell, Linear):
                linears.append(twin(cell))
                stages.append(linears[-1])
            elif isinstance(cell, LIF):
                stages.append(peer.neurons(cell.out_shape[0]))
        parameters = [weight for linear in linears for weight in linear.parameters()]
        contenders[name] = train(chain(stages), parameters)
    products = [twin(cell) for cell in cells.cells if isinstance(cell, Linear)]
    contenders["floor"] = products_alone(xs, products)
    if "avx512_bf16" in cpu_flags() or "amx_bf16" in cpu_flags():
        contenders["neurallayers_bf16"] = train_bf16
    return contenders


def recurrent_contenders(peers: Mapping[str, Peer]) -> dict[str, Contender]:
    """A training step of 700-256 (recurrent)-20, 100 steps, batch 64, and its products alone."""
    xs = events(100, 64, 700, sparsity=20)
    labels = torch.randint(0, 20, (64,))
    first, inner, last = recurrent_net()

    def train(net: Layer, parameters: list[nn.Parameter]) -> Contender:
        optimiser = torch.optim.SGD(parameters, lr=1e-6)

        def run() -> None:
            optimiser.zero_grad()
            functional.cross_entropy(net(xs).mean(0), labels).backward()
            optimiser.step()

        return run

    cells = Sequential(first, inner, last)
    contenders = {"neurallayers": train(ours(cells), list(cells.parameters()))}
    for name, peer in peers.items():
        linears = [twin(first), nn.Linear(256, 256, bias=False), twin(last)]
        linears[1].weight.data.copy_(inner.recurrent_weight.detach())
        net = chain([linears[0], peer.recurrent(256, linears[1]), linears[2]])
        parameters = [weight for linear in linears for weight in linear.parameters()]
        contenders[name] = train(net, parameters)
    products = products_alone(xs, [twin(first), twin(last)])
    weight, sent, received = (
        inner.recurrent_weight.detach(),
        torch.rand(64, 256),
        torch.rand(64, 256),
    )
    history = torch.rand(100 * 64, 256)

    def floor() -> None:
        products()
        for _ in range(2 * 100):
            torch.mm(sent, weight, out=received)
        torch.mm(history.T, history)

    return contenders | {"floor": floor}


def spiking_mlp() -> Sequential:
    """784-512-256-10 with weights at which the neurons fire in some hundredths of the steps."""
    cells: list[Any] = []
    for i, (n_in, n_out, gain) in enumerate([(784, 512, 9.0), (512, 256, 30.0), (256, 10, 60.0)]):
        cells += [Linear(n_in, n_out, gain=gain, seed=i), LIF(n_out, tau_ms=TAU)]
    return Sequential(*cells)


def events(steps: int, batch: int, n: int, sparsity: int) -> Tensor:
    """Spikes of senders with rates of their own in each row, 1 / (sparsity + 1) on average."""
    rates = torch.rand(batch, n) ** sparsity
    return (torch.rand(steps, batch, n) < rates).float()


def recurrent_net() -> tuple[Linear, RecurrentLIF, Linear]:
    """700-256 (recurrent)-20."""
    return Linear(700, 256, gain=18.0), RecurrentLIF(256, tau_ms=TAU), Linear(256, 20)


def firing_rates() -> dict[str, float]:
    """How often our neurons fire, in spikes a neuron and step."""
    torch.manual_seed(0)
    rates = {"lif": LIF(1024, tau_ms=TAU).run(2.5 * torch.rand(100, 64, 1024))[0].mean().item()}
    xs = events(50, 128, 784, sparsity=4)
    for cell in spiking_mlp().cells:
        xs = ours(cell)(xs)
        if isinstance(cell, LIF):
            rates[f"mlp_{cell.out_shape[0]}"] = xs.mean().item()
    first, inner, _ = recurrent_net()
    xs = events(100, 64, 700, sparsity=20)
    rates["recurrent"] = inner.run(first.run(xs)[0])[0].mean().item()
    return rates


def ours(cell: Any) -> Layer:
    """A cell as a function of frames alone."""

    def run(xs: Tensor) -> Tensor:
        outputs: Tensor = cell.run(xs)[0]
        return outputs

    return run


def twin(cell: Linear) -> nn.Linear:
    """The same matrix as torch's own layer."""
    linear = nn.Linear(cell.in_shape[0], cell.out_shape[0])
    with torch.no_grad():
        linear.weight.copy_(cell.weight)
        linear.bias.zero_()
    return linear


def chain(stages: list[Any]) -> Layer:
    """Stages one after the other."""

    def run(xs: Tensor) -> Tensor:
        for stage in stages:
            xs = stage(xs)
        return xs

    return run


def products_alone(xs: Tensor, linears: list[nn.Linear]) -> Contender:
    """Forward and backward of the dense layers without any neuron between them."""
    rows = xs.flatten(0, 1)
    seed = torch.randn(rows.shape[0], linears[-1].out_features)

    def run() -> None:
        out = rows
        for linear in linears:
            linear.zero_grad()
            out = linear(out)
        out.backward(seed)

    return run


# --------------------------------------------------------------------------------------- start-up

# Our names are looked up when they are first used: the lookup belongs to the import.
STATEMENTS = {"torch": "import torch", "neurallayers": "import neurallayers; neurallayers.LIF"}
TIMED_IMPORT = """
import time
start = time.perf_counter()
{statement}
print(time.perf_counter() - start)
"""
TIMED_CALL = """
import time, torch
from neurallayers.dynamics.neurons import LIF
xs = torch.rand(10, 4, 64, requires_grad=True)
start = time.perf_counter()
LIF(64).run(xs)[0].sum().backward()
print(time.perf_counter() - start)
"""


def start_up(rounds: int) -> dict[str, float]:
    """Seconds of the first call (with and without stored code) and of the imports."""
    first, cached = [], []
    for _ in range(max(1, rounds // 2)):
        with tempfile.TemporaryDirectory() as folder:
            first.append(seconds(TIMED_CALL, NUMBA_CACHE_DIR=folder))
            cached.append(seconds(TIMED_CALL, NUMBA_CACHE_DIR=folder))
    imports: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for _ in range(rounds + 1):
        for module, taken in imports.items():
            taken.append(seconds(TIMED_IMPORT.format(statement=STATEMENTS[module])))
    # The first of each warms the file cache.
    medians = {module: statistics.median(taken[1:]) for module, taken in imports.items()}
    return {
        "first_call_seconds": statistics.median(first),
        "cached_first_call_seconds": statistics.median(cached),
        "import_torch_seconds": medians["torch"],
        "import_neurallayers_seconds": medians["neurallayers"],
        "import_ratio_to_torch": medians["neurallayers"] / medians["torch"],
    }


def seconds(code: str, **environment: str) -> float:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(SOURCES), **environment},
    )
    return float(done.stdout)


def cpu_flags() -> set[str]:
    """Instruction sets of the CPU, where the system tells."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return set()
    lines = (line for line in text.splitlines() if line.startswith("flags"))
    return set(next(lines, "").split())


if __name__ == "__main__":
    main()
