"""The records that plugins return from hooks: frozen `msgspec.Struct` types, which are quick to define; no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import NODEFAULT, Meta, Struct, field

__all__ = [
    "AdversarialLoss", "Architecture", "Command", "Config", "Dataset", "Extractor", "MediumRecord", "Meta",
    "Metric", "Repeat", "Score", "Tracker", "Trained", "Weights", "WeightsFile",
]  # fmt: skip

API = 1
"""The current version of the plugin interface."""
OLDEST_API = 1
"""The oldest version that is still supported."""

Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Commit = Annotated[str, Meta(pattern="^[0-9a-f]{40}$")]


def is_name(word: object) -> bool:
    """Whether a string is a valid record name: printable, without spaces and the separators of other syntax."""
    return isinstance(word, str) and bool(word) and word.isprintable() and not set(word) & set(" :/\\@[],#")


class Config(Struct, frozen=True, kw_only=True):
    """The base class of an architecture's hyper-parameters: annotated fields, each with a default; frozen.

    A frozen dataclass works too, but defining one takes longer than everything else in a light module, and every
    command defines the configs of all plugins.
    """


def field_names(kind: type[Any]) -> tuple[str, ...]:
    """Return the names of a config's fields, in order."""
    return kind.__struct_fields__ if issubclass(kind, Struct) else tuple(kind.__dataclass_fields__)


def wrong_with(kind: object) -> str | None:
    """Return why a type cannot be an architecture's config, or None."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        frozen, defaults = kind.__struct_config__.frozen, (*kind.__struct_defaults__,)
        without = [name for name, value in zip(kind.__struct_fields__, defaults, strict=False) if value is NODEFAULT]
    elif isinstance(kind, type) and hasattr(kind, "__dataclass_fields__"):
        from dataclasses import MISSING

        frozen = kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
        fields = kind.__dataclass_fields__.values()
        without = [f.name for f in fields if f.default is MISSING and f.default_factory is MISSING]
    else:
        frozen, without = False, []
    if not frozen:
        return "must be a frozen dataclass or ganzoo.registry.Config"
    return f"gives no default for {', '.join(without)}" if without else None


class Record(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the records of plugins have in common.

    Args:
        name: what a user types.
        target: ``"package.module:Object"``, imported on first use, so it may need torch.
        summary: one line that says what it is.
    """

    name: str
    target: str
    summary: str


class Architecture(Record, frozen=True, kw_only=True):
    """A kind of GAN that can be created and trained; ``target`` is a `ganzoo.gan.GAN`, called with a ``config``.

    Args:
        config: a subclass of `Config`, or a frozen dataclass, with a default for every field: the hyper-parameters. Its
            module must not import torch. Fields named ``image_size``, ``channels`` and ``classes`` take their values
            from the data.
        paper: a reference, for instance ``"Radford et al. 2015, arXiv:1511.06434"``.
        translates: it is image-to-image (`ganzoo translate`): its input is an image, not a seed.
        api: the version of the plugin interface that the plugin was written for.
        renamed: its earlier names, each with the version of the package that will drop it; until then it works, with
            a warning.
    """

    config: type[Any]
    paper: str | None = None
    translates: bool = False
    api: int = API
    renamed: Mapping[str, str] = field(default_factory=dict)


class Dataset(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An image data set of the Hugging Face Hub with a short name.

    Args:
        name: what a user types, for instance ``"mnist"``.
        repo: the Hub's ``owner/name``.
        summary: one line: the subject, the number of images, their size.
        image_column: the column that holds the encoded image.
        label_column: the column that holds the class index, or None for an unlabelled set.
        subset: the Hub's configuration name, where the set has several.
        license: the licence that its owner states.
    """

    name: str
    repo: str
    summary: str
    image_column: str = "image"
    label_column: str | None = "label"
    subset: str | None = None
    license: str | None = None


class MediumRecord(Record, frozen=True, kw_only=True):
    """A kind of sample; ``target`` is a `ganzoo.media.base.Medium`, called without arguments.

    Args:
        suffixes: of the files that are read, in lower case with their dots.
    """

    suffixes: tuple[str, ...]


class Command(Record, frozen=True, kw_only=True):
    """A command, ``ganzoo NAME``, unless a built-in one has the name; ``target`` is a `click.Command`.

    Args:
        after: the command that it follows in ``ganzoo --help``; by default it comes after all of ganzoo's own.
    """

    after: str | None = None


class Tracker(Record, frozen=True, kw_only=True):
    """An experiment tracker that a training logs to, beside ``stats.jsonl``: ``ganzoo train --tracker NAME``.

    ``target`` is an `accelerate.tracking.GeneralTracker`, called with the run's folder (a str); its
    ``log(values, step)`` gets the mean of every loss term, the learning rates and images/s at each report.
    """


class AdversarialLoss(Record, frozen=True, kw_only=True):
    """An adversarial loss, unless a built-in one has the name: ``-o loss=NAME``; ``target`` is a `ganzoo.gan.Loss`.

    Args:
        paper: a reference.
    """

    paper: str | None = None


class Metric(Record, frozen=True, kw_only=True):
    """A metric of generated images, usually against real ones: ``ganzoo eval MODEL -m 'NAME[...]@10k/test'``.

    ``target`` is called without arguments for each measurement; see `ganzoo.metrics.Measure`.

    Args:
        better: whether a lower or a higher value is better.
        extractor: the only feature extractor that the metric is defined for, as Inception is for FID; a protocol may
            then omit it.
    """

    better: Literal["lower", "higher"]
    extractor: str | None = None


class Extractor(Record, frozen=True, kw_only=True):
    """A feature extractor: maps images to the features that metrics are computed on.

    ``target`` is called with the words of ``NAME:WORD,WORD`` and returns a `torch.nn.Module`, see
    `ganzoo.metrics.Features`.
    """


class WeightsFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The location of a safetensors file: beside registry.yaml (``file`` alone), or at a commit of a Hub repository."""

    file: str
    sha256: Sha256
    bytes: Annotated[int, Meta(ge=1)]
    repo: str | None = None
    revision: Commit | None = None


class Trained(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The training that produced the weights."""

    images: Annotated[int, Meta(ge=0)]
    seed: int
    ganzoo: str
    plugin: str
    minutes: float | None = None
    command: str | None = None


def _refuse_non_finite(*values: float) -> None:
    for value in values:
        if not math.isfinite(value):
            raise ValueError(f"a metric gives a number, not {value}")


class Repeat(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The scores of one training run: of its best weights (by its first metric) and of its last ones."""

    seed: int
    best: float
    last: float

    def __post_init__(self) -> None:
        _refuse_non_finite(self.best, self.last)


class Score(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The value of a metric with its protocol; only values of the same protocol can be compared.

    Args:
        name: of the metric.
        protocol: `ganzoo.metrics.Protocol` as text.
        data: public name of the real images that generated ones were compared with; None without any.
        weights: SHA-256 of the weights of the extractor; None for one without any.
        runs: the same measurement of this training repeated with several seeds, this run included.
    """

    name: str
    value: float
    protocol: str
    data: str | None = None
    weights: str | None = None
    runs: tuple[Repeat, ...] = ()

    def __post_init__(self) -> None:
        _refuse_non_finite(self.value)


class Weights(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pretrained model. ``config`` holds only what differs from the architecture's defaults.

    ``classes`` are the names of its labels, 0, 1, ..., where it has any.
    """

    name: str
    architecture: str
    weights: WeightsFile
    data: str
    license: str
    trained: Trained
    digest: str
    config: Mapping[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    metrics: tuple[Score, ...] = ()
    summary: str | None = None
    root: str = ""
    """The folder that ``weights.file`` is relative to; set when the entry is read."""
