"""What elephant and PySpike say of six spike trains; made by benchmarks/elephant_references.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

PATH = Path(__file__).resolve().parent.parent / "references" / "elephant.json"
ELEPHANT: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
TRAINS = [np.array(train) for train in ELEPHANT["trains_ms"]]
STOP_MS: float = ELEPHANT["stop_ms"]
BIN_MS: float = ELEPHANT["bin_ms"]
