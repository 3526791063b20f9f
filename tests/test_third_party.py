"""A third party's package, pip-installed, is as good as a built-in; and a built-in that is gone is not missed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from installs import ganzoo, python

PACKAGE = {
    "pyproject.toml": """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "ganzoo-tiny"
version = "0.2.1"
dependencies = ["ganzoo"]

[project.entry-points.ganzoo]
tiny = "ganzoo_tiny"
""",
    "ganzoo_tiny/__init__.py": """
from dataclasses import dataclass
from typing import Annotated

from ganzoo.registry import Architecture, Meta, fields, hookimpl


@dataclass(frozen=True)
class TinyConfig:
    image_size: fields.ImageSize = 16
    channels: fields.Channels = 1
    latent_dim: fields.LatentDim = 4
    width: Annotated[int, Meta(ge=1, le=64, description="of the hidden layers")] = 8


@hookimpl
def ganzoo_architectures():
    yield Architecture(
        name="tiny", target="ganzoo_tiny.model:TinyGAN", config=TinyConfig, summary="a third party's very small GAN"
    )
""",
    "ganzoo_tiny/model.py": """
from torch import nn

from ganzoo.gan import AdversarialGAN, OptimizerSpec


class TinyGAN(AdversarialGAN):
    def __init__(self, config):
        shape = (config.channels, config.image_size, config.image_size)
        pixels = config.channels * config.image_size**2
        super().__init__(
            config,
            generator=nn.Sequential(
                nn.Linear(config.latent_dim, config.width), nn.ReLU(), nn.Linear(config.width, pixels), nn.Tanh(),
                nn.Unflatten(1, shape),
            ),
            discriminator=nn.Sequential(
                nn.Flatten(), nn.Linear(pixels, config.width), nn.ReLU(), nn.Linear(config.width, 1), nn.Flatten(0)
            ),
            latent_dim=config.latent_dim,
            optimizer=OptimizerSpec("adam", 1e-3),
        )
""",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("ganzoo-tiny")
    for name, text in PACKAGE.items():
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text(text)
    target = tmp_path_factory.mktemp("site")
    words = ["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--no-index"]
    done = python("-m", "pip", *words, "--target", str(target), str(source))
    assert done.returncode == 0, done.stderr
    return target


def test_it_is_listed_with_its_package(site):
    found = json.loads(ganzoo("list", "tiny", "--json", site=site).stdout)["architectures"]
    assert [(a["name"], a["package"], a["version"]) for a in found] == [("tiny", "ganzoo-tiny", "0.2.1")]


def test_it_shows_its_hyper_parameters(site):
    done = ganzoo("show", "tiny", site=site)
    assert done.stdout.startswith("tiny: a third party's very small GAN\npackage  ganzoo-tiny 0.2.1\n")
    assert "an integer from 1 to 64" in done.stdout


def test_it_is_created_trained_and_loaded(site, mnist, tmp_path):
    run, env = tmp_path / "run", {"GANZOO_CACHE": str(tmp_path / "cache")}
    words = ["--data", str(mnist), "--images", "256", "--batch-size", "32", "--device", "cpu", "-o", "width=6"]
    done = ganzoo("train", "tiny", *words, "--out", str(run), site=site, **env)
    assert done.returncode == 0, done.stderr
    config = json.loads((run / "config.json").read_text())
    assert (config["plugin"], config["plugin_version"]) == ("ganzoo-tiny", "0.2.1")
    code = f"""
import ganzoo
print(tuple(ganzoo.create("tiny", image_size=32).sample(2).shape))
gan = ganzoo.load({str(run)!r})
print(gan.config.width, gan.training, tuple(gan.sample(2).shape))
"""
    done = python("-c", code, site=site)
    assert done.stdout == "(2, 1, 32, 32)\n6 False (2, 1, 28, 28)\n", done.stderr
    gone = ganzoo("sample", str(run), "--out", str(tmp_path / "grid.png"))
    assert gone.returncode == 1
    assert "'tiny' of ganzoo-tiny 0.2.1" in gone.stderr
    assert "pip install ganzoo-tiny" in gone.stderr


def test_an_architecture_that_is_gone_is_not_missed():
    env = {"GANZOO_PLUGINS": "vanilla,datasets"}
    listed = json.loads(ganzoo("list", "--json", **env).stdout)
    assert [a["name"] for a in listed["architectures"]] == ["vanilla"]
    assert ganzoo("show", "vanilla", **env).returncode == 0
    gone = ganzoo("show", "dcgan", **env)
    assert gone.returncode == 1
    assert gone.stderr.startswith("Error: No model or architecture is called 'dcgan'.")
    assert gone.stderr.endswith(
        "GANZOO_PLUGINS selects only vanilla,datasets. "
        "`ganzoo list` shows what is installed; plugins add more (pip install). "
        "The folder of a run or a model may be named as well.\n"
    )
    assert gone.stderr.count("\n") == 1
