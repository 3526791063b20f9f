"""Whether an architecture and the data go together, before anything is decoded or written."""

from __future__ import annotations

import itertools
import json
import logging

import torch

from ganzoo.data import PairSource, Source
from ganzoo.data.degradations import DEGRADATIONS
from ganzoo.errors import ConfigError, DataError, PluginError
from ganzoo.gan import GAN
from ganzoo.gan.augment import POLICIES, read_policy
from ganzoo.gan.optim import check_name, replaced
from ganzoo.training import checkpoint
from ganzoo.training.discriminator_inputs import ADAPTIVE
from ganzoo.training.settings import Settings
from ganzoo.training.sync_norm import synchronise

_log = logging.getLogger(__name__)

_MADE = ", ".join(f"{name}:DATA" for name in DEGRADATIONS)
_REMEDIES = {  # in the order in which they are of use
    "A": f"two sets, A and B: say A=DATA,B=DATA, or a folder with trainA and trainB in it, or for pairs pairs:DATA, or "
    f"{_MADE}",
    "pair": "images that belong together in pairs: say pairs:DATA for two side by side, pairs:A=DATA,B=DATA for two "
    f"sets whose files are called alike, or for pairs that are made of one set {_MADE}",
    "image": "one set of images, and that is two: name one of them, without a word such as grey: before it",
    "label": "labels: use a labelled data set, or a folder with one sub-folder per class",
}


def check_needs(gan: GAN, source: Source | PairSource, name: str, classes: int | None) -> None:
    """Compare what a GAN needs with what the data gives.

    Raises:
        DataError: something is missing; the text says which data to name.
    """
    missing = gan.needs - source.keys
    # What is both two sets and pairs is asked for as pairs.
    first = next((key for key in ("pair", *_REMEDIES) if key in missing), None)
    if missing:
        remedy = _REMEDIES.get(str(first), f"{', '.join(sorted(missing))}, which no data gives")
        raise DataError(f"{source.name} does not do: {name} needs {remedy}")
    if "label" in gan.needs and classes is not None and len(source.classes or ()) > classes:
        raise DataError(
            f"{source.name} has {len(source.classes or ())} classes, and the model {classes}: use data with "
            "no more, or train a new model"
        )


def check_translations(gan: GAN, source: Source | PairSource, size: int, channels: int, dist: str) -> None:
    """Translate one image each way, before a preview fails in the middle of a run.

    Raises:
        PluginError: it cannot be done.
    """
    what = f"{type(gan).__name__} of {dist}"
    for begin, target in gan.translations:
        if missing := {begin, target} - source.keys:
            raise PluginError(
                f"{what} translates {begin} to {target}, and the data has no {', '.join(sorted(missing))}"
            )
        try:
            made = gan.translate(torch.zeros(1, channels, size, size), to=target)
        except Exception as error:  # a plugin may raise anything
            raise PluginError(f"{what} fails to translate {begin} to {target}: {error}") from error
        if made.shape != (1, channels, size, size):
            raise PluginError(f"{what} makes {tuple(made.shape)} of {(1, channels, size, size)}")


def check_settings(gan: GAN, settings: Settings, source: Source | PairSource, name: str) -> None:
    """Compare what steadies a run with the architecture and the data.

    Raises:
        ConfigError: the architecture does not do with a setting, or a batch cannot be computed in so many parts.
        DataError: classes are to be balanced, and the data has none.
    """
    if settings.balance and ("label" not in source.keys or not source.classes):
        raise DataError(f"{source.name} has no classes that could be balanced: leave that out, or use labelled data")
    check_shares(gan, settings)
    if settings.optimizer is not None:
        check_optimizer(settings.optimizer)
    if settings.sync_batch_norm and not synchronise(gan, processes=1):
        raise ConfigError(f"{name} has no batch norm: leave sync_batch_norm out")
    if settings.augment is None and not settings.instance_noise:
        return
    if settings.augment not in (None, ADAPTIVE):
        read_policy(str(settings.augment))
    networks = [network for network, _ in gan.named_children()]
    if not gan.discriminators or set(gan.discriminators) - set(networks):
        raise ConfigError(
            f"{name} cannot be augmented: its GAN.discriminators are ({', '.join(gan.discriminators)}), and its "
            f"networks {', '.join(networks)}"
        )
    if settings.augment == ADAPTIVE and gan.decision_boundary is None:
        raise ConfigError(
            f"{name}'s discriminator has no output that means that it cannot tell, and that is what adaptive "
            f"augmentation follows: use {','.join(POLICIES)}"
        )


def check_count(gan: GAN, settings: Settings, source: Source | PairSource) -> None:
    """Compare the images with the batches of those stages that the budget reaches.

    Raises:
        DataError: a batch would hold an image twice.
    """
    begin = 0
    for stage in gan.stages():
        size = stage.batch_size or settings.batch_size
        if begin < settings.images and source.count < size:
            remedy = "use --batch-size" if stage.batch_size is None else "use smaller ones in the hyper-parameters"
            raise DataError(f"{source.name} has {source.count} images, too few for batches of {size}: {remedy}")
        begin += stage.images or 0


def check_shares(gan: GAN, settings: Settings, processes: int = 1) -> None:
    """Compare the batches with the parts and the processes that share them.

    Raises:
        ConfigError: they do not come out even, or batch norm would see single images.
    """
    for size in sorted({stage.batch_size or settings.batch_size for stage in gan.stages()}):
        by = [f"{processes} processes"] if processes > 1 else []
        by += [f"{settings.accumulate} parts"] if settings.accumulate > 1 else []
        share, left = divmod(size, processes * settings.accumulate)
        if left:
            raise ConfigError(f"a batch of {size} images cannot be shared by {' and '.join(by)} of one size")
        if share == 1 and size > 1 and any(isinstance(layer, torch.nn.BatchNorm1d) for layer in gan.modules()):
            raise ConfigError(
                f"a batch of {size} images leaves {' and '.join(by)} one image each, and batch norm needs two: use "
                "fewer, or a larger --batch-size"
            )


def check_optimizer(name: str) -> None:
    """Let an optimizer of timm's make a step, and ask for what a checkpoint holds of it.

    Raises:
        ConfigError: timm has none of that name, or it cannot be used so; the text says why.
    """
    layer = torch.nn.Linear(2, 2)
    check_name(name)
    try:
        made = replaced(torch.optim.Adam(layer.parameters(), betas=(0.5, 0.9)), name)
        layer(torch.ones(1, 2)).sum().backward()
        made.step()
        json.dumps(checkpoint.optimizer_state(made)[1])
    except Exception as error:  # what does not work with these differs from one to the next
        raise ConfigError(
            f"timm's optimizer '{name}' cannot take over ({' '.join(str(error).split())[:160]}): use another, such as "
            "adamw, lion or rmsprop"
        ) from error


def tell_stages(gan: GAN, images: int, name: str) -> None:
    """Say so when the budget ends before the last stage begins."""
    stages = gan.stages()
    begins = list(itertools.accumulate((stage.images or 0 for stage in stages[:-1]), initial=0))
    played = sum(begin < images for begin in begins)
    if played < len(stages):
        _log.warning(
            "%s has %d stages, and %s images play %d of them: the last one begins at %s; see its hyper-parameters",
            name, len(stages), f"{images:,}", played, f"{begins[-1]:,}",
        )  # fmt: skip
