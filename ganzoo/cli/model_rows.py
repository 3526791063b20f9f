"""What is known of a pretrained model, of the zoo or of the Hub, as lines of a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ganzoo.cli.options import printable, size_text
from ganzoo.models.config import ModelConfig
from ganzoo.registry import Score, Zoo
from ganzoo.registry.hyperparameters import config_to_dict


def model_rows(zoo: Zoo, config: ModelConfig, where: str) -> list[list[str]]:
    """Return what is known of a pretrained model, a line each; ``where`` its weights lie, if nothing else is known."""
    trained, file = config.trained, config.weights
    by = f"{config.plugin} {config.plugin_version}"
    missing = "" if config.architecture in zoo.architectures else f"  (not installed; written by {by})"
    rows = [
        ["architecture", f"{config.architecture}{missing}"],
        ["config", ", ".join(f"{k}={v}" for k, v in _differing(zoo, config).items()) or "all defaults"],
        ["data", str(config.data.get("name", "unknown"))],
    ]
    if trained is not None:
        minutes = f", {trained.minutes:g} minutes" if trained.minutes else ""
        rows += [["trained", f"{trained.images:,} images, seed {trained.seed}{minutes}, ganzoo {trained.ganzoo}"]]
        rows += [["command", trained.command]] if trained.command else []
    rows += [["began from", str(config.training["start"])]] if config.training.get("start") else []
    rows += [["license", config.license]] if config.license else []
    if file is None:
        rows += [["weights", where]]
    else:
        rows += [["weights", f"{file.file}, {size_text(file.bytes)}, {where}"], ["sha256", file.sha256]]
    for m in config.metrics:
        rows += [[m.name, f"{m.value:g}  {m.protocol}{f' on {m.data}' if m.data else ''}{_seen(m)}"]]
        rows += [["", f"seed {r.seed}: best {r.best:g}, last {r.last:g}"] for r in m.runs]
    return [[" ".join(cell.split()) for cell in row] for row in rows]


def _seen(score: Score) -> str:
    """Return which weights the extractor of a value had, if any."""
    return f", weights {brief(score.weights)}" if score.weights else ""


def brief(sha256: str) -> str:
    """Return as much of a hash as tells one from another for a person."""
    return sha256[:12]


def card(zoo: Zoo, config: ModelConfig, name: str, rows: Sequence[Sequence[str]], head: str | None = None) -> str:
    """Return the page of a model: what is known of it, and the code that loads it by ``name``."""
    width = max(len(row[0]) for row in rows)
    known = zoo.architectures[config.architecture].record if config.architecture in zoo.architectures else None
    use = "made = gan.translate(images)" if known and known.translates else "images = gan.sample(16, seed=0)"
    code = [f"gan = ganzoo.load({json.dumps(name, ensure_ascii=False)})", use]
    return printable("\n".join([head or name, *(f"{row[0].ljust(width)}  {row[1]}" for row in rows), "", *code]))


def _differing(zoo: Zoo, config: ModelConfig) -> Mapping[str, Any]:
    """Return the hyper-parameters that are not the defaults, as far as the defaults are known."""
    if config.architecture not in zoo.architectures.names():
        return config.config
    defaults = config_to_dict(zoo.architectures[config.architecture].record.config())
    return {key: value for key, value in config.config.items() if value != defaults.get(key)}
