"""The wheel holds everything, and an architecture that is taken out of the house is not missed."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ganzoo.registry import installed

ROOT = Path(__file__).parents[1]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


def copy(to: Path) -> Path:
    """Copy what a wheel is built from."""
    for name in ("ganzoo", "plugins", "weights"):
        shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "THIRD_PARTY_NOTICES", "registry.yaml"):
        shutil.copy(ROOT / name, to / name)
    return to


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """A place where a ganzoo without its dcgan is installed from its wheel."""
    source = copy(tmp_path_factory.mktemp("source"))
    shutil.rmtree(source / "plugins" / "ganzoo_dcgan")
    project = source / "pyproject.toml"
    project.write_text(
        re.sub(r"^dcgan = .*\n", "", project.read_text(encoding="utf-8"), flags=re.MULTILINE), encoding="utf-8"
    )
    target = tmp_path_factory.mktemp("site")
    subprocess.run([*PIP, "install", "-q", "--no-deps", "--no-build-isolation", "--target", target, source], check=True)
    return target


def ganzoo(site, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "ganzoo", *arguments],
        cwd=site, env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_wheel_holds_packages_registry_and_weights(tmp_path):
    source = copy(tmp_path / "source")
    command = [*PIP, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp_path, source]
    subprocess.run(command, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"ganzoo/py.typed", "ganzoo/_zoo/registry.yaml", "ganzoo_dcgan/model.py"} <= names
    assert {f"ganzoo/_zoo/{m.record.weights.file}" for m in installed().models if m.dist == "ganzoo"} <= names
    plugins = ROOT / "plugins"
    pages = {path.relative_to(plugins).as_posix() for path in plugins.glob("*/templates/*") if path.is_file()}
    assert len(pages) >= 8
    assert pages <= names
    assert not [name for name in names if name.startswith(("tests", "plugins", "benchmarks", "docs"))]


def test_every_vendored_file_is_in_the_wheel_and_named_with_its_licence(tmp_path):
    command = [*PIP, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp_path, copy(tmp_path / "source")]
    subprocess.run(command, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    plugins = ROOT / "plugins"
    vendored = [path for path in plugins.glob("*/vendor/**/*") if path.is_file()]
    assert len(vendored) >= 3
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (name,) = (name for name in names if name.endswith("licenses/THIRD_PARTY_NOTICES"))
        notices = archive.read(name).decode()
        metadata = archive.read(next(name for name in names if name.endswith("dist-info/METADATA"))).decode()
    for path in vendored:
        assert path.relative_to(plugins).as_posix() in names
        assert path.relative_to(plugins).as_posix() in notices
        assert (path.parent / "LICENSE").read_text(encoding="utf-8").strip() in notices
    assert "License-Expression: Apache-2.0 AND MIT" in metadata


def test_without_dcgan_the_rest_is_as_it_was(site):
    listed = ganzoo(site, "list")
    assert listed.returncode == 0
    assert listed.stderr == ""
    assert "wgan-gp" in listed.stdout
    assert not re.search(r"^dcgan  ", listed.stdout, re.MULTILINE)
    gone = ganzoo(site, "show", "dcgan")
    assert gone.returncode == 1
    assert "called 'dcgan'" in gone.stderr


def test_without_dcgan_its_weights_name_what_is_missing_and_others_draw(site, tmp_path):
    names = [m.record.name for m in installed().models]
    if "dcgan-mnist" not in names or "cgan-mnist" not in names:
        pytest.skip("no bundled models")
    missing = ganzoo(site, "sample", "dcgan-mnist", "-o", tmp_path / "x.png")
    assert missing.returncode == 1
    assert "'dcgan' of ganzoo" in missing.stderr
    drawn = ganzoo(site, "sample", "cgan-mnist", "-n", "4", "-o", tmp_path / "x.png")
    assert drawn.returncode == 0, drawn.stderr
