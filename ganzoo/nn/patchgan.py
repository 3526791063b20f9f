"""The patch discriminator, with a logit for each patch of an image (Isola 2017, section 3.2.2)."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from ganzoo.nn.layers import norm_layer
from ganzoo.nn.renamed import renamed_arguments, renamed_names
from ganzoo.registry.image_sizes import Size, height_width

__getattr__ = renamed_names(__name__, halvings_for="num_downsamples_for")
_KERNEL = 4
_MOST = 3  # num_downsamples: patches of 70x70, the largest that the paper recommends


@renamed_arguments(halvings="num_downsamples")
def receptive_field(num_downsamples: int) -> int:
    """Return the height and width of the patch that one logit of a `PatchDiscriminator` sees."""
    field = 1
    for stride in [1, 1] + [2] * num_downsamples:  # from the logit back to the image
        field = (field - 1) * stride + _KERNEL
    return field


def num_downsamples_for(image_size: Size) -> int:
    """Return the ``num_downsamples`` of the largest patch, up to 70x70, that lies within an image of this size."""
    side = min(height_width(image_size))
    return max(count for count in range(_MOST + 1) if count == 0 or receptive_field(count) <= side)


class PatchDiscriminator(nn.Module):
    """Images (N, ``channels``, ...) to logits (N, H, W), one per patch (Isola 2017, section 6.1.2).

    Args:
        channels: of the images; of two images one above the other, as many as both have.
        base_channels: width of the first map; each next one is twice as wide, up to 8 times.
        num_downsamples: 3 for patches of 70x70, 2 for 34x34, 1 for 16x16, 0 for 7x7; see `num_downsamples_for`.
        norm: of all maps but the first, see `norm_layer`.
    """

    @renamed_arguments(halvings="num_downsamples")
    def __init__(self, channels: int, *, base_channels: int, num_downsamples: int, norm: str) -> None:
        super().__init__()
        widths = [channels, *(base_channels * min(8, 2**i) for i in range(num_downsamples + 1))]
        layers: list[nn.Module] = []
        for i, (narrow, wide) in enumerate(pairwise(widths)):
            stride = 2 if i < num_downsamples else 1
            layers.append(nn.Conv2d(narrow, wide, _KERNEL, stride, 1, bias=i == 0 or norm != "batch"))
            layers += [norm_layer(norm, wide)] if i > 0 else []
            layers.append(nn.LeakyReLU(0.2))
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, _KERNEL, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of the patches."""
        logits: Tensor = self.layers(images)
        return logits.squeeze(1)


def per_image(values: Tensor, n: int) -> Tensor:
    """Return the mean over an image's patches (N,) of a loss of all patches (N * H * W,); a scalar stays as it is."""
    return values.view(n, -1).mean(1) if values.ndim else values
