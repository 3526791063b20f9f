"""What the pages show is what is so."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ganzoo
from ganzoo.cli import COMMANDS

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page, language):
    return [code for kind, code in BLOCK.findall(page.read_text(encoding="utf-8")) if kind == language]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_in_the_pages_is_python_and_imports_what_there_is(page):
    for code in blocks(page, "python"):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("ganzoo."):
                exec(compile(ast.Module([node], []), str(page), "exec"), {})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_command_is_in_the_readme():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in COMMANDS:
        assert f"ganzoo {command}" in text, command


def test_every_public_name_is_documented_where_it_is_defined():
    for name in ganzoo.__all__:
        if name != "__version__":
            assert getattr(ganzoo, name).__doc__, name


@pytest.mark.skipif(not ganzoo.list_models(), reason="no bundled models")
def test_the_readmes_python_runs(tmp_path):
    code = "\n".join(blocks(ROOT / "README.md", "python"))
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_complete_architecture_of_the_plugin_page_trains(mnist, tmp_path):
    page = ROOT / "docs" / "plugins.md"
    light, model = blocks(page, "python")[:2]
    package = tmp_path / "ganzoo_lsgan"
    package.mkdir()
    (package / "__init__.py").write_text(light)
    (package / "model.py").write_text(model)
    info = tmp_path / "ganzoo_lsgan-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ganzoo-lsgan\nVersion: 0.1.0\n")
    (toml,) = blocks(page, "toml")
    (info / "entry_points.txt").write_text(
        "[ganzoo]\n" + toml.rpartition("[project.entry-points.ganzoo]\n")[2].replace('"', "")
    )
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import torch, ganzoo
torch.set_num_threads(1)
assert "lsgan" in ganzoo.list_architectures()
ganzoo.train("lsgan", data={str(mnist)!r}, images=128, batch_size=32, out="run", config={{"width": 8}}, progress=False)
print(tuple(ganzoo.load("run").sample(2).shape))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "(2, 1, 28, 28)\n", done.stderr
