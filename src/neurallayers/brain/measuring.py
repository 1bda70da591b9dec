"""One call that measures a network: how active, how complex, how integrated it is.

A network lives in noise and is struck (:mod:`neurallayers.brain.perturbing`); everything is
measured on what its neurons did. The numbers describe the model under these conditions. They are
measures that theories of consciousness propose; they claim nothing about experience.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurallayers.brain.network import BrainNetwork, BrainState
from neurallayers.brain.perturbing import Response, perturb, transition_probabilities
from neurallayers.errors import InvalidInput
from neurallayers.extras import require
from neurallayers.measures.complexity import (
    permutation_entropy,
    perturbational_complexity,
    schartner_complexity,
    significant_activity,
    spectral_entropy,
    state_transition_complexity,
)
from neurallayers.measures.integration import integrated_information
from neurallayers.measures.integration.gaussian import LaggedCovariance, gaussian_integration

Array = npt.NDArray[np.float64]
Progress = Callable[[str], None]

#: Neurons whose spikes go into the Lempel-Ziv complexity.
SAMPLE = 32
#: Groups of neurons whose spikes are averaged to signals like those of electrodes, or of sources.
CHANNELS_AT_MOST, SOURCES_AT_MOST = 12, 72
#: Time constant of the low pass from spikes to such a signal [ms].
SMOOTHING_MS = 5.0
SMALL_SYSTEM = 3
#: Under this entropy of the significance [bits] PCI says nothing, as it grows without bound where
#: hardly anything is significant (Casali et al. 2013, supplement).
LEAST_ENTROPY_BITS = 0.08


@dataclass(frozen=True)
class NetworkReport:
    """What was measured of a network.

    Attributes:
        name: Its name.
        rates_hz: Mean rate of each region before the push [Hz].
        lempel_ziv: LZc of Schartner et al. (2015) of a sample of neurons: 1 is as much as chance.
        spectral_entropy: Of the rate of all neurons, 0 (a tone) to 1 (noise).
        permutation_entropy: Of the same, by the orders of three values, 0 to 1.
        pci: Perturbational complexity index (Casali et al. 2013); nan where too little of the
            answer is significant.
        pcist: By state transitions (Comolatti et al. 2019).
        reach: Share of neurons that the push changed at any time, in any trial.
        phi_star_nats: Integrated information of the regions' signals by mismatched decoding
            (Oizumi et al. 2016) at the bipartition where it is least [nats].
        phi_r_nats: The same, whole minus sum with redundancy given back [nats].
        phi_discrete: Integrated information (IIT 3.0) of the few neurons that hear each other most,
            in their most frequent state that can be; none where no region hears itself.
        neurons: Which they are: a region and numbers.
        response: What it was measured on.
        significant: Where the answer was significant, bool ``[sources, time]``.
        signals: ``[channels, time]``, averaged over trials [Hz].
        channels: Region of each channel.
    """

    name: str
    rates_hz: dict[str, float]
    lempel_ziv: float
    spectral_entropy: float
    permutation_entropy: float
    pci: float
    pcist: float
    reach: float
    phi_star_nats: float
    phi_r_nats: float
    phi_discrete: float | None
    neurons: tuple[str, tuple[int, ...]] | None
    response: Response = field(repr=False)
    significant: npt.NDArray[np.bool_] = field(repr=False)
    signals: Array = field(repr=False)
    channels: tuple[str, ...] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The numbers as plain data, ready for JSON; what could not be measured is null."""
        numbers = {
            "lempel_ziv": self.lempel_ziv,
            "spectral_entropy": self.spectral_entropy,
            "permutation_entropy": self.permutation_entropy,
            "pci": self.pci,
            "pcist": self.pcist,
            "reach": self.reach,
            "phi_star_nats": self.phi_star_nats,
            "phi_r_nats": self.phi_r_nats,
            "phi_discrete": self.phi_discrete,
        }
        known = {
            name: None if value is None or not math.isfinite(value) else value
            for name, value in numbers.items()
        }
        small = None
        if self.neurons is not None:
            small = {"region": self.neurons[0], "neurons": list(self.neurons[1])}
        return {"name": self.name, "rates_hz": self.rates_hz, **known, "small_system": small}

    def __str__(self) -> str:
        rates = ", ".join(f"{name} {rate:.1f} Hz" for name, rate in self.rates_hz.items())
        lines = [
            f"{self.name}: {rates}",
            f"  Lempel-Ziv complexity {self.lempel_ziv:.3f} of chance",
            f"  spectral entropy of the rate {self.spectral_entropy:.3f}",
            f"  a push reaches {self.reach:.0%} of the neurons",
            f"  PCI {_known(self.pci)}, PCIst {self.pcist:.1f}",
            "  integrated information of the regions' signals:",
            f"    phi* {self.phi_star_nats:.4f}, phi_R {self.phi_r_nats:.4f} nats",
        ]
        if self.neurons is not None and self.phi_discrete is not None:
            region, neurons = self.neurons
            numbers = ", ".join(map(str, neurons))
            lines.append(f"  of {region} neurons {numbers}: phi {self.phi_discrete:.4f} (IIT 3.0)")
        else:
            lines.append("  no region hears itself: a system of neurons has phi 0 (IIT 3.0)")
        return "\n".join(lines)

    def figure(self, path: str | Path | None = None) -> Any:
        """Spikes around the push, the signals, where the answer is significant; saved on demand.

        Raises:
            MissingExtra: Without the extra ``viz``.
        """
        return _draw(self, path)


def measure(
    network: BrainNetwork,
    *,
    state: BrainState | None = None,
    region: str | None = None,
    trials: int = 32,
    seed: int = 0,
    progress: Progress | None = None,
    **how: Any,
) -> NetworkReport:
    """Measure a network, or an individual that has lived.

    Args:
        network: The network.
        state: One row, such as ``brain.life.state``; a new-born when left out.
        region: Where it is struck; the first region when left out.
        trials: How many times.
        seed: Seed of noise and push.
        progress: Told in words what is measured next.
        **how: Other options of :func:`~neurallayers.brain.perturbing.perturb`.

    Raises:
        InvalidInput: If there is no such region, or a number is out of range.

    >>> from neurallayers.brain import BrainNetwork, preset
    >>> report = measure(BrainNetwork(preset("hasn-nano")), trials=4, before_ms=50, after_ms=50)
    >>> 0.0 <= report.reach <= 1.0
    True
    """
    tell = progress if progress is not None else _silent
    tell("activity in noise, and a push")
    response = perturb(network, region=region, trials=trials, seed=seed, state=state, **how)
    if response.onset * network.dt_ms < 20.0:
        raise InvalidInput(
            f"The baseline has {response.onset} steps.", "Give before_ms at least 20 ms."
        )
    signals, channels = _signals(response, CHANNELS_AT_MOST)
    sources, _ = _signals(response, SOURCES_AT_MOST)
    tell("complexity")
    spikes = response.all_spikes()
    rate = spikes.double().mean((1, 2)).numpy()[: response.onset] * 1000.0 / network.dt_ms
    significant = significant_activity(sources, response.onset, seed=seed)
    tell("integrated information")
    phi_star, phi_r = _gaussian(response, signals, channels)
    small = _small_system(network, seed)
    return NetworkReport(
        network.spec.name,
        {
            name: float(part[: response.onset].double().mean()) * 1000.0 / network.dt_ms
            for name, part in response.spikes.items()
        },
        _lempel_ziv(response, seed),
        spectral_entropy(rate, network.dt_ms) if np.ptp(rate) > 0.0 else 0.0,
        permutation_entropy(rate, normalize=True),
        _pci(significant),
        _pcist(response, signals),
        float(response.difference().any(0).any(0).double().mean()),
        phi_star,
        phi_r,
        None if small is None else small[2],
        None if small is None else small[:2],
        response,
        significant,
        signals.mean(0),
        channels,
    )


def _silent(_: str) -> None:
    """Tell nobody."""


def _signals(response: Response, most: int) -> tuple[Array, tuple[str, ...]]:
    """Smoothed rates of groups of neurons, ``[trials, channels, time]`` [Hz]."""
    groups, channels = [], []
    share = max(1, most // len(response.spikes))
    for name, spikes in response.spikes.items():
        for part in np.array_split(np.arange(spikes.shape[2]), min(share, spikes.shape[2])):
            groups.append(spikes[:, :, part].double().mean(2).T.numpy())
            channels.append(name)
    raw = np.stack(groups, axis=1) * 1000.0 / response.dt_ms
    keep = math.exp(-response.dt_ms / SMOOTHING_MS)
    smooth = np.empty_like(raw)
    level = raw[:, :, :1].mean(2)
    for step in range(raw.shape[2]):
        level = keep * level + (1.0 - keep) * raw[:, :, step]
        smooth[:, :, step] = level
    return smooth, tuple(channels)


def _lempel_ziv(response: Response, seed: int) -> float:
    """LZc of neurons that are spread evenly over the network, in the first trial's baseline."""
    spikes = response.all_spikes()[: response.onset, 0].numpy()
    firing = np.flatnonzero(spikes.any(0))
    if not len(firing):
        return 0.0
    chosen = firing[np.linspace(0, len(firing) - 1, min(SAMPLE, len(firing))).astype(int)]
    return schartner_complexity(spikes[:, chosen].T, shuffles=5, seed=seed)


def _pci(significant: npt.NDArray[np.bool_]) -> float:
    found = perturbational_complexity(significant, sort=True)
    return found.pci if found.entropy_bits >= LEAST_ENTROPY_BITS else math.nan


def _known(value: float) -> str:
    return (
        "unknown (too little of the answer is significant)" if math.isnan(value) else f"{value:.3f}"
    )


def _pcist(response: Response, signals: Array) -> float:
    mean = signals.mean(0)
    times = (np.arange(mean.shape[1]) - response.onset) * response.dt_ms
    end = float(times[-1]) + response.dt_ms
    found = state_transition_complexity(
        mean,
        times,
        baseline_window_ms=(float(times[0]), 0.0),
        response_window_ms=(0.0, end),
        center=True,
    )
    return found.pcist


def _gaussian(response: Response, signals: Array, channels: tuple[str, ...]) -> tuple[float, float]:
    """phi* and phi_R of the regions' rates before the push; nan where one of them is still."""
    names = list(dict.fromkeys(channels))
    regions = np.stack(
        [
            signals[:, [i for i, one in enumerate(channels) if one == name]].mean(1)
            for name in names
        ],
        axis=1,
    )[:, :, : response.onset]
    centred = regions - regions.mean((0, 2), keepdims=True)
    if len(names) < 2 or (centred.std((0, 2)) <= 1e-9).any():
        return math.nan, math.nan
    lag = max(1, round(SMOOTHING_MS / response.dt_ms))
    # Pairs of times within each trial, all trials together.
    earlier = np.concatenate(list(centred[:, :, :-lag]), axis=1)
    later = np.concatenate(list(centred[:, :, lag:]), axis=1)
    count = earlier.shape[1]
    past = (earlier @ earlier.T + later @ later.T) / (2 * count)
    process = LaggedCovariance(past, later @ earlier.T / count)
    star, r = (gaussian_integration(process, name).phi_nats for name in ("phi_star", "phi_r"))
    return star, r


def _small_system(network: BrainNetwork, seed: int) -> tuple[str, tuple[int, ...], float] | None:
    """IIT 3.0 of the recurrent neurons that hear each other most."""
    for name, region in network.named_regions():
        weights = [w for key, w in region.named_parameters() if key.endswith("recurrent_weight")]
        square = [w for w in weights if w.ndim == 2 and w.shape[0] == w.shape[1] >= SMALL_SYSTEM]
        if not square:
            continue
        mutual = square[0].detach().abs()
        mutual = (mutual * mutual.T).sqrt().fill_diagonal_(0.0)
        first = divmod(int(mutual.argmax()), len(mutual))
        chosen = sorted(set(first))
        while len(chosen) < SMALL_SYSTEM:
            bond = mutual[chosen].sum(0)
            bond[chosen] = -1.0
            chosen.append(int(bond.argmax()))
        chosen.sort()
        probabilities = transition_probabilities(network, name, chosen, seed=seed).numpy()
        return name, tuple(chosen), _phi_of(probabilities)
    return None


def _phi_of(probabilities: Array) -> float:
    """Phi in the state that comes most often; every state can come if nothing is certain."""
    count = probabilities.shape[1]
    patterns = np.array([[row >> bit & 1 for bit in range(count)] for row in range(2**count)])
    likely = np.prod(
        np.where(patterns[None], probabilities[:, None], 1.0 - probabilities[:, None]), axis=2
    )
    row = int(likely.mean(0).argmax())
    state = tuple(int(bit) for bit in patterns[row])
    return float(integrated_information(probabilities, state).phi)


def _draw(report: NetworkReport, path: str | Path | None) -> Any:
    plt = require("matplotlib.pyplot", extra="viz")
    response = report.response
    spikes = response.all_spikes()[:, 0].numpy()
    times = (np.arange(len(spikes)) - response.onset) * response.dt_ms
    figure, axes = plt.subplots(3, 1, figsize=(8.0, 8.5), layout="constrained")
    moments, neurons = np.nonzero(spikes)
    axes[0].plot(times[moments], neurons, ".", markersize=1.5, color="black")
    edge = 0
    for name, part in response.spikes.items():
        middle = edge + part.shape[2] / 2
        axes[0].annotate(name, (times[0], middle), color="tab:red", va="center", in_layout=False)
        edge += part.shape[2]
        axes[0].axhline(edge, color="lightgrey", linewidth=0.5)
    axes[0].set_ylabel("neuron (one trial)")
    for i, signal in enumerate(report.signals):
        axes[1].plot(times, signal, color=f"C{list(response.spikes).index(report.channels[i])}")
    axes[1].set_ylabel("rate of groups [Hz]")
    after = times[response.onset :]
    axes[2].imshow(
        report.significant,
        aspect="auto",
        origin="lower",
        interpolation="nearest",
        cmap="Greys",
        extent=(after[0], after[-1] + response.dt_ms, 0, len(report.significant)),
    )
    axes[2].set_ylabel("group: significant")
    axes[2].set_xlim(axes[1].get_xlim())
    axes[2].set_xlabel(f"time after the push to {response.region} [ms]")
    for axis in axes:
        axis.axvline(0.0, color="tab:orange", linewidth=1.0)
    axes[0].set_title(
        f"{report.name}: PCI {report.pci:.2f}, PCIst {report.pcist:.1f}, "
        f"LZc {report.lempel_ziv:.2f}, phi* {report.phi_star_nats:.3f} nats"
    )
    if path is not None:
        figure.savefig(path, dpi=110)
    return figure
