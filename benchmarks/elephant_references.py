"""Computes the reference values of elephant and PySpike that tests/measures is held against.

    pip install elephant pyspike      # an environment of its own; neurallayers is not needed
    python benchmarks/elephant_references.py

It writes ``tests/references/elephant.json``: the spike trains, and what elephant says of them.
"""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path

import elephant.conversion as conversion
import elephant.kernels as kernels
import elephant.spectral as spectral
import elephant.spike_train_correlation as correlation
import elephant.spike_train_dissimilarity as dissimilarity
import elephant.statistics as statistics
import neo
import numpy as np
import pyspike
import quantities as pq

STOP_MS = 2000.0
BIN_MS = 20.0
# elephant adds a hundred-thousandth of the spike's time to this window (numpy's isclose); of these
# trains no two spikes are so far apart that it matters, which 5 ms would not be true of.
STTC_PRECISION_MS = 8.0


def trains() -> list[list[float]]:
    """Poisson, gamma, bursting and clock-like trains; the last two share most of their spikes."""
    generator = np.random.default_rng(20240514)
    made = []
    for shape, mean_ms in ((1.0, 25.0), (1.0, 60.0), (4.0, 40.0), (0.4, 30.0), (50.0, 33.0)):
        times = np.cumsum(generator.gamma(shape, mean_ms / shape, size=400))
        made.append(times[times < STOP_MS - 1.0].round(3).tolist())
    shifted = np.sort(np.array(made[0]) + generator.normal(0.0, 2.0, len(made[0])))
    made.append(shifted[(shifted > 1.0) & (shifted < STOP_MS - 1.0)].round(3).tolist())
    return [[time for time in train if time > 1.0] for train in made]


def main() -> None:
    times = trains()
    spiketrains = [neo.SpikeTrain(t * pq.ms, t_stop=STOP_MS * pq.ms) for t in times]
    intervals = [statistics.isi(train) for train in spiketrains]
    binned = conversion.BinnedSpikeTrain(spiketrains, bin_size=BIN_MS * pq.ms)
    counts = binned.to_array()
    rates = (counts * (1000.0 / BIN_MS)).astype(float)
    signals = [
        neo.AnalogSignal(rate * pq.Hz, sampling_period=BIN_MS * pq.ms, units=pq.Hz)
        for rate in (rates[0], rates[5])
    ]
    psd_hz, psd = spectral.welch_psd(signals[0], len_segment=25)
    coherence_hz, coherence, lag = spectral.welch_coherence(signals[0], signals[1], len_segment=25)
    smooth = statistics.instantaneous_rate(
        spiketrains[1],
        sampling_period=1.0 * pq.ms,
        kernel=kernels.GaussianKernel(20.0 * pq.ms),
        cutoff=8,
        center_kernel=True,
    )
    pairs = [(i, j) for i in range(len(times)) for j in range(len(times))]
    document = {
        "command": "python benchmarks/elephant_references.py",
        "versions": {
            name: importlib.metadata.version(name)
            for name in ("elephant", "neo", "numpy", "scipy", "pyspike")
        },
        "stop_ms": STOP_MS,
        "bin_ms": BIN_MS,
        "sttc_precision_ms": STTC_PRECISION_MS,
        "trains_ms": times,
        "mean_rate_hz": [
            float(statistics.mean_firing_rate(train).rescale(pq.Hz)) for train in spiketrains
        ],
        "cv": [float(statistics.cv(isi)) for isi in intervals],
        "cv2": [float(statistics.cv2(isi)) for isi in intervals],
        "lv": [float(statistics.lv(isi)) for isi in intervals],
        "lvr": [float(statistics.lvr(isi)) for isi in intervals],
        "fano_factor": float(statistics.fanofactor(spiketrains)),
        "counts": counts.tolist(),
        "psth_hz": statistics.time_histogram(spiketrains, bin_size=BIN_MS * pq.ms, output="rate")
        .rescale(pq.Hz)
        .magnitude.ravel()
        .tolist(),
        "instantaneous_rate_hz": smooth.magnitude.ravel().tolist(),
        "correlation": correlation.correlation_coefficient(binned).tolist(),
        "sttc": [
            float(
                correlation.spike_time_tiling_coefficient(
                    spiketrains[i], spiketrains[j], dt=STTC_PRECISION_MS * pq.ms
                )
            )
            for i, j in pairs
        ],
        "van_rossum": {
            str(tau): dissimilarity.van_rossum_distance(spiketrains, tau * pq.ms).tolist()
            for tau in (2.0, 10.0, 100.0)
        },
        "victor_purpura": {
            str(cost): dissimilarity.victor_purpura_distance(
                spiketrains, cost_factor=1000.0 * cost / pq.s
            ).tolist()
            for cost in (0.0, 0.02, 0.1, 1.0)
        },
        "welch": {
            "segment_bins": 25,
            "frequency_hz": np.asarray(psd_hz.rescale(pq.Hz)).tolist(),
            "density": np.asarray(psd).ravel().tolist(),
        },
        "coherence": {
            "frequency_hz": np.asarray(coherence_hz.rescale(pq.Hz)).tolist(),
            "coherence": np.asarray(coherence).ravel().tolist(),
            "phase_lag_rad": np.asarray(lag).ravel().tolist(),
        },
        "spike_synchronization": float(
            pyspike.spike_sync_multi([pyspike.SpikeTrain(t, (0.0, STOP_MS)) for t in times])
        ),
        "spike_synchronization_pairs": [
            float(
                pyspike.spike_sync(
                    pyspike.SpikeTrain(times[i], (0.0, STOP_MS)),
                    pyspike.SpikeTrain(times[j], (0.0, STOP_MS)),
                )
            )
            for i, j in pairs
        ],
    }
    path = Path(__file__).resolve().parent.parent / "tests" / "references" / "elephant.json"
    temporary = path.with_suffix(".partial")
    temporary.write_text(json.dumps(document) + "\n", encoding="utf-8")
    temporary.replace(path)
    print(f"{path.name}: {len(times)} trains of {[len(t) for t in times]} spikes")


if __name__ == "__main__":
    main()
