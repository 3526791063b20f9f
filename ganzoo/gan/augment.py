"""Twice differentiable augmentations of what a discriminator sees, random for each image.

The functions take and return images (N, C, H, W) in any range around [-1, 1], `instance_noise` any samples. The engine
applies them to real and generated samples alike (``--augment``); an architecture may call them as well.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from ganzoo.errors import ConfigError, did_you_mean


def _check_images(images: Tensor) -> None:
    if images.ndim != 4:
        raise ConfigError(
            f"this augmentation takes images (N, C, H, W), not samples of the shape {tuple(images.shape)}: leave it out"
        )


def _uniform(images: Tensor, low: float, high: float) -> Tensor:
    """Return one number per image, (N, 1, 1, 1)."""
    return torch.rand(len(images), 1, 1, 1, device=images.device) * (high - low) + low


def color(images: Tensor) -> Tensor:
    """Change brightness, contrast and, of images with three channels, saturation (Zhao 2020, section 4)."""
    _check_images(images)
    images = images + _uniform(images, -0.5, 0.5)
    if images.shape[1] == 3:
        grey = images.mean(1, keepdim=True)
        images = grey + (images - grey) * _uniform(images, 0, 2)
    mean = images.mean((1, 2, 3), keepdim=True)
    return mean + (images - mean) * _uniform(images, 0.5, 1.5)


def translation(images: Tensor, share: float = 0.125) -> Tensor:
    """Shift by up to ``share`` of the size both ways, with zeros where there was nothing (Zhao 2020, section 4)."""
    _check_images(images)
    n, _, height, width = images.shape
    limit = max(1, round(height * share))
    shift = torch.randint(-limit, limit + 1, (2, n, 1), device=images.device)
    rows = (torch.arange(height, device=images.device) + shift[0]).clamp(-1, height) + 1
    columns = (torch.arange(width, device=images.device) + shift[1]).clamp(-1, width) + 1
    padded = F.pad(images, (1, 1, 1, 1))
    return _pick(padded, rows[:, :, None] * (width + 2) + columns[:, None, :])


def cutout(images: Tensor, share: float = 0.5) -> Tensor:
    """Set a square of ``share`` of the size to zero, which may reach over the edge (Zhao 2020, section 4)."""
    _check_images(images)
    n, _, height, width = images.shape
    half = height * share / 2
    centre = torch.rand(2, n, 1, device=images.device)
    rows = (torch.arange(height, device=images.device) + 0.5 - centre[0] * height).abs() < half
    columns = (torch.arange(width, device=images.device) + 0.5 - centre[1] * width).abs() < half
    return images * ~(rows[:, None, :, None] & columns[:, None, None, :])


def mirror(images: Tensor) -> Tensor:
    """Mirror left and right, each image with probability one half."""
    _check_images(images)
    return torch.where(_uniform(images, 0, 1) < 0.5, images.flip(3), images)


POLICIES: dict[str, Callable[[Tensor], Tensor]] = {
    "color": color, "translation": translation, "cutout": cutout, "mirror": mirror,
}  # fmt: skip
"""The augmentations of DiffAugment, and mirroring, by name in the order in which they are applied."""


def read_policy(words: str) -> list[str]:
    """Return the names in a policy such as ``"color,translation"``, in the order in which they are applied.

    Raises:
        ConfigError: one is not known.
    """
    given = [word for part in words.split(",") if (word := part.strip())] or [""]
    for word in given:
        if word in ADAPTIVE and len(given) > 1:
            raise ConfigError(f"{word} brings its own augmentations: leave the others out")
        if word not in POLICIES:
            raise ConfigError(
                f"there is no augmentation '{word}'.{did_you_mean(word, [*POLICIES, *ADAPTIVE])} There are: "
                f"{', '.join(POLICIES)}, with commas between, or alone {', '.join(ADAPTIVE)}"
            )
    return [name for name in POLICIES if name in given]


def diff_augment(images: Tensor, policy: str = "color,translation,cutout") -> Tensor:
    """Apply each augmentation of a policy to every image (DiffAugment: Zhao 2020, equations 5 and 6).

    Raises:
        ConfigError: a name that is not known, or samples that are no images (N, C, H, W).
    """
    for name in read_policy(policy):
        images = POLICIES[name](images)
    return images


def instance_noise(images: Tensor, deviation: float) -> Tensor:
    """Add normal noise of this deviation to every value (Arjovsky 2017b, section 3; Sonderby 2017, section 2.3)."""
    return images + deviation * torch.randn_like(images)


def ada(images: Tensor, strength: Tensor | float, *, mirror: bool = True, turn: bool = True) -> Tensor:
    """Apply each of many augmentations with probability ``strength`` (Karras 2020b, appendix B: "bgc").

    Flips, quarter turns and whole shifts; scaling, rotation, stretching and shifts by parts of a pixel; brightness,
    contrast, inversion of the luma, hue and saturation. Images are enlarged by mirroring and sampled bilinearly, where
    the paper filters with wavelets.

    Args:
        images: (N, C, S, S).
        strength: p in [0, 1]; a tensor on the device causes no synchronisation.
        mirror: flip images.
        turn: turn them, by quarters and by any angle.
    """
    _check_images(images)
    p = torch.as_tensor(strength, dtype=torch.float32, device=images.device)
    return _colored(_warped(images, _geometry(images, p, mirror=mirror, turn=turn)), p)


ADAPTIVE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "ada": ada,
    "ada:no-mirror": functools.partial(ada, mirror=False),
    "ada:upright": functools.partial(ada, mirror=False, turn=False),
}
"""The forms of adaptive augmentation by name, for images that look wrong when they are flipped, or turned."""


def _with_probability(images: Tensor, p: Tensor, values: Tensor, neutral: float) -> Tensor:
    """Return ``values`` (N,), each with probability ``p``, else ``neutral``."""
    coin = torch.rand(len(images), device=images.device) < p
    return torch.where(coin, values, torch.full_like(values, neutral))


def _geometry(images: Tensor, p: Tensor, *, mirror: bool = True, turn: bool = True) -> Tensor:
    """Return matrices (N, 3, 3) from places in the result to places in the image, both in [-1, 1]."""
    n, size, device = len(images), images.shape[-1], images.device

    def normal(deviation: float) -> Tensor:
        return torch.randn(n, device=device) * deviation

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(n, device=device) * (high - low) + low

    one, zero = torch.ones(n, device=device), torch.zeros(n, device=device)

    def matrix(*entries: Tensor) -> Tensor:
        return torch.stack([*entries, zero, zero, one], 1).view(n, 3, 3)

    def turned(angle: Tensor) -> Tensor:
        return matrix(angle.cos(), -angle.sin(), zero, angle.sin(), angle.cos(), zero)

    flip = _with_probability(images, p, 1 - 2 * torch.randint(0, 2, (n,), device=device).float(), 1.0)
    quarter = _with_probability(images, p, torch.randint(0, 4, (n,), device=device) * (math.pi / 2), 0.0)
    pixels = torch.stack([uniform(-0.125, 0.125) * size for _ in range(2)]).round() * (2 / size)
    scale = _with_probability(images, p, torch.exp2(normal(0.2)), 1.0)
    # Twice, before and after stretching; together with probability p.
    often = 1 - torch.sqrt(1 - p.clamp(max=1))
    before, after = (_with_probability(images, often, uniform(-math.pi, math.pi), 0.0) for _ in range(2))
    stretch = _with_probability(images, p, torch.exp2(normal(0.2)), 1.0)
    shifted = _with_probability(images, p, one, 0.0), _with_probability(images, p, one, 0.0)
    whole, part = pixels * shifted[0], torch.stack([normal(0.25), normal(0.25)]) * shifted[1]
    if not mirror:
        flip = one
    if not turn:
        quarter = before = after = zero
    steps = [
        matrix(flip, zero, zero, zero, one, zero),
        turned(quarter),
        matrix(one, zero, whole[0], zero, one, whole[1]),
        matrix(scale, zero, zero, zero, scale, zero),
        turned(before),
        matrix(stretch, zero, zero, zero, 1 / stretch, zero),
        turned(after),
        matrix(one, zero, part[0], zero, one, part[1]),
    ]
    return functools.reduce(torch.matmul, steps)


def _warped(images: Tensor, matrices: Tensor) -> Tensor:
    """Sample images bilinearly at the places that matrices (N, 3, 3) give, mirrored at their edges.

    By picking pixels, which can be differentiated twice; `torch.nn.functional.grid_sample` cannot.
    """
    n, _, height, width = images.shape
    grid = F.affine_grid(matrices[:, :2], [n, 1, height, width], align_corners=False)
    x, y = ((grid[..., i] + 1) * (size / 2) - 0.5 for i, size in enumerate((width, height)))
    left, top = x.floor(), y.floor()
    right_share, low_share = ((part[:, None]).to(images.dtype) for part in (x - left, y - top))
    columns = [_mirrored(left, width), _mirrored(left + 1, width)]
    rows = [_mirrored(top, height), _mirrored(top + 1, height)]
    upper, lower = (
        torch.lerp(_pick(images, row * width + columns[0]), _pick(images, row * width + columns[1]), right_share)
        for row in rows
    )
    return torch.lerp(upper, lower, low_share)


def _mirrored(place: Tensor, size: int) -> Tensor:
    """Return whole places as indices in 0 ... size - 1, mirrored at the edges as often as needed."""
    place = place.long().remainder(2 * size)
    return torch.minimum(place, 2 * size - 1 - place)


def _pick(images: Tensor, index: Tensor) -> Tensor:
    """Return the pixels at ``index`` (N, H, W) of the flattened images."""
    n, channels = images.shape[:2]
    flat = images.flatten(2).gather(2, index.view(n, 1, -1).expand(-1, channels, -1))
    return flat.view(n, channels, *index.shape[1:])


def _colored(images: Tensor, p: Tensor) -> Tensor:
    """Change brightness, contrast, luma, hue and saturation."""
    n, device = len(images), images.device

    def change(values: Tensor, neutral: float) -> Tensor:
        return _with_probability(images, p, values, neutral).view(n, 1, 1, 1)

    brightness = change(torch.randn(n, device=device) * 0.2, 0.0)
    contrast = change(torch.exp2(torch.randn(n, device=device) * 0.5), 1.0)
    inverted = change(1 - 2 * torch.randint(0, 2, (n,), device=device).float(), 1.0)
    images = (images + brightness) * contrast
    if images.shape[1] != 3:
        return images * inverted
    angle = change((torch.rand(n, device=device) * 2 - 1) * math.pi, 0.0)
    saturation = change(torch.exp2(torch.randn(n, device=device)), 1.0)
    luma = images.mean(1, keepdim=True)
    chroma = images - luma
    # Rodrigues: what is across the grey axis (1, 1, 1) / sqrt(3), turned about it.
    across = (chroma.roll(1, 1) - chroma.roll(-1, 1)) / math.sqrt(3)
    turned = chroma * angle.cos() + across * angle.sin()
    return luma * inverted + turned * saturation
