"""Optional packages, imported where they are used and named when they are missing."""

from __future__ import annotations

import importlib
from typing import Any

from neurallayers.errors import MissingExtra


def require(package: str, *, extra: str) -> Any:
    """Import an optional package or say which extra brings it.

    Args:
        package: Dotted name of the module to import, such as ``"matplotlib.figure"``.
        extra: Name of our extra that installs it.

    Returns:
        The imported module.

    Raises:
        MissingExtra: If the package (or something that it needs) is not installed.

    >>> require("math", extra="viz").sqrt(9.0)
    3.0
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MissingExtra(
            f"{package} cannot be imported ({error}).",
            f"Run: pip install 'neurallayers[{extra}]'",
        ) from error
