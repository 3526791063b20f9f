"""Values written where a model says what is known of it: its ``config.json`` and its card, here or on the Hub."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import filelock

from ganzoo.cardtext import CARD, read_card
from ganzoo.errors import ConfigError
from ganzoo.files import replacing
from ganzoo.gan import GAN
from ganzoo.hub.address import is_address, parse
from ganzoo.modelconfig import CONFIG, write_config
from ganzoo.pretrained import Model
from ganzoo.publishing import publish
from ganzoo.registry import Score
from ganzoo.staging import card_text


def check_recordable(model: str, found: Model) -> None:
    """Refuse a model whose values nobody can write, before it is measured.

    Raises:
        ConfigError: it is one of the zoo, or a commit of the Hub.
    """
    if is_address(model):
        if parse(model).pinned:
            raise ConfigError(f"{model} is a commit, which nothing can be added to: name the branch")
    elif found.folder is None:
        raise ConfigError(
            f"{model} comes with ganzoo, and its values with it: --update is for runs, model folders and hf:owner/name"
        )


def record(model: str, found: Model, gan: GAN, scores: Sequence[Score]) -> str:
    """Write values into a model's ``config.json`` and card; a value of the same protocol and data is replaced.

    Args:
        model: as the person named it.
        found: its files.
        gan: the same, loaded.
        scores: the values.

    Returns:
        What was written, for the person.

    Raises:
        ConfigError: as `check_recordable`, or a training is running in the folder.
        GanzooError: it cannot be written, or the Hub refuses.
    """
    check_recordable(model, found)
    if is_address(model):
        address = parse(model)
        done = publish(
            model, address.repo, revision=address.revision, metrics=merged(found.config.metrics, scores),
            message=f"Measured: {', '.join(score.protocol for score in scores)}",
        )  # fmt: skip
        return f"{', '.join(done.changed) or 'nothing changed'}: {done.url}"
    assert found.folder is not None  # noqa: S101 - as was checked
    config = replace(found.config, metrics=merged(found.config.metrics, scores))
    written = [found.folder / CONFIG]
    lock = filelock.FileLock(found.folder / ".lock")
    try:
        with lock.acquire(timeout=0):
            write_config(found.folder, config)
            card = found.folder / CARD
            if card.exists():
                text = card_text(found.folder, config, _address_in(card, found.folder), gan, read_card(card))
                with replacing(card) as partial:
                    partial.write_text(text, encoding="utf-8")
                written.append(card)
    except filelock.Timeout as error:
        raise ConfigError(f"a training is running in {found.folder}: wait until it has ended") from error
    return ", ".join(map(str, written))


def _address_in(card: Path, folder: Path) -> str:
    """Return the address that a card loads its model from; of a card that says none, the folder."""
    _, found, rest = read_card(card).partition('ganzoo.load("')
    return rest.partition('"')[0] if found else str(folder)


def merged(old: Sequence[Score], new: Sequence[Score]) -> tuple[Score, ...]:
    """Return the old values, those that were measured anew replaced in their places, and after them the rest."""
    values = {(score.protocol, score.data): score for score in (*old, *new)}
    return tuple(values.values())
