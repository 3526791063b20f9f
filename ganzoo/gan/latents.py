"""Latents and conditions: seeded normal values, truncation, interpolation, and the values that a caller passes."""

from __future__ import annotations

import inspect
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ganzoo.errors import ConfigError, PluginError, did_you_mean, one_line

if TYPE_CHECKING:
    from ganzoo.gan.base import GAN

_log = logging.getLogger(__name__)
_SHOWN = 20  # class names in a message


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


def class_numbers(words: Iterable[str], names: Sequence[str], *, what: str = "labels") -> dict[str, int]:
    """Return the number of the class that each word means: its name, or its number as text.

    A name takes precedence: where a class is called "7" and has the number 3, "7" is 3, which is logged.

    Args:
        words: names or numbers.
        names: of the classes 0, 1, ...; empty where they are not known.
        what: they are given for, for messages.

    Raises:
        ConfigError: a word is neither; the text has the closest name.
    """
    known = {name: number for number, name in reversed([*enumerate(names)])}  # the first of two of one name
    numbers: dict[str, int] = {}
    for word in words:
        if word in known:
            numbers[word] = known[word]
        elif (number := _number(word)) is not None:
            numbers[word] = number
        elif not names:
            raise ConfigError(f"{what}: the classes of this model have no names: give numbers, not '{word:.80}'")
        else:
            there = f"There are: {', '.join(names[:_SHOWN])}{_more(names)}"
            raise ConfigError(one_line(f"{what}: there is no class '{word:.80}'.{did_you_mean(word, names)} {there}"))
    if other := [word for word, number in numbers.items() if _number(word) not in (None, number)]:
        read = ", ".join(f"{word} (class {numbers[word]})" for word in other[:_SHOWN])
        _log.warning("%s: read as names of classes, not as their numbers: %s%s", what, read, _more(other))
    return numbers


def _number(word: str) -> int | None:
    return int(word) if word.isascii() and word.isdecimal() and len(word) < 19 else None


def _more(words: Sequence[str]) -> str:
    return f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""


def with_class_numbers(gan: GAN, conditions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the conditions with the names of classes in ``labels`` replaced by their numbers.

    Where a GAN has no `GAN.class_names`, they stay as they are.

    Raises:
        ConfigError: a word is no class's name or number.
    """
    given = conditions.get("labels")
    if isinstance(given, np.ndarray):
        given = given.tolist()
    values = given if isinstance(given, list | tuple) else [given]
    words = dict.fromkeys(value for value in values if isinstance(value, str))
    if not gan.class_names or not words:
        return dict(conditions)
    numbers = class_numbers(words, gan.class_names)
    chosen = [numbers[value] if isinstance(value, str) else value for value in values]
    return {**conditions, "labels": chosen if values is given else chosen[0]}


def check_conditions(gan: GAN, names: Sequence[str]) -> None:
    """Refuse a condition that a GAN does not take.

    Raises:
        ConfigError: the text names those that it takes.
    """
    known = gan.conditions()
    for name in names:
        if name not in known:
            raise ConfigError(
                f"{type(gan).__name__} takes no '{name}' when it is sampled; it takes: {', '.join(known)}"
            )


def sampling_inputs(gan: GAN, seeds: Sequence[int], conditions: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return what `GAN.inputs` makes of seeds and conditions, with classes by name or number.

    Raises:
        ConfigError: a condition that it does not take or refuses.
        PluginError: it returns something else than tensors with a row for each image.
    """
    name, n = type(gan).__name__, len(seeds)
    check_conditions(gan, [*conditions])
    conditions = with_class_numbers(gan, conditions)
    try:
        inspect.signature(gan.inputs).bind(n, seeds=seeds, **conditions)
    except TypeError as error:
        raise ConfigError(f"{name} cannot be sampled with these conditions: {error}") from error
    inputs = gan.inputs(n, seeds=seeds, **conditions)
    for key, value in inputs.items():
        if not (isinstance(value, Tensor) and value.shape[:1] == (n,)):
            kind = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise PluginError(
                f"{name}.inputs() returns '{key}' as {kind}: each value must be a tensor with a row for each image"
            )
    return inputs
