"""Imports run downward, and the core knows no architecture."""

from __future__ import annotations

import ast
import io
import tokenize
from collections import Counter
from importlib import metadata
from pathlib import Path

import pytest

import ganzoo
from ganzoo.registry import hookspecs

ROOT = Path(ganzoo.__file__).parent
# A module may import its own layer and those before it.
LAYERS = [
    "errors", "_version", "_files", "_distributed", "registry", "nn", "gan", "media", "data", "hub", "models",
    "inference", "metrics", "training", "publishing", "testing", "cli",
]  # fmt: skip
FORBIDDEN = {
    "nn": {"_files", "_distributed"},
    "gan": {"_files", "_distributed"},
    "registry": {"_files", "_distributed"},
    "hub": {"registry", "nn", "gan", "data"},
}
HEAVY = {"torch", "numpy", "timm", "huggingface_hub", "PIL", "accelerate", "safetensors", "datasets", "pyarrow"}
LIGHT = {"errors", "_version", "_files", "registry", "models/config", "training/settings", "cli"}
MODULES = sorted(path for path in ROOT.rglob("*.py") if "_zoo" not in path.parts)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def layer(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def is_light(path: Path) -> bool:
    return layer(path) in LIGHT or path.relative_to(ROOT).with_suffix("").as_posix() in LIGHT


def imports(path: Path) -> list[tuple[str, bool]]:
    """Return the modules that a file imports, each with whether it does so when it is imported itself."""
    found: list[tuple[str, bool]] = []

    def visit(node: ast.AST, *, top: bool) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            children: list[ast.AST] = [*node.orelse]
        else:
            children = [*ast.iter_child_nodes(node)]
        if isinstance(node, ast.Import):
            found.extend((alias.name, top) for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found.extend((f"{node.module}.{alias.name}", top) for alias in node.names)
        for child in children:
            visit(child, top=top and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))

    visit(ast.parse(path.read_text(encoding="utf-8")), top=True)
    return found


@pytest.mark.parametrize("path", [p for p in MODULES if p.parent != ROOT or not p.name.startswith("__")], ids=name_of)
def test_imports_run_downward(path):
    own = layer(path)
    for name, _ in imports(path):
        if name.startswith("ganzoo."):
            other = name.split(".")[1]
            if other in LAYERS:
                assert LAYERS.index(other) <= LAYERS.index(own), f"{own} imports {name}"
                assert other not in FORBIDDEN.get(own, ()), f"{own} imports {name}"
            else:
                assert hasattr(ganzoo, other), f"{name} belongs to no layer"
                assert other.startswith("__"), f"{name}: import it from its home"


def test_every_module_belongs_to_a_layer():
    assert {layer(path) for path in MODULES} - {"__init__", "__main__"} <= set(LAYERS)


def test_the_top_level_is_that_of_the_design():
    entries = {path.name.removesuffix(".py") for path in ROOT.iterdir() if path.name not in ("__pycache__", "_zoo")}
    assert entries == {*LAYERS, "__init__", "__main__", "py.typed"}


def test_no_two_files_of_one_name_mean_two_things():
    names = Counter(path.stem for path in MODULES if path.stem not in ("__init__", "base"))
    assert not {name for name, count in names.items() if count > 1}


@pytest.mark.parametrize("path", [p for p in MODULES if is_light(p)], ids=name_of)
def test_light_layers_import_nothing_heavy(path):
    assert not HEAVY & {name.split(".")[0] for name, top in imports(path) if top}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_core_imports_no_plugin(path):
    assert not [name for name, _ in imports(path) if name.startswith("ganzoo_")]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_core_names_no_architecture(path):
    """In code, that is: a docstring or a comment may give one as an example."""
    plugins = {
        point.value for point in metadata.entry_points(group="ganzoo") if point.value.startswith("ganzoo_")
    } - set(vars(hookspecs))
    names = {*ganzoo.list_architectures(), *plugins, "dcgan", "wgan", "cgan", "vanilla"}
    source = path.read_text(encoding="utf-8")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT or token.string.startswith('"""'):
            continue
        assert not [name for name in names if name in token.string.lower()], token


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_files_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300
