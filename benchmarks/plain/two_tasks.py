"""Discriminators that do more than judge: acgan's names the class, infogan's reads the codes."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from ganzoo.gan import GAN

from .common import BATCH, Data, Run, Step, adam, average, copied, turn


def plain_acgan(gan: GAN, data: Data, run: Run) -> Step:
    """Both players gain when the class is told right."""
    config, g, d = gan.config, gan.generator, gan.discriminator
    of_g, of_d = list(g.parameters()), list(d.parameters())
    opt_g, opt_d = adam(of_g, config), adam(of_d, config)
    averaged = copied(of_g)
    seen = run.seen

    def step() -> list[Tensor]:
        nonlocal seen
        batch = data.next()
        real, label = batch["image"], batch["label"]
        seen += BATCH
        turn(of_g, of_d)
        opt_g.zero_grad()
        with run.autocast():
            fake = g(torch.randn(BATCH, config.latent_dim, device=run.device), label)
            logit, classes = d(fake)
            loss = F.softplus(-logit).mean() + config.classify * F.cross_entropy(classes, label)
        loss.backward()
        opt_g.step()
        turn(of_d, of_g)
        opt_d.zero_grad()
        with run.autocast():
            logit, classes = d(torch.cat([real, fake.detach()]))
            on_real, on_fake = logit.chunk(2)
            told = F.cross_entropy(classes, label.repeat(2), reduction="sum") / BATCH
            loss = (F.softplus(-on_real) + F.softplus(on_fake)).mean() + config.classify * told
        loss.backward()
        opt_d.step()
        average(averaged, of_g, BATCH, seen, config.ema)
        return averaged

    return step


def plain_infogan(gan: GAN, data: Data, run: Run) -> Step:
    """Both players gain when the codes are read right."""
    config, g, d = gan.config, gan.generator, gan.discriminator
    of_g, of_d = list(g.parameters()), list(d.parameters())
    opt_g, opt_d = adam(of_g, config, config.generator_lr), adam(of_d, config)
    averaged = copied(of_g)
    seen = run.seen

    def information(read: list[Tensor], category: Tensor, codes: Tensor) -> Tensor:
        told, mean, deviation = read
        likelihood = 0.5 * ((codes - mean) / deviation.exp()).square() + deviation + 0.5 * math.log(2 * math.pi)
        of_category = config.category_weight * F.cross_entropy(told, category)
        return of_category + (config.code_weight * likelihood.sum(1)).mean()

    def step() -> list[Tensor]:
        nonlocal seen
        real = data.next()["image"]
        seen += BATCH
        category = torch.randint(config.categories, (BATCH,), device=run.device)
        codes = torch.rand(BATCH, config.codes, device=run.device) * 2 - 1
        latent = torch.randn(BATCH, config.latent_dim, device=run.device)
        turn(of_g, of_d)
        opt_g.zero_grad()
        with run.autocast():
            fake = g(torch.cat([latent, F.one_hot(category, config.categories), codes], 1))
            logit, *read = d(fake)
            loss = F.softplus(-logit).mean() + information(read, category, codes)
        loss.backward()
        opt_g.step()
        turn(of_d, of_g)
        opt_d.zero_grad()
        with run.autocast():
            logit, *read = d(torch.cat([real, fake.detach()]))
            on_real, on_fake = logit.chunk(2)
            loss = (F.softplus(-on_real) + F.softplus(on_fake)).mean()
            loss = loss + information([part[BATCH:] for part in read], category, codes)
        loss.backward()
        opt_d.step()
        average(averaged, of_g, BATCH, seen, config.ema)
        return averaged

    return step
