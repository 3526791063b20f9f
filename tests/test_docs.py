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
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
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
    for command in [*COMMANDS, "report", "study"]:
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
