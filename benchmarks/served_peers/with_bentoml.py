"""The network behind BentoML with its adaptive batching.

    python -m bentoml serve benchmarks.served_peers.with_bentoml:Digits --port 8002

``POST /predict`` with ``{"images": [[[...8 numbers of 0..16...] * 8]]}`` gives a list of rows of
scores: a batchable endpoint takes batches, here of one, and joins those of several requests.
"""

from __future__ import annotations

import bentoml
import numpy as np

from benchmarks.served_peers.network import LARGEST_BATCH, Stateless


@bentoml.service(workers=1, traffic={"timeout": 60}, logging={"access": {"enabled": False}})
class Digits:
    """One network in one worker."""

    def __init__(self) -> None:
        self.network = Stateless()

    @bentoml.api(batchable=True, max_batch_size=LARGEST_BATCH, max_latency_ms=60_000)
    def predict(self, images: np.ndarray) -> np.ndarray:
        """Scores, a row for each image."""
        return self.network.scores(images).numpy()
