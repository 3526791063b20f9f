"""Publishing: a run, a model folder or a model of the zoo becomes a repository on the Hub."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from ganzoo._files import new_folder
from ganzoo.errors import ConfigError, HubError
from ganzoo.hub.address import Address, check_repo, check_revision, is_address, parse
from ganzoo.hub.client import explained
from ganzoo.hub.fetch import fetch
from ganzoo.hub.search import describe
from ganzoo.hub.upload import Remote, compare, look, need_token, upload
from ganzoo.models.load import Model, assemble, find
from ganzoo.models.weights import MODEL, TRAINING
from ganzoo.publishing.model_card import CARD, read_card
from ganzoo.publishing.staging import card_text, stage
from ganzoo.registry import Score, installed


class Published(NamedTuple):
    """What was published, or with ``dry_run`` would be published.

    Args:
        address: to load it from.
        url: of the commit; empty when there is none yet.
        commit: its 40-hex name, or None.
        changed: the files that differ from what the repository had.
        removed: the files that were removed; when both are empty, nothing had changed.
        entry: for a ``registry.yaml``, by the model's name; without a revision after a dry run.
        folder: that a dry run wrote.
        notes: remarks for the user.
        pull_request: its address, where one was opened.
    """

    address: str
    url: str
    commit: str | None
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    entry: dict[str, Any]
    folder: Path | None = None
    notes: tuple[str, ...] = ()
    pull_request: str | None = None


def publish(
    model: str | os.PathLike[str],
    repo: str,
    *,
    private: bool = False,
    revision: str = "main",
    create_pr: bool = False,
    discriminator: bool = False,
    license: str | None = None,  # noqa: A002 - the field's own word
    message: str | None = None,
    metrics: Sequence[Score] | None = None,
    dry_run: str | os.PathLike[str] | None = None,
) -> Published:
    """Publish a model on the Hugging Face Hub, in one commit, and in none if nothing has changed.

    Args:
        model: a run, a model folder, or what else `ganzoo.load` takes.
        repo: ``"owner/name"``; created if missing.
        private: create it as private.
        revision: the branch; created if missing.
        create_pr: open a pull request instead of committing to the branch.
        discriminator: add the networks that only training needs, for fine-tuning.
        license: of the weights, as the Hub names it (``"cc-by-4.0"``); without one the model's own, else that of the
            card on the Hub, else that of the data set.
        message: of the commit.
        metrics: values in place of those that the model comes with.
        dry_run: write what would be uploaded into this new folder instead.

    Raises:
        WeightsError: the model cannot be loaded, or has no discriminator.
        HubError: the Hub refuses or breaks off; a repeated call sends only what is missing.
    """
    address = _address(repo, revision)
    if create_pr and revision != "main":
        raise ConfigError(f"a pull request goes to main: leave out the revision {revision}")
    if license is not None and not re.fullmatch("[a-z0-9][a-z0-9.-]*", license):
        raise ConfigError(f"'{license}' is not a licence of the Hub: use its identifier, as in cc-by-4.0 or apache-2.0")
    target = Path(dry_run) if dry_run is not None else None
    if target is not None and target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConfigError(f"{target} exists and is not an empty folder: name another, or remove it")
    if target is None:
        need_token(address)
    with tempfile.TemporaryDirectory(prefix="ganzoo-publish-") as place:
        folder = Path(place)
        found = find(model)
        if metrics is not None:
            found = found._replace(config=replace(found.config, metrics=tuple(metrics)))
        gan = assemble(found)
        notes: list[str] = []
        remote, old = _remote(address, found, notes, strict=target is None)
        if not private:
            _note_private_base(found, notes)
        config = stage(folder, found, gan, old, license, notes, discriminator=discriminator)
        (folder / CARD).write_text(card_text(folder, config, str(address), gan, old), encoding="utf-8")
        drop = _stale(remote, folder)
        name = address.repo.partition("/")[2]
        if target is not None:
            with new_folder(target) as partial:
                shutil.copytree(folder, partial, dirs_exist_ok=True)
            changed = tuple(compare(remote, target))
            entry = {name: config.to_entry(installed(), address.repo, "THE COMMIT, once it is published")}
            return Published(str(address), "", None, changed, drop, entry, target, tuple(notes))
        message = message or f"{config.architecture} trained on {config.data['name']}"
        done = upload(remote, folder, message=message, private=private, create_pr=create_pr, drop=drop)
    loaded = str(Address(address.repo, done.revision))
    entry = {name: config.to_entry(installed(), address.repo, done.commit)}
    return Published(
        loaded, done.url, done.commit, done.changed, done.removed, entry, notes=tuple(notes),
        pull_request=done.pull_request,
    )  # fmt: skip


def _address(repo: str, revision: str) -> Address:
    if is_address(repo):
        raise HubError(f"'{repo}': give the repository without hf:, and the branch with --revision")
    check_repo(repo)
    check_revision(revision)
    address = Address(repo, revision)
    if address.pinned:
        raise HubError(f"'{revision}' is a commit, which cannot be changed: name a branch")
    return address


def _remote(address: Address, found: Model, notes: list[str], *, strict: bool) -> tuple[Remote, str | None]:
    """Return the repository and its card; a dry run goes on without them."""
    local = found.folder / CARD if found.folder else None
    own = read_card(local) if local and local.exists() else None
    try:
        remote = look(address)
        state = remote.state
        if state is None or CARD not in state.sizes:
            return remote, own
        card = read_card(fetch(state.address, CARD).path)
    except HubError as error:
        if strict:
            raise
        notes.append(f"not compared with the Hub: {error}")
        return Remote(address, None, None), own
    if own is not None and own != card:
        notes.append(f"the card on the Hub keeps what was written into it by hand; that of {local} is not used")
    return remote, card


def _note_private_base(found: Model, notes: list[str]) -> None:
    """Note where the card of a public model names a private model that it was fine-tuned from."""
    start = str(found.config.training.get("start") or "")
    if is_address(start):
        try:
            with explained(start):
                private = describe(parse(start)).private
        except HubError:
            return
        if private:
            notes.append(f"its card says that it was fine-tuned from {start}, which is private")


def _stale(remote: Remote, folder: Path) -> tuple[str, ...]:
    """Return the files to remove: a discriminator that belongs to weights which are replaced."""
    if (folder / TRAINING).exists() or remote.state is None:
        return ()
    return (TRAINING,) if TRAINING in remote.state.hashes and MODEL in compare(remote, folder) else ()
