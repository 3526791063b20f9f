"""Plain training loops, each written for one model as a careful person would write it without a library.

They take the same networks as the engine and do the same arithmetic in the same order: shared fakes, fused optimizer,
running average. `make_plain` returns a function that makes one step.
"""

from __future__ import annotations

from collections.abc import Callable

from ganzoo.gan import GAN

from .common import BATCH, Data, Run, Step
from .growing import plain_progan
from .residual import plain_r3gan, plain_sngan, plain_sngan_projection
from .style import plain_stylegan2
from .translation import plain_cyclegan, plain_pix2pix
from .two_tasks import plain_acgan, plain_infogan
from .usual import plain_cgan, plain_dcgan, plain_vanilla
from .wasserstein import plain_wgan, plain_wgan_gp

__all__ = ["BATCH", "LOOPS", "Data", "Run", "make_plain"]

LOOPS: dict[str, Callable[[GAN, Data, Run], Step]] = {
    "vanilla": plain_vanilla,
    "dcgan": plain_dcgan,
    "wgan": plain_wgan,
    "wgan-gp": plain_wgan_gp,
    "cgan": plain_cgan,
    "acgan": plain_acgan,
    "infogan": plain_infogan,
    "sngan": plain_sngan,
    "sngan-projection": plain_sngan_projection,
    "r3gan": plain_r3gan,
    "progan": plain_progan,
    "stylegan2": plain_stylegan2,
    "pix2pix": plain_pix2pix,
    "cyclegan": plain_cyclegan,
}
"""By architecture. Each is written for the default hyper-parameters, but for sizes, rates and weights."""


def make_plain(name: str, gan: GAN, data: Data, *, bf16: bool, images: int = 10**9, seen: int = 0) -> Step:
    """Return a function that makes one training step of the architecture ``name`` and returns the running averages.

    Args:
        name: of the architecture.
        gan: its networks.
        data: where batches come from.
        bf16: compute the losses under autocast.
        images: the budget, over which learning rates fall.
        seen: real images that were drawn before.
    """
    return LOOPS[name](gan, data, Run(bf16, images, seen, gan.device))
