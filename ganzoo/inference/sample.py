"""Sampling from a GAN: to a tensor, to files, and interpolation between two seeds."""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo._distributed import ALONE, Processes
from ganzoo.errors import ConfigError
from ganzoo.gan import GAN
from ganzoo.gan.latents import check_conditions, condition_values, lerp, sampling_inputs, slerp, with_class_numbers
from ganzoo.inference.output import CHUNK, folder_names, write_samples
from ganzoo.media import get_medium
from ganzoo.media.image import quantise
from ganzoo.models.load import load


def sample(model: str | os.PathLike[str] | GAN, n: int = 1, *, seed: int = 0, **options: Any) -> Tensor:
    """Generate ``n`` images: `load` and `GAN.sample` in one call; see there for the options and errors.

    Returns:
        Images (n, C, H, W), float32 in [-1, 1].
    """
    gan = model if isinstance(model, GAN) else load(model)
    return gan.sample(n, seed=seed, **options)


def interpolate(
    model: str | os.PathLike[str] | GAN, first: int, last: int, steps: int = 16, **conditions: Any
) -> Tensor:
    """Generate an interpolation between the latents of two seeds.

    Gaussian inputs (`GAN.gaussian_inputs`) are interpolated spherically (White 2016, section 2.1), other floating-point
    inputs linearly; all others, for instance labels, are those of the first seed unless ``conditions`` set them.

    Args:
        model: a GAN, or what `load` takes.
        first: seed of the first image.
        last: seed of the last image.
        steps: number of images, both ends included.
        **conditions: as for `GAN.sample`; a list has one value per image.

    Returns:
        Images (steps, C, H, W) in [-1, 1], on the CPU.

    Raises:
        ConfigError: fewer than two steps, or an unknown condition.
    """
    if not isinstance(steps, Integral) or steps < 2:  # numpy's integers are Integral, too
        raise ConfigError(f"an interpolation needs at least 2 steps, not {steps}")
    gan = model if isinstance(model, GAN) else load(model)
    conditions = with_class_numbers(gan, conditions)
    check_lists(conditions, steps)
    weights = torch.linspace(0, 1, steps)

    def path(name: str, value: Tensor, part: slice) -> Tensor:
        if not value.is_floating_point():
            return value[:1].expand(part.stop - part.start, *value.shape[1:])
        linear = gan.gaussian_inputs is not None and name not in gan.gaussian_inputs
        return (lerp if linear else slerp)(value[0], value[1], weights[part])

    parts, start = [], 0
    for values, images in itertools.groupby(range(steps), key=lambda i: slice_lists(conditions, i, i + 1)):
        part = slice(start, start := start + len(list(images)))
        both = {name: value * 2 if isinstance(value, list | tuple) else value for name, value in values.items()}
        ends = sampling_inputs(gan, [first, last], both)
        parts.append({name: path(name, value, part) for name, value in ends.items()})
    return gan.generate_batches({name: torch.cat([part[name] for part in parts]) for name in parts[0]})


def check_lists(conditions: Mapping[str, Any], n: int) -> None:
    """Check that each list among the conditions has a value for each of ``n`` images, or one for all.

    Raises:
        ConfigError: one has not.
    """
    for name, value in conditions.items():
        if isinstance(value, list | tuple) and len(value) not in (1, n):
            raise ConfigError(f"{n} images need {n} values of {name} or one for all, not {len(value)}")


def slice_lists(conditions: Mapping[str, Any], start: int, stop: int) -> dict[str, Any]:
    """Return the conditions of some images; what is no list, or a list of one value, holds for all."""
    lists = {name for name, value in conditions.items() if isinstance(value, list | tuple) and len(value) > 1}
    return {name: value[start:stop] if name in lists else value for name, value in conditions.items()}


def generate_chunks(
    gan: GAN, n: int, seed: int, repeat: int, batch_size: int, conditions: Mapping[str, Any],
    processes: Processes = ALONE,
) -> Iterator[tuple[int, NDArray[Any]]]:  # fmt: skip
    """Yield (number of the first sample, stored samples), a chunk at a time; sample i is of ``seed + i // repeat``."""
    chunk, medium = max(CHUNK, batch_size), get_medium(gan.output_spec().medium)
    parts = [range(start, min(start + chunk, n)) for start in range(0, n, chunk)]

    def generate(part: range) -> dict[str, Tensor]:
        values = slice_lists(conditions, part.start, part.stop)
        seeds = [seed + i // repeat for i in part]
        return {"sample": medium.to_storage(gan.sample(len(part), seeds=seeds, batch_size=batch_size, **values))}

    for part, generated in zip(parts, processes.share(parts, generate), strict=True):
        yield part.start, generated["sample"].numpy()


def save_images(
    gan: GAN, out: Path, n: int, *, seed: int = 0, repeat: int = 1, batch_size: int = 64, columns: int | None = None,
    by_class: bool = False, processes: Processes = ALONE, **conditions: Any,
) -> None:  # fmt: skip
    """Generate ``n`` images and write them, with a progress bar and constant memory.

    Args:
        gan: the model.
        out: see `ganzoo.inference.output.write_samples`; the files of a folder are named by their seeds (by their
            numbers, where a seed has several).
        n: how many.
        seed: image i is that of ``seed + i // repeat``.
        repeat: images of each seed, which differ in other conditions.
        batch_size: images per forward pass.
        columns: of the grid.
        by_class: in a folder, write each image into a sub-folder of its class; without ``labels``, image i is of the
            class ``seed + i``, modulo their number.
        processes: that share the work, each called with the same arguments; rank 0 writes.
        **conditions: as for `GAN.sample`; a list has one value per image.

    Raises:
        GanzooError: ``out`` cannot be written, or is a folder that is not empty.
        ConfigError: a bad number, seed or condition, or an unknown suffix.
    """
    if n < 1:
        raise ConfigError(f"the number of images must be at least 1, not {n}")
    conditions = with_class_numbers(gan, conditions)
    first, digits = (seed, len(str(seed + n - 1))) if repeat == 1 else (0, len(str(n - 1)))
    parents = [""] * n
    if by_class:
        conditions["labels"], parents = _by_class(gan, conditions.get("labels"), [seed + i // repeat for i in range(n)])
    check_lists(conditions, n)
    chunks = generate_chunks(gan, n, seed, repeat, batch_size, conditions, processes)
    if processes.is_first:
        medium = get_medium(gan.output_spec().medium)
        write_samples(
            out, chunks, n, medium, name=lambda i: f"{parents[i]}{first + i:0{digits}d}", columns=columns,
            verb="sampling",
        )  # fmt: skip
    else:
        deque(chunks, maxlen=0)


def _by_class(gan: GAN, labels: Any, seeds: Sequence[int]) -> tuple[list[int], list[str]]:
    """Return the label of each image and the sub-folder of its class, with a slash."""
    check_conditions(gan, ["labels"])
    count = getattr(gan.config, "classes", None) or len(gan.class_names)
    if labels is None:
        if not count:
            raise ConfigError(f"the number of {type(gan).__name__}'s classes is not known: name some with labels")
        labels = [seed % count for seed in seeds]
    each = condition_values("labels", labels, len(seeds), below=count or None).long().tolist()
    folders = folder_names({**{label: str(label) for label in each}, **dict(enumerate(gan.class_names))})
    return each, [f"{folders[label]}/" for label in each]


def digest(gan: GAN) -> str:
    """Return a fingerprint of a model's samples: seeds 0 to 3, each averaged down to 16 values, in hexadecimal.

    An image becomes 4x4 grey; of other samples, 16 stretches are averaged.

    Two digests of one model agree to within a rounding step per byte on every machine; see `same_digest`.
    """
    samples = gan.sample(4, seed=0)
    if samples.ndim == 4:
        small = torch.nn.functional.adaptive_avg_pool2d(samples.mean(1, keepdim=True), 4)
    else:
        small = torch.nn.functional.adaptive_avg_pool1d(samples.flatten(1), 16)
    return quantise(small).numpy().tobytes().hex()


def same_digest(a: str, b: str, tolerance: int = 2) -> bool:
    """Whether two digests differ by no more than ``tolerance`` of 255 in any byte."""
    left, right = bytes.fromhex(a), bytes.fromhex(b)
    return len(left) == len(right) and all(abs(x - y) <= tolerance for x, y in zip(left, right, strict=True))
