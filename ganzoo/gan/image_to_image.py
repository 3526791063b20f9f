"""Base and parts of image-to-image translation models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ganzoo._image_size import height_width
from ganzoo.errors import ConfigError
from ganzoo.gan.base import GAN
from ganzoo.gan.latents import seeded_normal


class Translator(GAN):
    """A GAN that translates images of A to B. Its config has ``image_size`` and ``channels``."""

    needs: ClassVar[frozenset[str]] = frozenset({"A", "B"})
    translations: Sequence[tuple[str, str]] = (("A", "B"),)

    def inputs(self, n: int, *, seeds: Sequence[int], images: Tensor | None = None) -> dict[str, Tensor]:
        """Return ``{"images": (n, C, H, W)}``.

        Args:
            n: number of images.
            seeds: one per image.
            images: in [-1, 1]; by default noise, seeded for each image.

        Raises:
            ConfigError: not as many images as seeds.
        """
        return {"images": images_or_noise(self.config, seeds, images)}


def images_or_noise(config: Any, seeds: Sequence[int], images: Tensor | None = None) -> Tensor:
    """Return the images, or in their place noise in [-1, 1] of the shape in ``config``.

    Raises:
        ConfigError: not as many images as seeds, or of another shape.
    """
    shape = (len(seeds), config.channels, *height_width(config.image_size))
    if images is None:
        return torch.tanh(seeded_normal(seeds, *shape[1:]))
    if not isinstance(images, Tensor) or images.shape != shape or not images.is_floating_point():
        given = tuple(images.shape) if isinstance(images, Tensor) else type(images).__name__
        raise ConfigError(f"{len(seeds)} seeds need as many images, floating point of the shape {shape}, not {given}")
    return images.float()


class ImagePool(nn.Module):
    """A history of generated samples, so that a discriminator also sees earlier ones (Shrivastava 2017, section 2.3).

    They are buffers, so a resumed run continues with them.

    Args:
        shape: of one sample, for instance (C, H, W).
        size: samples that it holds; 0 switches it off.
    """

    images: Tensor
    filled: Tensor

    def __init__(self, shape: Sequence[int], size: int = 50) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("images", torch.zeros(size, *shape))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def swap(self, images: Tensor) -> Tensor:
        """Store samples (N, ...) and return as many: each with probability 1/2 itself, else an earlier one instead.

        Until the pool is full it returns what it is given. Does not synchronise with the device.
        """
        if self.size == 0:
            return images
        # More images than the pool holds: the rest stays as it is.
        head, rest = images[: self.size], images[self.size :]
        n, device = len(head), images.device
        full = self.filled >= self.size
        in_turn = (self.filled + torch.arange(n, device=device)) % self.size
        places = torch.where(full, torch.rand(self.size, device=device).argsort()[:n], in_turn)
        swaps = (full & (torch.rand(n, device=device) < 0.5)).view(-1, *[1] * (head.ndim - 1))
        kept = self.images[places]
        shown = torch.where(swaps, kept.to(head.dtype), head)
        self.images[places] = torch.where(swaps | ~full, head.to(kept.dtype), kept)
        self.filled.add_(n).clamp_(max=self.size)
        return torch.cat([shown, rest]) if len(rest) else shown
