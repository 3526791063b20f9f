"""Every architecture that declares its sizes makes, tells apart and learns from rectangles, large and clear images."""

from __future__ import annotations

import pytest
import torch

import ganzoo
from ganzoo.errors import ConfigError
from ganzoo.registry import installed
from ganzoo.registry.fields import height_width, size_text
from ganzoo.registry.hyperparameters import sizes_of
from ganzoo.testing.subject import phases

CONFIGS = {name: installed().architectures[name].record.config for name in ganzoo.list_architectures()}
DECLARED = {name: sizes for name, config in CONFIGS.items() if (sizes := sizes_of(config)) is not None}
LISTED = {"stylegan2"}  # squares of five sizes
VARIANTS = {
    "vanilla": [{}, {"discriminator": "conv"}],
    "dcgan": [{}, {"output": "conv"}],
    "pix2pix": [{"norm": "instance"}],
}
NARROWER = {"base_channels": 2, "discriminator_channels": 2, "critic_channels": 2, "max_channels": 4, "hidden": 4}


def batch_of(gan, size, n=2):
    """Return random images, as every key that the GAN needs."""
    shape = (n, gan.config.channels, *height_width(size))
    labels = torch.arange(n)
    return {key: labels if key in ("label", "pair") else torch.rand(shape) * 2 - 1 for key in gan.needs}


def check(gan, size, channels):
    """Generate, then let every loss of every phase reach every parameter of its optimizer."""
    source = torch.rand(2, channels, *height_width(size)) * 2 - 1
    images = gan.translate(source) if gan.translations else gan.sample(2)
    assert images.shape == (2, channels, *height_width(size))
    assert images.isfinite().all()
    assert images.abs().max() <= 1
    assert images.std() > 0
    gan.train()
    optimizers = gan.optimizers()
    last = phases(gan)[-len(gan.stages()[-1].phases) :]
    assert last[0].resolution in (None, size)
    gan.before_step(last[0].progress)
    batch = batch_of(gan, size)
    for at in last:
        gan.zero_grad()
        for terms in at.phase.loss(batch, at.progress):
            total = sum(value.mean() for value in terms.values() if value.requires_grad)
            assert total.isfinite()
            total.backward()
        own = [p for group in optimizers[at.phase.optimizer].param_groups for p in group["params"]]
        reached = [p for p in own if p.grad is not None]
        assert reached
        assert all(p.grad.isfinite().all() for p in reached)


def narrow(small, name, size, channels, **more):
    narrower = {key: value for key, value in NARROWER.items() if hasattr(CONFIGS[name](), key)}
    return small(name, image_size=size, channels=channels, **{**narrower, **more})


def cases(*sizes):
    return [
        pytest.param(name, size, variant, id=f"{name}-{size_text(size)}{''.join(variant)}")
        for name, declared in DECLARED.items()
        for size in sizes
        for variant in VARIANTS.get(name, [{}])
        if size in declared
    ]


def test_every_architecture_declares_its_sizes():
    assert set(CONFIGS) - set(DECLARED) <= LISTED
    for declared in DECLARED.values():
        assert all(size in declared for size in (16, 28, 32, 64, 128, 256, 1024, (96, 64), (320, 448)))


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(("name", "size", "variant"), cases((24, 40)))
def test_rectangles_of_any_channels(small, name, size, variant, channels):
    torch.manual_seed(0)
    check(narrow(small, name, size, channels, **variant), size, channels)


@pytest.mark.parametrize(("name", "size", "variant"), cases(8, (64, 16), (44, 36), (19, 33)))
def test_the_smallest_and_odd_sizes(small, name, size, variant):
    torch.manual_seed(0)
    check(narrow(small, name, size, 1, **variant), size, 1)


@pytest.mark.parametrize(("name", "size", "variant"), cases(256))
def test_large_images(small, name, size, variant):
    torch.manual_seed(0)
    check(narrow(small, name, size, 1, **variant), size, 1)


@pytest.mark.parametrize("name", sorted({*DECLARED} - {"vanilla"}))  # a perceptron has weights for every pixel
def test_the_widths_of_the_largest_images_are_bounded(name):
    widths = {"base_channels": 16, "discriminator_channels": 16, "critic_channels": 16, "max_channels": 64}
    widths = {key: value for key, value in widths.items() if hasattr(CONFIGS[name](), key)}
    with torch.device("meta"):  # which takes no memory
        gans = {size: ganzoo.create(name, image_size=size, channels=3, **widths) for size in (128, 1024)}
    counts = {size: sum(p.numel() for p in gan.parameters()) for size, gan in gans.items()}
    assert counts[1024] < 3 * counts[128]


@pytest.mark.parametrize("name", sorted(DECLARED))
@pytest.mark.parametrize("size", [0, (2000, 100), 4096])
def test_an_impossible_size_is_refused_with_the_nearest(name, size):
    near = " and ".join(size_text(found) for found in DECLARED[name].nearest(size))
    with pytest.raises(ConfigError, match=rf"^{name} cannot make images of {size_text(size)}; the nearest .* {near}$"):
        ganzoo.create(name, image_size=size)


@pytest.mark.parametrize("name", [name for name, sizes in DECLARED.items() if sizes.doubling])
def test_a_size_between_two_that_doubling_reaches_is_refused(name):
    with pytest.raises(ConfigError, match=r"100x100; the nearest it can are 96x96 and 104x104$"):
        ganzoo.create(name, image_size=100)


@pytest.mark.parametrize("name", sorted(CONFIGS))
def test_two_channels_are_refused(name):
    with pytest.raises(ConfigError, match="one of 1, 3, 4"):
        ganzoo.create(name, channels=2)
