"""Latents and conditions: seeded normal values, truncation, interpolation, and the values that a caller passes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganzoo.errors import ConfigError


def seeded_normal(seeds: Sequence[int], *shape: int) -> Tensor:
    """Return ``(len(seeds), *shape)`` from N(0, 1), on the CPU; row i depends on ``seeds[i]`` alone."""
    rows = torch.empty(len(seeds), *shape)
    generator = torch.Generator()
    with torch.no_grad():
        for row, seed in zip(rows, seeds, strict=True):
            row.normal_(generator=generator.manual_seed(seed))
    return rows


def truncate(normal: Tensor, limit: Sequence[float] | float | None) -> Tensor:
    """Map N(0, 1) (N, ...) to the normal distribution cut at ``+-limit``, by matching quantiles; None changes nothing.

    Raises:
        ConfigError: ``limit`` is not above 0, or neither one number nor N.
    """
    if limit is None:
        return normal
    cut = condition_values("truncation", limit, len(normal)).view(-1, *[1] * (normal.ndim - 1))
    if not bool((cut > 0).all()):
        raise ConfigError(f"truncation must be above 0, not {float(cut.min()):g}")
    share = torch.special.erf(cut / math.sqrt(2))  # of N(0, 1) within the limit
    quantile = torch.special.erf(normal.double() / math.sqrt(2)) * share
    return (torch.erfinv(quantile) * math.sqrt(2)).clamp(-cut, cut).to(normal.dtype)


def lerp(a: Tensor, b: Tensor, share: Tensor) -> Tensor:
    """Interpolate linearly: the points at ``share`` (K,) of the line from ``a`` to ``b``, stacked (K, ...)."""
    return torch.lerp(a, b, share.view(-1, *[1] * a.dim()))


def slerp(a: Tensor, b: Tensor, share: Tensor) -> Tensor:
    """Interpolate spherically: the points at ``share`` (K,) of the arc from ``a`` to ``b``, stacked (K, ...).

    Linear where there is no arc: one of them is zero, or they point in one direction.
    """
    cosine = torch.dot(a.flatten(), b.flatten()) / (a.norm() * b.norm())
    angle = torch.acos(cosine.clamp(-1, 1))
    if not angle.sin().abs() >= 1e-6:  # which NaN is not either
        return lerp(a, b, share)
    share = share.view(-1, *[1] * a.dim())
    return (torch.sin((1 - share) * angle) * a + torch.sin(share * angle) * b) / torch.sin(angle)


def condition_values(name: str, given: Any, n: int, *, below: int | None = None) -> Tensor:
    """Return one value for each of ``n`` images.

    Args:
        name: of the condition, for error messages.
        given: a number for all images, or a sequence, array or tensor of ``n``.
        n: how many images.
        below: the values are classes, whole numbers from 0 to below this.

    Returns:
        (n,), float64; int64 with ``below``.

    Raises:
        ConfigError: what is given is no number or not finite, there are not as many as images, or one is no class.
    """
    try:
        # numpy keeps the digits of Python's numbers; torch would make them float32
        values = torch.as_tensor(given if isinstance(given, Tensor) else np.asarray(given)).detach().cpu().flatten()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ConfigError(f"{name} must be a number, or a list with one for each image, not {given!r:.80}") from error
    if values.dtype == torch.bool or values.is_complex() or not bool(values.isfinite().all()):
        raise ConfigError(f"{name} must be a finite number, or a list with one for each image, not {given!r:.80}")
    if len(values) not in (1, n):
        raise ConfigError(f"{n} images need {n} values of {name} or one for all, not {len(values)}")
    if below is None:
        return values.double().expand(n)
    for value in values.tolist():
        if value != int(value) or not 0 <= value < below:
            raise ConfigError(f"{name} must be whole numbers in 0 ... {below - 1}, not {value:g}")
    return values.long().expand(n)
