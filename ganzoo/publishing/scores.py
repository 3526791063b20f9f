"""Measured values written into a model's metadata: its ``config.json`` and its card, on this machine or the Hub."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from ganzoo._files import locked, replacing, sha256
from ganzoo.errors import ConfigError
from ganzoo.gan import GAN
from ganzoo.hub.address import is_address, parse
from ganzoo.models.config import CONFIG, read_config, write_config
from ganzoo.models.load import Model
from ganzoo.models.weights import MODEL
from ganzoo.publishing.model_card import CARD, read_card
from ganzoo.publishing.publish import publish
from ganzoo.publishing.staging import card_text
from ganzoo.registry import Score

_SECONDS = 3  # to wait for other processes of the same command


def check_recordable(model: str, found: Model) -> str | None:
    """Refuse a model whose metadata cannot be written, before it is measured; return the hash of its local weights."""
    if is_address(model):
        if parse(model).pinned:
            raise ConfigError(f"{model} is a commit, which cannot be changed: name the branch")
    elif found.folder is None:
        raise ConfigError(
            f"{model} comes with ganzoo, and its values with it: --update is for runs, model folders and hf:owner/name"
        )
    else:
        with _alone(found.folder):
            return _weights(found.folder)
    return None


def record(model: str, found: Model, gan: GAN, scores: Sequence[Score], weights: str | None) -> str:
    """Write values into a model's ``config.json`` and card, in place of those of the same protocol and data.

    ``weights`` is what `check_recordable` returned before the measurement. Returns what was written, for a message.
    """
    if is_address(model):
        address = parse(model)
        done = publish(
            model, address.repo, revision=address.revision, metrics=merged(found.config.metrics, scores),
            message=f"Measured: {', '.join(score.protocol for score in scores)}",
        )  # fmt: skip
        return f"{', '.join(done.changed) or 'nothing changed'}: {done.url}"
    assert found.folder is not None  # noqa: S101 - as was checked
    card = found.folder / CARD
    with _alone(found.folder):
        if _weights(found.folder) != weights:
            raise ConfigError(f"{found.folder} was trained on while it was measured: measure it again")
        now = read_config(found.folder)
        config = replace(now, metrics=merged(now.metrics, scores))
        text = None
        if card.exists():  # made before anything is written
            text = card_text(found.folder, config, _address_in(card, found.folder), gan, read_card(card))
        write_config(found.folder, config)
        if text is None:
            return str(found.folder / CONFIG)
        with replacing(card) as partial:
            partial.write_text(text, encoding="utf-8")
    return f"{found.folder / CONFIG}, {card}"


def _weights(folder: Path) -> str | None:
    return sha256(folder / MODEL) if (folder / MODEL).is_file() else None


def _alone(folder: Path) -> AbstractContextManager[None]:
    """Keep trainings from writing into a folder."""
    busy = ConfigError(f"a training is running in {folder}: wait until it has ended")
    return locked(folder, busy, seconds=_SECONDS)


def _address_in(card: Path, folder: Path) -> str:
    """Return the address that a card loads its model from, or else the folder."""
    _, found, rest = read_card(card).partition('ganzoo.load("')
    return rest.partition('"')[0] if found else str(folder)


def merged(old: Sequence[Score], new: Sequence[Score]) -> tuple[Score, ...]:
    """Return the old values, replaced where they were measured again, and then the new ones."""
    return tuple({(score.protocol, score.data): score for score in (*old, *new)}.values())
