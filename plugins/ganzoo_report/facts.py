"""The contents of a run's folder, read for its report: nothing is trained, generated or changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from statistics import median
from typing import Any

import torch

from ganzoo.errors import GanzooError, RunError
from ganzoo.models.config import CONFIG, ModelConfig, find_architecture, read_config
from ganzoo.models.create import build_for
from ganzoo.registry import Architecture, Zoo
from ganzoo.registry.hyperparameters import config_to_dict, parameters
from ganzoo.training.evaluation import BEST
from ganzoo.training.logs import SAMPLES, read_stats
from ganzoo.training.settings import Settings
from ganzoo_report.embedded import Frames, read_frames

_MOST_IMAGES = 10**15  # beyond these a number of the file is damaged


@dataclass(frozen=True)
class Setting:
    """A hyper-parameter or a setting of the engine.

    Args:
        name: as it is called.
        value: of this run.
        default: without it; None where it is not known.
        changed: whether they differ.
        meaning: in a few words.
    """

    name: str
    value: Any
    default: Any = None
    changed: bool = False
    meaning: str = ""


@dataclass(frozen=True)
class Facts:
    """What is known of a run or a model folder.

    Args:
        name: of the folder.
        config: what its ``config.json`` says.
        architecture: its record, or None where it is not installed.
        stats: the lines of ``stats.jsonl``, by images.
        frames: the previews.
        hyperparameters: of the architecture.
        settings: of the engine; empty for a published model.
        sizes: network to number of parameters; empty where the architecture is not installed.
        has_best: whether its best model by the first metric is kept in it.
    """

    name: str
    config: ModelConfig
    architecture: Architecture | None
    stats: Sequence[Mapping[str, Any]]
    frames: Frames
    hyperparameters: Sequence[Setting]
    settings: Sequence[Setting]
    sizes: Mapping[str, int]
    has_best: bool = False

    @property
    def data(self) -> str:
        """What it was trained on, for everybody: not where somebody's own images lie."""
        data = self.config.data
        return str(data.get("public") or data.get("name") or "unknown images")

    @property
    def images(self) -> int | None:
        """Real images seen so far."""
        if self.stats:
            return int(self.stats[-1]["images"])
        return self.config.trained.images if self.config.trained else None

    @property
    def budget(self) -> int | None:
        """Real images that it is to have."""
        value = self.config.training.get("images")
        return value if isinstance(value, int) and 0 < value < _MOST_IMAGES else None

    @property
    def seconds(self) -> float | None:
        """How long it took so far."""
        return float(self.stats[-1]["seconds"]) if self.stats else None

    @property
    def rate(self) -> float | None:
        """Images per second: the median of the reports."""
        rates = [line["images/s"] for line in self.stats if _is_count(line.get("images/s"))]
        return median(rates) if rates else None

    @property
    def changes(self) -> list[Mapping[str, Any]]:
        """What was otherwise when the run went on, see `Plan`."""
        told = self.config.training.get("changes")
        told = told if isinstance(told, list) else []
        return [one for one in told if isinstance(one, Mapping) and _is_count(one.get("images"))]


def gather(run: Path, zoo: Zoo) -> Facts:
    """Read what a run's or a model's folder says; of a run in progress, what is there.

    Raises:
        RunError: it is no such folder.
        WeightsError: its ``config.json`` is damaged.
    """
    if not run.is_dir():
        raise RunError(f"there is no folder {run}: name that of a run, or of a model")
    if not (run / CONFIG).is_file():
        raise RunError(f"{run} is no run or model folder: it has no {CONFIG}")
    config = read_config(run)
    owned = find_architecture(zoo, config.architecture, config.plugin)
    record = owned.record if owned else None
    stats = [line for line in read_stats(run) if _is_count(line["images"]) and _is_count(line["seconds"])]
    return Facts(
        name=run.resolve().name,
        config=config,
        architecture=record,
        stats=sorted(stats, key=lambda line: line["images"]),
        frames=_frames(run),
        hyperparameters=_hyperparameters(config, record),
        settings=_settings(config),
        sizes=_sizes(config, zoo) if owned else {},
        has_best=(run / BEST / CONFIG).is_file(),
    )


def _is_count(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 <= value < _MOST_IMAGES  # which NaN is not


def _frames(run: Path) -> Frames:
    """Return the previews; of a folder without any, the picture of its samples."""
    paths = sorted(path for path in (run / SAMPLES).glob("*.png") if path.stem.isdecimal() and path.is_file())
    last = run / "samples.png"
    return read_frames(paths or ([last] if last.is_file() else []))


def _hyperparameters(config: ModelConfig, record: Architecture | None) -> list[Setting]:
    if record is None:
        return [Setting(name, value) for name, value in config.config.items()]
    known = {one.name: one for one in parameters(record.config)}
    plain = config_to_dict(record.config())
    values = {**plain, **config.config}  # a model of the zoo says only what differs
    return [
        Setting(name, value, plain[name], value != plain[name], known[name].meaning)
        if name in known
        else Setting(name, value)
        for name, value in values.items()
    ]


def _settings(config: ModelConfig) -> list[Setting]:
    """Return the engine's settings, without where somebody's own images or models lie."""
    defaults = {one.name: _as_json(one.default) for one in fields(Settings)}
    required = {one.name for one in fields(Settings) if one.default is MISSING}
    public = {"data": config.data.get("public"), "start": _place(config.training.get("start"))}
    settings = []
    for name, written in config.training.items():
        if name == "changes":
            continue
        value = public[name] if public.get(name) else written
        settings.append(
            Setting(
                name, value, defaults.get(name), name in defaults and name not in required and written != defaults[name]
            )
        )
    return settings


def _as_json(default: Any) -> Any:
    """Return a default as ``config.json`` has it."""
    return None if default is MISSING else list(default) if isinstance(default, tuple) else default


def _place(start: Any) -> str | None:
    """Return the name of a model that a training went on from: of a folder its last part."""
    if not isinstance(start, str):
        return None
    return start if start.startswith("hf:") else Path(start).name


def _sizes(config: ModelConfig, zoo: Zoo) -> dict[str, int]:
    """Return the parameters of each network, which are not made for it."""
    try:
        with torch.device("meta"):
            gan = build_for(zoo, config, config.architecture)
    except (GanzooError, RuntimeError, NotImplementedError, TypeError, ValueError):
        return {}  # its networks compute while they are made, or it is of another version: then so be it
    sizes = {name: sum(p.numel() for p in network.parameters()) for name, network in gan.named_children()}
    return {name: size for name, size in sizes.items() if size}
