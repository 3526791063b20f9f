"""Styles: stylegan2."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.gan import GAN

from .common import BATCH, Data, Run, Step, average, copied, turn

STYLE_DECAY = 0.005  # of the running mean of styles
PATH_DECAY = 0.01  # of the running mean of path lengths


def styles_of(g: nn.Module, n: int, latent_dim: int, mixing: float) -> Tensor:
    """Return styles (n, L, W) of random latents; some images take those of a second latent from a layer on."""
    device = g.mapping.mean.device
    first, second = g.mapping(torch.randn(2 * n, latent_dim, device=device)).float().chunk(2)
    with torch.no_grad():
        g.mapping.mean.lerp_(first.mean(0), STYLE_DECAY)
    layers = g.synthesis.layers_count
    crossing = torch.randint(1, layers, (n, 1), device=device)
    crossing = torch.where(torch.rand(n, 1, device=device) < mixing, crossing, layers)
    after = torch.arange(layers, device=device) >= crossing
    return torch.where(after[..., None], g.spread(second), g.spread(first))


def plain_stylegan2(gan: GAN, data: Data, run: Run) -> Step:
    """Logistic loss and style mixing; path length and R1 as updates of their own on each n-th step."""
    config, g, d, path_mean = gan.config, gan.generator, gan.discriminator, gan.path_mean
    of_g, of_d = list(g.parameters()), list(d.parameters())

    def slowed(weights: list[nn.Parameter], every: int) -> torch.optim.Adam:
        share = every / (every + 1)
        return torch.optim.Adam(
            weights, config.lr * share, (config.beta1**share, config.beta2**share), eps=1e-8, fused=True
        )

    opt_g, opt_d = slowed(of_g, config.path_length_every), slowed(of_d, config.r1_every)
    averaged = copied(of_g)
    seen, steps = run.seen, 0

    def step() -> list[Tensor]:
        nonlocal seen, steps
        real = data.next()["image"]
        seen += BATCH
        turn(of_g, of_d)
        opt_g.zero_grad()
        with run.autocast():
            styles = styles_of(g, BATCH, config.latent_dim, config.mixing)
            fake = g.synthesis(styles, torch.randn(BATCH, g.synthesis.noise_size, device=run.device))
            loss = F.softplus(-d(fake).float()).mean()
        loss.backward()
        opt_g.step()
        if steps % config.path_length_every == 0:
            n = BATCH // 2
            opt_g.zero_grad()
            styles = styles_of(g, n, config.latent_dim, config.mixing)
            images = g.synthesis(styles, torch.randn(n, g.synthesis.noise_size, device=run.device))
            noise = torch.randn_like(images) / math.sqrt(images.shape[2] * images.shape[3])
            (gradient,) = torch.autograd.grad((images * noise).sum(), styles, create_graph=True)
            lengths = gradient.square().sum(2).mean(1).sqrt()
            path_mean.lerp_(lengths.detach().mean(), PATH_DECAY)
            loss = (config.path_length * (lengths - path_mean).square()).mean()
            (loss * config.path_length_every).backward()
            opt_g.step()
        turn(of_d, of_g)
        opt_d.zero_grad()
        with run.autocast():
            on_real, on_fake = d(real).float(), d(fake.detach()).float()
            loss = (F.softplus(-on_real) + F.softplus(on_fake)).mean()
        loss.backward()
        opt_d.step()
        if steps % config.r1_every == 0:
            opt_d.zero_grad()
            images = real.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(d(images).sum(), images, create_graph=True)
            penalty = (config.r1 / 2 * gradient.flatten(1).square().sum(1)).mean()
            (penalty * config.r1_every).backward()
            opt_d.step()
        average(averaged, of_g, BATCH, seen, config.ema)
        steps += 1
        return averaged

    return step
