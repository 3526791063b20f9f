"""Several critic steps per generator step: wgan and wgan-gp."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.gan import GAN

from .common import BATCH, Data, Run, Step, adam, average, copied, turn


def plain_wgan(gan: GAN, data: Data, run: Run) -> Step:
    """RMSProp, and a critic with batch norm whose weights are clipped."""
    config, g, d = gan.config, gan.generator, gan.discriminator
    of_g, of_d = list(g.parameters()), list(d.parameters())
    opt_g, opt_d = torch.optim.RMSprop(of_g, config.lr), torch.optim.RMSprop(of_d, config.lr)
    averaged = copied(of_g)
    seen = run.seen

    def step() -> list[Tensor]:
        nonlocal seen
        turn(of_d, of_g)
        for _ in range(config.n_critic):
            real = data.next()["image"]
            seen += BATCH
            opt_d.zero_grad()
            with run.autocast():
                with torch.no_grad():
                    fake = g(torch.randn(BATCH, config.latent_dim, device=run.device))
                on_real, on_fake = d(real).float(), d(fake).float()
                loss = (on_fake - on_real).mean()
            loss.backward()
            opt_d.step()
            with torch.no_grad():
                for weight in of_d:
                    weight.clamp_(-config.clip, config.clip)
        turn(of_g, of_d)
        opt_g.zero_grad()
        with run.autocast():
            loss = -d(g(torch.randn(BATCH, config.latent_dim, device=run.device))).float().mean()
        loss.backward()
        opt_g.step()
        average(averaged, of_g, BATCH * config.n_critic, seen, config.ema)
        return averaged

    return step


def plain_wgan_gp(gan: GAN, data: Data, run: Run) -> Step:
    """Adam, and a critic with a gradient penalty."""
    config, g, d = gan.config, gan.generator, gan.discriminator
    of_g, of_d = list(g.parameters()), list(d.parameters())
    opt_g, opt_d = adam(of_g, config), adam(of_d, config)
    averaged = copied(of_g)
    seen = run.seen

    def step() -> list[Tensor]:
        nonlocal seen
        turn(of_d, of_g)
        for _ in range(config.n_critic):
            real = data.next()["image"]
            seen += BATCH
            opt_d.zero_grad()
            with run.autocast():
                with torch.no_grad():
                    fake = g(torch.randn(BATCH, config.latent_dim, device=run.device))
                on_real, on_fake = d(torch.cat([real, fake])).float().chunk(2)
                loss = (on_fake - on_real).mean()
            loss.backward()
            between = torch.lerp(real, fake.float(), torch.rand(BATCH, 1, 1, 1, device=run.device)).requires_grad_()
            (gradient,) = torch.autograd.grad(d(between).sum(), between, create_graph=True)
            (config.penalty * (gradient.flatten(1).norm(dim=1) - 1).square()).mean().backward()
            opt_d.step()
        turn(of_g, of_d)
        opt_g.zero_grad()
        with run.autocast():
            loss = -d(g(torch.randn(BATCH, config.latent_dim, device=run.device))).float().mean()
        loss.backward()
        opt_g.step()
        average(averaged, of_g, BATCH * config.n_critic, seen, config.ema)
        return averaged

    return step
