"""What the command line shows of a run's or a model's folder, from its files alone: ``ganzoo show runs/digits``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import click

from ganzoo.cli.model_rows import card, model_rows
from ganzoo.cli.options import dump, size_text
from ganzoo.errors import WeightsError
from ganzoo.models.config import CONFIG, ModelConfig, read_config
from ganzoo.registry import Trained, Zoo

_WEIGHTS, _STATS = "model.safetensors", "stats.jsonl"
_LARGEST_HEADER = 10**8
_DAMAGE = (OSError, ValueError, LookupError, TypeError, OverflowError, RecursionError)
"""What reading a file may raise that is not there yet, was cut short, or is somebody else's."""


def is_folder(name: str) -> bool:
    """Whether a name is that of a folder."""
    try:
        return bool(name) and Path(name).is_dir()
    except (OSError, ValueError):  # a name that no file system can hold
        return False


def show_folder(zoo: Zoo, name: str, *, as_json: bool) -> None:
    """Print what a folder says of its model; its networks are not made.

    Raises:
        WeightsError: it is no run or model folder, or its ``config.json`` is damaged.
    """
    folder = Path(name)
    if not (folder / CONFIG).exists():
        raise WeightsError(f"{folder} is no run or model folder: it has no {CONFIG}")
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
    if config.trained is None:  # a run says so only of its best
        config = replace(config, trained=_trained(folder, config))
    click.echo(card(zoo, config, name, model_rows(zoo, config, where)))


def _trained(folder: Path, config: ModelConfig) -> Trained | None:
    """Return how a run's weights came to be; None of a run without any."""
    images, seed = _images(folder / _WEIGHTS), config.training.get("seed")
    if images is None:
        return None
    return Trained(
        images=images,
        seed=seed if isinstance(seed, int) else 0,
        ganzoo=config.ganzoo,
        plugin=f"{config.plugin} {config.plugin_version}",
        minutes=_minutes(folder / _STATS, images),
    )


def _images(weights: Path) -> int | None:
    """Return the images that the header of a file of weights says."""
    try:
        with weights.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(size)) if size < _LARGEST_HEADER else {}
        return int(header["__metadata__"]["images"])
    except _DAMAGE:
        return None


def _minutes(stats: Path, images: int) -> float | None:
    """Return how long a run took for its first ``images``, if it says so."""
    seconds = 0.0
    try:
        for line in stats.read_text(encoding="utf-8").splitlines():
            one = json.loads(line)
            seconds = float(one["seconds"]) if one["images"] <= images else seconds
    except _DAMAGE:
        pass
    return round(seconds / 60, 1) or None
