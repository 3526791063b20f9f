"""Progressive growing of GANs (Karras 2018)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from ganzoo.registry import Architecture, Config, Meta, fields, hookimpl


class ProGANConfig(Config, frozen=True):
    """Hyper-parameters; the defaults are those of Karras 2018, appendix A, but for the widths (512 at 16x16 there)."""

    image_size: fields.DoublingSize = 32
    channels: fields.Channels = 3
    latent_dim: fields.LatentDim = 128
    base_channels: Annotated[int, Meta(ge=1, le=1024, description="channels at full resolution")] = 32
    max_channels: Annotated[
        int, Meta(ge=1, le=1024, description="channels at low resolutions; they double up to these")
    ] = 128
    fade: Annotated[int, Meta(ge=1, description="images over which a new resolution is faded in")] = 800_000
    hold: Annotated[int, Meta(ge=1, description="images for which a resolution is then held")] = 800_000
    batch_sizes: Annotated[
        tuple[int, ...],
        Meta(description="images per update at each resolution, the lowest first; empty takes the run's for all"),
    ] = ()
    penalty: Annotated[float, Meta(ge=0, description="weight of the gradient penalty")] = 10.0
    drift: Annotated[float, Meta(ge=0, description="weight of the squared scores of real images")] = 0.001
    lr: fields.LearningRate = 1e-3
    beta1: fields.Beta = 0.0
    beta2: fields.Beta = 0.99
    ema: fields.HalfLife = 10_000

    def __post_init__(self) -> None:
        """Check that the batch sizes are numbers of images."""
        if any(size < 1 for size in self.batch_sizes):
            raise ValueError(f"batch_sizes must all be at least 1, not {list(self.batch_sizes)}")


@hookimpl
def ganzoo_architectures() -> Iterable[Architecture]:
    """Provide ``progan``."""
    yield Architecture(
        name="progan",
        target="ganzoo_progan.model:ProGAN",
        config=ProGANConfig,
        summary="grows from small to large images, each resolution faded in",
        paper="Karras et al. 2018, arXiv:1710.10196",
    )
