"""Checks of the images that an untrained model generates."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from ganzoo.data import Loader
from ganzoo.errors import ConfigError
from ganzoo.gan import GAN
from ganzoo.gan.sample_spec import text_of
from ganzoo.media import get_medium
from ganzoo.models.weights import MODEL, inference_state, load_weights, save_weights
from ganzoo.registry.records import field_names
from ganzoo.testing.subject import Subject, expect, listed

CLOSE = 1e-4
"""Allowed difference of images in [-1, 1]: batches of other sizes round differently."""


def _same(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a, b, atol=CLOSE, rtol=0)


def check_output(subject: Subject) -> None:
    """Samples are float32, finite, in [-1, 1], of the shape in sample_specs: files, previews and metrics rely on it."""
    trials, tried = get_medium(subject.build().output_spec().medium).trials(), 0
    for trial in trials:
        options = {key: value for key, value in trial.items() if key in field_names(subject.record.config)}
        try:
            gan = subject.build(**options)
        except ConfigError:
            continue  # its config refuses such samples
        _check_samples(gan, ", ".join(f"{key}={value}" for key, value in options.items()) or "its defaults")
        tried += 1
    expect(tried, f"its config takes none of these: {', '.join(map(str, trials))}; check the bounds of its fields")


def _check_samples(gan: GAN, options: str) -> None:
    samples, wanted = gan.sample(3), gan.output_spec().shape
    what, shape = f"with {options} generate()", tuple(samples.shape)
    fits = len(shape) == len(wanted) + 1 and all(w in (None, s) for w, s in zip(wanted, shape[1:], strict=True))
    expect(fits and shape[0] == 3, f"{what} returns {shape} for 3 samples, not (3, {text_of(wanted)[1:]}")
    finite = samples.isfinite().all()
    expect(finite, f"{what} generates values that are not finite: check the initial weights and divisions")
    expect(samples.abs().max() <= 1, f"{what} goes to {samples.abs().max():.2f}: end the generator with tanh, or clamp")
    expect(samples.std() > 0, f"{what} generates one value throughout: the latent does not reach the sample")


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
