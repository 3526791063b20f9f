"""The engine's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ganzoo.errors import ConfigError, did_you_mean

_CHOICES = {
    "precision": ("auto", "bf16", "fp32"),
    "device": ("auto", "cpu"),
    "on_nan": ("stop", "skip", "rewind"),
    "clip_mode": ("norm", "value", "agc"),
    "schedule": ("constant", "linear", "cosine", "tanh"),
}
_AT_LEAST_ONE = (
    "images", "batch_size", "accumulate", "report_every", "preview_every", "checkpoint_every", "keep", "eval_every",
)  # fmt: skip
_NOT_NEGATIVE = ("warmup", "l1", "l2", "instance_noise")


@dataclass(frozen=True)
class Settings:
    """The engine's settings: where a run's images come from, how long it is, what steadies it, and what it tells.

    Args:
        data: what `ganzoo.data.open_data` takes.
        images: the budget: real images drawn, over all processes.
        split: of the data.
        balance: draw every class equally often, however many images it has.
        batch_size: images per update, over all processes.
        accumulate: parts that each batch is computed in, one after the other, before its one update.
        seed: of the weights, the latents and the order of the data.
        precision: ``"bf16"``, ``"fp32"``, or ``"auto"`` for bf16 where the hardware computes in it.
        device: ``"auto"`` or ``"cpu"``.
        optimizer: a name of timm's that replaces the architecture's own optimizers, at their learning rates.
        schedule: ``"constant"``, ``"linear"``, ``"cosine"`` or ``"tanh"``, all but the first down to zero at the end
            of the budget; a factor on the learning rates beside the architecture's own.
        warmup: images in which the learning rates rise linearly from zero (Goyal 2017, section 2.2).
        clip_grad: limit on each update's gradient; None sets none.
        clip_mode: what is limited: the ``"norm"`` of the gradient (Pascanu 2013, section 3.2), each ``"value"``, or
            the norm in proportion to that of the weights, ``"agc"`` (Brock 2021, equation 3).
        l1: weight of the sum of all absolute weights in the loss of each optimizer; not of biases and norms.
        l2: weight of half the sum of all squared weights, likewise.
        augment: what is done to every image before a discriminator sees it: words of `ganzoo.gan.augment` with commas
            between (``"color,translation,cutout"``), or ``"ada"`` for an adaptive strength.
        instance_noise: deviation of the noise added to every image before a discriminator sees it, which falls
            linearly to zero at the end of the budget (Arjovsky 2017b, section 3; Sonderby 2017, section 2.3).
        sync_batch_norm: batch norm takes the statistics of the batch over all processes.
        report_every: images between two lines of ``stats.jsonl``.
        preview_every: images between two grids of samples.
        checkpoint_every: images between two checkpoints.
        keep: checkpoints that are kept.
        metrics: protocols that the averaged generator is measured by as it is trained; the best by the first is kept.
        eval_every: images between two measurements.
        patience: measurements without a better value by the first metric after which the training ends; None for none.
        tracker: ``"tensorboard"``, one that a plugin provides, or None.
        start: a pretrained model that the training goes on from: what `ganzoo.load` takes.
        on_nan: when a loss is not finite, ``"stop"``, ``"skip"`` updates whose gradient is not, or ``"rewind"`` to the
            last checkpoint and go on with other random numbers.

    Raises:
        ConfigError: a value that is none of these, or out of its range.
    """

    data: str
    images: int
    split: str = "train"
    balance: bool = False
    batch_size: int = 64
    accumulate: int = 1
    seed: int = 0
    precision: str = "auto"
    device: str = "auto"
    optimizer: str | None = None
    schedule: str = "constant"
    warmup: int = 0
    clip_grad: float | None = None
    clip_mode: str = "norm"
    l1: float = 0.0
    l2: float = 0.0
    augment: str | None = None
    instance_noise: float = 0.0
    sync_batch_norm: bool = False
    report_every: int = 5_000
    preview_every: int = 50_000
    checkpoint_every: int = 100_000
    keep: int = 2
    metrics: tuple[str, ...] = ()
    eval_every: int = 100_000
    patience: int | None = None
    tracker: str | None = None
    start: str | None = None
    on_nan: str = "stop"

    def __post_init__(self) -> None:
        for name in _AT_LEAST_ONE:
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, not {getattr(self, name)}")
        for name in _NOT_NEGATIVE:
            if not 0 <= getattr(self, name) < float("inf"):
                raise ConfigError(f"{name} must be a number of at least 0, not {getattr(self, name)}")
        for name, known in _CHOICES.items():
            value = getattr(self, name)
            if value not in known:
                meant = did_you_mean(str(value), known)
                raise ConfigError(f"{name} must be {', '.join(known[:-1])} or {known[-1]}, not '{value}'.{meant}")
        if self.clip_grad is not None and not 0 < self.clip_grad < float("inf"):
            raise ConfigError(f"clip_grad must be a number above 0, not {self.clip_grad}")
        if self.patience is not None and (self.patience < 1 or not self.metrics):
            raise ConfigError("patience is a number of measurements, at least 1: say by which metrics")
        if self.warmup >= self.images:
            raise ConfigError(f"a warm-up of {self.warmup:,} images leaves nothing of {self.images:,} to train with")
        if not 0 <= self.seed < 2**31:
            raise ConfigError(f"seed must be in 0 ... 2**31 - 1, not {self.seed}")


def read_settings(values: Mapping[str, Any]) -> Settings:
    """Return the settings of these values, each of its own type, so that a run can be gone on with.

    Raises:
        ConfigError: one is of another type, or out of its range.
    """
    try:
        return msgspec.convert(dict(values), Settings)
    except msgspec.ValidationError as error:
        what, at, path = str(error).rpartition(" - at `$.")
        raise ConfigError(f"{path.rstrip('`')}: {what}" if at else str(error)) from error
