"""Every error that NeuralLayers raises on purpose, as one tree.

```text
NeuralLayersError
├── InvalidInput (ValueError)     a value is wrong: shape, range, dtype, not finite
│   ├── ShapeMismatch             an array has another shape than expected
│   └── LogicSyntaxError          a formula or program cannot be read; shows where
├── InvalidSpec (ValueError)      a description of a brain is wrong; names the path of the field
├── UnknownName (KeyError)        a name is not registered; suggests the nearest one
├── MissingExtra (ImportError)    an optional package is not installed; names the extra
├── DataUnavailable               a data set is neither on disk nor reachable, or is damaged
├── SnapshotError                 a brain file is truncated, altered, newer or not ours
├── JournalError                  a journal is damaged, in use or belongs to another brain
└── TrainingError                 training cannot go on (diverged, resume mismatch)
```

Each message says what is wrong, with the value, and what to do about it. The library knows no HTTP:
whoever serves it maps classes to status codes in one table.
"""

from __future__ import annotations


class NeuralLayersError(Exception):
    """Root of every error raised on purpose.

    Args:
        problem: What is wrong, with the value that is wrong.
        remedy: What the caller can do about it.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        # Both are kept as arguments, so that an error can be copied to another process.
        super().__init__(problem, remedy)

    def __str__(self) -> str:
        # KeyError would show the repr of its argument; people read sentences.
        return f"{self.problem} {self.remedy}"


class InvalidInput(NeuralLayersError, ValueError):
    """A value has the wrong range, dtype or content."""


class ShapeMismatch(InvalidInput):
    """An array has another shape than the part that received it expects."""


class LogicSyntaxError(InvalidInput):
    """A formula, rule or program cannot be read.

    Args:
        problem: What is wrong, where, with the line and a caret below the place.
        remedy: What to write instead.
        line: Line of the place, counted from one.
        column: Column of the place, counted from one.
    """

    def __init__(self, problem: str, remedy: str, line: int = 1, column: int = 1) -> None:
        self.line = line
        self.column = column
        super().__init__(problem, remedy)


class InvalidSpec(NeuralLayersError, ValueError):
    """A description of a brain does not hold together.

    Args:
        problem: What is wrong.
        remedy: What to do.
        path: The field at fault, such as ``regions[2].neurons``.
    """

    def __init__(self, problem: str, remedy: str, path: str = "") -> None:
        self.path = path
        super().__init__(f"{path}: {problem}" if path else problem, remedy)


class UnknownName(NeuralLayersError, KeyError):
    """A name is not known to the registry that was asked."""


class MissingExtra(NeuralLayersError, ImportError):
    """An optional package is needed and not installed."""


class DataUnavailable(NeuralLayersError):
    """A data set cannot be found, fetched or trusted."""


class SnapshotError(NeuralLayersError):
    """A file that should hold a brain or a network cannot be used."""


class JournalError(NeuralLayersError):
    """A journal cannot be read, written or matched to its brain."""


class TrainingError(NeuralLayersError):
    """Training cannot start or go on."""
