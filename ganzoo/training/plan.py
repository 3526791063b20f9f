"""The plan of a run: data opened, GAN built, pretrained weights loaded, all checked before anything is written."""

from __future__ import annotations

import importlib.util
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from typing import Any

import torch

from ganzoo._version import __version__
from ganzoo.data import PairSource, Source, open_data
from ganzoo.errors import ConfigError, MissingExtraError, WeightsError, did_you_mean
from ganzoo.gan import GAN
from ganzoo.gan.sample_spec import reading_of
from ganzoo.metrics import check
from ganzoo.models.config import ModelConfig
from ganzoo.models.create import architecture_of, build, written_config
from ganzoo.models.load import Model, find
from ganzoo.registry import Architecture, Zoo, installed
from ganzoo.registry.hyperparameters import config_to_dict, make_config
from ganzoo.registry.zoo import Registered
from ganzoo.training.finetune import load_pretrained
from ganzoo.training.settings import Settings
from ganzoo.training.validate import DataFacts, resolve_config, validate

TENSORBOARD = "tensorboard"
VERSIONS = ("torch", "timm", "accelerate", "safetensors", "numpy")


@dataclass(frozen=True)
class Plan:
    """A run that has been checked, before its first step."""

    architecture: Registered[Architecture]
    config: Any  # its hyper-parameters, the image's shape taken from the data
    settings: Settings
    source: Source | PairSource
    gan: GAN
    license: str | None = None  # of the model that is fine-tuned
    changes: Sequence[Mapping[str, Any]] = ()  # overridden when it was resumed, each with the number of images

    def parameters(self) -> dict[str, int]:
        """Return the number of parameters of each network."""
        return {name: sum(p.numel() for p in net.parameters()) for name, net in self.gan.named_children()}

    def model_config(self) -> ModelConfig:
        """Return what ``config.json`` says."""
        return ModelConfig(
            architecture=self.architecture.record.name,
            plugin=self.architecture.dist,
            plugin_version=self.architecture.version,
            config=config_to_dict(self.config),
            ganzoo=__version__,
            data={
                "name": self.source.name,
                "public": self.source.public,
                "split": self.settings.split,
                "images": self.source.count,
                "classes": list(self.source.classes or ()),
                "key": self.source.key,
            },
            # An absolute path, so that the run can be resumed from any folder.
            training={
                **asdict(self.settings),
                "data": self.source.location,
                **({"changes": list(self.changes)} if self.changes else {}),
            },
            license=self.license,
            versions={"python": platform.python_version(), **{name: metadata.version(name) for name in VERSIONS}},
        )


def plan(
    name: str | None, options: Mapping[str, Any], settings: Settings, *, text: bool = False, zoo: Zoo | None = None,
    resumed: ModelConfig | None = None, source: Source | PairSource | None = None,
) -> Plan:  # fmt: skip
    """Check everything that can be checked before training: opens the data, seeds, builds the GAN and loads weights.

    Args:
        name: the architecture; None for that of ``settings.start``.
        options: hyper-parameters that differ from the defaults, or from those of ``settings.start``.
        settings: of the engine.
        text: the options are words of a command line.
        zoo: that of this installation by default.
        resumed: the config of a run with checkpoints, which need no weights of ``settings.start`` any more.
        source: the data of the settings, where it is open already.

    Raises:
        GanzooError: whatever is wrong, in one line.
    """
    zoo = zoo or installed()
    start = find(settings.start) if settings.start is not None and resumed is None else None
    architecture, base = _architecture(zoo, name, start)
    record = architecture.record
    make_config(record.config, options, text=text, owner=record.name)
    source = source or open_data(settings.data, split=settings.split, zoo=zoo)
    data = DataFacts.of(source)
    config = resolve_config(record, data, options, start=base, text=text)
    torch.manual_seed(settings.seed)
    gan = build(architecture, config)
    gan.class_names = data.classes
    gan.reading = reading_of(asdict(settings))
    validate(gan, config, settings, data, record.name, architecture.dist)
    check_tracker(zoo, settings.tracker)
    if settings.metrics:
        check(gan, settings.metrics, data=source.location, skip_unreadable=settings.skip_unreadable)
    license = resumed.license if resumed else None  # noqa: A001 - the field's own word
    if start is not None:
        settings, license = replace(settings, start=start.origin), start.config.license  # noqa: A001
        _load_weights(gan, start, base or {}, options)
    return Plan(architecture, config, settings, source, gan, license)


def _load_weights(gan: GAN, start: Model, written: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    try:
        load_pretrained(gan, start, written)
    except WeightsError as error:
        if not options:
            raise
        raise WeightsError(f"{error}; of {', '.join(options)}, leave out what changes the networks") from error


def _architecture(
    zoo: Zoo, name: str | None, start: Model | None
) -> tuple[Registered[Architecture], Mapping[str, Any] | None]:
    """Return the architecture, and the hyper-parameters of the model to start from, if there is one."""
    if start is None:
        if name is None:
            raise ConfigError("name an architecture, or a model to start from")
        return zoo.architectures[name], None
    found = architecture_of(zoo, start.config, start.name)
    if name is not None and zoo.architectures[name] != found:
        raise ConfigError(f"{start.name} is a {found.record.name}, not a {name}: leave the architecture out")
    return found, config_to_dict(written_config(found, start.config, start.name))


def check_tracker(zoo: Zoo, name: str | None) -> None:
    """Refuse a tracker that is not installed.

    Raises:
        ConfigError: there is no such tracker.
        MissingExtraError: its package is not installed.
    """
    if name == TENSORBOARD and importlib.util.find_spec(TENSORBOARD) is None:
        raise MissingExtraError("the TensorBoard tracker", "track")
    if name not in (None, TENSORBOARD) and name not in zoo.trackers:
        known = [TENSORBOARD, *zoo.trackers.names()]
        raise ConfigError(
            f"there is no tracker '{name}'.{did_you_mean(str(name), known)} There are: {', '.join(known)}"
        )
