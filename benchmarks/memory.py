"""Memory against theory: capacity, retrieval, decay, forgetting, and what sleep changes.

    python -m benchmarks.memory           # about five minutes on one core
    python -m benchmarks.memory_figures   # draws docs/images/memory-*.png from its results

What each part is held against:

* classical capacity: the mean-field theory of Amit, Gutfreund & Sompolinsky (1985);
* softmax retrieval: the probability that no other of the patterns is more like the query, by the
  normal distribution of the products with Gaussian patterns;
* working memory: its closed forms;
* forgetting: the savings that Ebbinghaus (1885, section 29) measured;
* sleep: the same learner without it, on digits that come two classes at a time.
"""

from __future__ import annotations

import itertools
import math
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from rich.progress import track
from scipy import optimize, stats
from torch import Tensor

from benchmarks.memory_sleep import sleep_against_none
from benchmarks.results import write
from neurallayers.memory import (
    Consolidation,
    Episode,
    EpisodicMemory,
    HopfieldNetwork,
    ModernHopfieldNetwork,
    SemanticMemory,
    WorkingMemory,
    critical_load,
    overlap,
    retrieval_overlap,
)
from neurallayers.seeding import stream

NEURONS = (500, 1000, 2000)
LOADS = (0.08, 0.1, 0.12, 0.13, 0.135, 0.14, 0.145, 0.15, 0.16, 0.18, 0.2)
PROBES = 40  # patterns probed in a network
NETWORKS = {500: 40, 1000: 20, 2000: 10}  # networks a load near the critical one; elsewhere a fifth
PATTERNS, SIZE, NOISE = 4000, 64, 0.5
BETAS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
# Ebbinghaus (1885), section 29: hours between learning and relearning, savings [%].
EBBINGHAUS = (
    (1 / 3, 58.2),
    (1.0, 44.2),
    (8.8, 35.8),
    (24.0, 33.7),
    (48.0, 27.8),
    (144.0, 25.4),
    (744.0, 21.1),
)


def gaussian(*shape: int, name: str) -> Tensor:
    return torch.randn(*shape, generator=stream(5, "benchmark", name))


# ---------------------------------------------------------------------------- classical network


def classical_capacity() -> dict[str, Any]:
    """Overlap after settling from a stored pattern, by load and size; where memory breaks down.

    A finite network breaks down gradually. Two readings of where an infinite one would: the load at
    which twice the size keeps as large a share (below it larger networks keep more, above it less),
    and the load at which half is lost, extrapolated in 1 / sqrt(N), the size of the fluctuations of
    the crosstalk that a pattern suffers.
    """
    curves: dict[str, Any] = {}
    for neurons in NEURONS:
        overlaps, kept = [], []
        for load in track(LOADS, f"classical capacity, {neurons} neurons"):
            count = NETWORKS[neurons] // (1 if 0.13 <= load <= 0.15 else 5)
            final = torch.cat([settled_overlap(neurons, load, n) for n in range(count)])
            overlaps.append(float(final.mean()))
            kept.append(float((final > 0.8).float().mean()))
        curves[str(neurons)] = {
            "overlap": overlaps,
            "share_kept": kept,
            "half_lost_at": falls_through(kept, [0.5] * len(kept)),
        }
    shares = [curves[str(neurons)]["share_kept"] for neurons in NEURONS]
    halves = [curves[str(neurons)]["half_lost_at"] for neurons in NEURONS]
    low = [(load, i) for i, load in enumerate(LOADS) if load <= 0.13]
    largest = curves[str(NEURONS[-1])]["overlap"]
    return {
        "loads": LOADS,
        "by_neurons": curves,
        "theory_critical_load": critical_load(),
        "sizes_cross_at": [falls_through(b, a) for a, b in itertools.pairwise(shares)],
        "half_lost_extrapolated": float(np.polyfit(np.array(NEURONS) ** -0.5, halves, 1)[1]),
        "largest_difference_of_overlap_to_load_0_13": max(
            abs(largest[i] - retrieval_overlap(load)) for load, i in low
        ),
    }


def settled_overlap(neurons: int, load: float, sample: int) -> Tensor:
    drawn = torch.rand(
        round(load * neurons), neurons, generator=stream(sample, "classical", neurons, str(load))
    )
    patterns = torch.where(drawn < 0.5, -1.0, 1.0)
    settled = HopfieldNetwork.of(patterns).settle(patterns[:PROBES], seed=sample)
    return overlap(settled.states, patterns[:PROBES])


def falls_through(curve: list[float], other: list[float]) -> float:
    """The last load at which a curve falls under another one, by straight lines between loads."""
    gaps = [a - b for a, b in zip(curve, other, strict=True)]
    falls = [i for i in range(len(gaps) - 1) if gaps[i] >= 0.0 > gaps[i + 1]]
    if not falls:
        raise ValueError(f"The curves {curve} and {other} do not cross; widen LOADS.")
    share = gaps[falls[-1]] / (gaps[falls[-1]] - gaps[falls[-1] + 1])
    return LOADS[falls[-1]] + share * (LOADS[falls[-1] + 1] - LOADS[falls[-1]])


# ------------------------------------------------------------------------------ modern network


def softmax_retrieval() -> dict[str, Any]:
    """4,000 noisy patterns in one step: plain Gaussian, and on the unit sphere."""
    patterns = gaussian(PATTERNS, SIZE, name="patterns")
    queries = patterns + NOISE * gaussian(PATTERNS, SIZE, name="noise")
    sphere = patterns / patterns.norm(dim=-1, keepdim=True)
    # The same noise in units of the length of a pattern: 0.5 of it.
    around = sphere + NOISE * gaussian(PATTERNS, SIZE, name="noise") / math.sqrt(SIZE)
    return {
        "patterns": PATTERNS,
        "size": SIZE,
        "noise": NOISE,
        "gaussian_dot": retrieved(patterns, queries, None, "dot"),
        "gaussian_dot_beta_1": retrieved(patterns, queries, 1.0, "dot"),
        "gaussian_euclidean": retrieved(patterns, queries, None, "euclidean"),
        "gaussian_cosine": retrieved(patterns, queries, None, "cosine"),
        "sphere_dot": retrieved(sphere, around, None, "dot"),
        "sphere_cosine": retrieved(sphere, around, None, "cosine"),
        "curves_over_beta": {
            "beta": BETAS,
            "gaussian_dot": [retrieved(patterns, queries, b, "dot")["clean"] for b in BETAS],
            "gaussian_euclidean": [
                retrieved(patterns, queries, b, "euclidean")["clean"] for b in BETAS
            ],
            "sphere_cosine": [retrieved(sphere, around, b, "cosine")["clean"] for b in BETAS],
        },
    }


def retrieved(
    patterns: Tensor, queries: Tensor, beta: float | None, similarity: str
) -> dict[str, float]:
    """How many find their pattern in one step, and how many come within a tenth of it."""
    network = ModernHopfieldNetwork(patterns, beta, similarity=similarity)
    begun = time.perf_counter()
    found = network.retrieve(queries)
    seconds = time.perf_counter() - begun
    right = (found.weights.argmax(-1) == torch.arange(len(patterns))).float().mean()
    error = (found.pattern - patterns).norm(dim=-1) / patterns.norm(dim=-1)
    return {
        "beta": network.beta,
        "right": float(right),
        "clean": float((error < 0.1).float().mean()),
        "median_error": float(error.median()),
        "seconds": seconds,
    }


def exponential_storage() -> dict[str, Any]:
    """Share found in one step by number and size of patterns, and what theory says."""
    counts = (10, 30, 100, 300, 1000, 3000, 10_000, 30_000)
    curves: dict[str, Any] = {}
    for size in track((4, 8, 12, 16, 24, 32), "softmax retrieval by size"):
        measured = []
        for count in counts:
            patterns = gaussian(count, size, name=f"patterns {size} {count}")
            probes = min(count, 1000)
            noise = NOISE * gaussian(probes, size, name=f"noise {size} {count}")
            likeness = (patterns[:probes] + noise) @ patterns.T
            right = likeness.argmax(-1) == torch.arange(probes)
            measured.append(float(right.float().mean()))
        curves[str(size)] = {"measured": measured, "theory": predicted(size, counts)}
    differences = [
        abs(a - b)
        for curve in curves.values()
        for a, b, count in zip(curve["measured"], curve["theory"], counts, strict=True)
        if count >= 300  # with fewer probes chance alone differs by more
    ]
    return {"counts": counts, "by_size": curves, "largest_difference_from_theory": max(differences)}


def predicted(size: int, counts: tuple[int, ...]) -> list[float]:
    r"""Mean of (1 - Q(t))^(M - 1), t = x.q / |q|, over patterns x and queries q = x + noise.

    The product of another Gaussian pattern with q is normal with standard deviation |q|.
    """
    generator = np.random.default_rng(7)
    x = generator.standard_normal((200_000, size))
    q = x + NOISE * generator.standard_normal(x.shape)
    threshold = (x * q).sum(1) / np.sqrt((q * q).sum(1))
    below = stats.norm.logcdf(threshold)
    return [float(np.exp((count - 1) * below).mean()) for count in counts]


# ------------------------------------------------------------------------------ working memory


def working_memory() -> dict[str, Any]:
    """Decay against exp(-t / tau), items held against the smaller of list and capacity."""
    memory = WorkingMemory(16)
    state = memory.put(memory.initial_state(), gaussian(1, 16, name="item"))
    times_s = [0.5 * step for step in range(49)]
    strength = [float(memory.decay(state, 1000.0 * t).strength[0, 0]) for t in times_s]
    closed = [
        math.exp(-1000.0 * t / memory.decay_ms) if 1000.0 * t <= memory.span_ms() else 0.0
        for t in times_s
    ]
    spans = {
        str(capacity): [items_held(WorkingMemory(16, capacity), length) for length in range(1, 13)]
        for capacity in (4, 7)
    }
    return {
        "times_s": times_s,
        "strength": strength,
        "largest_difference_of_strength": max(
            abs(a - b) for a, b in zip(strength, closed, strict=True)
        ),
        "list_lengths": list(range(1, 13)),
        "items_held_by_capacity": spans,
        "items_held_as_in_closed_form": all(
            held == min(length, int(capacity))
            for capacity, curve in spans.items()
            for length, held in enumerate(curve, start=1)
        ),
    }


def items_held(memory: WorkingMemory, length: int) -> int:
    """How many of so many items, one a second, are found again by a cue with noise."""
    items = gaussian(length, 16, name="items")
    state = memory.initial_state()
    for item in items:
        state = memory.put(memory.decay(state, 1000.0), item[None])
    found = 0
    for item, noise in zip(items, gaussian(length, 16, name="cues"), strict=True):
        reading = memory.read(state, (item + 0.2 * noise)[None])
        found += bool((reading.pattern[0] - item).norm() < 0.1 * item.norm())
    return found


# ---------------------------------------------------------------------------------- forgetting


def forgetting() -> dict[str, Any]:
    """Our retention and an exponential, fitted to what Ebbinghaus measured; the spacing effect."""
    hours, savings = np.array(EBBINGHAUS).T

    def power(t: Any, level: float, lifetime: float, exponent: float) -> Any:
        return level * (1.0 + t / lifetime) ** -exponent

    def exponential(t: Any, level: float, tau: float) -> Any:
        return level * np.exp(-t / tau)

    fit = optimize.curve_fit(
        power, hours, savings, (100.0, 0.1, 0.2), bounds=(0.0, (100.0, 99.0, 9.0))
    )
    other = optimize.curve_fit(exponential, hours, savings, (50.0, 100.0))
    return {
        "hours": hours.tolist(),
        "savings_percent": savings.tolist(),
        "power_law": dict(
            zip(("level", "lifetime_hours", "exponent"), fit[0].tolist(), strict=True)
        ),
        "root_mean_square_error_power_law": rms(power(hours, *fit[0]) - savings),
        "root_mean_square_error_exponential": rms(exponential(hours, *other[0]) - savings),
        "spacing": spacing(),
    }


def rms(values: Any) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def spacing() -> dict[str, Any]:
    """Retention 100 days after the last of five recalls, by the days between them."""
    memory = EpisodicMemory(key_size=1, slots=1, lifetime=2.0)
    gaps = (0, 1, 2, 4, 8, 16, 32)
    kept = []
    for gap in gaps:
        episodes = memory.store(
            memory.initial_state(), Episode(torch.ones(1, 1), torch.zeros(1), when=0, entry=0)
        )
        for recall in range(1, 6):
            episodes = memory.reinforce(episodes, torch.tensor([[0]]), now=recall * gap)
        kept.append(float(memory.retained(episodes, 5 * gap + 100)[0, 0]))
    return {"days_between": gaps, "retained_after_100_days": kept}


# ----------------------------------------------------------------------- episodes and their speed


def important_episodes() -> dict[str, Any]:
    """A stream of 5,000 episodes through 64 slots and 20 nights: what is still there."""
    memory = EpisodicMemory(key_size=32, slots=64, lifetime=500.0)
    sleeping = Consolidation(episodic=memory, semantic=SemanticMemory(key_size=32))
    episodes, concepts = memory.initial_state(), sleeping.semantic.initial_state()
    keys = gaussian(5000, 32, name="stream")
    importance = 0.79 * torch.rand(5000, generator=stream(5, "benchmark", "importance"))
    important = list(range(100, 5000, 200))
    importance[important] = 0.9
    evicted_important = 0
    for entry in track(range(5000), "a stream of episodes"):
        new = Episode(
            keys[entry : entry + 1],
            torch.zeros(1),
            when=entry,
            entry=entry,
            surprise=float(entry % 4),
            importance=float(importance[entry]),
        )
        gone = int(memory.placement(episodes, new).evicted)
        evicted_important += gone in important
        episodes = memory.store(episodes, new)
        if entry % 250 == 249:
            night = sleeping.sleep(episodes, concepts, counter=entry, now=entry)
            episodes, concepts = night.episodes, night.concepts
    held = set(episodes.entry[0].tolist())
    others = [entry for entry in held if entry >= 0 and entry not in important]
    return {
        "episodes": 5000,
        "slots": 64,
        "important": len(important),
        "important_kept": sum(entry in held for entry in important),
        "important_evicted": evicted_important,
        "median_age_of_the_others": float(statistics.median(4999 - entry for entry in others)),
    }


def speeds() -> dict[str, float]:
    """Median times of one individual's memory of 64 slots, keys of 256, images of 28 x 28."""
    memory = EpisodicMemory(
        key_size=256, content_shape=(28, 28), slots=64, content_dtype=torch.uint8
    )
    keys = gaussian(64, 256, name="speed")
    image = torch.zeros(1, 28, 28, dtype=torch.uint8)
    episodes = memory.initial_state()
    for entry, key in enumerate(keys):
        episodes = memory.store(episodes, Episode(key[None], image, when=entry, entry=entry))
    semantic = SemanticMemory(key_size=256)
    sleeping, concepts = Consolidation(episodic=memory, semantic=semantic), semantic.initial_state()
    new = Episode(keys[:1], image, when=99, entry=99)
    return {
        "store_ms": median_ms(lambda: memory.store(episodes, new)),
        "recall_ms": median_ms(lambda: memory.recall(episodes, keys[:1])),
        "learn_concept_ms": median_ms(lambda: semantic.learn(concepts, keys[:1])),
        "night_of_128_replays_ms": median_ms(lambda: sleeping.sleep(episodes, concepts), 5),
    }


def median_ms(call: Callable[[], Any], repetitions: int = 100) -> float:
    call()
    times = []
    for _ in range(repetitions):
        begun = time.perf_counter()
        call()
        times.append(1000.0 * (time.perf_counter() - begun))
    return statistics.median(times)


def main() -> None:
    torch.set_num_threads(1)
    results = {
        "classical_capacity": classical_capacity(),
        "softmax_retrieval": softmax_retrieval(),
        "exponential_storage": exponential_storage(),
        "working_memory": working_memory(),
        "forgetting": forgetting(),
        "important_episodes": important_episodes(),
        "sleep": sleep_against_none(),
        "speed": speeds(),
    }
    write("memory", results, "python -m benchmarks.memory")


if __name__ == "__main__":
    main()
