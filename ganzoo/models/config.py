"""Model metadata: a ``config.json``, and the same facts in a ``registry.yaml``. Imports nothing heavy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import msgspec

from ganzoo._files import CHECKSUM, check_checksum, with_checksum, write_json
from ganzoo.errors import WeightsError
from ganzoo.registry.hyperparameters import config_to_dict
from ganzoo.registry.records import Architecture, Score, Trained, Weights, WeightsFile
from ganzoo.registry.zoo import Registered, Zoo

CONFIG, _STATS = "config.json", "stats.jsonl"
LARGEST_HEADER = 10**8
"""Bytes of the header of a safetensors file that its library reads."""
# They are shown as a command to paste, and anybody may have written the file.
_Package = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
_Version = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.+!_-]*$", max_length=100)]


@dataclass(frozen=True)
class ModelConfig:
    """The content of ``config.json``.

    Args:
        architecture: its name in the zoo.
        plugin: the distribution that provided it, and that version.
        config: all hyper-parameters; of a registry's entry, those that differ from the defaults.
        ganzoo: the version that wrote the file.
        data: what it was trained on: name, split, number of images, class names.
        training: the settings of its run.
        versions: of the libraries that it was made with.
        metrics: values with their protocols.
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

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the labels 0, 1, ... of its training data; empty where they are not known."""
        names = self.data.get("classes")
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
            return ()
        return tuple(names)

    @classmethod
    def from_entry(cls, entry: Weights) -> ModelConfig:
        """Return the metadata of a model of the registry."""
        plugin, _, version = entry.trained.plugin.partition(" ")
        same = {key: getattr(entry, key) for key in _SHARED}
        data = {"name": entry.data, **({"classes": list(entry.classes)} if entry.classes else {})}
        return cls(plugin=plugin, plugin_version=version, ganzoo=entry.trained.ganzoo, data=data, **same)

    def to_entry(self, zoo: Zoo, repo: str, revision: str) -> dict[str, Any]:
        """Return the entry for a ``registry.yaml`` of a published model, whose fields are all known."""
        assert self.weights is not None and self.trained is not None  # noqa: PT018, S101
        shared = {key: msgspec.to_builtins(getattr(self, key)) for key in _SHARED}
        file = {"repo": repo, "revision": revision, "file": self.weights.file}
        shared["weights"] = file | {"sha256": self.weights.sha256, "bytes": self.weights.bytes}
        shared["config"] = changed_hyperparameters(zoo, self)
        shared["trained"] = {key: value for key, value in shared["trained"].items() if value is not None}
        shared["data"] = self.data["name"]
        if self.class_names and "classes" in self.config:  # it is sampled by class
            shared["classes"] = list(self.class_names)
        order = ("architecture", "config", "weights", "data", "classes", "license", "trained", "metrics", "digest")
        return {key: shared[key] for key in order if key in shared}


_SHARED = ("architecture", "config", "metrics", "trained", "license", "weights", "digest")
"""What an entry of a registry.yaml and a config.json both have."""


def write_config(folder: Path, config: ModelConfig) -> None:
    """Write ``config.json``, with a checksum unless it is of a published model, whose owner may edit it on the Hub."""
    content = {key: value for key, value in msgspec.to_builtins(config).items() if value is not None}
    if config.weights is not None:  # in this folder, wherever it lies
        content["weights"] = {name: value for name, value in content["weights"].items() if value is not None}
    write_json(folder / CONFIG, content if config.digest else with_checksum(content))


def read_config(folder: Path) -> ModelConfig:
    """Read ``config.json``."""
    path = folder / CONFIG
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        json.dumps(content, ensure_ascii=False).encode()  # a lone surrogate could never be written again
        config = msgspec.convert(check_checksum(content) if isinstance(content, dict) else content, ModelConfig)
    except FileNotFoundError as error:
        raise WeightsError(f"{folder} is not a run or model folder: it has no {CONFIG}") from error
    except OSError as error:
        raise WeightsError(f"{folder} is no model: it has no readable {CONFIG} ({error.strerror or error})") from error
    except msgspec.ValidationError as error:
        raise WeightsError(f"{path} was not written by ganzoo, or is damaged: {error}") from error
    except (ValueError, RecursionError) as error:
        kept = f"; or take out its {CHECKSUM}, if you changed it on purpose" if CHECKSUM in str(error) else ""
        raise WeightsError(f"{path} is damaged ({error}): restore the file as it was written{kept}") from error
    if config.format != 1:
        raise WeightsError(f"{path} has format {config.format}, which this ganzoo does not know: upgrade ganzoo")
    return config


def find_architecture(zoo: Zoo, name: str, dist: str) -> Registered[Architecture] | None:
    """Return the architecture that a model names, from the distribution that wrote it where two share the name."""
    for full in (f"{dist}:{name}", name):
        if full in zoo.architectures:
            return zoo.architectures[full]
    return None


def changed_hyperparameters(zoo: Zoo, config: ModelConfig) -> dict[str, Any]:
    """Return the hyper-parameters that differ from the defaults; all, where the architecture is not installed."""
    owned = find_architecture(zoo, config.architecture, config.plugin)
    defaults = config_to_dict(owned.record.config()) if owned else {}
    return {key: value for key, value in config.config.items() if key not in defaults or value != defaults[key]}


def trained_by_run(weights: Path, config: ModelConfig) -> Trained | None:
    """Return how a run's weights came to be, from its files; None where these do not record it."""
    try:
        with weights.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(size)) if size < LARGEST_HEADER else {}
        written = header["__metadata__"]["images"]
        images = int(written) if written.isascii() and written.isdigit() and len(written) < 16 else 0
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    seed = config.training.get("seed")
    return Trained(
        images=images,
        seed=seed if isinstance(seed, int) else 0,
        ganzoo=config.ganzoo,
        plugin=f"{config.plugin} {config.plugin_version}",
        minutes=_minutes(weights.with_name(_STATS), images),
    )


def _minutes(stats: Path, images: int) -> float | None:
    seconds = 0.0
    lines = stats.read_text(encoding="utf-8", errors="replace").splitlines() if stats.is_file() else []
    for line in lines:
        try:
            entry = json.loads(line)
            seconds = float(entry["seconds"]) if entry["images"] <= images else seconds
        except (ValueError, LookupError, TypeError, OverflowError, RecursionError):  # cut short, or not ours
            continue
    return round(seconds / 60, 1) or None
