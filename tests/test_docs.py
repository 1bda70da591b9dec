"""Every Python example of the documentation runs, page by page, in an empty folder.

So does the shell code of the page about serving, against a real service; and every route is in the
reference.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.service.running import running

from neurallayers.service.app import application
from neurallayers.service.engine import Engine
from neurallayers.service.settings import Settings
from neurallayers.service.telemetry import Telemetry

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


def version_of_curl() -> tuple[int, ...]:
    """The version of curl; nothing where there is none."""
    if shutil.which("curl") is None:
        return ()
    said = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in said.split()[1].split(".")[:2])


@pytest.mark.skipif(version_of_curl() < (7, 82), reason="curl 7.82 or newer is not installed")
def test_the_shell_code_about_serving_runs(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "serve-brains.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```bash\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    script = "\n".join(["set -euo pipefail", *(f"{block}\necho" for block in blocks)])
    with running(tmp_path / "data") as served:
        result = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env={**os.environ, "URL": served.url, "KEY": served.key},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert result.returncode == 0, result.stdout + result.stderr
    # The seven is seen, the wave is taught and known, the nonsense never was.
    assert '"label":"7"' in result.stdout
    assert '"label":"wave"' in result.stdout
    known = re.findall(r'"labels":(\[.*?\])', result.stdout)
    assert any("wave" in labels for labels in known)
    assert not any("nonsense" in labels for labels in known)
    assert "wave" not in known[-1]
    assert (tmp_path / "raster.png").read_bytes().startswith(b"\x89PNG")


def test_every_route_is_in_the_reference(tmp_path: Path) -> None:
    app = application(Engine(tmp_path), Settings.load(data=tmp_path), Telemetry())
    served = {
        f"{method} {route.path}"  # type: ignore[attr-defined]
        for route in app.routes
        for method in getattr(route, "methods", ())
        if method != "HEAD" and "oauth2" not in getattr(route, "path", "")
    }
    page = (ROOT / "docs" / "reference" / "http.md").read_text(encoding="utf-8")
    rows = page.partition("## Routes")[2].partition("\n## ")[0]
    described = set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`]*)`", rows))
    assert served == described
