"""Degradations of images that a model may learn to undo: pairs from one set of images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ganzoo.errors import DataError, did_you_mean

Degradation = Callable[[Tensor], Tensor]
"""Images (N, C, H, W) in [-1, 1] to images of the same shape and range; computed per batch, on the batch's device."""

_LUMA = (0.299, 0.587, 0.114)  # of red, green and blue (ITU-R BT.601), as in Pillow's "L"
_SOBEL = ((-1.0, 0.0, 1.0), (-2.0, 0.0, 2.0), (-1.0, 0.0, 1.0))


def grey(images: Tensor) -> Tensor:
    """Return the brightness in every channel; to undo it is to colourise."""
    return _brightness(images).expand_as(images)


def lowres4(images: Tensor) -> Tensor:
    """Return blocks of 4x4 pixels, each of its mean colour; to undo it is super-resolution."""
    if images.shape[-1] % 4 or images.shape[-2] % 4:
        raise DataError(
            f"lowres4 needs images whose size is a multiple of 4, not {'x'.join(map(str, images.shape[2:]))}"
        )
    return F.interpolate(F.avg_pool2d(images, 4), scale_factor=4.0)


def mask(images: Tensor) -> Tensor:
    """Return images whose central square, half as wide as they are, is 0 (mid grey); to undo it is inpainting."""
    height, width = images.shape[-2:]
    masked = images.clone()
    masked[..., height // 4 : height - height // 4, width // 4 : width - width // 4] = 0
    return masked


def edges(images: Tensor) -> Tensor:
    """Return dark lines on white where the brightness changes: 1 minus the length of its Sobel gradient, halved."""
    kernel = _constant(_SOBEL, images) / 4
    padded = F.pad(_brightness(images), (1, 1, 1, 1), mode="replicate")
    gradient = F.conv2d(padded, torch.stack([kernel, kernel.T])[:, None])
    lines = 1 - gradient.square().sum(1, keepdim=True).sqrt() * 2
    return lines.clamp(-1, 1).expand_as(images)


def _brightness(images: Tensor) -> Tensor:
    """Return (N, 1, H, W)."""
    if images.shape[1] == 1:
        return images
    return (images * _constant(_LUMA, images)[:, None, None]).sum(1, keepdim=True)


def _constant(values: tuple[Any, ...], like: Tensor) -> Tensor:
    """Return the values as a tensor where the images are, by a copy that does not wait for the device."""
    return torch.tensor(values, dtype=like.dtype).to(like.device, non_blocking=True)


DEGRADATIONS: dict[str, Degradation] = {"grey": grey, "lowres4": lowres4, "mask": mask, "edges": edges}


def get_degradation(name: str) -> Degradation:
    """Return the degradation called ``name``, of the colours alone where there is transparency."""
    if name not in DEGRADATIONS:
        known = ", ".join(DEGRADATIONS)
        raise DataError(f"No degradation is called '{name}'.{did_you_mean(name, DEGRADATIONS)} There are: {known}.")
    colours = DEGRADATIONS[name]

    def degrade(images: Tensor) -> Tensor:
        if images.shape[1] != len("RGBA"):
            return colours(images)
        return torch.cat([colours(images[:, :3]), images[:, 3:]], 1)

    return degrade
