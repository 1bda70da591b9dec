"""Sudoku of any square size: 4 by 4, 9 by 9, ...

>>> puzzle = '''
...     1 . . .
...     . . 3 .
...     . 4 . .
...     . . . 2
... '''
>>> answer = solve_sudoku(puzzle)
>>> print(answer.words)
There is one solution:
1 3 2 4
4 2 3 1
2 4 1 3
3 1 4 2
>>> print(solve_sudoku([[1, 1, 0, 0], [0] * 4, [0] * 4, [0] * 4]).words)
There is no solution: row 1, row 1 column 1 is 1 and row 1 column 2 is 1 cannot all hold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal as OneOf

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.logic.finite import FiniteAnswer, FiniteProblem, all_different, at, solve
from neurallayers.logic.proving_deductions import listed
from neurallayers.logic.proving_smt import STEPS
from neurallayers.logic.terms import Formula

Grid = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class SudokuAnswer:
    """What was found for a sudoku.

    Attributes:
        solutions: ``"one"``, ``"several"`` or ``"none"``.
        grid: A solution, row by row; None if there is none.
        another: Another solution, if there are several.
        clash: If there is none: the fewest rows, columns, boxes and clues that cannot all hold.
    """

    solutions: OneOf["none", "one", "several"]
    grid: Grid | None
    another: Grid | None
    clash: tuple[str, ...]

    @property
    def words(self) -> str:
        """The answer in words, with the grid."""
        if self.grid is None:
            return f"There is no solution: {listed([*self.clash])} cannot all hold."
        if self.another is None:
            return f"There is one solution:\n{_drawn(self.grid)}"
        return (
            f"There are several solutions, such as:\n{_drawn(self.grid)}\nand:\n"
            f"{_drawn(self.another)}"
        )


def solve_sudoku(puzzle: str | Sequence[Sequence[int]], *, steps: int = STEPS) -> SudokuAnswer:
    """Solve a sudoku, or say which clues contradict each other.

    Args:
        puzzle: Rows of numbers, 0 for an empty cell; or text: one row a line, cells apart by blanks
            (or one character each), ``.``, ``_`` or ``0`` for an empty cell.
        steps: How far the solver goes in one check, in its own count.

    Raises:
        ShapeMismatch: If it is not as many rows as columns, or that is no square number.
        InvalidInput: If a cell is no number of the puzzle.
        MissingExtra: If z3-solver is not installed.
    """
    clues = _clues(puzzle)
    problem = sudoku_problem(clues)
    answer = solve(problem, steps=steps)
    size = len(clues)
    return SudokuAnswer(
        answer.solutions, _grid(answer, "values", size), _grid(answer, "others", size), answer.clash
    )


def sudoku_problem(clues: Grid) -> FiniteProblem:
    """A sudoku as variables and constraints: rows, columns, boxes and clues by name."""
    size, box = len(clues), math.isqrt(len(clues))
    digits = range(1, size + 1)
    constraints: dict[str, Formula] = {}
    for i in range(size):
        rows = range(i // box * box, i // box * box + box)
        columns = range(i % box * box, i % box * box + box)
        groups = {
            f"row {i + 1}": [_cell(i, j) for j in range(size)],
            f"column {i + 1}": [_cell(j, i) for j in range(size)],
            f"box {i + 1}": [_cell(row, column) for row in rows for column in columns],
        }
        constraints |= {name: all_different(cells, digits) for name, cells in groups.items()}
    for row, values in enumerate(clues):
        for column, value in enumerate(values):
            if value:
                name = _cell(row, column)
                constraints[f"{name} is {value}"] = at(name, value)
    return FiniteProblem(
        {_cell(i, j): digits for i in range(size) for j in range(size)}, constraints
    )


def _clues(puzzle: str | Sequence[Sequence[int]]) -> Grid:
    rows: Sequence[Sequence[object]]
    if isinstance(puzzle, str):
        lines = [line for line in puzzle.splitlines() if line.strip()]
        rows = [line.split() if len(line.split()) > 1 else list(line.strip()) for line in lines]
    else:
        rows = [list(row) for row in puzzle]
    size = len(rows)
    if size < 1 or any(len(row) != size for row in rows) or math.isqrt(size) ** 2 != size:
        raise ShapeMismatch(
            f"The sudoku has {size} rows of {sorted({len(row) for row in rows})} cells.",
            "Give as many rows as columns: 4, 9 or another square number.",
        )
    return tuple(tuple(_clue(cell, size) for cell in row) for row in rows)


def _clue(cell: object, size: int) -> int:
    text = str(cell)
    if text in (".", "_", "0"):
        return 0
    if isinstance(cell, bool) or not text.isdecimal() or not 1 <= int(text) <= size:
        raise InvalidInput(
            f"A cell holds {cell!r}.", f"Give a number from 1 to {size}, or 0 for an empty cell."
        )
    return int(text)


def _cell(row: int, column: int) -> str:
    return f"row {row + 1} column {column + 1}"


def _grid(answer: FiniteAnswer, which: OneOf["values", "others"], size: int) -> Grid | None:
    values = answer.values if which == "values" else answer.others
    if values is None:
        return None
    return tuple(tuple(int(values[_cell(i, j)]) for j in range(size)) for i in range(size))


def _drawn(grid: Grid) -> str:
    width = len(str(len(grid)))
    return "\n".join(" ".join(f"{value:{width}}" for value in row) for row in grid)
