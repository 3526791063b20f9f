"""A model that grows: progan."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ganzoo.gan import GAN

from .common import BATCH, Data, Run, Step, adam, average, copied, turn


def plain_progan(gan: GAN, data: Data, run: Run) -> Step:
    """Wasserstein loss with a gradient penalty and a drift term; each resolution but the first is faded in."""
    config, g, d = gan.config, gan.generator, gan.discriminator
    of_g, of_d = list(g.parameters()), list(d.parameters())
    opt_g, opt_d = adam(of_g, config), adam(of_d, config)
    averaged = copied(of_g)
    last = len(g.blocks)
    seen = run.seen

    def grown() -> tuple[int, float]:
        """Return the level, 0 for the lowest resolution, and the share of its resolution in the images."""
        past = seen - config.hold
        if past < 0:
            return 0, 1.0
        level = min(past // (config.fade + config.hold), last - 1)
        return level + 1, min((past - level * (config.fade + config.hold)) / config.fade, 1.0)

    def step() -> list[Tensor]:
        nonlocal seen
        level, share = grown()
        g.grow(level, share)
        d.grow(level, share)
        real = data.next(config.image_size >> (last - level))["image"]
        seen += BATCH
        turn(of_g, of_d)
        opt_g.zero_grad()
        with run.autocast():
            fake = g(torch.randn(BATCH, config.latent_dim, device=run.device), level)
            loss = -d(fake, level).float().mean()
        loss.backward()
        opt_g.step()
        fake = fake.detach()
        turn(of_d, of_g)
        opt_d.zero_grad()
        with run.autocast():
            if share < 1:
                coarse = F.interpolate(F.avg_pool2d(real, 2), scale_factor=2.0)
                real = torch.lerp(coarse, real, share)
            on_real, on_fake = d(real, level).float(), d(fake, level).float()
            loss = (on_fake - on_real + config.drift * on_real.square()).mean()
        loss.backward()
        between = torch.lerp(real, fake.float(), torch.rand(BATCH, 1, 1, 1, device=run.device)).requires_grad_()
        (gradient,) = torch.autograd.grad(d(between, level).sum(), between, create_graph=True)
        (config.penalty * (gradient.flatten(1).norm(dim=1) - 1).square()).mean().backward()
        opt_d.step()
        average(averaged, of_g, BATCH, seen, config.ema)
        return averaged

    return step
