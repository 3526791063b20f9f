"""Untrained models, by the name of an architecture or from the config of a written model."""

from __future__ import annotations

import os
from typing import Any

import torch

from ganzoo.errors import ConfigError, PluginError, WeightsError
from ganzoo.gan import GAN, Loss
from ganzoo.gan.losses import LOSSES, get_loss
from ganzoo.models.config import ModelConfig, find_architecture
from ganzoo.registry import Architecture, Zoo, installed
from ganzoo.registry.hyperparameters import make_config, named, replaced
from ganzoo.registry.zoo import Registered, import_target


def build(architecture: Registered[Architecture], config: Any) -> GAN:
    """Return an untrained GAN of this architecture; ``config`` is an instance of its config's type.

    Raises:
        PluginError: the plugin's code fails on import or is no GAN.
        ConfigError: the hyper-parameters do not fit together.
    """
    record = architecture.record
    cls = import_target("architecture", architecture)
    if not (isinstance(cls, type) and issubclass(cls, GAN)):
        raise PluginError(f"{record.target} of {architecture.dist} is no subclass of ganzoo.gan.GAN")
    gan = cls(config)
    gan.config = config
    return gan


def with_full_names(config: Any) -> Any:
    """Return a config in which a plugin's loss is called ``package:name``, so that a written model names its package.

    Raises:
        ConfigError: no loss is called so, or its package is not installed.
        PluginError: it does not work.
    """
    changes = {}
    for field in named(type(config), "loss"):
        name = getattr(config, field)
        if name in LOSSES:
            continue
        dist, colon, short = name.rpartition(":")
        if colon and name not in installed().losses:
            raise ConfigError(
                f"the loss '{short}' is one of {dist}, which is not installed or no longer has it: pip install {dist}, "
                "if you trust that package's code"
            )
        loss = get_loss(name)
        owned = installed().losses[name]
        if owned.dist != "ganzoo":
            _try(loss, name, owned.dist)
        changes[field] = short if owned.dist == "ganzoo" else f"{owned.dist}:{owned.record.name}"
    return replaced(config, changes) if changes else config


def _try(loss: Loss, name: str, dist: str) -> None:
    """Compute a plugin's loss on two logits, before anything is written."""
    logits = torch.zeros(2, requires_grad=True)
    try:
        generated = loss.generator(logits, logits) if loss.relativistic else loss.generator(logits)
        values = [loss.discriminator(logits, logits), generated]
        fine = all(v.ndim <= 1 and len(v.flatten()) <= 2 and v.requires_grad and v.isfinite().all() for v in values)
    except Exception as error:  # a plugin may raise anything
        raise PluginError(
            f"the loss '{name}' of {dist} fails on two logits: {type(error).__name__}: {error}"
        ) from error
    if not fine:
        raise PluginError(f"the loss '{name}' of {dist} does not map logits (N,) to finite losses (N,) with a gradient")


def pick_device(name: str) -> torch.device:
    """Return the device called ``name``; for ``"auto"``, CUDA, MPS or the CPU, the first available.

    With several processes on one machine, each takes the GPU of its local rank.

    Raises:
        ConfigError: this machine has no such device.
    """
    if name == "auto":
        accelerator = torch.accelerator.current_accelerator(check_available=True)
        if accelerator is not None and accelerator.type == "cuda" and "LOCAL_RANK" in os.environ:
            return torch.device("cuda", int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
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
        name: of an architecture, as ``ganzoo list`` shows it.
        **hyperparameters: what differs from its defaults, for instance ``image_size=64``.

    Raises:
        UnknownNameError: no such architecture.
        ConfigError: an unknown or bad hyper-parameter.
    """
    architecture = installed().architectures[name]
    return build(architecture, with_full_names(make_config(architecture.record.config, hyperparameters, owner=name)))


def architecture_of(zoo: Zoo, config: ModelConfig, what: object) -> Registered[Architecture]:
    """Return the architecture that the model ``what`` was written for.

    Raises:
        WeightsError: it is not installed; the text names the package to install.
    """
    found = find_architecture(zoo, config.architecture, config.plugin)
    if found is None:
        raise WeightsError(
            f"{what} needs the architecture '{config.architecture}' of {config.plugin} {config.plugin_version}, which "
            f"is not installed: pip install {config.plugin}, if you trust that package's code"
        )
    return found


def written_config(architecture: Registered[Architecture], config: ModelConfig, what: object) -> Any:
    """Return the instance of the architecture's config dataclass that a model was written with.

    Raises:
        WeightsError: the installed version of the architecture does not take them; the text names them.
    """
    try:
        return make_config(architecture.record.config, config.config, owner=architecture.record.name)
    except ConfigError as error:
        raise WeightsError(
            f"{what} was written by {config.plugin} {config.plugin_version}, and {architecture.dist} "
            f"{architecture.version} is installed: {error}"
        ) from error


def build_for(zoo: Zoo, config: ModelConfig, what: object) -> GAN:
    """Return an untrained GAN with the hyper-parameters of a model that was written.

    Raises:
        WeightsError: its architecture is not installed, or does not take these hyper-parameters.
    """
    architecture = architecture_of(zoo, config, what)
    return build(architecture, written_config(architecture, config, what))
