"""The engine's settings: declared once, for Python, the command line, the checks, model cards and the docs.

A field's `Meta` holds its bounds, its description (the help of its option), and in ``extra``:

- ``section``: the heading in the help of ``ganzoo train``;
- ``metavar``, ``flags``: the placeholder of the option's value, and further spellings of the option;
- ``count``: a number of images, which may be written 300k;
- ``off``: the words ``none`` and ``0`` on the command line switch it off;
- ``card``: a model card shows it ``"always"``, or when it is ``"changed"`` from its default;
- ``resume``: a resumed run may change it ``"freely"``, or ``"never"``; others need an override.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_type_hints

from msgspec import Meta

from ganzoo.errors import ConfigError
from ganzoo.registry.hyperparameters import make_config

UPDATES, INPUTS, MACHINE = "Updates", "Inputs of the discriminator", "Machine"
MEASURING, OUTPUT = "Measuring", "Reports and checkpoints"
SECTIONS = (UPDATES, INPUTS, MACHINE, MEASURING, OUTPUT)
_CHANGED = {"card": "changed"}
_OUTPUT = {"section": OUTPUT, "resume": "freely"}
_EVERY = {"count": True, "metavar": "IMAGES", "resume": "freely"}
_WEIGHT = {"section": UPDATES, "metavar": "WEIGHT", **_CHANGED}


@dataclass(frozen=True)
class Settings:
    """The engine's settings; `read_settings` makes checked ones.

    Raises:
        ConfigError: settings that do not go together.
    """

    data: Annotated[
        str, Meta(description="Data set, folder or file, see `ganzoo.data.open_data`.", extra={"resume": "never"})
    ]
    images: Annotated[
        int,
        Meta(ge=1, description="Real images to sample in all, over all processes.", extra={"resume": "freely"}),
    ]
    split: Annotated[str, Meta(description="Split of a data set that has several.", extra={"resume": "never"})] = (
        "train"
    )
    balance: Annotated[
        bool, Meta(description="Sample every class equally often.", extra={"section": INPUTS, **_CHANGED})
    ] = False
    batch_size: Annotated[
        int, Meta(ge=1, description="Images per update.", extra={"section": UPDATES, "card": "always"})
    ] = 64
    accumulate: Annotated[
        int,
        Meta(
            ge=1,
            description="Compute each batch in N parts before its one update: the memory of a smaller batch.",
            extra={"section": UPDATES, "metavar": "N", **_CHANGED},
        ),
    ] = 1
    seed: Annotated[
        int, Meta(ge=0, le=2**31 - 1, description="Seed of the weights, the latents and the order of the data.")
    ] = 0
    precision: Annotated[
        Literal["auto", "bf16", "fp32"],
        Meta(
            description="auto is bf16 where the hardware computes in it.", extra={"section": MACHINE, "card": "always"}
        ),
    ] = "auto"
    device: Annotated[
        Literal["auto", "cpu"],
        Meta(description="auto is an accelerator where there is one.", extra={"section": MACHINE}),
    ] = "auto"
    optimizer: Annotated[
        str | None,
        Meta(
            description="One of timm's, in place of the architecture's own.",
            extra={"section": UPDATES, "metavar": "NAME", "resume": "never", **_CHANGED},
        ),
    ] = None
    schedule: Annotated[
        Literal["constant", "linear", "cosine", "tanh"],
        Meta(
            description="Schedule of the learning rates, which fall to zero at the end.",
            extra={"section": UPDATES, **_CHANGED},
        ),
    ] = "constant"
    warmup: Annotated[
        int,
        Meta(
            ge=0,
            description="Images over which the learning rates rise at the start.",
            extra={"section": UPDATES, "count": True, "metavar": "IMAGES", **_CHANGED},
        ),
    ] = 0
    clip_grad: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(
            description="Clip the gradient of each update; 0 switches it off.",
            extra={"section": UPDATES, "metavar": "LIMIT", "off": True, **_CHANGED},
        ),
    ] = None
    clip_mode: Annotated[
        Literal["norm", "value", "agc"],
        Meta(
            description="What is clipped: the norm, each value, or the norm in proportion to the weights'.",
            extra={"section": UPDATES},
        ),
    ] = "norm"
    l1: Annotated[
        float, Meta(ge=0, description="Weight of the L1 penalty: the sum of all absolute weights.", extra=_WEIGHT)
    ] = 0.0
    l2: Annotated[
        float, Meta(ge=0, description="Weight of the L2 penalty: half the sum of all squared weights.", extra=_WEIGHT)
    ] = 0.0
    augment: Annotated[
        str | None,
        Meta(
            description="color,translation,cutout or some of these (DiffAugment), ada (adaptive) or none. For few "
            "images.",
            extra={"section": INPUTS, "metavar": "POLICY", "off": True, **_CHANGED},
        ),
    ] = None
    instance_noise: Annotated[
        float,
        Meta(
            ge=0,
            description="Standard deviation of noise on the images, which falls to zero.",
            extra={"section": INPUTS, "metavar": "DEVIATION", **_CHANGED},
        ),
    ] = 0.0
    sync_batch_norm: Annotated[
        bool, Meta(description="Batch norm over all processes.", extra={"section": MACHINE, **_CHANGED})
    ] = False
    report_every: Annotated[
        int, Meta(ge=1, description="Images between two lines of stats.jsonl.", extra={**_EVERY, "section": OUTPUT})
    ] = 5_000
    preview_every: Annotated[
        int, Meta(ge=1, description="Images between two grids of samples.", extra={**_EVERY, "section": OUTPUT})
    ] = 50_000
    checkpoint_every: Annotated[
        int, Meta(ge=1, description="Images between two checkpoints.", extra={**_EVERY, "section": OUTPUT})
    ] = 100_000
    keep: Annotated[int, Meta(ge=1, description="Checkpoints to keep.", extra=_OUTPUT)] = 2
    metrics: Annotated[
        tuple[str, ...],
        Meta(
            description="Measure during training, as in 'fd[pixels]@10k/test'; the best model by the first one is "
            "kept.",
            extra={"section": MEASURING, "metavar": "PROTOCOL", "flags": ("-m",), "resume": "freely"},
        ),
    ] = ()
    eval_every: Annotated[
        int, Meta(ge=1, description="Images between two measurements.", extra={**_EVERY, "section": MEASURING})
    ] = 100_000
    patience: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(
            description="Stop after N measurements without a better one; 0 switches it off.",
            extra={"section": MEASURING, "metavar": "N", "off": True, "resume": "freely"},
        ),
    ] = None
    tracker: Annotated[
        str | None,
        Meta(
            description="Also log to a tracker: tensorboard, or one of a plugin.", extra={**_OUTPUT, "metavar": "NAME"}
        ),
    ] = None
    start: Annotated[
        str | None,
        Meta(description="A pretrained model to fine-tune.", extra={"resume": "never", **_CHANGED}),
    ] = None
    on_nan: Annotated[
        Literal["stop", "skip", "rewind"],
        Meta(
            description="When a loss is not finite: stop, skip updates whose gradient is not, or go back to the last "
            "checkpoint and continue with other random numbers.",
            extra={"section": MACHINE, "resume": "freely"},
        ),
    ] = "stop"

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
    """Return the settings that a resumed run may change ``"freely"`` or ``"never"``."""
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
