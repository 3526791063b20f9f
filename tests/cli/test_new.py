"""`ganzoo new` writes a package that installs, is listed, passes the kit and trains as it stands."""

import os
import subprocess
import sys

import pytest

from installs import ganzoo, python

FILES = {
    ".github/workflows/test.yml", ".gitignore", "LICENSE", "README.md", "ganzoo_wave_gan/__init__.py",
    "ganzoo_wave_gan/model.py", "pyproject.toml", "tests/test_conformance.py",
}  # fmt: skip


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    out = tmp_path_factory.mktemp("new") / "ganzoo-wave-gan"
    done = ganzoo("new", "wave-gan", "--out", str(out))
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def site(package, tmp_path_factory):
    target = tmp_path_factory.mktemp("site")
    words = ["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--no-index"]
    done = python("-m", "pip", *words, "--target", str(target), str(package))
    assert done.returncode == 0, done.stderr
    return target


def test_the_package_is_complete_and_nothing_is_left_to_fill(package):
    there = {str(p.relative_to(package)) for p in package.rglob("*") if p.is_file()}
    assert there - {"build"} >= FILES
    for name in FILES:
        assert "{{" not in (package / name).read_text().replace("${{", ""), name


def test_its_code_is_clean(package):
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "E,F,I,B,UP", "--line-length", "120"]
    done = subprocess.run([*ruff, str(package)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_it_is_listed_and_shown(site):
    assert "wave-gan" in ganzoo("list", site=site).stdout
    shown = ganzoo("show", "wave-gan", site=site).stdout
    assert "ganzoo-wave-gan 0.1.0" in shown
    assert "channels at full resolution" in shown


@pytest.mark.slow
def test_it_passes_the_kit_on_the_command_line(site):
    done = ganzoo("check", "wave-gan", "-o", "width=8", "-o", "latent_dim=16", site=site)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed" not in done.stdout


@pytest.mark.slow
def test_its_own_tests_pass(package, site):
    env = {**os.environ, "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}
    for name in [key for key in env if key.startswith("PYTEST_")]:
        del env[name]
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not two_processes", str(package / "tests")]
    done = subprocess.run([sys.executable, *words], env=env, cwd=package, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_it_trains_and_samples(site, mnist, tmp_path):
    out = str(tmp_path / "run")
    small = ("-o", "width=8", "--images", "64", "--batch-size", "32")
    done = ganzoo("train", "wave-gan", "--data", str(mnist), *small, "--out", out, site=site)
    assert done.returncode == 0, done.stderr
    assert ganzoo("sample", out, "-n", "4", "-o", str(tmp_path / "x.png"), site=site).returncode == 0


def test_nothing_is_overwritten(call, package, tmp_path):
    before = (package / "README.md").read_text()
    done = call("new", "wave-gan", "--out", str(package))
    assert (done.code, (package / "README.md").read_text()) == (1, before)
    assert "overwritten" in done.err
    (tmp_path / "file").write_text("x")
    assert call("new", "wave-gan", "--out", str(tmp_path / "file")).code == 1


@pytest.mark.parametrize("name", ["wave-gan", "ganzoo-wave-gan"])
def test_the_prefix_may_be_given(call, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = call("new", name)
    assert done.code == 0
    assert (tmp_path / "ganzoo-wave-gan" / "ganzoo_wave_gan" / "model.py").exists()
    assert "pip install -e 'ganzoo-wave-gan[test]'" in done.out


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dcgan", "ganzoo has an architecture called 'dcgan' already"),
        ("ganzoo-dcgan", "ganzoo has an architecture called 'dcgan' already"),
        ("datasets", "a package ganzoo_datasets is installed already"),
        ("My GAN", "is not a name for an architecture"),
        ("2gan", "is not a name"),
        ("a--b", "is not a name"),
        ("../x", "is not a name"),
        ("a_b", "is not a name"),
        ("", "is not a name"),
        ("none", "which is taken"),
        ("generator", "would make the class Generator"),
        ("optimizer-spec", "would make the class OptimizerSpec"),
        ("x" * 61, "is not a name"),
    ],
)
def test_names_that_would_clash_or_are_none_are_refused(call, name, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = call("new", name)
    assert done.code == 1
    assert text in done.err
    assert not list(tmp_path.iterdir())
