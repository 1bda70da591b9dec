"""The compiled loop of a living neuron against its single steps."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import neurallayers.dynamics.membrane as package
from neurallayers.dynamics.membrane import compiled
from neurallayers.dynamics.membrane.biophysical import BiophysicalNeuron
from neurallayers.state import leaves, map_state


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_loop_is_that_of_the_steps(dtype: torch.dtype) -> None:
    """Through a spike, with a state whose every part has been lived in."""
    cell = BiophysicalNeuron((2, 2), dt_ms=0.05)
    xs = torch.linspace(0.0, 30.0, 4, dtype=dtype).reshape(1, 1, 2, 2).expand(80, 3, 2, 2)
    start = map_state(lambda t: t.to(dtype) if t.is_floating_point() else t, cell.initial_state(3))
    with torch.no_grad():
        spikes, after = cell.run(xs.contiguous(), start)
        expected_spikes, expected = cell.run_reference(xs, start)
    assert torch.equal(spikes, expected_spikes)
    assert spikes.sum() > 0
    tolerance = 1e-9 if dtype == torch.float64 else 2e-3
    for (name, a), (_, b) in zip(leaves(after), leaves(expected), strict=True):
        assert a.dtype == b.dtype, name
        assert torch.allclose(a, b, rtol=tolerance, atol=tolerance * 1e-2), name


def test_runs_join_bit_for_bit() -> None:
    cell = BiophysicalNeuron(3)
    xs = torch.full((60, 2, 3), 12.0)
    with torch.no_grad():
        whole, end = cell.run(xs)
        first, between = cell.run(xs[:25])
        second, joined = cell.run(xs[25:], between)
    assert torch.equal(torch.cat([first, second]), whole)
    for (name, a), (_, b) in zip(leaves(joined), leaves(end), strict=True):
        assert torch.equal(a, b), name


def test_stored_code_is_known_by_every_file_that_it_comes_from() -> None:
    """Else an edited equation would be run as it was."""
    folder = Path(package.__file__).parent
    assert all((folder / f"{name}.py").is_file() for name in compiled.SOURCES)
    imported = {
        line.split("import")[0].split(".")[-1].strip()
        for name in compiled.SOURCES
        for line in (folder / f"{name}.py").read_text().splitlines()
        if line.startswith("from neurallayers.dynamics.membrane.")
    }
    assert imported - {"parameters"} <= set(compiled.SOURCES)
