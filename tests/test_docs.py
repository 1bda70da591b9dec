"""Every Python example of the documentation runs, page by page, in an empty folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*/*.md")), ROOT / "docs" / "index.md"]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def examples(page: Path) -> str:
    """The Python of a page, every line at its own number, so that a traceback points into it."""
    text = page.read_text(encoding="utf-8")
    code = [""] * (text.count("\n") + 1)
    for block in BLOCK.finditer(text):
        first = text.count("\n", 0, block.start(1))
        for offset, line in enumerate(block[1].splitlines()):
            code[first + offset] = line
    return "\n".join(code)


WITH_EXAMPLES = [page for page in PAGES if page.is_file() and examples(page).strip()]


def test_there_are_examples_in_the_tutorials() -> None:
    assert any(page.parent.name == "tutorials" for page in WITH_EXAMPLES)


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_examples_of_a_page_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(examples(page), str(page), "exec"), {"__name__": "__example__"})
