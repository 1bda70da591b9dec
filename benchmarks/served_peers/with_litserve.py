"""The network behind LitServe, batched as its documentation tells.

    python -m benchmarks.served_peers.with_litserve --port 8001

``POST /predict`` with ``{"image": [[...8 numbers of 0..16...] * 8]}`` gives ``{"scores": [...]}``.
"""

from __future__ import annotations

import argparse
from typing import Any

import litserve
import torch
from torch import Tensor

from benchmarks.served_peers.network import LARGEST_BATCH, Stateless


class Digits(litserve.LitAPI):
    """One network; requests are gathered into batches of at most 64."""

    def setup(self, device: str) -> None:
        """Load the network, in the worker."""
        self.network = Stateless()

    def decode_request(self, request, **_: Any) -> Tensor:  # type: ignore[no-untyped-def]
        """The image of a request; without a type, which LitServe would take for a query field."""
        return torch.tensor(request["image"], dtype=torch.float32)

    def batch(self, inputs: list[Tensor]) -> Tensor:
        """Images of several requests as one tensor."""
        return torch.stack(inputs)

    def predict(self, x: Tensor, **_: Any) -> Tensor:
        """Scores, a row a request."""
        return self.network.scores(x)

    def unbatch(self, output: Tensor) -> list[list[float]]:
        """Rows for the requests."""
        rows: list[list[float]] = output.tolist()
        return rows

    def encode_response(self, output: list[float], **_: Any) -> Any:
        """The answer; of a type that costs no check of each answer."""
        return {"scores": output}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--batch-timeout", type=float, default=0.005, help="seconds")
    parser.add_argument("--fast-queue", action="store_true", help="ZeroMQ between its processes")
    options = parser.parse_args()
    api = Digits(max_batch_size=LARGEST_BATCH, batch_timeout=options.batch_timeout)
    server = litserve.LitServer(
        api, accelerator="cpu", workers_per_device=1, fast_queue=options.fast_queue
    )
    server.run(host="127.0.0.1", port=options.port, log_level="warning", generate_client_file=False)


if __name__ == "__main__":
    main()
