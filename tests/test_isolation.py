"""Packages that are really pip-installed, each wrong in its way, beside good ones: the zoo opens all the same."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from installs import GOOD, python

PYPROJECT = """[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{dist}"
version = "{version}"

[project.entry-points.ganzoo]
{dist} = "{module}"

[tool.hatch.build.targets.wheel]
packages = ["{module}"]
"""
HEAD = "from ganzoo.registry import Architecture, hookimpl\n\n\n@hookimpl\n"
WRONG = {
    "import-error": ("import a_module_that_is_not_there\n", "ModuleNotFoundError: No module named"),
    "system-exit": ("raise SystemExit(3)\n", "SystemExit: 3"),
    "syntax-error": ("def broken(:\n", "SyntaxError"),
    "wrong-arguments": (f"{HEAD}def ganzoo_architectures(zoo):\n    return []\n", "zoo"),
    "raises": (f"{HEAD}def ganzoo_architectures():\n    raise ValueError('on purpose')\n", "ValueError: on purpose"),
    "unknown-hook": (f"{HEAD}def ganzoo_architecture():\n    return []\n", "Did you mean 'ganzoo_architectures'?"),
    "too-new": (GOOD.format(name="new").replace('summary="', 'api=99, summary="'), "upgrade ganzoo"),
    "too-old": (GOOD.format(name="old").replace('summary="', 'api=0, summary="'), "upgrade the plugin"),
}
FINE = {
    "good": GOOD.format(name="good"),
    "takes-dcgan": GOOD.format(name="dcgan"),
    "twin-a": GOOD.format(name="twin"),
    "twin-b": GOOD.format(name="twin"),
    "slow": "import time\ntime.sleep(0.3)\n" + GOOD.format(name="sleepy"),
    "renames": GOOD.format(name="newname").replace('summary="', 'renamed={"oldname": "2.0"}, summary="'),
}


class Environment:
    """A virtual environment of its own, in which ganzoo is installed beside what the tests put there."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=False, symlinks=True)
        self.python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        site = Path(self.run("-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])").stdout.strip())
        here = sysconfig.get_paths()["purelib"]
        (site / "parent.pth").write_text(f"import site; site.addsitedir({here!r})\n")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return python(*words, executable=str(self.python))

    def ganzoo(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "ganzoo", *words)

    def pip(self, *words: str) -> None:
        done = self.run("-m", "pip", "--disable-pip-version-check", "--quiet", *words)
        assert done.returncode == 0, done.stderr


def package(folder: Path, name: str, source: str, version: str = "1.0") -> str:
    module = f"ganzoo_{name.replace('-', '_')}"
    (folder / module).mkdir(parents=True)
    (folder / module / "__init__.py").write_text(source)
    text = PYPROJECT.format(dist=f"ganzoo-{name}", module=module, version=version)
    (folder / "pyproject.toml").write_text(text)
    return str(folder)


INSTALL = ("install", "--no-index", "--no-deps", "--no-build-isolation")


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Environment:
    made = Environment(tmp_path_factory.mktemp("venv"))
    source = tmp_path_factory.mktemp("packages")
    sources = {**{name: text for name, (text, _) in WRONG.items()}, **FINE}
    made.pip(*INSTALL, *(package(source / name, name, text) for name, text in sources.items()))
    return made


@pytest.fixture(scope="module")
def listed(environment) -> subprocess.CompletedProcess[str]:
    return environment.ganzoo("list")


def test_the_list_works(listed):
    assert listed.returncode == 0
    for name in ("dcgan", "good", "sleepy", "newname", "vanilla"):
        assert name in listed.stdout


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_on_stderr(listed, name):
    (line,) = [line for line in listed.stderr.splitlines() if line.startswith(f"! ganzoo-{name} 1.0")]
    assert WRONG[name][1] in line


def test_clashes_are_said_and_both_can_be_chosen(environment, listed):
    assert "2 packages provide the architecture 'twin': use ganzoo-twin-a:twin or ganzoo-twin-b:twin" in listed.stderr
    assert "2 packages provide the architecture 'dcgan'" in listed.stderr
    refused = environment.ganzoo("show", "dcgan")
    assert refused.returncode == 1
    assert "use ganzoo:dcgan or ganzoo-takes-dcgan:dcgan" in refused.stderr
    assert "Radford" in environment.ganzoo("show", "ganzoo:dcgan").stdout
    assert "ganzoo-twin-b 1.0" in environment.ganzoo("show", "ganzoo-twin-b:twin").stdout


def test_a_slow_import_is_named(environment):
    lines = environment.ganzoo("plugins", "--times").stdout.splitlines()
    assert lines[0].split() == ["PLUGIN", "PACKAGE", "VERSION", "IMPORT", "PROVIDES"]
    assert lines[1].startswith("ganzoo-slow")
    found = json.loads(environment.ganzoo("plugins", "--json").stdout)["plugins"]
    assert next(p for p in found if p["name"] == "ganzoo-slow")["import_ms"] >= 300


def test_a_renamed_architecture_answers_to_its_old_name_for_a_while(environment, listed):
    assert "oldname" not in listed.stdout
    done = environment.ganzoo("show", "oldname")
    assert done.stdout.startswith("newname: ")
    text = "the architecture 'oldname' is now called 'newname'; the old name works until ganzoo-renames 2.0"
    assert text in done.stderr


def test_broken_plugins_show_their_tracebacks(environment):
    out = environment.ganzoo("plugins").stdout
    assert "ValueError: on purpose" in out
    assert "Traceback" in out


def test_an_upgrade_and_an_uninstall_take_effect_at_once(environment, tmp_path):
    environment.pip(*INSTALL, package(tmp_path / "one", "moving", GOOD.format(name="first")))
    assert "first" in environment.ganzoo("list", "first").stdout
    renamed = GOOD.format(name="second").replace('summary="', 'renamed={"first": "3.0"}, summary="')
    environment.pip(*INSTALL, package(tmp_path / "two", "moving", renamed, version="2.0"))
    assert "ganzoo-moving 2.0" in environment.ganzoo("show", "first").stdout
    environment.pip("uninstall", "-y", "ganzoo-moving")
    gone = environment.ganzoo("show", "second")
    assert gone.returncode == 1
    assert "No model or architecture is called 'second'" in gone.stderr
