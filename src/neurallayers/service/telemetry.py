"""What the service measures of itself, for Prometheus.

Every :class:`Telemetry` has a registry of its own. Labelled children are looked up once and kept,
so that what is called for every request or micro-batch costs a few microseconds.
"""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

import neurallayers

CONTENT_TYPE = CONTENT_TYPE_LATEST
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_COMMIT_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5)
_BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Telemetry:
    """All metrics of one service."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._describe_requests()
        self._describe_thinking()
        self._describe_store()
        self._refused_by_reason: dict[str, Counter] = {}
        self._errors_by_slug: dict[str, Counter] = {}
        build = Gauge(
            "neurallayers_build_info",
            "Versions of what runs; always 1.",
            ["version", "python", "torch"],
            registry=self.registry,
        )
        build.labels(
            neurallayers.__version__, platform.python_version(), importlib.metadata.version("torch")
        ).set(1)
        # Resident memory, processor time, open files: read when somebody asks.
        ProcessCollector(registry=self.registry)

    def _describe_requests(self) -> None:
        registry = self.registry
        self.requests = Counter(
            "neurallayers_requests",
            "Requests that were answered.",
            ["route", "method", "status"],
            registry=registry,
        )
        self.request_seconds = Histogram(
            "neurallayers_request_seconds",
            "Time from the head of a request to the end of its answer [s].",
            ["route", "method", "status"],
            buckets=_REQUEST_SECONDS,
            registry=registry,
        )
        self.refused = Counter(
            "neurallayers_refused", "Requests that were refused.", ["reason"], registry=registry
        )
        self.errors = Counter(
            "neurallayers_errors", "Problem documents sent.", ["problem"], registry=registry
        )
        self.streams = Gauge(
            "neurallayers_event_streams", "Open streams of events.", registry=registry
        )

    def _describe_thinking(self) -> None:
        registry = self.registry
        self.batch_size = Histogram(
            "neurallayers_batch_size",
            "Stimuli computed together in a micro-batch.",
            buckets=_BATCH_SIZES,
            registry=registry,
        )
        self.queue_depth = Gauge(
            "neurallayers_queue_depth",
            "Requests waiting for the compute thread.",
            registry=registry,
        )
        self.thoughts = Counter("neurallayers_thoughts", "Thoughts.", registry=registry)
        self.lessons = Counter("neurallayers_lessons", "Lessons learned.", registry=registry)
        self.alerts = Counter(
            "neurallayers_brain_alerts",
            "Vital signs of brains that rose to a level (UMI).",
            ("model", "vital", "level"),
            registry=registry,
        )
        self.spikes = Counter(
            "neurallayers_spikes", "Spikes fired.", ["model", "region"], registry=registry
        )
        self.rate_hz = Gauge(
            "neurallayers_firing_rate_hz",
            "Mean firing rate of a neuron in the last micro-batch [Hz].",
            ["model", "region"],
            registry=registry,
        )
        self.brains = Gauge("neurallayers_brains_in_memory", "Live brains.", registry=registry)
        self.brain_bytes = Gauge(
            "neurallayers_brain_state_bytes", "States of live brains [bytes].", registry=registry
        )

    def _describe_store(self) -> None:
        registry = self.registry
        self.commits = Counter(
            "neurallayers_store_commits", "Transactions of the store.", registry=registry
        )
        self.commit_seconds = Histogram(
            "neurallayers_store_commit_seconds",
            "Time of a transaction [s].",
            buckets=_COMMIT_SECONDS,
            registry=registry,
        )
        self.commit_failures = Counter(
            "neurallayers_store_commit_failures", "Transactions that failed.", registry=registry
        )
        self.restores = Counter(
            "neurallayers_restores", "Brains brought back from the store.", registry=registry
        )
        self.replayed = Counter(
            "neurallayers_replayed_entries", "Entries lived again.", registry=registry
        )
        self.snapshots = Counter("neurallayers_snapshots", "Snapshots kept.", registry=registry)

    # ------------------------------------------------------------------ what happens

    def route(self, template: str) -> RouteMeter:
        """The meter of a route; made once, kept by who calls it."""
        return RouteMeter(self, template)

    def activity(self, model: str, regions: Mapping[str, int]) -> ActivityMeter:
        """The meter of a network's spikes; made once for each network.

        Args:
            model: Name of the network.
            regions: Its regions, of any values; only the names matter.
        """
        return ActivityMeter(self, model, list(regions))

    def live(self, brains: int, state_bytes: int) -> None:
        """So many brains are in memory."""
        self.brains.set(brains)
        self.brain_bytes.set(state_bytes)

    def committed(self, seconds: float) -> None:
        """The store wrote a transaction."""
        self.commits.inc()
        self.commit_seconds.observe(seconds)

    def refuse(self, reason: str) -> None:
        """A request was refused."""
        kept = self._refused_by_reason.get(reason)
        if kept is None:
            kept = self._refused_by_reason[reason] = self.refused.labels(reason)
        kept.inc()

    def error(self, slug: str) -> None:
        """A problem document was sent."""
        kept = self._errors_by_slug.get(slug)
        if kept is None:
            kept = self._errors_by_slug[slug] = self.errors.labels(slug)
        kept.inc()

    def render(self) -> bytes:
        """Everything, in the text format of Prometheus; of type :data:`CONTENT_TYPE`."""
        return generate_latest(self.registry)


class RouteMeter:
    """Counts and times the requests of one route."""

    __slots__ = ("_kept", "_telemetry", "template")

    def __init__(self, telemetry: Telemetry, template: str) -> None:
        self._telemetry = telemetry
        self.template = template
        self._kept: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def observe(self, method: str, status: int, seconds: float) -> None:
        """A request was answered."""
        kept = self._kept.get((method, status))
        if kept is None:
            kept = self._keep(method, status)
        kept[0].inc()
        kept[1].observe(seconds)

    def _keep(self, method: str, status: int) -> tuple[Counter, Histogram]:
        # A client may invent methods, and each label value is kept for ever.
        known = method if method in METHODS else "other"
        labels = (self.template, known, str(status))
        pair = (
            self._telemetry.requests.labels(*labels),
            self._telemetry.request_seconds.labels(*labels),
        )
        if known == method:
            self._kept[(method, status)] = pair
        return pair


class ActivityMeter:
    """Counts the spikes of one network by region."""

    __slots__ = ("_kept",)

    def __init__(self, telemetry: Telemetry, model: str, regions: list[str]) -> None:
        self._kept = {
            region: (
                telemetry.spikes.labels(model, region),
                telemetry.rate_hz.labels(model, region),
            )
            for region in regions
        }

    def record(self, spikes: Mapping[str, float], rates_hz: Mapping[str, float]) -> None:
        """A micro-batch was computed.

        Args:
            spikes: Spikes of all its rows together, by region.
            rates_hz: Mean firing rate of a neuron over its rows [Hz], by region.
        """
        for region, (counter, gauge) in self._kept.items():
            counter.inc(spikes[region])
            gauge.set(rates_hz[region])
