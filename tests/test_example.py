"""The example of a third party's package: its wheel beside ganzoo's, in an environment of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import forks
from hub.server import LoopbackHub
from test_wheel import PIP, copy

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "ganzoo-lsgan"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """Both wheels, built and installed."""
    wheels = tmp_path_factory.mktemp("wheels")
    sources = [str(copy(tmp_path_factory.mktemp("source"))), str(EXAMPLE)]
    build = [*PIP, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(wheels), *sources]
    subprocess.run(build, check=True)
    files = sorted(map(str, wheels.glob("*.whl")))
    assert len(files) == 2
    target = tmp_path_factory.mktemp("site")
    subprocess.run([*PIP, "install", "-q", "--no-deps", "--no-index", "--target", str(target), *files], check=True)
    return target


@pytest.fixture(scope="module")
def run(site, tmp_path_factory):
    """The command line of that environment, with a Hub and a token of its own."""
    home = tmp_path_factory.mktemp("home")
    with LoopbackHub() as loop:
        hub = {"HF_ENDPOINT": loop.url, "HF_TOKEN": "hf_alice", "HF_HOME": str(home / "hf"), "HF_HUB_OFFLINE": "0"}
        alone = {"HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1,localhost", "OMP_NUM_THREADS": "1"}
        env = {**os.environ, **hub, **alone, "PYTHONPATH": str(site)}

        def call(*words: str) -> str:
            if words[:2] == ("-m", "ganzoo"):
                done = forks.run(*words[2:], env=env, cwd=home)
            else:
                done = subprocess.run(
                    [sys.executable, *words], cwd=home, env=env, capture_output=True, text=True, check=False
                )  # fmt: skip
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        yield call


def test_it_is_no_part_of_ganzoos_wheel(site, tmp_path):
    subprocess.run(
        [*PIP, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp_path, copy(tmp_path / "s")], check=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    assert not [name for name in zipfile.ZipFile(wheel).namelist() if "lsgan" in name]


def test_it_is_listed_from_its_own_package(run, site):
    assert str(site) in run("-c", "import ganzoo, ganzoo_lsgan; print(ganzoo.__file__, ganzoo_lsgan.__file__)")
    assert re.search(r"lsgan +ganzoo-lsgan 0\.1\.0 +least squares loss", run("-m", "ganzoo", "list"))


@pytest.mark.slow
def test_it_passes_the_conformance_kit(run):
    out = run("-m", "ganzoo", "check", "lsgan", "-o", "width=8", "-o", "latent_dim=16")
    assert "failed" not in out


@pytest.mark.slow
def test_it_trains_is_published_and_loaded(run, mnist):
    small = ["-o", "width=8", "--images", "64", "--batch-size", "32"]
    run("-m", "ganzoo", "train", "lsgan", "--data", str(mnist), *small, "--out", "run")
    run("-m", "ganzoo", "publish", "run", "alice/lsgan-digits", "--license", "mit")
    code = "import ganzoo, sys; gan = ganzoo.load(sys.argv[1]); print(gan.sample(2).sum().item(), type(gan).__name__)"
    there, here = run("-c", code, "hf:alice/lsgan-digits"), run("-c", code, "run")
    assert there == here
    assert there.split()[1] == "LSGAN"
