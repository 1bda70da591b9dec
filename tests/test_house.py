"""The rules of the house that a machine can hold; CONTRIBUTING.md says them in words."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import neurallayers

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "neurallayers"
CODE = ("src", "tests", "benchmarks")
LINES_AT_MOST = 500
NAMES_OF_NOTHING = {"base", "common", "helper", "helpers", "misc", "util", "utils"}
WITHOUT_OWN_TEST = {"__init__.py", "__main__.py"}
PICKLERS = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
MAY_PRINT: tuple[str, ...] = ()


def repository_files() -> list[Path]:
    """What is or would be committed; every file where this is not a git checkout."""
    if shutil.which("git") and (ROOT / ".git").exists():
        listing = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        files = [ROOT / name for name in listing.split("\0") if name]
    else:
        hidden = {".venv", "_build", "__pycache__"}
        files = [path for path in ROOT.rglob("*") if not hidden & set(path.parts)]
    return sorted(path for path in files if path.is_file())


def text_of(path: Path) -> str:
    """The text of a file; nothing for a binary one."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


FILES = repository_files()
PYTHON = [path for path in FILES if path.suffix == ".py" and short(path).startswith(CODE)]
MODULES = [path for path in PYTHON if path.is_relative_to(SOURCE)]


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def dotted(node: ast.AST) -> str:
    """The dotted name that an expression spells, such as ``torch.load``; empty for others."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def imported(node: ast.AST) -> list[str]:
    """The top-level packages that a statement imports."""
    if isinstance(node, ast.Import):
        return [name.name.partition(".")[0] for name in node.names]
    if isinstance(node, ast.ImportFrom):
        return [(node.module or "").partition(".")[0]]
    return []


def test_the_rules_see_the_source() -> None:
    assert SOURCE / "errors.py" in MODULES
    assert Path(__file__).resolve() in PYTHON


def test_files_stay_readable() -> None:
    lines = {short(path): text_of(path).count("\n") for path in PYTHON}
    long = {path: count for path, count in lines.items() if count > LINES_AT_MOST}
    assert not long, f"Split along a noun of the domain: {long}"


def test_a_file_is_a_noun_of_the_domain() -> None:
    parts = {path: {*path.relative_to(ROOT).parts[:-1], path.stem} for path in PYTHON}
    nameless = [short(path) for path, names in parts.items() if names & NAMES_OF_NOTHING]
    assert not nameless, f"Name these after what they hold: {nameless}"


def test_every_source_file_has_its_test() -> None:
    missing = []
    for path in MODULES:
        inside = path.relative_to(SOURCE)
        test = ROOT / "tests" / inside.with_name(f"test_{inside.name}")
        if path.name not in WITHOUT_OWN_TEST and not test.is_file():
            missing.append(f"{short(path)} -> {short(test)}")
    assert not missing, f"Tests mirror the source file for file; write: {missing}"


def test_nothing_is_pickled() -> None:
    guilty = [
        f"{short(path)}:{node.lineno}"
        for path in MODULES
        for node in nodes(path)
        if (isinstance(node, ast.Import | ast.ImportFrom) and PICKLERS & set(imported(node)))
        or (isinstance(node, ast.Attribute) and dotted(node) in {"torch.load", "torch.save"})
        or (
            isinstance(node, ast.keyword)
            and node.arg == "allow_pickle"
            and not (isinstance(node.value, ast.Constant) and node.value.value is False)
        )
    ]
    assert not guilty, f"Store tensors with safetensors and the rest as JSON: {guilty}"


def test_randomness_is_named_and_seeded() -> None:
    guilty = []
    for path in MODULES:
        for node in nodes(path):
            name = dotted(node) if isinstance(node, ast.Attribute) else ""
            if (
                (isinstance(node, ast.Import | ast.ImportFrom) and "random" in imported(node))
                or name in {"torch.manual_seed", "torch.seed", "numpy.random.seed"}
                or name in {"np.random.seed", "np.random.rand", "np.random.randn"}
            ):
                guilty.append(f"{short(path)}:{node.lineno}")
    assert not guilty, f"Draw from neurallayers.seeding.stream(seed, *names): {guilty}"


def test_the_library_logs_and_never_prints() -> None:
    guilty = [
        f"{short(path)}:{node.lineno}"
        for path in MODULES
        if path.relative_to(SOURCE).parts[0] not in MAY_PRINT
        for node in nodes(path)
        if isinstance(node, ast.Call) and dotted(node.func) == "print"
    ]
    assert not guilty, f"Use logging.getLogger(__name__): {guilty}"


def test_nothing_is_left_to_do() -> None:
    marker = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
    left = [
        f"{short(path)}:{number}"
        for path in FILES
        if path.suffix in {".py", ".md", ".toml", ".yml", ".yaml", ".cfg", ".rst"}
        for number, line in enumerate(text_of(path).splitlines(), start=1)
        if marker.search(line)
    ]
    assert not left, f"Do it, or open an issue: {left}"


def test_no_path_of_somebodys_machine() -> None:
    somebodys = re.compile(r"(?<![\w.])/(?:wo" + r"rk|tm" + r"p|ro" + r"ot)/")
    found = [
        f"{short(path)}:{number}"
        for path in FILES
        for number, line in enumerate(text_of(path).splitlines(), start=1)
        if somebodys.search(line)
    ]
    assert not found, f"Use a path relative to the checkout, or an environment variable: {found}"


def test_no_package_index_is_named() -> None:
    option = re.compile(r"--(?:extra-)?index" + r"-url|--find" + r"-links|trusted" + r"-host")
    found = [short(path) for path in FILES if option.search(text_of(path))]
    assert not found, f"Where packages come from is the user's own setting: {found}"


def test_the_version_is_the_same_everywhere() -> None:
    citation = re.search(r"^version: (\S+)$", text_of(ROOT / "CITATION.cff"), re.MULTILINE)
    # Before a release its number stands under Unreleased, after it in the first heading.
    changelog = re.search(
        r"^(?:Becomes |## \[)(\d+\.\d+\.\d+)", text_of(ROOT / "CHANGELOG.md"), re.MULTILINE
    )
    assert citation is not None
    assert changelog is not None
    assert citation[1] == changelog[1] == neurallayers.__version__


def test_the_changelog_has_a_place_for_the_next_change() -> None:
    assert "\n## [Unreleased]\n" in text_of(ROOT / "CHANGELOG.md")


@pytest.mark.parametrize("page", [path for path in FILES if path.suffix == ".md"], ids=short)
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    code = re.findall(r"```(?:bash|sh|console)\n(.*?)```|`([^`\n]+)`", text_of(page), re.DOTALL)
    named = {
        target
        for block, inline in code
        for target in re.findall(r"^(?:\$ )?make (?:[A-Z]+=\S+ )*([a-z-]+)", block or inline, re.M)
    }
    assert named <= targets, f"{short(page)} names what the Makefile lacks: {named - targets}"


def test_every_module_is_in_the_reference() -> None:
    pages = "\n".join(text_of(path) for path in (ROOT / "docs" / "reference").rglob("*.md"))
    described = set(re.findall(r"automodule:: ([\w.]+)", pages))
    known = {".".join(path.relative_to(ROOT / "src").with_suffix("").parts) for path in MODULES}
    public = {name for name in known if not any(part.startswith("_") for part in name.split("."))}
    assert public <= described, (
        f"Add to docs/reference with an automodule: {sorted(public - described)}"
    )
    packages = {name.removesuffix(".__init__") for name in known}
    assert described <= packages, (
        f"docs/reference describes what is gone: {sorted(described - packages)}"
    )


def test_every_benchmark_of_the_makefile_exists() -> None:
    listed = re.findall(r"^(?:\w+_)?BENCHMARKS := (.+)$", text_of(ROOT / "Makefile"), re.MULTILINE)
    assert len(listed) == 4
    names = " ".join(listed).split()
    missing = [name for name in names if not (ROOT / "benchmarks" / f"{name}.py").is_file()]
    assert not missing, f"`make bench` names what benchmarks/ lacks: {missing}"
