"""Which part may import which: what keeps the tree easy to find one's way in."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LAYERS = ("boards", "runtime", "converter", "tools")
"""Lowest first: a layer imports itself and those before it."""
FILES = sorted(path.relative_to(ROOT).as_posix() for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))

MAY_IMPORT = {
    "tensorflow": ("converter/", "runtime/backends/litert.py"),
    "keras": ("converter/",),
    "tf_keras": ("converter/",),
    "serial": ("tools/serial/port.py",),
    "cffi": ("runtime/native.py",),
    "ctypes": ("runtime/emulators/",),
    "unicorn": ("runtime/emulators/",),
}
"""Heavy or platform-bound modules, and the only places that know them."""


def imported(path: str) -> set[str]:
    """Every module that a file imports, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively; write the module's whole name"
            assert node.module is not None
            names.add(node.module)
    return names


@pytest.mark.parametrize("path", FILES)
def test_nothing_imports_upward(path: str) -> None:
    layer = LAYERS.index(path.split("/")[0])
    used = {name.split(".")[1] for name in imported(path) if name.startswith("midge.") and name.count(".")}

    assert all(LAYERS.index(name) <= layer for name in used if name in LAYERS)


@pytest.mark.parametrize("path", FILES)
def test_heavy_modules_are_known_in_one_place_only(path: str) -> None:
    used = {name.split(".")[0] for name in imported(path)}

    for module, places in MAY_IMPORT.items():
        assert module not in used or path.startswith(places), f"{path} imports {module}"


def test_the_public_names_are_these() -> None:
    import midge

    assert sorted(midge.__all__) == [
        "Error",
        "Model",
        "__version__",
        "convert",
        "distill",
        "fit",
        "load",
        "prune",
        "sparsify",
    ]
