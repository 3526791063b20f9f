"""Pretrained models: found by name, by folder or on the Hub, checked, and loaded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import torch

from ganzoo.errors import UnknownNameError, WeightsError
from ganzoo.gan import GAN
from ganzoo.gan.sample_spec import reading_of
from ganzoo.hub.address import Address, is_address, parse
from ganzoo.models import weights
from ganzoo.models.config import CONFIG, ModelConfig, read_config
from ganzoo.models.create import build_for, pick_device
from ganzoo.models.weights import MODEL, PICKLES, TRAINING, load_weights, verify
from ganzoo.registry import Weights, installed
from ganzoo.registry.zoo import summary_of

_LARGE = 1024


class Model(NamedTuple):
    """A pretrained model whose files are on this machine and were checked."""

    name: str  # as the user gave it
    origin: str  # where it can be loaded from again: a name of the zoo, hf:owner/name@COMMIT, or an absolute path
    config: ModelConfig
    weights: Path  # its model.safetensors
    folder: Path | None = None  # None for a model of the zoo or the Hub


def load(spec: str | os.PathLike[str], *, device: str | torch.device = "cpu") -> GAN:
    """Return a pretrained GAN in eval mode, its weights verified. Its ``origin`` is where they came from.

    Args:
        spec: a model's name, as ``ganzoo list`` shows it; ``"hf:owner/name"`` or ``"hf:owner/name@revision"``; or the
            path of a run or model folder.
        device: where its networks go.

    Raises:
        UnknownNameError: neither a model nor a folder.
        HubError: the Hub does not have it or does not give it, or what it gave is damaged.
        WeightsError: a file is missing, damaged, altered or does not fit.
    """
    return assemble(find(spec), device=device)


def assemble(model: Model, *, device: str | torch.device = "cpu") -> GAN:
    """Return the GAN of a model that was found, in eval mode."""
    check_sizes(model)
    gan = build_for(installed(), model.config, model.name)
    load_weights(gan, model.weights)
    gan.origin, gan.class_names = model.origin, model.config.class_names
    gan.reading = reading_of(model.config.training)
    # channels-last, as in training: convolutions are faster in it
    return gan.to(pick_device(str(device))).to(memory_format=torch.channels_last)


def check_sizes(model: Model) -> None:
    """Compare the shapes in the file with those of the networks before much memory is allocated."""
    numbers = [value for value in model.config.config.values() if isinstance(value, int)]
    if max(numbers, default=0) <= _LARGE:  # small enough for any machine
        return
    try:
        with torch.device("meta"):
            gan = build_for(installed(), model.config, model.name)
    except (RuntimeError, TypeError):  # networks that compute in __init__ cannot be made without memory
        return
    weights.check_fit(weights.load_tensors(model.weights), weights.inference_state(gan), model.weights, gan)


def find(spec: str | os.PathLike[str]) -> Model:
    """Return the checked files of a model, fetched if necessary; ``spec`` is as in `load`."""
    name, zoo = str(spec), installed()
    if name in zoo.models:
        return _entry(zoo.models[name].record)
    if is_address(name):
        return _hub(name)
    if os.path.isdir(name):  # noqa: PTH112 - False for a name that no file system can hold
        return _folder(Path(spec))
    if name in zoo.architectures:
        raise UnknownNameError(
            f"'{name}' is an architecture without weights: ganzoo.create('{name}') makes one, untrained; "
            f"pretrained are: {', '.join(m.record.name for m in zoo.models if m.record.architecture == name) or 'none'}"
        )
    if "/" in name or os.sep in name or name.startswith("."):
        raise WeightsError(f"There is no model folder {Path(spec).absolute()}{_meant(name)}")
    summary_of(zoo, name)  # raises with a suggestion
    raise AssertionError


def _meant(name: str) -> str:
    return f"; a model of the Hub is called hf:{name}" if name.count("/") == 1 and name[0] not in "./~" else ""


def _entry(entry: Weights) -> Model:
    file = entry.weights
    if file.repo is None or file.revision is None:
        path = Path(entry.root) / file.file
        verify(path, file.sha256, "reinstall the package that lists it")
        return Model(entry.name, entry.name, ModelConfig.from_entry(entry), path)
    from ganzoo.hub.fetch import fetch

    fetched = fetch(Address(file.repo, file.revision), file.file, sha256=file.sha256)
    return Model(entry.name, str(fetched.address), ModelConfig.from_entry(entry), fetched.path)


def _hub(name: str) -> Model:
    from ganzoo.hub.fetch import fetch_optional

    written = fetch_optional(parse(name), CONFIG)
    if written is None:
        raise _no_model(parse(name), CONFIG)
    config = read_config(written.path.parent)
    file = fetch_optional(written.address, MODEL, sha256=config.weights.sha256 if config.weights else None)
    if file is None:
        raise _no_model(written.address, MODEL)
    return Model(name, str(written.address), config, file.path)


def _no_model(address: Address, missing: str) -> WeightsError:
    """Return the error for a repository without one of a model's files: its other files are never loaded."""
    from ganzoo.hub.client import explained
    from ganzoo.hub.search import describe

    with explained(address):
        there = [file for file in describe(address).sizes if file.lower().endswith(PICKLES)]
    if there:
        return WeightsError(
            f"{address} has no {missing}, only {', '.join(there[:3])}: such a file can run code when it is opened, and "
            "ganzoo never does; ask its owner for safetensors"
        )
    return WeightsError(f"{address} is not a ganzoo model: it has no {missing}")


def find_training(model: Model) -> Path | None:
    """Return the path of the networks that only training uses, if the model was published with them."""
    if is_address(model.origin):
        from ganzoo.hub.fetch import fetch_optional

        fetched = fetch_optional(parse(model.origin), TRAINING)
        return fetched.path if fetched else None
    path = model.weights.parent / TRAINING
    return path if model.folder is not None and path.exists() else None


def verify_with_hub(model: Model) -> list[str]:
    """Compare the cached files of a model with the Hub's current hashes; return their names, none if not of the Hub."""
    if not is_address(model.origin):
        return []
    from ganzoo.hub.fetch import audit

    return audit(parse(model.origin), model.weights.parent)


def _folder(folder: Path) -> Model:
    config = read_config(folder)
    if not (folder / MODEL).exists():
        raise WeightsError(f"{folder} has no {MODEL} yet: a run writes it with its first checkpoint")
    if config.weights is not None:
        verify(folder / MODEL, config.weights.sha256, "the folder was changed after it was written; write it again")
    return Model(str(folder), str(folder.absolute()), config, folder / MODEL, folder)
