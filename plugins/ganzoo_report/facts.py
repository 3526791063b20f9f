"""The content of a run's or a model's folder, read for its report: nothing is trained, generated or changed."""

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
from ganzoo.training.logs import SAMPLES, read_stats
from ganzoo.training.run_folder import BEST
from ganzoo.training.settings import Settings
from ganzoo_report.embedded import Frames, read_frames

_ALWAYS_SHOWN = ("data", "split", "images", "batch_size", "seed")
_MOST_IMAGES = 10**15  # larger numbers are those of a damaged file


@dataclass(frozen=True)
class Setting:
    """A hyper-parameter of the architecture or a setting of the training."""

    name: str
    value: Any
    default: Any = None
    changed: bool = False
    meaning: str = ""

    @property
    def shown(self) -> bool:
        """Whether it is worth showing at once."""
        return self.changed or self.name in _ALWAYS_SHOWN


@dataclass(frozen=True)
class Facts:
    """What is known about a run or a model.

    Args:
        name: of the folder.
        config: its ``config.json``.
        architecture: None where it is not installed.
        stats: the lines of ``stats.jsonl``, by images.
        frames: the previews.
        hyperparameters: of the architecture.
        settings: of the training; none for a published model.
        sizes: network to number of parameters; none where the architecture is not installed.
        best_folder: name of the subfolder with the best model by the first metric, if there is one.
    """

    name: str
    config: ModelConfig
    architecture: Architecture | None
    stats: Sequence[Mapping[str, Any]]
    frames: Frames
    hyperparameters: Sequence[Setting]
    settings: Sequence[Setting]
    sizes: Mapping[str, int]
    best_folder: str | None = None

    @property
    def data(self) -> str:
        """The public name of the training data, without the path of own images."""
        data = self.config.data
        return str(data.get("public") or data.get("name") or "unknown images")

    @property
    def classes(self) -> Sequence[Any]:
        """The class names of the training data."""
        classes = self.config.data.get("classes")
        return classes if isinstance(classes, list) else []

    @property
    def images(self) -> int | None:
        """Real images seen so far."""
        if self.stats:
            return int(self.stats[-1]["images"])
        return self.config.trained.images if self.config.trained else None

    @property
    def budget(self) -> int | None:
        """Real images that the run is to see."""
        value = self.config.training.get("images")
        return value if isinstance(value, int) and 0 < value < _MOST_IMAGES else None

    @property
    def progress(self) -> float:
        """The share of the budget that was seen; 1 where it is not known."""
        return self.images / self.budget if self.images is not None and self.budget else 1.0

    @property
    def seconds(self) -> float | None:
        """The duration of the training so far."""
        if self.stats:
            return float(self.stats[-1]["seconds"])
        trained = self.config.trained
        return None if trained is None or trained.minutes is None else trained.minutes * 60

    @property
    def rate(self) -> float | None:
        """Images per second, the median of the reports."""
        rates = [line["images/s"] for line in self.stats if _is_count(line.get("images/s"))]
        return median(rates) if rates else None

    @property
    def changes(self) -> list[Mapping[str, Any]]:
        """Settings that changed when the run was resumed: images, name, before, after."""
        changes = self.config.training.get("changes")
        return [
            change
            for change in (changes if isinstance(changes, list) else [])
            if isinstance(change, Mapping) and _is_count(change.get("images"))
        ]


def gather(run: Path, zoo: Zoo) -> Facts:
    """Read the folder of a model, or of a run, also of one in progress."""
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
        best_folder=BEST if (run / BEST / CONFIG).is_file() else None,
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
    meanings = {one.name: one.meaning for one in parameters(record.config)}
    defaults = config_to_dict(record.config())
    values = {**defaults, **config.config}  # a model of the zoo stores only what differs
    return [
        Setting(name, value, defaults[name], value != defaults[name], meanings[name])
        if name in meanings
        else Setting(name, value)
        for name, value in values.items()
    ]


def _settings(config: ModelConfig) -> list[Setting]:
    """Return the settings of the training, without the paths of own images or models."""
    # through a list, as JSON has no tuples
    defaults = {
        one.name: list(one.default) if isinstance(one.default, tuple) else one.default
        for one in fields(Settings)
        if one.default is not MISSING
    }
    start = config.training.get("start")
    folder = Path(start).name if isinstance(start, str) and not start.startswith("hf:") else None
    public = {"data": config.data.get("public"), "start": folder}
    return [
        Setting(name, public.get(name) or value, defaults.get(name), name in defaults and value != defaults[name])
        for name, value in config.training.items()
        if name != "changes"
    ]


def _sizes(config: ModelConfig, zoo: Zoo) -> dict[str, int]:
    """Return the number of parameters of each network, without allocating them."""
    try:
        with torch.device("meta"):
            gan = build_for(zoo, config, config.architecture)
    except (GanzooError, RuntimeError, NotImplementedError, TypeError, ValueError):
        return {}  # it computes with values while it is built, or is of another version
    sizes = {name: sum(p.numel() for p in network.parameters()) for name, network in gan.named_children()}
    return {name: size for name, size in sizes.items() if size}
