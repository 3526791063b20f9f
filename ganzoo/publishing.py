"""Publishing: a run, a model folder or a model of the zoo becomes a repository on the Hub."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ganzoo import pretrained
from ganzoo.card import CARD, Facts, compose, dataset_repo, split
from ganzoo.errors import ConfigError, HubError, WeightsError
from ganzoo.files import replacing
from ganzoo.gan import GAN
from ganzoo.hub.address import Address, check_repo, check_revision, is_address
from ganzoo.hub.fetch import fetch
from ganzoo.hub.upload import Remote, Uploaded, compare, look, need_token, upload
from ganzoo.modelconfig import ModelConfig, write_config
from ganzoo.models import find_architecture
from ganzoo.registry import Trained, installed
from ganzoo.registry.config import config_to_dict
from ganzoo.sampling import digest, grid
from ganzoo.training.report import read_stats
from ganzoo.training.warm import training_tensors
from ganzoo.weights import MODEL, TRAINING, file_record, save_tensors

SAMPLES = "samples.png"
IMAGES = 64
UNKNOWN = "unknown"


class Published(NamedTuple):
    """What was published, or with ``dry_run`` would be.

    Args:
        address: to load it from.
        url: of the commit; empty when there is none yet.
        commit: its 40-hex name, or None.
        changed: the files that differ from what the repository had; empty when nothing was to be done.
        entry: for a ``registry.yaml``, by the model's name; without a revision after a dry run.
        folder: that a dry run wrote.
        notes: what the person may want to know.
        pull_request: its address, where one was opened.
    """

    address: str
    url: str
    commit: str | None
    changed: tuple[str, ...]
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
    dry_run: str | os.PathLike[str] | None = None,
) -> Published:
    """Publish a model on the Hugging Face Hub, in one commit, and in none if nothing has changed.

    Args:
        model: a run, a model folder, or what else `ganzoo.load` takes.
        repo: ``"owner/name"``; made where there is none.
        private: make it for its owner alone.
        revision: the branch; made where there is none.
        create_pr: open a pull request instead of committing to the branch.
        discriminator: add the networks that only training needs, for fine-tuning.
        license: of the weights, as the Hub names it (``"cc-by-4.0"``); without one that of the card on the Hub, then
            that of the model or its data set.
        message: of the commit.
        dry_run: write what would go up into this new folder instead.

    Raises:
        WeightsError: the model cannot be loaded, or has no discriminator.
        HubError: the Hub refuses or breaks off; what was sent before is kept for the next try.
    """
    address = _address(repo, revision)
    if create_pr and revision != "main":
        raise ConfigError(f"a pull request goes to main: leave out the revision {revision}")
    target = Path(dry_run) if dry_run is not None else None
    if target is not None and target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConfigError(f"{target} exists and is not an empty folder: name another, or remove it")
    if target is None:
        need_token(address)
    with tempfile.TemporaryDirectory(prefix="ganzoo-publish-") as place:
        folder = Path(place)
        found = pretrained.find(model)
        gan = pretrained.assemble(found)
        notes: list[str] = []
        remote, old = _remote(address, found, notes, strict=target is None)
        config = _stage(folder, found, gan, old, license, discriminator=discriminator)
        if config.license == UNKNOWN:
            notes.append("its licence is given as unknown: --license says under which it may be used")
        _write_card(folder, config, address, gan, old)
        drop = _stale(remote, folder)
        name = address.repo.partition("/")[2]
        if target is not None:
            _put(folder, target)
            changes = tuple(compare(remote, target, drop=drop))
            entry = {name: _entry(config, address.repo, None)}
            return Published(str(address), "", None, changes, entry, target, tuple(notes))
        done: Uploaded = upload(
            remote,
            folder,
            message=message or f"{config.architecture} trained on {config.data['name']}",
            private=private,
            create_pr=create_pr,
            drop=drop,
        )
    entry = {name: _entry(config, address.repo, done.commit)}
    return Published(str(address), done.url, done.commit, done.changed, entry, None, tuple(notes), done.pull_request)


def entry_text(entry: dict[str, Any]) -> str:
    """Return a model's entry as it stands in a ``registry.yaml``."""
    return yaml.safe_dump({"models": entry}, sort_keys=False, width=120, allow_unicode=True)


def _address(repo: str, revision: str) -> Address:
    if is_address(repo):
        raise HubError(f"'{repo}': say where to without the hf:, and with --revision which branch")
    check_repo(repo)
    check_revision(revision)
    address = Address(repo, revision)
    if address.pinned:
        raise HubError(f"'{revision}' is a commit, which nothing can be added to: name a branch")
    return address


def _remote(address: Address, found: pretrained.Model, notes: list[str], *, strict: bool) -> tuple[Remote, str | None]:
    """Return the repository and its card; a dry run goes on without them."""
    local = found.folder / CARD if found.folder else None
    own = local.read_text(encoding="utf-8") if local and local.exists() else None
    try:
        remote = look(address)
        state = remote.state
        if state is None or CARD not in state.sizes:
            return remote, own
        card = fetch(state.address, CARD).path.read_text(encoding="utf-8")
    except HubError as error:
        if strict:
            raise
        notes.append(f"not compared with the Hub: {error}")
        return Remote(address, None, None), own
    if own is not None and own != card:
        notes.append(f"the card on the Hub keeps what was written into it by hand; that of {local} is not used")
    return remote, card


def _stage(
    folder: Path, found: pretrained.Model, gan: GAN, old: str | None, chosen: str | None, *, discriminator: bool
) -> ModelConfig:
    """Write all but the card into ``folder``, and return what its ``config.json`` says."""
    shutil.copyfile(found.weights, folder / MODEL)
    if discriminator:
        tensors = training_tensors(found)
        if tensors is None:
            raise WeightsError(
                f"{found.name} has no discriminator to publish: a run with a checkpoint has one, or a model that was "
                "published with --discriminator"
            )
        save_tensors(folder / TRAINING, tensors)
    with replacing(folder / SAMPLES) as partial:
        grid(gan.sample(IMAGES, seed=0)).save(partial)
    config = _public(found, gan, folder)
    config = replace(config, license=chosen or (split(old)[0].get("license") if old else None) or config.license)
    write_config(folder, config)
    return config


def _public(found: pretrained.Model, gan: GAN, folder: Path) -> ModelConfig:
    """Return a model's config for everybody: complete, and without this machine's paths."""
    config, zoo = found.config, installed()
    name = str(config.data.get("name", UNKNOWN))
    named = name in zoo.datasets or name.startswith("hf:")
    # A folder called after a data set is not taken for it, and where it lies is nobody's business.
    shown = name if named or found.folder is None or config.trained else f"own images ({Path(name).name or UNKNOWN})"
    data = {**config.data, "name": shown}
    trained = config.trained or _trained(found)
    license = config.license or (zoo.datasets[name].record.license if name in zoo.datasets else None)  # noqa: A001
    training = dict(config.training)
    if "data" in training:
        training["data"] = data["name"]
    if Path(str(training.get("start") or "")).is_absolute():
        training["start"] = Path(training["start"]).name
    return replace(
        config,
        config=config_to_dict(gan.config),
        data=data,
        training=training,
        trained=trained,
        license=license or UNKNOWN,
        weights=file_record(folder / MODEL),
        digest=digest(gan),
    )


def _trained(found: pretrained.Model) -> Trained:
    """Return how a run's weights came to be, from its own files."""
    from safetensors import safe_open

    with safe_open(found.weights, "pt") as file:
        images = int((file.metadata() or {}).get("images", 0))
    stats = [line for line in read_stats(found.weights.parent) if line["images"] <= images]
    config = found.config
    return Trained(
        images=images,
        seed=int(config.training.get("seed", 0)),
        ganzoo=config.ganzoo,
        plugin=f"{config.plugin} {config.plugin_version}",
        minutes=round(stats[-1]["seconds"] / 60, 1) if stats else None,
    )


def _write_card(folder: Path, config: ModelConfig, address: Address, gan: GAN, old: str | None) -> None:
    zoo = installed()
    owned = find_architecture(zoo, config.architecture, config.plugin)
    channels, height, width = gan.sample(1, seed=0).shape[1:]
    facts = Facts(
        config,
        str(address),
        owned.record if owned else None,
        dataset_repo(zoo, config.data["name"]),
        (channels, height, width),
        (folder / TRAINING).exists(),
    )
    (folder / CARD).write_text(compose(facts, old), encoding="utf-8")


def _stale(remote: Remote, folder: Path) -> tuple[str, ...]:
    """Return what has to go: a discriminator that belongs to weights which are replaced."""
    if (folder / TRAINING).exists() or remote.state is None:
        return ()
    return (TRAINING,) if MODEL in compare(remote, folder) else ()


def _put(folder: Path, target: Path) -> None:
    """Move a finished folder to its place, whole."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.absolute().parent))
        try:
            shutil.copytree(folder, partial, dirs_exist_ok=True)
            partial.chmod(0o755)
            if target.exists():
                target.rmdir()
            partial.rename(target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise ConfigError(f"{target} cannot be written: {error.strerror or error}") from error


def _entry(config: ModelConfig, repo: str, commit: str | None) -> dict[str, Any]:
    """Return the model's entry for a ``registry.yaml``."""
    assert config.weights is not None and config.trained is not None  # noqa: PT018, S101 - `_public` gave both
    zoo = installed()
    owned = find_architecture(zoo, config.architecture, config.plugin)
    defaults = config_to_dict(owned.record.config()) if owned else {}
    trained = {key: value for key, value in _dict(config.trained).items() if value is not None}
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
        "metrics": [_dict(metric) for metric in config.metrics],
        "digest": config.digest,
    }  # fmt: skip


def _dict(record: Any) -> dict[str, Any]:
    import msgspec

    return msgspec.structs.asdict(record)
