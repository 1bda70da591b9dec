"""The command line: ``neurallayers COMMAND``, or ``python -m neurallayers COMMAND``."""

from neurallayers.cli.app import app, main

__all__ = ["app", "main"]
