"""Every network of timm as an extractor: DINOv2 for FD-DINOv2, and a thousand others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import timm
import torch
from huggingface_hub import hf_hub_url
from safetensors import SafetensorError, safe_open
from timm.models import get_deprecated_models, get_pretrained_cfg
from torch import Tensor, nn

from ganzoo.errors import ConfigError, HubError, UnknownNameError, WeightsError, did_you_mean, one_line
from ganzoo.metrics.exact import exactly
from ganzoo.metrics.extractor_weights import WeightsOnDisk, folder, from_hub, on_disk, own_file
from ganzoo_metrics.images import fitted
from ganzoo_metrics.words import Words, hash_word, read_words, size_word

SAFE = "model.safetensors"
SAFE_OPEN_CLIP = "open_clip_model.safetensors"


class Backbone(nn.Module):
    """Images (N, C, H, W) uint8 to the pooled ``features`` (N, D) of a network of timm, before its classifier.

    There are ``logits`` (N, K) where the network has a classifier. The whole image is resized to the size and by the
    interpolation of the network's own settings, bicubic most often, with antialiasing and without a crop; then it is
    normalised by their mean and standard deviation. Grey images are repeated to RGB.

    Args:
        name: of a model of timm, with or without the tag of its weights: ``"vit_small_patch14_dinov2.lvd142m"``.
        words: in any order: a size (``"224"``) and an interpolation (``"bilinear"``) in the place of its own; a
            safetensors file of weights of your own for this network, and ``"sha256=..."``, which that file must have.

    Attributes:
        written: the model with its tag, the file and its hash, the size and the interpolation.
        weights: the SHA-256 of the weights file.

    Raises:
        UnknownNameError: timm has no such model.
        ConfigError: a word that it does not know, or a size that the network cannot take.
        WeightsError: the weights are missing, are published only as a pickle, or do not fit.
        HubError: they cannot be fetched; the text says from where, and where to put them.
    """

    called = "timm"
    model: Any
    mean: Tensor
    std: Tensor

    def __init__(self, name: str = "", *words: str) -> None:
        super().__init__()
        full, settings = resolve(self.called, name)
        asked = read_words(self.called, words)
        if asked.sha256 and not asked.file:
            raise ConfigError(f"{self.called}: sha256={asked.sha256} is the hash of no file: name the file before it")
        file = own_file(asked.file, asked.sha256, ".safetensors") if asked.file else weights_of(full, settings)
        self.model = make(full, settings, file.path, asked)
        data = timm.data.resolve_model_data_config(self.model)  # type: ignore[attr-defined, no-untyped-call]
        channels, *native = data["input_size"]
        self.channels = int(channels)
        self.size = asked.size or (int(native[0]), int(native[1]))
        self.interpolation = asked.interpolation or str(data["interpolation"])
        self.register_buffer("mean", torch.tensor(data["mean"]).view(1, -1, 1, 1) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(data["std"]).view(1, -1, 1, 1) * 255, persistent=False)
        self.classifies = self.model.num_classes > 0 and not projects(full)
        own = (file.path.name, hash_word(file.sha256)) if asked.file else ()
        self.written = ":" + ",".join((full, *own, size_word(self.size), self.interpolation))
        self.weights = file.sha256

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Return the features, and the logits of a classifier."""
        with torch.no_grad(), exactly(images.device):
            shown = (fitted(images, self.channels, self.size, self.interpolation) - self.mean) / self.std
            return self.heads(self.model.forward_features(shown))

    def heads(self, maps: Tensor) -> dict[str, Tensor]:
        """Return the features and logits of the network's last maps or tokens."""
        seen = {"features": self.model.forward_head(maps, pre_logits=True).flatten(1)}
        if self.classifies:
            seen["logits"] = self.model.forward_head(maps)
        return seen


def projects(full: str) -> bool:
    """Whether the last layer of a model is CLIP's projection, not a classifier."""
    return "clip" in full and "_ft_" not in full


def resolve(extractor: str, name: str) -> tuple[str, Any]:
    """Return a model's name with the tag of its weights, and its settings in timm.

    Raises:
        ConfigError: no name at all.
        UnknownNameError: timm has no such model, or no such weights for it.
    """
    network, _, tag = name.partition(".")
    if not name:
        raise ConfigError(f"{extractor} needs the name of a model, as in {extractor}:vit_small_patch14_dinov2.lvd142m")
    if now := get_deprecated_models().get(name):
        raise UnknownNameError(f"timm calls '{name}' by another name: say {extractor}:{now}")
    if not timm.is_model(network):
        raise UnknownNameError(
            f"No model of timm {timm.__version__} is called '{name}'.{did_you_mean(network, timm.list_models())}"
        )
    try:
        settings = get_pretrained_cfg(name)
    except RuntimeError as error:  # timm's word for a tag that there is not
        tags = [full.partition(".")[2] for full in timm.list_models(f"{network}.*", pretrained=True)]
        there = f"it has {', '.join(tags)}" if tags else "it has none at all"
        raise UnknownNameError(f"timm has no weights '{tag}' of {network}: {there}") from error
    return (f"{network}.{settings.tag}" if settings is not None and settings.tag else network), settings


def weights_of(full: str, settings: Any) -> WeightsOnDisk:
    """Return the weights that timm would load, as safetensors: put there by hand, or from the Hub.

    Raises:
        WeightsError: there are none, or only a pickle.
        HubError: they cannot be downloaded.
    """
    kept = folder() / f"{full}.safetensors"
    if kept.is_file():
        return on_disk(kept)
    where, file = getattr(settings, "hf_hub_id", None), getattr(settings, "hf_hub_filename", None) or SAFE
    by_hand = f"convert it to safetensors on a machine where you trust it, and put it at {kept}"
    if not where:
        url = getattr(settings, "url", None)
        if not url:
            raise WeightsError(f"there are no weights of {full}: say a file of your own, as in {full},FILE.safetensors")
        raise WeightsError(
            f"the weights of {full} are published as a pickle alone, {url}, and ganzoo opens none: {by_hand}"
        )
    repo, _, revision = str(where).partition("@")
    if not file.endswith(".safetensors"):
        file = SAFE_OPEN_CLIP if file.startswith("open_clip") else SAFE
    revision = revision or "main"
    url = hf_hub_url(repo, file, revision=revision)
    try:
        fetched = from_hub(repo, file, revision)
    except HubError as error:
        raise HubError(f"{full}: {error}; or fetch {url} on any machine, and put it at {kept}") from error
    if fetched is None:
        raise WeightsError(
            f"hf:{repo} has no {file}: what weights of {full} it has are a pickle, and ganzoo opens none: {by_hand}"
        )
    return fetched


def make(full: str, settings: Any, path: Path, asked: Words) -> Any:
    """Build a model and load a safetensors file into it, all of it, by timm's own rules for that model.

    Raises:
        ConfigError: it cannot take the size.
        WeightsError: the file is damaged or does not fit.
    """
    options: dict[str, Any] = {}
    if asked.size and getattr(settings, "fixed_input_size", False):
        options["img_size"] = asked.size  # positions are interpolated
    overlay: dict[str, Any] = {"file": str(path), "custom_load": False}
    try:
        if asked.file:  # it may have been trained further, for other classes or for none
            overlay["num_classes"] = options["num_classes"] = _classes(path, getattr(settings, "classifier", None))
        model: nn.Module = timm.create_model(full, pretrained=True, pretrained_cfg_overlay=overlay, **options)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} cannot be loaded: it is cut short or no safetensors file ({error})") from error
    except (RuntimeError, LookupError, TypeError, ValueError, AttributeError, AssertionError) as error:
        why = one_line(str(error))[:300]
        if asked.size and "img_size" in options:
            raise ConfigError(f"{full} cannot be made for {size_word(asked.size)} pixels: {why}") from error
        raise WeightsError(f"{path} does not fit {full}: {why}") from error
    patch = getattr(getattr(model, "patch_embed", None), "patch_size", None)
    if (
        asked.size
        and isinstance(patch, tuple)
        and any(side % step for side, step in zip(asked.size, patch, strict=True))
    ):
        # It would ignore what the patches do not cover.
        raise ConfigError(
            f"{full} sees patches of {size_word(patch)} pixels: {size_word(asked.size)} is no multiple of it"
        )
    for name, tensor in model.state_dict().items():
        if not tensor.isfinite().all():
            raise WeightsError(f"{path}: {name} holds NaN or infinity: the training that it came from had diverged")
    return model.eval().requires_grad_(False)


def _classes(path: Path, classifier: Any) -> int:
    """Return how many classes the weights in a file are for, 0 where they have no classifier."""
    layers = [classifier] if isinstance(classifier, str) else list(classifier or ())
    with safe_open(path, "pt") as file:
        there = set(file.keys())
        return next(
            (file.get_slice(f"{name}.weight").get_shape()[0] for name in layers if f"{name}.weight" in there), 0
        )
