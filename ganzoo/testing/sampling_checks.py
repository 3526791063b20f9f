"""Checks of the images that an untrained model generates."""

from __future__ import annotations

import itertools
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from ganzoo.data import Loader
from ganzoo.errors import ConfigError
from ganzoo.gan import GAN
from ganzoo.models.weights import MODEL, inference_state, load_weights, save_weights
from ganzoo.registry.records import field_names
from ganzoo.testing.subject import Subject, expect, listed

SIZES, CHANNELS = (16, 28, 32, 64), (1, 3)
CLOSE = 1e-4
"""Allowed difference of images in [-1, 1]: batches of other sizes round differently."""


def _same(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a, b, atol=CLOSE, rtol=0)


def check_output(subject: Subject) -> None:
    """Images are (N, C, H, W), float32, finite, in [-1, 1]: files, previews and metrics rely on it."""
    fields = {"image_size", "channels"} & set(field_names(subject.record.config))
    supported = 0
    for size, channels in itertools.product(SIZES, CHANNELS):
        shape = {"image_size": size, "channels": channels}
        try:
            gan = subject.build(**{key: shape[key] for key in fields})
        except ConfigError:
            continue  # its config refuses such images
        _check_images(gan, size if "image_size" in fields else None, channels if "channels" in fields else None)
        supported += 1
    expect(
        supported, f"its config takes none of the sizes {SIZES} with {CHANNELS} channels: check image_size and channels"
    )


def _check_images(gan: GAN, size: int | None, channels: int | None) -> None:
    images = gan.sample(3)
    what = f"at image_size={size}, channels={channels} generate()"
    shape = tuple(images.shape)
    expect(len(shape) == 4 and shape[0] == 3, f"{what} returns {shape} for 3 images, not (3, C, H, W)")
    expect(size is None or shape[2:] == (size, size), f"{what} generates {shape[2]}x{shape[3]} images")
    expect(channels is None or shape[1] == channels, f"{what} generates images of {shape[1]} channels")
    finite = images.isfinite().all()
    expect(finite, f"{what} generates images that are not finite: check the initial weights and divisions")
    expect(images.abs().max() <= 1, f"{what} goes to {images.abs().max():.2f}: end the generator with tanh, or clamp")
    expect(images.std() > 0, f"{what} generates one colour: the latent does not reach the image")


def check_translations(subject: Subject) -> None:
    """An image-to-image GAN is declared as one in its record, and each output depends on one input image."""
    gan, record = subject.build(), subject.record
    declared = f"translates={record.translates} in its record, and translations {tuple(gan.translations)}"
    expect(record.translates == bool(gan.translations), f"it has {declared}: make them agree")
    if not gan.translations:
        return
    expect("images" in gan.conditions(), "inputs() takes no 'images', which an image-to-image GAN translates")
    batch = Loader(subject.store, seed=0).batch(0, 6)
    for source, target in gan.translations:
        direction = f"from {source} to {target}"
        for key in (source, target):
            expect(key in batch, f"translations has '{key}', which the images do not give: {', '.join(batch)}")
        images = gan.translate(batch[source], to=target)
        shape = tuple(images.shape)
        expect(shape == batch[target].shape, f"{direction} it makes {shape} of {tuple(batch[source].shape)}")
        one = gan.translate(batch[source][2:3], to=target)
        expect(_same(images[2:3], one), f"{direction} an image depends on the others that are translated with it")
        other = gan.translate(batch[source].flip(0), to=target)
        expect(_same(images.flip(0), other), f"{direction} an image depends on its place in the batch")
        expect(torch.unique(images, dim=0).shape[0] == 6, f"{direction} it gives the same output for all images")


def check_seeds(subject: Subject) -> None:
    """One seed is one image, whatever else is in the batch: that is how samples are compared and reproduced."""
    gan = subject.build()
    unknown = set(gan.gaussian_inputs or ()) - set(gan.inputs(1, seeds=[0]))
    expect(not unknown, f"gaussian_inputs names {listed(unknown)}, which inputs() does not return")
    images = gan.sample(6, seed=40)
    expect(
        torch.unique(images, dim=0).shape[0] == 6,
        "different seeds give the same image: make the latent in inputs() from seeds (ganzoo.gan.seeded_normal)",
    )
    again = gan.sample(6, seed=40)
    expect(_same(again, images), "the same seeds give other images: use no random numbers in generate()")
    for size in (1, 4):
        expect(
            _same(gan.sample(6, seed=40, batch_size=size), images),
            f"in batches of {size} the same seeds give other images: row i of inputs() may depend on seeds[i] alone, "
            "and generate() must not mix the rows of a batch (batch norm in eval mode does not)",
        )
    moved = gan.sample(seeds=[45, 40, 45])
    expect(_same(moved, images[[5, 0, 5]]), "a seed gives another image at another place in the batch")


def check_sampling_changes_nothing(subject: Subject) -> None:
    """A preview in the middle of training must not change the training."""
    gan = subject.build().train()
    state = {name: tensor.clone() for name, tensor in gan.state_dict().items()}
    random = torch.get_rng_state()
    gan.sample(3)
    changed = [name for name, tensor in gan.state_dict().items() if not torch.equal(tensor, state[name])]
    expect(not changed, f"sampling changes {listed(changed)}: generate() must leave weights and buffers alone")
    expect(torch.equal(torch.get_rng_state(), random), "sampling advances torch's global generator: use seeded_normal")
    expect(gan.training, "sampling leaves the model in eval mode")


def check_save_and_load(subject: Subject) -> None:
    """A saved model must generate the same images once it is loaded: no tensor missing, none left over."""
    gan, other = subject.build(), subject.build(seed=1)
    kept = inference_state(gan)
    expect(kept, f"inference is {tuple(gan.inference)}, and no tensor belongs to these networks")
    with TemporaryDirectory() as folder:
        save_weights(Path(folder), gan, images=0)
        load_weights(other, Path(folder) / MODEL)
    images = gan.sample(4)
    for name, tensor in gan.state_dict().items():
        if name not in kept and tensor.is_floating_point():
            tensor.add_(1)
    expect(
        _same(gan.sample(4), images),
        f"generate() uses tensors that are not saved: keep them in the networks in inference, {tuple(gan.inference)}",
    )
    expect(
        _same(images, other.sample(4)),
        f"a saved model generates other images once it is loaded: what generate() uses must be a parameter or a buffer "
        f"of the networks in inference, which are {tuple(gan.inference)}",
    )
