"""Factors on the learning rate: of the progress for `GAN.lr_scale`, of the images seen for the engine (timm's)."""

from __future__ import annotations

from collections.abc import Callable

import torch

Schedule = Callable[[float], float]
"""Progress in [0, 1) to a factor on the learning rate."""


def constant(progress: float) -> float:
    """Return 1."""
    return 1.0


def decay_to_zero(share: float) -> Schedule:
    """Return a schedule that holds 1, then falls linearly to zero over the last ``share`` of the training."""

    def schedule(progress: float) -> float:
        return 1.0 if progress <= 1 - share else (1 - progress) / share

    return schedule


def lr_schedule(name: str, images: int, warmup: int = 0) -> Callable[[int], float]:
    """Return a function from the images seen so far to a factor on the learning rates.

    Args:
        name: ``"constant"``, ``"linear"``, ``"cosine"`` (Loshchilov 2017, equation 5) or ``"tanh"``; all but the first
            fall from 1 to 0.
        images: where it ends, the warm-up included.
        warmup: images in which it rises linearly from 0 to 1.
    """
    if name == "constant" and not warmup:
        return lambda seen: 1.0
    from timm.scheduler import create_scheduler_v2  # type: ignore[attr-defined]  # takes seconds to import

    unit = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    made, _ = create_scheduler_v2(
        unit, sched={"linear": "poly"}.get(name, name), decay_rate=1.0, num_epochs=images - warmup,
        warmup_epochs=warmup, warmup_lr=0.0, warmup_prefix=True, step_on_epochs=False, updates_per_epoch=1,
    )  # fmt: skip
    assert made is not None  # noqa: S101 - only "none" makes none

    def factor(seen: int) -> float:
        made.step_update(seen)
        return float(unit.param_groups[0]["lr"])

    return factor
