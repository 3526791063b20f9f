"""What a run will do: the engine's settings and a plan that is checked before anything is decoded or written."""

from __future__ import annotations

import importlib.util
import logging
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from typing import Any

import torch

from ganzoo._version import __version__
from ganzoo.data import PairSource, Source, open_data
from ganzoo.errors import ConfigError, DataError, MissingExtraError, WeightsError, did_you_mean
from ganzoo.gan import GAN
from ganzoo.metrics import check
from ganzoo.models.config import ModelConfig
from ganzoo.models.create import architecture_of, build, with_full_names, written_config
from ganzoo.models.load import Model, find
from ganzoo.registry import Architecture, Zoo, installed
from ganzoo.registry.hyperparameters import config_to_dict, make_config
from ganzoo.registry.records import field_names
from ganzoo.registry.zoo import Registered
from ganzoo.training.finetune import warm_start
from ganzoo.training.settings import Settings
from ganzoo.training.validate import check_count, check_needs, check_settings, check_translations, tell_stages

_log = logging.getLogger(__name__)
TENSORBOARD = "tensorboard"
VERSIONS = ("torch", "timm", "accelerate", "safetensors", "numpy")


@dataclass(frozen=True)
class Plan:
    """A run that has been checked and not begun.

    Args:
        architecture: from the zoo.
        config: its hyper-parameters, the image's shape taken from the data.
        settings: of the engine.
        source: the data.
        gan: untrained.
        image_size: height and width that the images are brought to.
        channels: that they are brought to.
        license: of the model that the training goes on from.
        changes: what was overridden when it went on, and after how many images.
    """

    architecture: Registered[Architecture]
    config: Any
    settings: Settings
    source: Source | PairSource
    gan: GAN
    image_size: int
    channels: int
    license: str | None = None
    changes: Sequence[Mapping[str, Any]] = ()

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
            # A local path is kept whole, so that the run can be resumed from any folder.
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
    begun: ModelConfig | None = None,
) -> Plan:  # fmt: skip
    """Check everything that can be checked before an image is decoded.

    Args:
        name: the architecture; None for that of ``settings.start``.
        options: hyper-parameters that differ from the defaults, or from those of ``settings.start``.
        settings: of the engine.
        text: the options are words of a command line.
        zoo: where names are looked up.
        begun: what a run says of itself that has checkpoints: ``settings.start`` has had its part.

    Raises:
        GanzooError: whatever is wrong, in one line.
    """
    zoo = zoo or installed()
    start = find(settings.start) if settings.start is not None and begun is None else None
    architecture, base = _architecture(zoo, name, start)
    name = architecture.record.name
    kind = architecture.record.config
    make_config(kind, options, text=text, owner=name)
    source = open_data(settings.data, split=settings.split, zoo=zoo)
    native = source.native()
    given = {**(_derived(kind, source, native, options, name) if start is None else base), **options}
    config = with_full_names(make_config(kind, given, text=text, owner=name))
    # An architecture that has no such field takes the images as they are.
    size, channels = getattr(config, "image_size", native[0]), getattr(config, "channels", native[1])
    if size is None:
        raise DataError(f"{source.name} has images of several sizes or none that is square, and {name} takes one size")
    if start is None and "image_size" in field_names(kind) and "image_size" not in options and size != native[0]:
        found = f"of {native[0]}x{native[0]}" if native[0] else "of several sizes, or not square"
        told = "%s has images %s: %s takes them at %dx%d, its default; -o image_size=N is another"
        _log.warning(told, source.name, found, name, size, size)
    torch.manual_seed(settings.seed)
    gan = build(architecture, config)
    check_needs(gan, source, name, getattr(config, "classes", None))
    check_translations(gan, source, size, channels, architecture.dist)
    check_settings(gan, settings, source, name)
    check_count(gan, settings, source)
    tell_stages(gan, settings.images, name)
    check_tracker(zoo, settings.tracker)
    if settings.metrics:
        check(gan, settings.metrics, data=source.location)
    license = begun.license if begun else None  # noqa: A001 - the field's own word
    if start is not None:
        settings, license = replace(settings, start=start.origin), start.config.license  # noqa: A001
        _go_on(gan, start, options)
    return Plan(architecture, config, settings, source, gan, size, channels, license)


def _go_on(gan: GAN, start: Model, options: Mapping[str, Any]) -> None:
    """Give the GAN the weights of the model to start from."""
    try:
        whole = warm_start(gan, start)
    except WeightsError as error:
        if not options:
            raise
        raise WeightsError(f"{error}; of {', '.join(options)}, leave out what changes the networks") from error
    if not whole:
        _log.warning("%s came without the networks that only training needs: they begin untrained", start.name)


def _architecture(
    zoo: Zoo, name: str | None, start: Model | None
) -> tuple[Registered[Architecture], Mapping[str, Any]]:
    """Return the architecture, and the hyper-parameters of the model to start from."""
    if start is None:
        if name is None:
            raise ConfigError("name an architecture, or a model to start from")
        return zoo.architectures[name], {}
    found = architecture_of(zoo, start.config, start.name)
    if name is not None and zoo.architectures[name] != found:
        raise ConfigError(f"{start.name} is a {found.record.name}, not a {name}: leave the architecture out")
    return found, config_to_dict(written_config(found, start.config, start.name))


def _derived(
    kind: type[Any], source: Source | PairSource, native: tuple[int | None, int], options: Mapping[str, Any], name: str
) -> dict[str, Any]:
    """Return the hyper-parameters that the data gives: the shape of the images, the number of classes."""
    known = set(field_names(kind))
    derived: dict[str, Any] = dict(zip(("image_size", "channels"), native, strict=True))
    if source.classes is not None and len(source.classes) > 1:
        derived["classes"] = len(source.classes)
    derived = {k: v for k, v in derived.items() if k in known and v is not None and k not in options}
    for key, value in list(derived.items()):
        try:
            make_config(kind, {key: value}, owner=name)
        except ConfigError as error:
            if key != "image_size":
                raise DataError(f"{source.name}: {error}") from error
            del derived[key]  # the images are resized to the architecture's default
    return derived


def check_tracker(zoo: Zoo, name: str | None) -> None:
    """Refuse a tracker that is not there.

    Raises:
        ConfigError: nobody provides it.
        MissingExtraError: its package is not installed.
    """
    if name == TENSORBOARD and importlib.util.find_spec(TENSORBOARD) is None:
        raise MissingExtraError("the TensorBoard tracker", "track")
    if name not in (None, TENSORBOARD) and name not in zoo.trackers:
        known = [TENSORBOARD, *zoo.trackers.names()]
        raise ConfigError(
            f"there is no tracker '{name}'.{did_you_mean(str(name), known)} There are: {', '.join(known)}"
        )


def resolve_precision(precision: str, device: torch.device) -> str:
    """Return ``"bf16"`` or ``"fp32"``: for ``"auto"``, bf16 where the hardware computes in it."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        fast = torch.cuda.get_device_capability()[0] >= 8
    elif device.type == "cpu":
        able = torch.cpu.get_capabilities()
        fast = bool(able.get("avx512_bf16") or able.get("amx_bf16") or able.get("bf16"))
    else:
        fast = False
    return "bf16" if fast else "fp32"
