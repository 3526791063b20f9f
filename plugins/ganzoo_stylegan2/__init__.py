"""StyleGAN2: styles from a mapped latent modulate every convolution (Karras 2020)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from ganzoo.registry import Architecture, Config, Meta, fields, hookimpl

Share = Annotated[float, Meta(ge=0, le=1, description="share of images whose styles come from two latents")]


class StyleGAN2Config(Config, frozen=True):
    """Hyper-parameters; the defaults are those of Karras 2020, section 3 and appendix B, but for the widths."""

    image_size: fields.DoublingSize = 32
    channels: fields.Channels = 3
    latent_dim: fields.LatentDim = 128
    style_dim: Annotated[int, Meta(ge=1, le=4096, description="size of a style, in W")] = 128
    mapping_layers: Annotated[int, Meta(ge=1, le=16, description="layers of the mapping network")] = 8
    base_channels: Annotated[int, Meta(ge=1, le=1024, description="channels at full resolution")] = 32
    max_channels: Annotated[
        int, Meta(ge=1, le=1024, description="channels at low resolutions; they double up to these")
    ] = 128
    mixing: Share = 0.9
    r1: Annotated[float, Meta(ge=0, description="weight of the R1 penalty")] = 10.0
    r1_every: Annotated[int, Meta(ge=1, description="R1 is a phase on each n-th step, times n")] = 16
    path_length: Annotated[float, Meta(ge=0, description="weight of the path length penalty; 0 switches it off")] = 2.0
    path_length_every: Annotated[int, Meta(ge=1, description="path length is a phase on each n-th step, times n")] = 4
    lr: fields.LearningRate = 2e-3
    beta1: fields.Beta = 0.0
    beta2: fields.Beta = 0.99
    ema: fields.HalfLife = 10_000


@hookimpl
def ganzoo_architectures() -> Iterable[Architecture]:
    """Provide ``stylegan2``."""
    yield Architecture(
        name="stylegan2",
        target="ganzoo_stylegan2.model:StyleGAN2",
        config=StyleGAN2Config,
        summary="styles of a mapped latent modulate every convolution; lazy R1 and path length",
        paper="Karras et al. 2020, arXiv:1912.04958",
    )
