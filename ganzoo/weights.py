"""A model on disk: ``config.json`` beside ``model.safetensors``. Written whole, read strictly, never unpickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from ganzoo.errors import WeightsError
from ganzoo.files import replacing, sha256, write_json
from ganzoo.gan import GAN

CONFIG, MODEL = "config.json", "model.safetensors"


@dataclass(frozen=True)
class ModelConfig:
    """What ``config.json`` says of a model.

    Args:
        architecture: its name in the zoo.
        plugin: the distribution that provided it, and that version.
        config: all hyper-parameters.
        ganzoo: the version that wrote the file.
        data: what it was trained on: name, split, number of images, class names.
        training: the settings of its run.
        versions: of the libraries that it was made with.
        metrics: figures with their protocols.
    """

    architecture: str
    plugin: str
    plugin_version: str
    config: Mapping[str, Any]
    ganzoo: str
    format: int = 1
    data: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[Mapping[str, Any], ...] = ()


def write_config(folder: Path, config: ModelConfig) -> None:
    """Write ``config.json``."""
    write_json(folder / CONFIG, msgspec.to_builtins(config))


def read_config(folder: Path) -> ModelConfig:
    """Read ``config.json``.

    Raises:
        WeightsError: the folder has none, or it is damaged or of a newer format.
    """
    path = folder / CONFIG
    try:
        config = msgspec.convert(json.loads(path.read_text(encoding="utf-8")), ModelConfig)
    except OSError as error:
        raise WeightsError(f"{folder} is no model: it has no readable {CONFIG} ({error.strerror or error})") from error
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise WeightsError(f"{path} is damaged ({error}): put the file back as it was written") from error
    if config.format != 1:
        raise WeightsError(f"{path} has format {config.format}, which this ganzoo does not know: upgrade ganzoo")
    return config


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write tensors as safetensors, whole or not at all.

    Raises:
        WeightsError: they cannot be written, for instance on a full disk.
    """
    # Plain layout: a file does not depend on the memory format that was fast for training.
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replacing(path) as partial:
        try:
            save_file(plain, partial, {"format": "pt", **(metadata or {})})
        except SafetensorError as error:
            raise WeightsError(f"{path} cannot be written: {error}") from error


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file onto the CPU.

    Raises:
        WeightsError: it is missing, cut short or no safetensors file.
    """
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        why = "there is no such file" if not path.exists() else f"it is cut short or no safetensors file ({error})"
        raise WeightsError(f"{path} cannot be loaded: {why}") from error


def verify(path: Path, expected: str) -> None:
    """Check a file's SHA-256.

    Raises:
        WeightsError: it is missing or another.
    """
    if not path.is_file():
        raise WeightsError(f"{path} is missing: reinstall the package that lists it")
    found = sha256(path)
    if found != expected:
        raise WeightsError(f"{path} has sha256 {found} where {expected} is expected: reinstall the package")


def inference_state(gan: GAN) -> dict[str, Tensor]:
    """Return the tensors of the networks that `GAN.generate` uses."""
    keep = tuple(f"{name}." for name in gan.inference)
    return {name: tensor for name, tensor in gan.state_dict().items() if name.startswith(keep)}


def save_weights(folder: Path, gan: GAN, images: int) -> None:
    """Write ``model.safetensors``: the networks that draw images, after ``images`` of training."""
    save_tensors(folder / MODEL, inference_state(gan), {"images": str(images)})


def load_weights(gan: GAN, path: Path) -> None:
    """Load ``path`` into the networks that draw images, and drop the others; the GAN is then in eval mode.

    Raises:
        WeightsError: a tensor is missing, left over or of another shape.
    """
    found, wanted = load_tensors(path), inference_state(gan)
    wrong = [f"{name} is missing" for name in wanted if name not in found]
    wrong += [f"{name} is left over" for name in found if name not in wanted]
    wrong += [
        f"{name} is {tuple(found[name].shape)}, not {tuple(wanted[name].shape)}"
        for name in wanted
        if name in found and found[name].shape != wanted[name].shape
    ]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise WeightsError(f"{path} does not fit {type(gan).__name__}: {'; '.join(wrong[:3])}{more}")
    for name in [name for name, _ in gan.named_children() if name not in gan.inference]:
        delattr(gan, name)  # an untrained discriminator beside a trained generator would only mislead
    gan.load_state_dict(found, strict=True)
    gan.eval()
