"""Many individuals at once: brains with fast weights of their own, stepped in one batch.

python -m benchmarks.individuals
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from benchmarks.results import write
from neurallayers.brain import Brain, teach, think
from neurallayers.data import load_digits
from neurallayers.seeding import stream
from neurallayers.senses import as_images
from neurallayers.state import leaves, map_state, split


def main() -> None:
    """Teach each brain a class of its own, then let all think, together and one by one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--brains", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    brains, network = options.brains, Brain.from_pretrained("hasn-nano-digits").network
    data = load_digits().test
    draw = torch.randint(len(data), (brains,), generator=stream(0, "individuals"))
    images = as_images(data.images[draw], network.spec.sense.shape)
    state = network.initial_state(brains)
    slots = torch.full((brains,), len(network.spec.readout.labels), dtype=torch.int64)

    begin = time.perf_counter()
    taught, _ = teach(network, state, images, slots)
    lesson_seconds = time.perf_counter() - begin
    state = taught.state
    own = split(state)

    think(network, state, images)
    together, single = [], []
    sample = min(brains, 200)
    for _ in range(options.rounds):
        begin = time.perf_counter()
        batch = think(network, state, images)
        together.append(brains / (time.perf_counter() - begin))
        begin = time.perf_counter()
        alone = [think(network, own[i], images[i : i + 1]) for i in range(sample)]
        single.append(sample / (time.perf_counter() - begin))
    equal = all(torch.equal(one.scores[0], batch.scores[i]) for i, one in enumerate(alone))
    size = sum(tensor.numel() * tensor.element_size() for _, tensor in leaves(state)) // brains
    rested = map_state(lambda tensor: tensor[:1], network.rest(state))
    write(
        "individuals",
        {
            "brains": brains,
            "thoughts_per_second": round(statistics.median(together)),
            "thoughts_per_second_one_by_one": round(statistics.median(single)),
            "speedup_over_one_by_one": round(
                statistics.median(a / b for a, b in zip(together, single, strict=True)), 2
            ),
            "lessons_per_second_in_one_batch": round(brains / lesson_seconds),
            "bytes_per_brain": size,
            "bytes_of_fast_weights": rested.readout.fast_weight.numel() * 4,
            "same_bits_alone_and_together": equal,
            "threads": 1,
        },
        "python -m benchmarks.individuals",
    )


if __name__ == "__main__":
    main()
