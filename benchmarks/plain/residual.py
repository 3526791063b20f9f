"""Residual networks: sngan with and without labels, and r3gan."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ganzoo.gan import GAN

from .common import BATCH, Data, Run, Step, adam, average, copied, turn


def plain_sngan(gan: GAN, data: Data, run: Run) -> Step:
    """Hinge loss, several discriminator steps per generator step, learning rates that fall from the start."""
    config, g, d = gan.config, gan.generator, gan.discriminator
    of_g, of_d = list(g.parameters()), list(d.parameters())
    opt_g, opt_d = adam(of_g, config), adam(of_d, config, config.discriminator_lr)
    averaged = copied(of_g)
    seen = run.seen

    def step() -> list[Tensor]:
        nonlocal seen
        left = 1 - seen / run.images
        opt_g.param_groups[0]["lr"] = config.lr * left
        opt_d.param_groups[0]["lr"] = config.discriminator_lr * left
        turn(of_d, of_g)
        for _ in range(config.n_critic):
            real = data.next()["image"]
            seen += BATCH
            opt_d.zero_grad()
            with run.autocast():
                with torch.no_grad():
                    fake = g(torch.randn(BATCH, config.latent_dim, device=run.device))
                on_real, on_fake = d(torch.cat([real, fake])).float().chunk(2)
                loss = (F.relu(1 - on_real) + F.relu(1 + on_fake)).mean()
            loss.backward()
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


def plain_sngan_projection(gan: GAN, data: Data, run: Run) -> Step:
    """The same with labels; the generator draws those of the first batch of its step."""
    config, g, d = gan.config, gan.generator, gan.discriminator
    of_g, of_d = list(g.parameters()), list(d.parameters())
    opt_g, opt_d = adam(of_g, config), adam(of_d, config, config.discriminator_lr)
    averaged = copied(of_g)
    seen = run.seen

    def step() -> list[Tensor]:
        nonlocal seen
        left = 1 - seen / run.images
        opt_g.param_groups[0]["lr"] = config.lr * left
        opt_d.param_groups[0]["lr"] = config.discriminator_lr * left
        turn(of_d, of_g)
        labels = []
        for _ in range(config.n_critic):
            batch = data.next()
            real, label = batch["image"], batch["label"]
            seen += BATCH
            labels.append(label)
            opt_d.zero_grad()
            with run.autocast():
                with torch.no_grad():
                    fake = g(torch.randn(BATCH, config.latent_dim, device=run.device), label)
                on_real, on_fake = d(torch.cat([real, fake]), label.repeat(2)).float().chunk(2)
                loss = (F.relu(1 - on_real) + F.relu(1 + on_fake)).mean()
            loss.backward()
            opt_d.step()
        turn(of_g, of_d)
        opt_g.zero_grad()
        with run.autocast():
            loss = -d(g(torch.randn(BATCH, config.latent_dim, device=run.device), labels[0]), labels[0]).float().mean()
        loss.backward()
        opt_g.step()
        average(averaged, of_g, BATCH * config.n_critic, seen, config.ema)
        return averaged

    return step


def plain_r3gan(gan: GAN, data: Data, run: Run) -> Step:
    """Each fake against a real image, and the discriminator's gradient held at both."""
    config, g, d = gan.config, gan.generator, gan.discriminator
    of_g, of_d = list(g.parameters()), list(d.parameters())
    opt_g, opt_d = adam(of_g, config), adam(of_d, config)
    averaged = copied(of_g)
    seen, steps = run.seen, 0

    def step() -> list[Tensor]:
        nonlocal seen, steps
        real = data.next()["image"]
        seen += BATCH
        turn(of_g, of_d)
        opt_g.zero_grad()
        with run.autocast():
            fake = g(torch.randn(BATCH, config.latent_dim, device=run.device))
            with torch.no_grad():  # the generator had no part in the real images
                on_real = d(real).float()
            on_fake = d(fake).float()
            loss = F.softplus(on_real - on_fake).mean()
        loss.backward()
        opt_g.step()
        fake = fake.detach()
        turn(of_d, of_g)
        opt_d.zero_grad()
        with run.autocast():
            on_real, on_fake = d(torch.cat([real, fake])).float().chunk(2)
            loss = F.softplus(on_fake - on_real).mean()
        loss.backward()
        if steps % config.penalty_every == 0:
            for shown in (real, fake):
                images = shown.detach().float().requires_grad_()
                (gradient,) = torch.autograd.grad(d(images).sum(), images, create_graph=True)
                penalty = config.gamma / 2 * gradient.flatten(1).square().sum(1)
                (penalty * config.penalty_every).mean().backward()
        opt_d.step()
        average(averaged, of_g, BATCH, seen, config.ema)
        steps += 1
        return averaged

    return step
