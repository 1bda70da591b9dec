"""Writes the figures of README.md from ``benchmarks/results``: ``python -m benchmarks.readme``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.results import RESULTS

README = RESULTS.parent.parent / "README.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


class Row(NamedTuple):
    """A line of the table."""

    what: str
    figure: str
    command: str


def results(name: str) -> dict[str, Any] | None:
    """What a benchmark measured, if it was run."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text())["results"] if path.exists() else None


def accuracies() -> list[Row]:
    """How well networks and brains answer."""
    rows: list[Row] = []
    digits = results("digits")
    if digits:
        peers = "; ".join(
            f"{name} {100 * run['accuracy']:.2f} % in {run['train_seconds']:.1f} s"
            for name, run in digits["peers"].items()
        )
        rows.append(
            Row(
                "scikit-learn's digits, 20 % held out, mean of five seeds",
                f"{100 * digits['accuracy']:.2f} % after {digits['train_seconds']:.1f} s of "
                "training" + (f" ({peers})" if peers else ""),
                "python -m benchmarks.digits",
            )
        )
    mnist = results("mnist")
    if mnist and "accuracy" in mnist:
        rows.append(
            Row(
                f"MNIST, `hasn-micro`, {mnist['test_images']:,} of the 10,000 test images",
                f"{100 * mnist['accuracy']:.2f} % after {mnist['train_seconds'] / 60:.1f} minutes",
                "python -m benchmarks.mnist",
            )
        )
    if mnist and "convolution" in mnist:
        part = mnist["convolution"]
        rows.append(
            Row(
                "MNIST, `hasn-micro-conv`, the same images",
                f"{100 * part['accuracy']:.2f} % after {part['train_seconds'] / 60:.1f} minutes",
                "python -m benchmarks.mnist --convolution",
            )
        )
    online = results("online")
    if online:
        rows.append(
            Row(
                "two digit classes taught on-line, ten lessons each, among eight old ones",
                f"{100 * online['new_class_accuracy_10']:.1f} % right, the old classes lose "
                f"{100 * online['old_class_drop_10']:.1f} points (nearest class mean: "
                f"{100 * online['nearest_mean_new_class_accuracy_10']:.1f} % and "
                f"{100 * online['nearest_mean_old_class_drop_10']:.1f}; fine-tuning: "
                f"{100 * online['fine_tuned_new_class_accuracy_10']:.1f} % and "
                f"{100 * online['fine_tuned_old_class_drop_10']:.1f})",
                "python -m benchmarks.online",
            )
        )
    return rows


def speeds() -> list[Row]:
    """How fast and how durable they are."""
    rows: list[Row] = []
    kernels = results("kernels")
    if kernels:
        rows.append(
            Row(
                "LIF layer, forward and backward, T=100, batch 64, 1,024 neurons",
                f"{kernels['lif_speedup_over_best_peer']:.1f} times the best peer",
                "python -m benchmarks.kernels",
            )
        )
        rows.append(
            Row(
                "training step 784-512-256-10, T=50, batch 128",
                f"{kernels['mlp_speedup_over_best_peer']:.2f} times the best peer, "
                f"{kernels['mlp_ratio_to_floor']:.2f} of its matrix products alone",
                "python -m benchmarks.kernels",
            )
        )
        rows.append(
            Row(
                "recurrent training step 700-256-20, T=100, batch 64",
                f"{kernels['recurrent_speedup_over_best_peer']:.1f} times the best peer",
                "python -m benchmarks.kernels",
            )
        )
    individuals = results("individuals")
    if individuals:
        rows.append(
            Row(
                f"{individuals['brains']:,} brains with weights of their own in one batch, "
                "one thread",
                f"{individuals['thoughts_per_second']:,} thoughts a second, "
                f"{individuals['speedup_over_one_by_one']:.1f} times one by one, "
                f"{individuals['bytes_per_brain'] / 1024:.0f} KiB a brain",
                "python -m benchmarks.individuals",
            )
        )
    crash = results("crash")
    if crash:
        rows.append(
            Row(
                f"{crash['kills']} times kill -9 while a brain is taught",
                f"{crash['acknowledged_lost']} of {crash['acknowledged']:,} acknowledged lessons "
                "lost; "
                + (
                    "the same bits as an uninterrupted life"
                    if crash["replay_bit_exact"]
                    else "not the same bits as an uninterrupted life"
                ),
                "python -m benchmarks.crash",
            )
        )
    return rows


def physics() -> list[Row]:
    """How fast and how right neurons and circuits are."""
    rows: list[Row] = []
    axon = results("hodgkin_huxley")
    if axon:
        rows.append(
            Row(
                "Hodgkin-Huxley, 10,000 cells, dt 0.025 ms, one thread",
                f"{axon['ns_per_neuron_step_float64']:.1f} ns a neuron-step "
                f"({axon['ns_per_neuron_step_float32']:.1f} in float32), spikes within "
                f"{axon['spike_time_error_ms']:.3f} ms: {axon['speedup_over_brian2_float64']:.1f} "
                f"times Brian2 (2.46 ms), {axon['speedup_over_jaxley_float64']:.1f} times Jaxley, "
                f"{axon['speedup_over_neuron_float64']:.0f} times NEURON (0.88 ms)",
                "python -m benchmarks.hodgkin_huxley",
            )
        )
    gradients = results("gradients")
    if gradients:
        rows.append(
            Row(
                "value and gradient of 100 Hodgkin-Huxley cells through 100 ms",
                f"{1000 * gradients['seconds']:.0f} ms: {gradients['speedup_over_jaxley']:.1f} "
                f"times Jaxley, {gradients['speedup_over_jax']:.1f} times plain JAX, "
                f"{gradients['speedup_over_torch_eager']:.0f} times torch",
                "python -m benchmarks.gradients",
            )
        )
    circuits = results("circuits")
    if circuits:
        rows.append(
            Row(
                "Vogels-Abbott networks, a biological second, dt 0.1 ms, one thread",
                f"COBA 4,000 cells {circuits['coba_speedup_over_brian2']:.1f} times Brian2, CUBA "
                f"{circuits['cuba_speedup_over_brian2']:.1f} times; 64,000 cells and 5.1 million "
                f"synapses in {circuits['seconds_64k']:.2f} s and "
                f"{circuits['megabytes_64k']:.0f} MB; first result of a cold process after "
                f"{circuits['cold_start_seconds']:.1f} s, with kept kernels "
                f"{circuits['warm_start_seconds']:.1f} s",
                "python -m benchmarks.circuits",
            )
        )
    plastic = results("plastic_circuit")
    if plastic:
        rows.append(
            Row(
                "STDP, 100,000 plastic synapses, one thread",
                f"{plastic['ns_per_event']:.1f} ns an event: "
                f"{plastic['speedup_over_brian2']:.1f} times Brian2 with the same spikes, "
                f"{plastic['speedup_over_nest']:.0f} times NEST",
                "python -m benchmarks.plastic_circuit",
            )
        )
    fitting = results("fitting")
    if fitting:
        gammas = ", ".join(
            f"{name} {gamma:.2f}" for name, gamma in fitting["gamma_held_out"].items()
        )
        rows.append(
            Row(
                "two recorded cells, spikes of sweeps not used for fitting, Gamma at 4 ms",
                gammas,
                "python -m benchmarks.fitting",
            )
        )
    return rows


def reasoned() -> list[Row]:
    """How well logic, memory and measures do."""
    rows: list[Row] = []
    addition = results("digit_addition")
    if addition:
        figures = " / ".join(f"{100 * addition[f'accuracy_{n}']:.1f}" for n in (300, 3000, 25000))
        rows.append(
            Row(
                "sums of two MNIST digits, learned from 300 / 3,000 / 25,000 sums alone",
                f"{figures} % of sums right (published: DeepProbLog 85.6 / 92.6, NeuPSL "
                "82.6 / 93.7 / 97.3)",
                "python -m benchmarks.digit_addition",
            )
        )
    reasoning = results("reasoning")
    if reasoning:
        told = ", ".join(
            f"{name} {100 * reasoning[name]['accuracy']:.1f} % of "
            f"{reasoning[name].get('questions', reasoning[name].get('items')):,}"
            for name in ("ProofWriter", "ProntoQA", "LogicalDeduction", "FOLIO")
        )
        rows.append(
            Row(
                "given formulas and controlled English, any depth",
                f"{told} (FOLIO: of those that parse; what differs is annotated wrongly)",
                "python -m benchmarks.reasoning",
            )
        )
    split = results("split_mnist")
    if split:
        rows.append(
            Row(
                "split MNIST, five tasks, class-incremental",
                f"{100 * split['class_incremental_no_images']:.1f} % without stored images, "
                f"{100 * split['class_incremental_buffer_2000']:.1f} % with 2,000, "
                f"{100 * split['without_sleep']:.1f} % without sleep",
                "python -m benchmarks.split_mnist",
            )
        )
    integration = results("integration")
    if integration:
        rows.append(
            Row(
                "integrated information, IIT 3.0, of 3 / 5 / 6 nodes",
                f"{1000 * integration['seconds_3_nodes']:.1f} ms / "
                f"{integration['seconds_5_nodes']:.2f} s / {integration['seconds_6_nodes']:.2f} s, "
                f"within {integration['largest_difference_iit3']:.0e} of PyPhi",
                "python -m benchmarks.integration",
            )
        )
    complexity = results("complexity")
    if complexity:
        rows.append(
            Row(
                "Lempel-Ziv complexity of 100,000 bits; PCIst of 16 channels",
                f"{1000 * complexity['lz76_100k_seconds']:.0f} ms"
                + (
                    f" ({complexity['times_antropy']:.0f} times antropy)"
                    if "times_antropy" in complexity
                    else ""
                )
                + f"; {complexity['pcist_ms']:.0f} ms",
                "python -m benchmarks.complexity",
            )
        )
    umi = results("umi")
    if umi:
        rows.append(
            Row(
                "UMI on 39 series of the Numenta benchmark, one setting",
                f"{umi['nab_standard']:.1f} (standard profile), "
                f"{umi['points_per_second']:,.0f} points a second",
                "python -m benchmarks.umi",
            )
        )
    return rows


def served() -> list[Row]:
    """What the service does, and that it does not lose anything."""
    rows: list[Row] = []
    service = results("service")
    if service:
        rows.append(
            Row(
                f"service, {service['brains']:,} brains that all learn, 64 connections",
                f"{service['process_per_second']:,.0f} thoughts a second; at a fixed 1,000 a "
                f"second 95 % within {service['process_p95_ms']:.0f} ms; "
                f"{service['lessons_per_second']:,.0f} journaled lessons a second"
                + _peers(service.get("stateless_peers", {})),
                "python -m benchmarks.service",
            )
        )
    minds = results("service_with_minds")
    if minds:
        rows.append(
            Row(
                "the same since brains remember: every lesson an episode, every thought recalls",
                f"{minds['process_per_second']:,.0f} thoughts a second; at a fixed 1,000 a second "
                f"95 % within {minds['process_p95_ms']:.0f} ms; "
                f"{minds['lessons_per_second']:,.0f} journaled lessons a second",
                "python -m benchmarks.service --brains 1000 --rounds 2 --write service_with_minds",
            )
        )
    overload = results("overload")
    if overload:
        rows.append(
            Row(
                "service, 30 s of three times more than it can do",
                f"95 % refused within {overload['refusal_p95_ms']:.0f} ms, accepted answered "
                f"within {overload['accepted_p95_ms']:.0f} ms; normal "
                f"{overload['recovery_seconds']:.0f} s after",
                "python -m benchmarks.overload",
            )
        )
    soak = results("soak")
    if soak:
        rows.append(
            Row(
                f"service, {soak['minutes']:.0f} minutes at half load",
                f"memory grows by {soak['rss_slope_mb_per_minute']:.0f} MB a minute: one request "
                "in ten is a lesson, and what it wrote is remembered",
                "python -m benchmarks.soak",
            )
        )
    crash = results("crash_service")
    if crash:
        bits = "the same" if crash["replay_bit_exact"] else "not the same"
        rows.append(
            Row(
                f"service, {crash['kills']} times kill -9 under mixed load",
                f"{crash['acknowledged_lost']} of {crash['acknowledged']:,} acknowledged entries "
                f"lost, {bits} bits as an uninterrupted replay, "
                f"back in {crash['restart_seconds']:.1f} s",
                "python -m benchmarks.crash_service",
            )
        )
    isolation = results("isolation")
    if isolation:
        rows.append(
            Row(
                f"{isolation['interleavings']:,} interleavings of two brains in shared batches",
                f"{isolation['rows_that_differ']} answers differ from those of the same brains "
                "alone",
                "python -m benchmarks.isolation",
            )
        )
    return rows


def _peers(peers: dict[str, Any]) -> str:
    told = [
        f"{name} {figures['process_per_second']:,.0f}"
        for name, figures in peers.items()
        if isinstance(figures, dict) and "process_per_second" in figures
    ]
    return f" (one stateless network: {', '.join(told)} a second)" if told else ""


def main(readme: Path = README) -> None:
    """Replace the table between the two marks."""
    lines = ["| what | figure | command |", "| --- | --- | --- |"]
    rows = accuracies() + speeds() + physics() + reasoned() + served()
    lines += [f"| {what} | {figure} | `{command}` |" for what, figure, command in rows]
    before, rest = readme.read_text().split(BEGIN)
    _, after = rest.split(END)
    readme.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}")


if __name__ == "__main__":
    main()
