from __future__ import annotations

import itertools

import pytest

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.logic.finite import solutions, solve
from neurallayers.logic.finite_sudoku import Grid, solve_sudoku, sudoku_problem

pytest.importorskip("z3", reason="the extra logic is not installed")

# The example of Wikipedia's article on sudoku, with its printed solution.
NINE = """
53..7....
6..195...
.98....6.
8...6...3
4..8.3..1
7...2...6
.6....28.
...419..5
....8..79
"""
NINE_SOLVED = """
534678912
672195348
198342567
859761423
426853791
713924856
961537284
287419635
345286179
"""


def is_right(grid: Grid) -> bool:
    size, box = len(grid), int(len(grid) ** 0.5)
    digits = set(range(1, size + 1))
    boxes = (
        {grid[r + i][c + j] for i in range(box) for j in range(box)}
        for r in range(0, size, box)
        for c in range(0, size, box)
    )
    columns = (set(column) for column in zip(*grid, strict=True))
    return all(group == digits for group in (*map(set, grid), *columns, *boxes))


def test_there_are_288_grids_of_four_by_four() -> None:
    empty = tuple((0,) * 4 for _ in range(4))
    assert sum(1 for _ in solutions(sudoku_problem(empty))) == 288


def test_nine_by_nine() -> None:
    answer = solve_sudoku(NINE)
    assert answer.solutions == "one"
    assert answer.grid == tuple(tuple(map(int, line)) for line in NINE_SOLVED.split())


def test_several_solutions_are_two_right_ones() -> None:
    clues = [[1, 0, 0, 0], [0, 0, 3, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    answer = solve_sudoku(clues)
    assert answer.solutions == "several"
    assert answer.grid is not None
    assert answer.another is not None
    assert answer.grid != answer.another
    for grid in (answer.grid, answer.another):
        assert is_right(grid)
        assert grid[0][0] == 1
        assert grid[1][2] == 3
    assert "several solutions" in answer.words


def test_clues_that_clash_are_told_and_none_too_many() -> None:
    clues = ((1, 0, 0, 0), (0, 0, 2, 1), (0, 0, 1, 0), (0, 3, 0, 0))
    answer = solve_sudoku(clues)
    assert answer.solutions == "none"
    assert answer.grid is None
    problem = sudoku_problem(clues)
    for left_out in answer.clash:
        rest = {name: problem.constraints[name] for name in answer.clash if name != left_out}
        assert solve(type(problem)(problem.variables, rest)).solutions != "none"
    chosen = {name: problem.constraints[name] for name in answer.clash}
    assert solve(type(problem)(problem.variables, chosen)).solutions == "none"
    assert "cannot all hold" in answer.words


def test_every_way_to_write_it_is_read() -> None:
    rows = [[1, 0, 0, 0], [0, 0, 3, 0], [0, 4, 0, 0], [0, 0, 0, 2]]
    texts = [
        "1...\n..3.\n.4..\n...2",
        "1 0 0 0\n0 0 3 0\n0 4 0 0\n0 0 0 2",
        "1___\n__3_\n_4__\n___2",
    ]
    grids = {solve_sudoku(each).grid for each in (rows, *texts)}
    assert len(grids) == 1


@pytest.mark.parametrize("puzzle", ["123\n123\n123", "12\n1", "", [[1, 2], [1]]])
def test_other_shapes_are_refused(puzzle: object) -> None:
    with pytest.raises(ShapeMismatch, match="rows"):
        solve_sudoku(puzzle)  # type: ignore[arg-type]


@pytest.mark.parametrize("cell", ["5", "x", "-1"])
def test_other_cells_are_refused(cell: str) -> None:
    rows = [[cell, *"..."], *(["."] * 4 for _ in range(3))]
    text = "\n".join(" ".join(row) for row in rows)
    with pytest.raises(InvalidInput, match="A cell holds"):
        solve_sudoku(text)


def test_one_by_one() -> None:
    assert solve_sudoku([[0]]).grid == ((1,),)
    assert all(is_right(g) for g in [((1,),)])
    assert len(list(itertools.islice(solutions(sudoku_problem(((0,),))), 2))) == 1
