"""``measure``: how active, complex and integrated a network is, or a recording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from neurallayers.cli.output import AsJson, print_facts, print_json, results, say
from neurallayers.cli.sources import open_brain
from neurallayers.errors import InvalidInput

RECORDINGS = (".npy", ".csv", ".txt")


def measure(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A network, the folder or file of a brain, or a recording (.npy or .csv): "
            "a column for each channel, a row for each sample.",
        ),
    ],
    region: Annotated[
        str | None, typer.Option(help="Region that is struck; the first when left out.")
    ] = None,
    trials: Annotated[int, typer.Option(min=2, max=1000, help="Times that it is struck.")] = 32,
    seed: Annotated[int, typer.Option(min=0, help="Seed of noise and push.")] = 0,
    dt_ms: Annotated[
        float, typer.Option(min=1e-6, help="Time between the samples of a recording [ms].")
    ] = 1.0,
    out: Annotated[
        Path | None, typer.Option(help="File for a figure of a network (.png, .svg or .pdf).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure complexity and integration of a network or of a recording.

    These are measures of models and data; they say nothing about experience.
    """
    if Path(source).suffix.lower() in RECORDINGS:
        facts = _recording(Path(source), dt_ms)
        if as_json:
            print_json(facts)
        else:
            print_facts(facts)
        return
    from neurallayers.brain.measuring import measure as measured

    with open_brain(source) as brain:
        report = measured(
            brain.network,
            state=brain.life.state,
            region=region,
            trials=trials,
            seed=seed,
            progress=None if as_json else lambda what: say(f"measuring {what}"),
        )
    if out is not None:
        report.figure(out)
        say(f"The figure is in {out}.")
    if as_json:
        print_json(report.to_dict())
    else:
        results().print(str(report), markup=False, soft_wrap=True)


def _recording(path: Path, dt_ms: float) -> dict[str, Any]:
    """What can be said of channels over time."""
    import numpy as np

    from neurallayers.measures import complexity
    from neurallayers.measures.integration.gaussian import gaussian_integration

    data = _read(path)
    facts: dict[str, Any] = {
        "recording": str(path),
        "samples": data.shape[0],
        "channels": data.shape[1],
        "lempel_ziv": complexity.schartner_complexity(data.T, shuffles=5),
        "permutation_entropy": float(
            np.mean([complexity.permutation_entropy(one, normalize=True) for one in data.T])
        ),
        "spectral_entropy": float(
            np.mean([complexity.spectral_entropy(one, dt_ms) for one in data.T])
        ),
    }
    if 1 < data.shape[1] <= 12:
        found = gaussian_integration(data, "phi_star")
        facts["phi_star_nats"] = found.phi_nats
        facts["phi_r_nats"] = gaussian_integration(data, "phi_r").phi_nats
        facts["least_integrated_across"] = [list(part) for part in found.partition]
    return facts


def _read(path: Path) -> Any:
    """Samples ``[time, channels]``.

    Raises:
        InvalidInput: If the file holds something else.
    """
    import numpy as np

    try:
        if path.suffix.lower() == ".npy":
            data = np.load(path, allow_pickle=False)
        else:
            text = path.read_text(encoding="utf-8")
            if not text.strip():
                raise ValueError("it is empty")
            begin = int(any(sign.isalpha() and sign not in "eE" for sign in text.split("\n")[0]))
            data = np.loadtxt(text.splitlines(), delimiter=",", skiprows=begin, ndmin=2)
        data = np.asarray(data, dtype=np.float64)
    except ValueError as error:
        raise InvalidInput(
            f"{path} holds no table of numbers ({error}).",
            "Give a column for each channel and a row for each sample.",
        ) from error
    if data.ndim == 1:
        data = data[:, None]
    if data.ndim != 2 or data.shape[0] < 16 or not np.isfinite(data).all():
        raise InvalidInput(
            f"{path} has the shape {data.shape}, or holds NaN.",
            "Give 16 samples or more of finite numbers, [time, channels].",
        )
    return data
