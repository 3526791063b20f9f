"""The engine's settings: declared once, for Python, the command line, the checks, model cards and the docs.

A field's `Meta` holds its bounds, its description (the help of its option), and in ``extra``:

- ``section``: the heading in the help of ``ganzoo train``;
- ``metavar``, ``flags``: the placeholder of the option's value, and further spellings of the option;
- ``count``: a number of images, which may be written 300k;
- ``off``: the words ``none`` and ``0`` on the command line switch it off;
- ``card``: a model card shows it ``"always"``, or when it is ``"changed"`` from its default;
- ``resume``: a resumed run may change it ``"freely"``, ``"never"``, or where the ``"samples"`` that it names stay the
  same; others need an override.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_type_hints

from msgspec import Meta

from ganzoo.errors import ConfigError
from ganzoo.registry.hyperparameters import make_config

DATA, UPDATES, INPUTS, MACHINE = "Data", "Updates", "Inputs of the discriminator", "Machine"
MEASURING, OUTPUT = "Measuring", "Reports and checkpoints"
SECTIONS = (DATA, UPDATES, INPUTS, MACHINE, MEASURING, OUTPUT)


def _meta(description: str, *, ge: int | None = None, le: int | None = None, **extra: Any) -> Meta:
    return Meta(description=description, ge=ge, le=le, extra=extra)


def _every(what: str, section: str) -> Meta:
    return _meta(f"Images between two {what}.", ge=1, section=section, metavar="IMAGES", count=True, resume="freely")


@dataclass(frozen=True)
class Settings:
    """The engine's settings; `read_settings` makes checked ones.

    Raises:
        ConfigError: settings that do not go together.
    """

    data: Annotated[str, _meta("Data set, folder or file, see `ganzoo.data.open_data`.", resume="samples")]
    images: Annotated[int, _meta("Real images to sample in all, over all processes.", ge=1, resume="freely")]
    split: Annotated[str, _meta("Split of a data set that has several.", resume="samples")] = "train"
    fit: Annotated[
        Literal["crop", "pad", "stretch"],
        _meta("How images of other proportions are brought to the model's size.", section=DATA, card="changed"),
    ] = "crop"
    background: Annotated[
        str,
        _meta(
            "Of transparent and padded images: white, black or #rrggbb.",
            section=DATA, metavar="COLOUR", card="changed",
        ),
    ] = "white"  # fmt: skip
    skip_unreadable: Annotated[
        bool, _meta("Leave out files that cannot be read, in place of an error that names them.", section=DATA)
    ] = False
    cache: Annotated[
        Literal["auto", "decoded", "encoded"],
        _meta("How samples are cached; auto keeps those of more than 8 GiB encoded.", section=DATA, resume="freely"),
    ] = "auto"
    balance: Annotated[bool, _meta("Sample every class equally often.", section=DATA, card="changed")] = False
    batch_size: Annotated[int, _meta("Images per update.", ge=1, section=UPDATES, card="always")] = 64
    accumulate: Annotated[
        int,
        _meta(
            "Compute each batch in N parts before its one update: the memory of a smaller batch.",
            ge=1, section=UPDATES, metavar="N", card="changed",
        ),
    ] = 1  # fmt: skip
    seed: Annotated[int, _meta("Seed of the weights, the latents and the order of the data.", ge=0, le=2**31 - 1)] = 0
    precision: Annotated[
        Literal["auto", "bf16", "fp32"],
        _meta("auto is bf16 where the hardware computes in it.", section=MACHINE, card="always"),
    ] = "auto"
    device: Annotated[Literal["auto", "cpu"], _meta("auto is an accelerator where there is one.", section=MACHINE)] = (
        "auto"
    )
    optimizer: Annotated[
        str | None,
        _meta(
            "One of timm's, in place of the architecture's own.",
            section=UPDATES, metavar="NAME", resume="never", card="changed",
        ),
    ] = None  # fmt: skip
    schedule: Annotated[
        Literal["constant", "linear", "cosine", "tanh"],
        _meta("Schedule of the learning rates, which fall to zero at the end.", section=UPDATES, card="changed"),
    ] = "constant"
    warmup: Annotated[
        int,
        _meta(
            "Images over which the learning rates rise at the start.",
            ge=0, section=UPDATES, metavar="IMAGES", count=True, card="changed",
        ),
    ] = 0  # fmt: skip
    clip_grad: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        _meta(
            "Clip the gradient of each update; 0 switches it off.",
            section=UPDATES, metavar="LIMIT", off=True, card="changed",
        ),
    ] = None  # fmt: skip
    clip_mode: Annotated[
        Literal["norm", "value", "agc"],
        _meta("What is clipped: the norm, each value, or the norm in proportion to the weights'.", section=UPDATES),
    ] = "norm"
    l1: Annotated[
        float,
        _meta(
            "Weight of the L1 penalty: the sum of all absolute weights.",
            ge=0, section=UPDATES, metavar="WEIGHT", card="changed",
        ),
    ] = 0.0  # fmt: skip
    l2: Annotated[
        float,
        _meta(
            "Weight of the L2 penalty: half the sum of all squared weights.",
            ge=0, section=UPDATES, metavar="WEIGHT", card="changed",
        ),
    ] = 0.0  # fmt: skip
    augment: Annotated[
        str | None,
        _meta(
            "Some of color,translation,cutout,mirror (DiffAugment), or ada (adaptive; ada:no-mirror without flips, "
            "ada:upright without turns either), or none. For few images.",
            section=INPUTS, metavar="POLICY", off=True, card="changed",
        ),
    ] = None  # fmt: skip
    instance_noise: Annotated[
        float,
        _meta(
            "Standard deviation of noise on the images, which falls to zero.",
            ge=0, section=INPUTS, metavar="DEVIATION", card="changed",
        ),
    ] = 0.0  # fmt: skip
    sync_batch_norm: Annotated[bool, _meta("Batch norm over all processes.", section=MACHINE, card="changed")] = False
    report_every: Annotated[int, _every("lines of stats.jsonl", OUTPUT)] = 5_000
    preview_every: Annotated[int, _every("grids of samples", OUTPUT)] = 50_000
    checkpoint_every: Annotated[int, _every("checkpoints", OUTPUT)] = 100_000
    keep: Annotated[int, _meta("Checkpoints to keep.", ge=1, section=OUTPUT, resume="freely")] = 2
    metrics: Annotated[
        tuple[str, ...],
        _meta(
            "Measure during training, as in 'fd[pixels]@10k/test'; the best model by the first one is kept.",
            section=MEASURING, metavar="PROTOCOL", flags=("-m",), resume="freely",
        ),
    ] = ()  # fmt: skip
    eval_every: Annotated[int, _every("measurements", MEASURING)] = 100_000
    patience: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        _meta(
            "Stop after N measurements without a better one; 0 switches it off.",
            section=MEASURING, metavar="N", off=True, resume="freely",
        ),
    ] = None  # fmt: skip
    tracker: Annotated[
        str | None,
        _meta(
            "Also log to a tracker: tensorboard, or one of a plugin.", section=OUTPUT, metavar="NAME", resume="freely"
        ),
    ] = None
    start: Annotated[str | None, _meta("A pretrained model to fine-tune.", resume="never", card="changed")] = None
    on_nan: Annotated[
        Literal["stop", "skip", "rewind"],
        _meta(
            "When a loss is not finite: stop, skip updates whose gradient is not, or go back to the last checkpoint "
            "and continue with other random numbers.",
            section=MACHINE, resume="freely",
        ),
    ] = "stop"  # fmt: skip

    def __post_init__(self) -> None:
        if self.patience is not None and not self.metrics:
            raise ConfigError("patience counts measurements, and nothing is measured without metrics: name one")
        if self.warmup >= self.images:
            raise ConfigError(f"a warm-up of {self.warmup:,} images leaves nothing of {self.images:,} to train with")


class Setting(NamedTuple):
    """One of the engine's settings: its type, default (`MISSING` if it has none), bounds and description."""

    name: str
    type: Any
    default: Any
    meta: Meta

    @property
    def extra(self) -> Mapping[str, Any]:
        """What the module's docstring lists."""
        return self.meta.extra or {}


def declared_settings() -> Iterator[Setting]:
    """Yield the declaration of each of the engine's settings, in their order."""
    hints = get_type_hints(Settings, include_extras=True)
    for field in fields(Settings):
        kind, meta = get_args(hints[field.name])[:2]
        yield Setting(field.name, kind, field.default, meta)


def resumable(how: str) -> tuple[str, ...]:
    """Return the settings that a resumed run may change ``"freely"``, ``"never"``, or if the ``"samples"`` stay."""
    return tuple(setting.name for setting in declared_settings() if setting.extra.get("resume") == how)


def card_settings(training: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of a run's settings that its model card shows."""
    shown = {}
    for setting in declared_settings():
        value, when = training.get(setting.name), setting.extra.get("card")
        if value and (when == "always" or (when == "changed" and value != setting.default)):
            shown[setting.name] = value
    return shown


def read_settings(values: Mapping[str, Any]) -> Settings:
    """Return the settings with these values, each checked.

    Raises:
        ConfigError: a value of another type or out of its range; the text says which, and what is allowed.
    """
    made: Settings = make_config(Settings, values)
    return made
