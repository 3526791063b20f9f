"""The page of a pretrained model, of the zoo, the Hub or a folder: its metadata, and the code that loads it."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import click
import msgspec

from ganzoo.cli.options import dump, size_text
from ganzoo.errors import HubError, WeightsError, printable
from ganzoo.models.config import (
    CONFIG,
    ModelConfig,
    changed_hyperparameters,
    find_architecture,
    read_config,
    trained_by_run,
)
from ganzoo.registry import Score, Weights, Zoo, installed
from ganzoo.registry.records import field_names

_WEIGHTS = "model.safetensors"
_MOST_CLASSES = 100


def show_entry(zoo: Zoo, entry: Weights, *, as_json: bool) -> None:
    """Print the page of a model of the zoo."""
    if as_json:
        content = msgspec.to_builtins(entry)
        del content["root"]
        dump(content)
        return
    file = entry.weights
    where = f"Hub {file.repo} at {file.revision}" if file.repo else "in this package"
    head = f"{entry.name}: {entry.summary}" if entry.summary else entry.name
    click.echo(page(zoo, ModelConfig.from_entry(entry), entry.name, where, head=head))


def show_folder(zoo: Zoo, name: str, *, as_json: bool) -> None:
    """Print the page of a run's or a model's folder, from its files alone; its networks are not made."""
    folder = Path(name)
    config = read_config(folder)
    if as_json:
        dump(json.loads((folder / CONFIG).read_text(encoding="utf-8")))
        return
    path = folder / _WEIGHTS
    if config.weights:
        where = f"{'in' if path.is_file() else 'no longer in'} {folder}"
    elif path.is_file():
        where = f"{_WEIGHTS}, {size_text(path.stat().st_size)}, in {folder}"
    else:
        where = "none yet: a run writes them with its first checkpoint"
    if config.trained is None:  # a run records it only for its best weights
        config = replace(config, trained=trained_by_run(path, config))
    click.echo(page(zoo, config, name, where))


def show_hub(name: str, *, as_json: bool) -> None:
    """Print the page of a published model, and its card; its weights are not fetched."""
    from ganzoo.hub.address import parse
    from ganzoo.hub.client import explained
    from ganzoo.hub.fetch import fetch_optional
    from ganzoo.hub.search import describe
    from ganzoo.publishing.model_card import CARD, own_words

    written = fetch_optional(parse(name), CONFIG)
    if written is None:
        raise WeightsError(f"{parse(name)} is not a ganzoo model: it has no {CONFIG}")
    config = read_config(written.path.parent)
    address = written.address
    readme = fetch_optional(address, CARD)
    words = own_words(readme.path.read_text(encoding="utf-8", errors="replace")) if readme else ""
    try:
        with explained(address):
            sizes = describe(address).sizes
    except HubError:  # without the Hub, the cache is enough
        sizes = {}
    if as_json:
        dump({"address": str(address), **msgspec.to_builtins(asdict(config)), "files": sizes, "card": words})
        return
    shown = page(installed(), config, str(parse(name)), f"Hub {address.repo} at {address.revision}", sizes=sizes)
    click.echo(f"{shown}\n\n{printable(words)}" if words else shown)


def page(
    zoo: Zoo, config: ModelConfig, name: str, where: str, *, head: str | None = None,
    sizes: dict[str, int] | None = None,
) -> str:  # fmt: skip
    """Return the page of the model that `ganzoo.load` calls ``name``, with the location of its weights."""
    rows = _rows(zoo, config, where)
    if sizes:
        rows += [["files", ", ".join(f"{file} {size_text(size)}" for file, size in sizes.items() if file[0] != ".")]]
    width = max(len(row[0]) for row in rows)
    lines = [f"{key.ljust(width)}  {' '.join(value.split())}" for key, value in rows]
    known = zoo.architectures[config.architecture].record if config.architecture in zoo.architectures else None
    use = "translated = gan.translate(images)" if known and known.translates else "images = gan.sample(16, seed=0)"
    code = [f"gan = ganzoo.load({json.dumps(name, ensure_ascii=False)})", use]
    return printable("\n".join([head or name, *lines, "", *code]))


def _rows(zoo: Zoo, config: ModelConfig, where: str) -> list[list[str]]:
    trained, file = config.trained, config.weights
    by = f"{config.plugin} {config.plugin_version}"
    missing = "" if config.architecture in zoo.architectures else f"  (not installed; written by {by})"
    changed = changed_hyperparameters(zoo, config)
    rows = [
        ["architecture", f"{config.architecture}{missing}"],
        ["config", ", ".join(f"{key}={value}" for key, value in changed.items()) or "all defaults"],
        ["data", str(config.data.get("name", "unknown"))],
    ]
    if classes := _classes(zoo, config):
        rows += [["classes", classes]]
    if trained is not None:
        minutes = f", {trained.minutes:g} minutes" if trained.minutes else ""
        rows += [["trained", f"{trained.images:,} images, seed {trained.seed}{minutes}, ganzoo {trained.ganzoo}"]]
        rows += [["command", trained.command]] if trained.command else []
    rows += [["fine-tuned from", str(config.training["start"])]] if config.training.get("start") else []
    rows += [["license", config.license]] if config.license else []
    if file is None:
        rows += [["weights", where]]
    else:
        rows += [["weights", f"{file.file}, {size_text(file.bytes)}, {where}"], ["sha256", file.sha256]]
    for score in config.metrics:
        rows += [[" ".join(score.name.split()), _value(score)]]
        rows += [["", f"seed {run.seed}: best {run.best:g}, last {run.last:g}"] for run in score.runs]
    return rows


def _classes(zoo: Zoo, config: ModelConfig) -> str:
    """Return the names of the classes that a model can be asked for."""
    owned, names = find_architecture(zoo, config.architecture, config.plugin), config.class_names
    if not names or (owned and "classes" not in field_names(owned.record.config)):
        return ""
    more = f" and {len(names) - _MOST_CLASSES:,} more, which --json lists" if len(names) > _MOST_CLASSES else ""
    return f"{len(names)}: {', '.join(names[:_MOST_CLASSES])}{more}"


def _value(score: Score) -> str:
    data = f" on {score.data}" if score.data else ""
    weights = f", weights {brief(score.weights)}" if score.weights else ""
    return f"{score.value:g} {score.protocol}{data}{weights}"


def brief(sha256: str) -> str:
    """Return a hash's first characters, which are enough to tell hashes apart."""
    return sha256[:12]
