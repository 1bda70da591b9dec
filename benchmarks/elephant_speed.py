"""Times elephant and PySpike on given trains; called by benchmarks/measures.py in their python.

It prints one line of JSON: seconds (medians), values and versions. It does not import neurallayers.
"""

from __future__ import annotations

import importlib.metadata
import json
import statistics as medians
import sys
import time
import warnings
from pathlib import Path

import elephant.conversion as conversion
import elephant.spike_train_correlation as correlation
import elephant.spike_train_dissimilarity as dissimilarity
import elephant.statistics as statistics
import neo
import numpy as np
import pyspike
import quantities as pq

warnings.simplefilter("ignore")


def main() -> None:
    times = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    stop_ms, bin_ms, repetitions = float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    trains = [neo.SpikeTrain(t * pq.ms, t_stop=stop_ms * pq.ms) for t in times]
    spikes = [pyspike.SpikeTrain(t, (0.0, stop_ms)) for t in times]
    pairs = [(a, b) for a in trains for b in trains]
    calls = {
        "cv2": lambda: [float(statistics.cv2(statistics.isi(t))) for t in trains],
        "fano_factor": lambda: float(statistics.fanofactor(trains)),
        "correlation": lambda: correlation.correlation_coefficient(
            conversion.BinnedSpikeTrain(trains, bin_size=bin_ms * pq.ms)
        ),
        "van_rossum": lambda: dissimilarity.van_rossum_distance(trains, 10.0 * pq.ms),
        "victor_purpura": lambda: dissimilarity.victor_purpura_distance(trains, 100.0 / pq.s),
        "tiling": lambda: [
            float(correlation.spike_time_tiling_coefficient(a, b, dt=5.0 * pq.ms)) for a, b in pairs
        ],
        "spike_synchronization": lambda: pyspike.spike_sync_multi(spikes),
    }
    seconds, values = {}, {}
    for name, call in calls.items():
        values[name] = np.asarray(call()).tolist()
        taken = []
        for _ in range(repetitions):
            begun = time.perf_counter()
            call()
            taken.append(time.perf_counter() - begun)
        seconds[name] = medians.median(taken)
    versions = {name: importlib.metadata.version(name) for name in ("elephant", "pyspike", "numpy")}
    print(json.dumps({"seconds": seconds, "values": values, "versions": versions}))


if __name__ == "__main__":
    main()
