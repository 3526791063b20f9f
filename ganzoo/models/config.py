"""What a model says of itself: the ``config.json`` beside its weights. Imports nothing heavy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import msgspec

from ganzoo._files import write_json
from ganzoo.errors import WeightsError
from ganzoo.registry.records import Score, Trained, Weights, WeightsFile

CONFIG = "config.json"

# They are shown as a command to paste, and the file may be anybody's.
_Package = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
_Version = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.+!_-]*$", max_length=100)]


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
        trained: how the weights came to be; a published model has this and the next three.
        license: of the weights.
        weights: name, hash and size of ``model.safetensors``.
        digest: of a fixed-seed sample, see `ganzoo.inference.sample.digest`.
    """

    architecture: str
    plugin: _Package
    plugin_version: _Version
    config: Mapping[str, Any]
    ganzoo: str
    format: int = 1
    data: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[Score, ...] = ()
    trained: Trained | None = None
    license: str | None = None
    weights: WeightsFile | None = None
    digest: str | None = None


def write_config(folder: Path, config: ModelConfig) -> None:
    """Write ``config.json``."""
    content = {key: value for key, value in msgspec.to_builtins(config).items() if value is not None}
    if config.weights is not None:  # in this folder, wherever it lies
        content["weights"] = {name: value for name, value in content["weights"].items() if value is not None}
    write_json(folder / CONFIG, content)


def read_config(folder: Path) -> ModelConfig:
    """Read ``config.json``.

    Raises:
        WeightsError: the folder has none, or it is damaged or of a newer format.
    """
    path = folder / CONFIG
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        json.dumps(content, ensure_ascii=False).encode()  # half a letter could never be written again
        config = msgspec.convert(content, ModelConfig)
    except OSError as error:
        raise WeightsError(f"{folder} is no model: it has no readable {CONFIG} ({error.strerror or error})") from error
    except msgspec.ValidationError as error:
        raise WeightsError(f"{path} is none of ganzoo's, or damaged: {error}") from error
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path} is damaged ({error}): put the file back as it was written") from error
    if config.format != 1:
        raise WeightsError(f"{path} has format {config.format}, which this ganzoo does not know: upgrade ganzoo")
    return config


def config_of(entry: Weights) -> ModelConfig:
    """Return what the registry knows of a model in the form of a ``config.json``."""
    plugin, _, version = entry.trained.plugin.partition(" ")
    return ModelConfig(
        architecture=entry.architecture,
        plugin=plugin,
        plugin_version=version,
        config=entry.config,
        ganzoo=entry.trained.ganzoo,
        data={"name": entry.data},
        metrics=entry.metrics,
        trained=entry.trained,
        license=entry.license,
        weights=entry.weights,
        digest=entry.digest,
    )
