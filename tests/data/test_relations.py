"""Markov logic files, and the two worlds of smokers and friends."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurallayers.data.folders import candidate_folders
from neurallayers.data.relations import load_smokers, read_mln, read_world
from neurallayers.errors import DataUnavailable

here = pytest.mark.skipif(
    not any(place.is_dir() for place in candidate_folders("smokers_mln")),
    reason="smokers and friends are not here",
)


@here
def test_smokers_and_friends() -> None:
    data = load_smokers()
    assert data.program.signatures == {
        "Friends": ("person", "person"),
        "Smokes": ("person",),
        "Cancer": ("person",),
    }
    assert [str(axiom) for axiom in data.program.axioms] == [
        "0.0 :: Smokes(x) -> Cancer(x)",
        "0.0 :: Friends(x, y) -> (Smokes(x) <-> Smokes(y))",
    ]
    assert (len(data.train), len(data.test)) == (22, 10)
    people = {term for literal in data.train for term in literal.terms}  # type: ignore[union-attr]
    assert len(people) == 8


def test_an_mln_file(tmp_path: Path) -> None:
    path = tmp_path / "rules.mln"
    path.write_text(
        "// comment\np(person)\nq(person, thing!)\n\n1.5 p(x) ^ !q(x, y) => p(y) v q(y, y)\n"
        "-2e-1 p(x)  // unit\np(x) <=> p(x).\n",
        encoding="utf-8",
    )
    program = read_mln(path)
    assert program.signatures == {"p": ("person",), "q": ("person", "thing")}
    assert [str(axiom) for axiom in program.axioms] == [
        "1.5 :: p(x) & !q(x, y) -> p(y) | q(y, y)",
        "-0.2 :: p(x)",
        "p(x) <-> p(x)",
    ]


def test_a_world(tmp_path: Path) -> None:
    path = tmp_path / "world.db"
    path.write_text("p(Anna)\n!q(Anna, Bob)   // no\n\n", encoding="utf-8")
    assert [str(literal) for literal in read_world(path)] == ["p(Anna)", "!q(Anna, Bob)"]


@pytest.mark.parametrize(
    ("text", "problem"), [("p(x)", "is no fact"), ("p(A", "line 1"), ("p(A) q(B)", "line 1")]
)
def test_a_damaged_world_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "world.db"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataUnavailable, match=problem):
        read_world(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataUnavailable, match=r"smoking\.mln"):
        load_smokers(tmp_path)
    with pytest.raises(DataUnavailable, match="cannot be read"):
        read_mln(tmp_path / "none.mln")
