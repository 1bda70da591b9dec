"""Living examples of the cells that watch streams, for the tests of the contract."""

from __future__ import annotations

from tests.dynamics.living_cells import Example

from neurallayers.measures.monitoring import MonitorSettings, UnifiedMonitoringIndex

# A memory so short that a few steps fill it, and warm at once.
SHORT = MonitorSettings(
    memory_rows=12,
    shape_rows=3,
    gap_rows=2,
    warm_rows=2,
    baseline_rows=8.0,
    recent_rows=3.0,
    quiet_rows=2,
    dwell_rows=1,
)

EXAMPLES_MONITORING: dict[str, Example] = {
    "UnifiedMonitoringIndex": Example(
        lambda: UnifiedMonitoringIndex(3, settings=SHORT), learns=True
    ),
    "UnifiedMonitoringIndex, without shapes": Example(
        lambda: UnifiedMonitoringIndex(2, settings=SHORT.replace(shape_rows=0)), learns=True
    ),
}
