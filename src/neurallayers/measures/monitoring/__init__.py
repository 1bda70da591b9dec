"""UMI: watching streams, and judging how well anomalies are found.

See :mod:`~neurallayers.measures.monitoring.index` for the equations.
"""

from neurallayers.measures.monitoring.detection import Detection, detect
from neurallayers.measures.monitoring.figures import figure
from neurallayers.measures.monitoring.index import (
    MonitorState,
    Observation,
    UnifiedMonitoringIndex,
)
from neurallayers.measures.monitoring.scoring import (
    PROFILES,
    ScoringProfile,
    SeriesScore,
    nab_score,
    normalised_score,
    probation_rows,
    score_series,
    windows_as_rows,
)
from neurallayers.measures.monitoring.settings import (
    COMPONENTS,
    LEVELS,
    LIGHT,
    THOROUGH,
    MonitorSettings,
)
from neurallayers.measures.monitoring.watching import Reading, Watch, watch_step
from neurallayers.measures.monitoring.weighting import (
    FittedWeights,
    fit_weights,
    window_components,
)

__all__ = [
    "COMPONENTS",
    "LEVELS",
    "LIGHT",
    "PROFILES",
    "THOROUGH",
    "Detection",
    "FittedWeights",
    "MonitorSettings",
    "MonitorState",
    "Observation",
    "Reading",
    "ScoringProfile",
    "SeriesScore",
    "UnifiedMonitoringIndex",
    "Watch",
    "detect",
    "figure",
    "fit_weights",
    "nab_score",
    "normalised_score",
    "probation_rows",
    "score_series",
    "watch_step",
    "window_components",
    "windows_as_rows",
]
