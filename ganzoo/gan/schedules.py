"""Factors on the learning rate as functions of progress, for `GAN.lr_scale`."""

from __future__ import annotations

from collections.abc import Callable

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
