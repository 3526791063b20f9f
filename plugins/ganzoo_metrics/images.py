"""Resizing images of any size and number of channels to the input of a network."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

INTERPOLATIONS = ("bicubic", "bilinear")
_GREY = (0.299, 0.587, 0.114)  # of ITU-R 601, as Pillow makes an image grey


def check_images(images: Tensor) -> None:
    """Check the input of an extractor.

    Raises:
        ValueError: the tensor is not (N, C, H, W) uint8 with 1 or 3 channels.
    """
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] not in (1, 3):
        found = f"{tuple(images.shape)} {str(images.dtype).removeprefix('torch.')}"
        raise ValueError(f"an extractor takes images (N, 1 or 3, H, W) uint8, not {found}")


def fitted(images: Tensor, channels: int, size: tuple[int, int] | None, interpolation: str) -> Tensor:
    """Return images in the size and with the channels of a network's input.

    The whole image is resized, without a crop, with antialiasing: by the algorithm of Pillow, but in float32 and not
    rounded to 8 bits. What overshoots 0 ... 255 is cut.

    Args:
        images: (N, C, H, W) uint8 with 1 or 3 channels.
        channels: 1 or 3. Grey is repeated; RGB is weighed as Pillow weighs it.
        size: height and width; None leaves it.
        interpolation: of `INTERPOLATIONS`.

    Returns:
        (N, channels, *size) float32 in [0, 255].
    """
    check_images(images)
    made = images.float()
    if channels < made.shape[1]:
        weights = torch.tensor(_GREY, device=made.device).view(1, 3, 1, 1)
        made = (made * weights).sum(1, keepdim=True)
    if size is not None and made.shape[-2:] != size:
        made = F.interpolate(made, size, mode=interpolation, antialias=True, align_corners=False).clamp(0, 255)
    return made.expand(-1, channels, -1, -1)
