"""How Sphinx builds these pages; `make docs` runs it with warnings as errors."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Any, get_type_hints

# Imported while typing.TYPE_CHECKING is still false; autodoc would set it, and pydantic objects.
import fastapi  # noqa: F401
from sphinx.util.typing import stringify_annotation

import neurallayers

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "NeuralLayers"
author = "The NeuralLayers authors"
project_copyright = author
version = release = neurallayers.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
# Links into the pages of Python, NumPy and torch need the network; a build never does by itself.
if os.environ.get("NEURALLAYERS_DOCS_LINKS"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "torch": ("https://docs.pytorch.org/docs/stable", None),
    }

source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
suppress_warnings = ["config.cache"]
copybutton_exclude = ".linenos, .gp, .go"

autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"NeuralLayers {release}"
html_static_path = ["_static"]
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#7a3b10", "color-brand-content": "#7a3b10"},
    "dark_css_variables": {"color-brand-primary": "#f0a868", "color-brand-content": "#f0a868"},
}

_RAISES = re.compile(r"^:raises (\w+):")
_FENCE = re.compile(r"^(\s*)```(\w*)\s*$")


def fences_to_blocks(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Turn Markdown fences in docstrings into the blocks that Sphinx knows."""
    out: list[str] = []
    inside = False
    for line in lines:
        fence = _FENCE.match(line)
        if fence is None:
            out.append(f"    {line}" if inside else line)
        elif inside:
            inside = False
            out.append("")
        else:
            inside = True
            out += ["", f"{fence[1]}.. code-block:: {fence[2] or 'text'}", ""]
    lines[:] = out


def raised_by_module(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Link the errors that something raises to those that its module means.

    The client and the service have errors of the same names.
    """
    parts = name.split(".")
    # Those of its package, and before them those that the module itself knows.
    package = sys.modules.get(".".join([*parts[:2], "failures"]))
    known: dict[str, Any] = {} if package is None else dict(vars(package))
    for end in range(len(parts), 0, -1):
        module = sys.modules.get(".".join(parts[:end]))
        if module is not None:
            known |= vars(module)
            break
    for number, line in enumerate(lines):
        raised = _RAISES.match(line)
        error = known.get(raised[1]) if raised else None
        if raised and isinstance(error, type):
            full = f"~{error.__module__}.{error.__qualname__}"
            lines[number] = f":raises {full}:{line[raised.end() :]}"


def types_of_named_tuples(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str, returns: str
) -> tuple[str, str] | None:
    """Write the types of a named tuple with their modules, as two may have the same short name."""
    if what != "class" or not hasattr(obj, "_fields"):
        return None
    fields = [
        f"{field}: {stringify_annotation(hint, 'smart')}"
        for field, hint in get_type_hints(obj).items()
    ]
    return f"({', '.join(fields)})", returns


def setup(app: Sphinx) -> None:
    """Hook into the build."""
    app.connect("autodoc-process-signature", types_of_named_tuples)
    # Before napoleon, which would read a section heading inside a fence.
    app.connect("autodoc-process-docstring", fences_to_blocks, priority=400)
    # After napoleon, which makes fields of the sections.
    app.connect("autodoc-process-docstring", raised_by_module, priority=600)
