"""The folder that goes up: a model's weights, config, card and samples, and its entry for a ``registry.yaml``."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import yaml
from safetensors import safe_open

from ganzoo._files import replacing
from ganzoo.data.pairs import named_sets
from ganzoo.data.sources.hub import HUB
from ganzoo.errors import WeightsError
from ganzoo.gan import GAN
from ganzoo.hub.address import Address
from ganzoo.inference.image_io import grid
from ganzoo.inference.sample import digest
from ganzoo.models.config import ModelConfig, write_config
from ganzoo.models.create import find_architecture
from ganzoo.models.load import Model
from ganzoo.models.weights import MODEL, TRAINING, file_record, save_tensors
from ganzoo.publishing.cardtext import CARD, split
from ganzoo.publishing.model_card import Facts, compose, dataset_repo
from ganzoo.registry import Trained, installed
from ganzoo.registry.hyperparameters import config_to_dict
from ganzoo.training.finetune import training_tensors
from ganzoo.training.logs import read_stats

SAMPLES = "samples.png"
IMAGES = 64
UNKNOWN, OWN = "unknown", "own images ("
PUBLIC = ("images", "split", "batch_size", "seed", "precision", "start")
"""The settings of a run that are anybody's business."""


def stage(
    folder: Path, found: Model, gan: GAN, old: str | None, chosen: str | None, notes: list[str], *, discriminator: bool
) -> ModelConfig:
    """Write all but the card into ``folder``, and return what its ``config.json`` says.

    Args:
        folder: empty.
        found: the model.
        gan: the same, loaded.
        old: the card that is on the Hub.
        chosen: the licence that was asked for.
        notes: what the person may want to know is added here.
        discriminator: write the networks that only training needs, too.
    """
    shutil.copyfile(found.weights, folder / MODEL)
    if discriminator:
        tensors = training_tensors(found)
        if tensors is None:
            raise WeightsError(
                f"{found.name} has no discriminator to publish: a run with a checkpoint has one, or a model that was "
                "published with --discriminator"
            )
        save_tensors(folder / TRAINING, tensors)
    config = _public(found, gan, folder)
    sets = named_sets(config.data["name"], installed()) or ()
    _picture(folder / SAMPLES, found, gan, notes, known=bool(sets) and all(s in installed().datasets for s in sets))
    config = replace(config, license=_license(config, old, chosen, notes))
    write_config(folder, config)
    return config


def _picture(path: Path, found: Model, gan: GAN, notes: list[str], *, known: bool) -> None:
    """Write the picture of the card: samples, or of a model that translates what its run has shown.

    The latter shows images that it was trained on: only those of a data set of the zoo, which everybody may see.
    """
    if not gan.translations:
        with replacing(path) as partial:
            grid(gan.sample(IMAGES, seed=0)).save(partial)
        return
    shown = found.weights.parent / SAMPLES
    if known and found.folder is not None and shown.exists():
        shutil.copyfile(shown, path)
    elif shown.exists():
        notes.append(f"its card has no picture, as that would show images it was trained on: add {SAMPLES} if it may")


def _license(config: ModelConfig, old: str | None, chosen: str | None, notes: list[str]) -> str:
    """Return the licence that was chosen, else the model's own, else the one on the card, else the data set's."""
    written = str(split(old)[0].get("license") or "") if old else ""
    own = config.license if config.license != UNKNOWN else None
    if chosen is None and own and written not in ("", own):
        notes.append(f"the card on the Hub says {written}; the model's licence is {own}, which takes its place")
    found = chosen or own or written
    if not found:
        datasets = installed().datasets
        names = named_sets(config.data["name"], installed()) or ()
        known = {datasets[name].record.license if name in datasets else None for name in names}
        found = (known.pop() if len(known) == 1 else None) or UNKNOWN
    if found == UNKNOWN:
        notes.append("its licence is given as unknown: --license says under which it may be used")
    return found


def _public(found: Model, gan: GAN, folder: Path) -> ModelConfig:
    """Return a model's config for everybody: complete, and without this machine's paths."""
    config, zoo = found.config, installed()
    name = str(config.data.get("name", UNKNOWN))
    # A run knows what of its data is public: a folder called after a data set is not taken for it, and where it lies is
    # nobody's business. What was published before has no path in its name.
    told = named_sets(name, zoo) is not None or (OWN in name and not re.search(r"[/\\]", HUB.sub("", name)))
    own = f"{OWN}{Path(name).name or UNKNOWN})"
    shown = str(config.data.get("public") or (name if told or found.folder is None else own))
    data = {key: value for key, value in {**config.data, "name": shown}.items() if key != "public"}
    trained = config.trained or _trained(found)
    training = {key: config.training[key] for key in PUBLIC if isinstance(config.training.get(key), str | int)}
    if training:
        training["data"] = shown
    if Path(str(training.get("start", ""))).is_absolute():
        training["start"] = "own model"
    return replace(
        config,
        config=config_to_dict(gan.config),
        data=data,
        training=training,
        trained=trained,
        weights=file_record(folder / MODEL),
        digest=digest(gan),
    )


def _trained(found: Model) -> Trained:
    """Return how a run's weights came to be, from its own files."""
    with safe_open(found.weights, "pt") as file:
        written = str((file.metadata() or {}).get("images", ""))
    images = int(written) if written.isascii() and written.isdigit() and len(written) < 16 else 0
    seed = found.config.training.get("seed")
    stats = [line for line in read_stats(found.weights.parent) if line["images"] <= images]
    config = found.config
    return Trained(
        images=images,
        seed=seed if isinstance(seed, int) else 0,
        ganzoo=config.ganzoo,
        plugin=f"{config.plugin} {config.plugin_version}",
        minutes=_minutes(stats[-1]["seconds"]) if stats else None,
    )


def _minutes(seconds: float) -> float | None:
    return round(seconds / 60, 1) or None


def write_card(folder: Path, config: ModelConfig, address: Address, gan: GAN, old: str | None) -> None:
    """Write the card of a folder that has all else."""
    (folder / CARD).write_text(card_text(folder, config, str(address), gan, old), encoding="utf-8")


def card_text(folder: Path, config: ModelConfig, address: str, gan: GAN, old: str | None) -> str:
    """Return the card of a folder that has all else; of an ``old`` one it keeps what a person wrote."""
    zoo = installed()
    owned = find_architecture(zoo, config.architecture, config.plugin)
    channels, height, width = gan.sample(1, seed=0).shape[1:]
    facts = Facts(
        config,
        address,
        owned.record if owned else None,
        tuple(dataset_repo(zoo, name) for name in named_sets(config.data["name"], zoo) or ()),
        (channels, height, width),
        (folder / TRAINING).exists(),
        tuple(gan.conditions()),
        (folder / SAMPLES).exists(),
    )
    return compose(facts, old)


def entry_of(config: ModelConfig, repo: str, commit: str | None) -> dict[str, Any]:
    """Return the model's entry for a ``registry.yaml``."""
    assert config.weights is not None and config.trained is not None  # noqa: PT018, S101 - `_public` gave both
    zoo = installed()
    owned = find_architecture(zoo, config.architecture, config.plugin)
    defaults = config_to_dict(owned.record.config()) if owned else {}
    trained = {key: value for key, value in msgspec.structs.asdict(config.trained).items() if value is not None}
    file = config.weights
    return {
        "architecture": config.architecture,
        "config": {key: value for key, value in config.config.items() if value != defaults.get(key)},
        "weights": {
            "repo": repo, "revision": commit or "THE COMMIT, once it is published",
            "file": MODEL, "sha256": file.sha256, "bytes": file.bytes,
        },
        "data": config.data["name"],
        "license": config.license,
        "trained": trained,
        "metrics": msgspec.to_builtins(config.metrics),
        "digest": config.digest,
    }  # fmt: skip


def entry_text(entry: dict[str, Any]) -> str:
    """Return a model's entry as it stands in a ``registry.yaml``."""
    return yaml.safe_dump({"models": entry}, sort_keys=False, width=120, allow_unicode=True)
