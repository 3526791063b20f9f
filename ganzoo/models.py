"""Making and loading models by name."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ganzoo.errors import ConfigError, PluginError, UnknownNameError, WeightsError
from ganzoo.gan import GAN
from ganzoo.registry import Architecture, Weights, Zoo, installed
from ganzoo.registry.config import make_config
from ganzoo.registry.zoo import Owned, summary_of
from ganzoo.weights import CONFIG, MODEL, load_weights, read_config, verify


def build(architecture: Owned[Architecture], config: Any) -> GAN:
    """Return an untrained GAN of this architecture.

    Args:
        architecture: from the zoo.
        config: an instance of its config dataclass.

    Raises:
        PluginError: the plugin's code fails on import or is no GAN.
        ConfigError: the hyper-parameters do not fit together.
    """
    record = architecture.record
    module, _, name = record.target.partition(":")
    try:
        cls = getattr(importlib.import_module(module), name)
    except Exception as error:  # a plugin may raise anything
        raise PluginError(
            f"architecture '{record.name}' of {architecture.dist} {architecture.version} cannot be imported: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not (isinstance(cls, type) and issubclass(cls, GAN)):
        raise PluginError(f"{record.target} of {architecture.dist} is no subclass of ganzoo.gan.GAN")
    gan = cls(config)
    gan.config = config
    return gan


def pick_device(name: str) -> torch.device:
    """Return the device called ``name``; for ``"auto"``, CUDA, MPS or the CPU, the first that is there.

    Raises:
        ConfigError: this machine has no such device.
    """
    if name == "auto":
        accelerator = torch.accelerator.current_accelerator(check_available=True)
        return accelerator or torch.device("cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device).tolist()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ConfigError(f"this machine has no device '{name}': use cpu, or leave it to auto") from error
    return device


def create(name: str, **hyperparameters: Any) -> GAN:
    """Return an untrained GAN.

    Args:
        name: an architecture, as ``ganzoo list`` shows it.
        **hyperparameters: what differs from its defaults, for instance ``image_size=64``.

    Raises:
        UnknownNameError: no such architecture.
        ConfigError: an unknown or bad hyper-parameter.
    """
    architecture = installed().architectures[name]
    return build(architecture, make_config(architecture.record.config, hyperparameters, owner=name))


def load(spec: str | os.PathLike[str], *, device: str | torch.device = "cpu") -> GAN:
    """Return a pretrained GAN in eval mode, its weights verified.

    Args:
        spec: a model's name, as ``ganzoo list`` shows it, or the path of a run or model folder.
        device: where its networks go.

    Raises:
        UnknownNameError: neither a model nor a folder.
        WeightsError: a file is missing, damaged, altered or does not fit.
    """
    name, zoo = str(spec), installed()
    if name in zoo.models:
        gan = _load_entry(zoo, zoo.models[name].record)
    elif _is_folder(name):
        gan = _load_folder(zoo, Path(spec))
    elif name in zoo.architectures:
        raise UnknownNameError(
            f"'{name}' is an architecture without weights: ganzoo.create('{name}') makes one, untrained; "
            f"pretrained are: {', '.join(m.record.name for m in zoo.models if m.record.architecture == name) or 'none'}"
        )
    elif "/" in name or os.sep in name or name.startswith("."):
        raise WeightsError(f"There is no model folder {Path(spec).absolute()}")
    else:
        summary_of(zoo, name)  # raises with a suggestion
        raise AssertionError
    # channels-last, as in training: convolutions draw faster in it
    return gan.to(pick_device(str(device))).to(memory_format=torch.channels_last)


def _is_folder(name: str) -> bool:
    try:
        return bool(name) and Path(name).is_dir()
    except (OSError, ValueError):  # a name that no file system can hold
        return False


def find_architecture(zoo: Zoo, name: str, dist: str) -> Owned[Architecture] | None:
    """Return the architecture that a model names, from the distribution that wrote it where two share the name."""
    for full in (f"{dist}:{name}", name):
        if full in zoo.architectures:
            return zoo.architectures[full]
    return None


def _load_entry(zoo: Zoo, entry: Weights) -> GAN:
    file = entry.weights
    if file.repo is not None:
        raise WeightsError(f"{entry.name} lies on the Hub ({file.repo}), from which this version cannot fetch")
    package = entry.trained.plugin.partition(" ")[0]
    architecture = find_architecture(zoo, entry.architecture, package)
    if architecture is None:
        raise WeightsError(
            f"{entry.name} needs the architecture '{entry.architecture}', which is not installed; it was written by "
            f"{entry.trained.plugin}: pip install {package}"
        )
    path = Path(entry.root) / file.file
    verify(path, file.sha256)
    return _assemble(architecture, entry.config, path, entry.name)


def _load_folder(zoo: Zoo, folder: Path) -> GAN:
    if not (folder / CONFIG).exists():
        raise WeightsError(f"{folder} is no run or model folder: it has no {CONFIG}")
    config = read_config(folder)
    architecture = find_architecture(zoo, config.architecture, config.plugin)
    if architecture is None:
        raise WeightsError(
            f"{folder} needs the architecture '{config.architecture}' of {config.plugin} {config.plugin_version}, "
            f"which is not installed: pip install {config.plugin}"
        )
    if not (folder / MODEL).exists():
        raise WeightsError(f"{folder} has no {MODEL} yet: a run writes it with its first checkpoint")
    return _assemble(architecture, config.config, folder / MODEL, str(folder))


def _assemble(architecture: Owned[Architecture], config: Mapping[str, Any], path: Path, name: str) -> GAN:
    try:
        made = make_config(architecture.record.config, config, owner=architecture.record.name)
    except ConfigError as error:
        raise WeightsError(f"{name} was written by another version of its plugin: {error}") from error
    gan = build(architecture, made)
    load_weights(gan, path)
    return gan
