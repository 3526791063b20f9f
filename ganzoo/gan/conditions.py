"""Values of the conditions that a model is sampled with."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganzoo.errors import ConfigError


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
