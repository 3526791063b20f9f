"""The usual game: vanilla, dcgan and cgan."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ganzoo.gan import GAN

from .common import BATCH, Data, Run, Step, adam, average, copied, turn


def plain_usual(gan: GAN, data: Data, run: Run, *, conditional: bool, joint: bool) -> Step:
    """Non-saturating loss, lazy R1, one discriminator step per generator step, which is shown the same fakes.

    Args:
        gan: the networks.
        data: the real images.
        run: the settings.
        conditional: both networks take labels.
        joint: real images and fakes go through the discriminator together: it has no batch norm.
    """
    config, g, d = gan.config, gan.generator, gan.discriminator
    of_g, of_d = list(g.parameters()), list(d.parameters())
    opt_g, opt_d = adam(of_g, config), adam(of_d, config)
    averaged = copied(of_g)
    seen, steps = run.seen, 0

    def step() -> list[Tensor]:
        nonlocal seen, steps
        batch = data.next()
        real, label = batch["image"], batch["label"]
        seen += BATCH
        latent = torch.randn(BATCH, config.latent_dim, device=run.device)
        turn(of_g, of_d)
        opt_g.zero_grad()
        with run.autocast():
            fake = g(latent, label) if conditional else g(latent)
            logits = d(fake, label) if conditional else d(fake)
            loss = F.softplus(-logits.float()).mean()
        loss.backward()
        opt_g.step()
        fake = fake.detach()
        turn(of_d, of_g)
        opt_d.zero_grad()
        with run.autocast():
            if conditional:
                on_real, on_fake = d(torch.cat([real, fake]), label.repeat(2)).float().chunk(2)
            elif joint:
                on_real, on_fake = d(torch.cat([real, fake])).float().chunk(2)
            else:
                on_real, on_fake = d(real).float(), d(fake).float()
            loss = (F.softplus(-on_real) + F.softplus(on_fake)).mean()
        loss.backward()
        if config.r1 and steps % config.r1_every == 0:
            images = real.detach().requires_grad_()
            logits = d(images, label) if conditional else d(images)
            (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
            penalty = config.r1 / 2 * gradient.flatten(1).square().sum(1)
            (penalty * config.r1_every).mean().backward()
        opt_d.step()
        average(averaged, of_g, BATCH, seen, config.ema)
        steps += 1
        return averaged

    return step


def plain_vanilla(gan: GAN, data: Data, run: Run) -> Step:
    """Perceptrons."""
    return plain_usual(gan, data, run, conditional=False, joint=True)


def plain_dcgan(gan: GAN, data: Data, run: Run) -> Step:
    """Convolutions, with batch norm in both networks."""
    return plain_usual(gan, data, run, conditional=False, joint=False)


def plain_cgan(gan: GAN, data: Data, run: Run) -> Step:
    """Convolutions and labels."""
    return plain_usual(gan, data, run, conditional=True, joint=True)
