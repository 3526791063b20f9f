"""The folder that is uploaded: a model's weights, config, card and samples, and its entry for a ``registry.yaml``."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from ganzoo._files import replacing
from ganzoo.data.sources.hub import HUB
from ganzoo.data.spec import named_sets
from ganzoo.errors import WeightsError
from ganzoo.gan import GAN
from ganzoo.gan.sample_spec import DEFAULT_READING
from ganzoo.inference.output import preview
from ganzoo.inference.sample import digest
from ganzoo.media import get_medium
from ganzoo.models.config import ModelConfig, find_architecture, trained_by_run, write_config
from ganzoo.models.load import Model
from ganzoo.models.weights import MODEL, TRAINING, file_record, save_tensors
from ganzoo.publishing.card_page import CardFacts
from ganzoo.publishing.model_card import compose, parse_card
from ganzoo.registry import Trained, Zoo, installed
from ganzoo.registry.hyperparameters import config_to_dict
from ganzoo.training.finetune import training_tensors

SAMPLES = "samples.png"
IMAGES = 64
UNKNOWN, OWN = "unknown", "own images ("
PUBLIC = ("images", "split", "batch_size", "seed", "precision", "start")
"""The settings of a run that are published."""


def stage(
    folder: Path, found: Model, gan: GAN, old: str | None, chosen: str | None, notes: list[str], *, discriminator: bool
) -> ModelConfig:
    """Write all but the card into the empty ``folder``, and return its ``config.json``.

    ``old`` is the card on the Hub, ``chosen`` the licence that the user named; remarks are added to ``notes``.
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
    """Write the picture of the card: samples, or the preview of an image-to-image run where its data set is public."""
    if not gan.translations:
        with replacing(path) as partial:
            preview(gan, gan.sample(IMAGES, seed=0)).save(partial)
        return
    shown = found.weights.parent / SAMPLES
    if known and found.folder is not None and shown.exists():
        shutil.copyfile(shown, path)
    elif shown.exists():
        notes.append(f"its card has no picture, as that would show images it was trained on: add {SAMPLES} if it may")


def _license(config: ModelConfig, old: str | None, chosen: str | None, notes: list[str]) -> str:
    """Return the chosen licence, else the model's own, else the one on the card, else the data set's."""
    written = str(parse_card(old).data.get("license") or "") if old else ""
    own = config.license if config.license != UNKNOWN else None
    if chosen is None and own and written not in ("", own):
        notes.append(f"the card on the Hub says {written}; the model's licence is {own}, which replaces it")
    found = chosen or own or written
    if not found:
        datasets = installed().datasets
        names = named_sets(config.data["name"], installed()) or ()
        known = {datasets[name].record.license if name in datasets else None for name in names}
        found = (known.pop() if len(known) == 1 else None) or UNKNOWN
    if found == UNKNOWN:
        notes.append("its licence is given as unknown: choose one with --license")
    return found


def _public(found: Model, gan: GAN, folder: Path) -> ModelConfig:
    """Return the published config of a model: complete, and without this machine's paths."""
    config, zoo = found.config, installed()
    name = str(config.data.get("name", UNKNOWN))
    # A run records what of its data is public: a folder named like a data set is not mistaken for it, and its path
    # stays private. What was published before has no path in its name.
    public = named_sets(name, zoo) is not None or (OWN in name and not re.search(r"[/\\]", HUB.sub("", name)))
    own = f"{OWN}{Path(name).name or UNKNOWN})"
    shown = str(config.data.get("public") or (name if public or found.folder is None else own))
    data = {key: value for key, value in {**config.data, "name": shown}.items() if key != "public"}
    trained = config.trained or trained_by_run(found.weights, config)
    by = f"{config.plugin} {config.plugin_version}"
    trained = trained or Trained(images=0, seed=0, ganzoo=config.ganzoo, plugin=by)
    training = {key: config.training[key] for key in PUBLIC if isinstance(config.training.get(key), str | int)}
    if training:
        training["data"] = shown
    if Path(str(training.get("start", ""))).is_absolute():
        training["start"] = "own model"
    return replace(
        config, config=config_to_dict(gan.config), data=data, training=training, trained=trained,
        weights=file_record(folder / MODEL), digest=digest(gan),
    )  # fmt: skip


def dataset_repo(zoo: Zoo, name: str) -> str:
    """Return the Hub's name of a data set of the zoo (``"mnist"``) or the Hub (``"hf:owner/name"``)."""
    return zoo.datasets[name].record.repo if name in zoo.datasets else name.removeprefix("hf:")


def card_text(folder: Path, config: ModelConfig, address: str, gan: GAN, old: str | None) -> str:
    """Return the card of a complete folder; of an ``old`` one it keeps what a person wrote."""
    zoo = installed()
    owned = find_architecture(zoo, config.architecture, config.plugin)
    medium, shape = get_medium(gan.output_spec().medium), tuple(gan.sample(1, seed=0).shape[1:])
    facts = CardFacts(
        config,
        address,
        owned.record if owned else None,
        tuple(dataset_repo(zoo, name) for name in named_sets(config.data["name"], zoo) or ()),
        shape,
        f"{medium.noun}s ({medium.describe(shape, DEFAULT_READING)})",
        (folder / TRAINING).exists(),
        tuple(gan.conditions()),
        (folder / SAMPLES).exists(),
    )
    return compose(facts, old)


def entry_text(entry: dict[str, Any]) -> str:
    """Return a model's entry as it stands in a ``registry.yaml``."""
    return yaml.safe_dump({"models": entry}, sort_keys=False, width=120, allow_unicode=True)
