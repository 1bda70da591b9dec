"""Kernels are compiled, and are where no cache can be written too."""

from __future__ import annotations

from pathlib import Path

import numba
import pytest

from neurallayers.measures.integration import compilation


def double(number: int) -> int:
    return 2 * number


def triple(number: int) -> int:
    return 3 * number


def test_a_kernel_is_compiled_under_a_name_that_goes_by_all_sources() -> None:
    fast = compilation.compiled(double)
    assert fast(21) == 42
    assert isinstance(fast, numba.core.registry.CPUDispatcher)
    assert double.__qualname__ == f"double.{compilation.FINGERPRINT}"


def test_without_a_folder_for_the_cache_it_is_compiled_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = numba.njit

    def refusing(*arguments: object, **options: object) -> object:
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return plain(*arguments, **options)

    monkeypatch.setattr(numba, "njit", refusing)
    assert compilation.compiled(triple)(4) == 12


def test_the_fingerprint_changes_with_any_source(tmp_path: Path) -> None:
    found = {compilation.fingerprint(tmp_path)}
    for name in compilation.SOURCES:
        (tmp_path / name).write_text("x = 1\n", encoding="utf-8")
        found.add(compilation.fingerprint(tmp_path))
    assert len(found) == 1 + len(compilation.SOURCES)
    folder = Path(compilation.__file__).parent
    using = {p.name for p in folder.glob("*.py") if "@compiled" in p.read_text(encoding="utf-8")}
    assert using <= set(compilation.SOURCES)
