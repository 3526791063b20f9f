"""An architecture package of the first edition runs unchanged: what it sets, overrides or calls has other names now."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from installs import ganzoo, python

PACKAGE = Path(__file__).parent / "ganzoo-old-gan"
SMALL = ("-o", "width=8", "-o", "latent_dim=16")
CLASSES = {  # the classes that define an attribute, or are asked for it
    "spherical": "Sphere OldNames", "undecided": "Loss Sphere OldNames", "draw": "Sphere OldNames", "way": "OldNames",
    "progress": "Progress", "mixes_images": "MeanOfBatch",
}  # fmt: skip
ATTRIBUTES = {f"{owner}.{name}" for name, owners in CLASSES.items() for owner in owners.split()}
NAMES = {
    "ganzoo.gan.Tick", "ganzoo.nn.convnets.pyramid", "ganzoo.nn.layers.mixes_images",
    "ganzoo.nn.patchgan.halvings_for", "ganzoo.nn.convnets.start_size",
}  # fmt: skip
ARGUMENTS = {
    "Progress": "progress", "Loss": "undecided", "PatchDiscriminator": "halvings",
    "EqualizedLinear": "inside out", "EqualizedConv2d": "inside out size", "UpBlock": "inside out",
    "DownBlock": "inside out",
}  # fmt: skip
FUNCTIONS = {
    "receptive_field": "halvings", "channels_per_resolution": "most", "GAN.before_step": "tick",
    "AdversarialGAN.lr_scale": "tick", "AdversarialGAN.generator_loss": "tick",
    "AdversarialGAN.discriminator_loss": "tick",
}  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    words = ["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--no-index"]
    done = python("-m", "pip", *words, "--target", str(target), str(PACKAGE))
    assert done.returncode == 0, done.stderr
    return target


@pytest.mark.slow
@pytest.mark.parametrize("name", ["old-gan", "old-names"])
def test_it_passes_the_conformance_kit_unchanged(site, name, tmp_path):
    done = ganzoo("check", name, *SMALL, site=site, GANZOO_CACHE=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert not re.search(r"^(FAILED|SKIPPED)", done.stdout, re.MULTILINE)


def test_each_old_name_warns_and_names_the_new_one(site):
    code = """
import warnings
warnings.simplefilter("always")
import ganzoo, torch
from ganzoo.gan import Progress
gan = ganzoo.create("old-names", width=8, latent_dim=16)
assert gan.sample(2).shape == (2, 1, 32, 32) and gan.drawn == 1
assert gan.gaussian_inputs == ["latent"] and gan.decision_boundary == 0.5
progress = Progress(0, 0, 0, 0.0)
assert gan.lr_scale(progress) == 1
gan.before_step(progress)
batch = {"image": torch.zeros(2, 1, 32, 32)}
assert {*next(gan.generator_loss(batch, progress))} == {"loss"}
assert {*next(gan.discriminator_loss(batch, progress))} == {"loss", "real", "fake"}
try:
    gan.direction()
except ganzoo.errors.ConfigError:
    print("fine")
"""
    done = python("-c", code, site=site)
    assert done.stdout == "fine\n", done.stderr
    found = set(re.findall(r"DeprecationWarning: (.+) is now called .+; the old name goes in ganzoo 0\.4", done.stderr))
    of = {f"{name}.__init__": old for name, old in ARGUMENTS.items()} | FUNCTIONS
    arguments = {f"the argument '{old}' of {name}" for name, olds in of.items() for old in olds.split()}
    assert found == ATTRIBUTES | NAMES | arguments, os.linesep.join(sorted(found ^ (ATTRIBUTES | NAMES | arguments)))


def test_a_package_that_uses_no_old_name_does_not_warn(site):
    done = python(
        "-W", "error::DeprecationWarning", "-c", "import ganzoo; ganzoo.create('old-gan').sample(1)", site=site
    )
    assert done.returncode == 0, done.stderr


def test_import_paths_of_the_registry_and_the_kit_work_without_a_warning():
    code = """
from ganzoo.registry import records, zoo
from ganzoo.registry.specs import Architecture
from ganzoo.registry.listing import list_models
from ganzoo.testing.subject import PhaseAt, Turn, phases, turns
assert Architecture is records.Architecture and list_models is zoo.list_models
assert Turn is PhaseAt and turns is phases
"""
    done = python("-W", "error::DeprecationWarning", "-c", code)
    assert done.returncode == 0, done.stderr
