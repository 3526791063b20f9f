"""Plain training loops, each written for one model as a careful person would write it without a library.

They take the same networks as the engine and do the same arithmetic in the same order: shared fakes, fused optimizer,
running average. `make_plain` returns a function that makes one step.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from ganzoo.gan import GAN
from ganzoo.training.ema import RAMP

BATCH = 64


class Data:
    """Shuffled batches from a uint8 tensor."""

    def __init__(self, images: Tensor, labels: Tensor, seed: int) -> None:
        self.images, self.labels = images, labels
        self.generator = torch.Generator().manual_seed(seed * 1_000_003)
        self.order = torch.randperm(len(images), generator=self.generator)
        self.place = 0

    def next(self) -> tuple[Tensor, Tensor]:
        """Return the next batch; the sample is a whole number of batches in the benchmark."""
        if self.place + BATCH > len(self.order):
            self.order, self.place = torch.randperm(len(self.images), generator=self.generator), 0
        index = self.order[self.place : self.place + BATCH]
        self.place += BATCH
        image = self.images[index].float().div_(127.5).sub_(1)
        return image.contiguous(memory_format=torch.channels_last), self.labels[index]


def freeze(network: torch.nn.Module, frozen: bool) -> None:
    """Let gradients into a network's weights, or not."""
    for parameter in network.parameters():
        parameter.requires_grad_(not frozen)


def average(averaged: list[Tensor], weights: list[Tensor], new: int, seen: int, half_life: float) -> None:
    """Move the running average."""
    decay = 0.5 ** (new / max(min(half_life, seen * RAMP), 1e-8))
    torch._foreach_lerp_(averaged, weights, 1 - decay)


def plain_usual(gan: GAN, data: Data, bf16: bool, conditional: bool) -> Callable[[], None]:
    """Non-saturating loss, lazy R1, one discriminator step per generator step: vanilla, dcgan and cgan."""
    config, g, d = gan.config, gan.generator, gan.discriminator
    opt_g = torch.optim.Adam(g.parameters(), config.lr, (config.beta1, config.beta2), fused=True)
    opt_d = torch.optim.Adam(d.parameters(), config.lr, (config.beta1, config.beta2), fused=True)
    averaged, weights = list(copy.deepcopy(g).requires_grad_(False).parameters()), list(g.parameters())
    joint = gan.joint
    seen = steps = 0

    def step() -> None:
        nonlocal seen, steps
        real, label = data.next()
        seen += BATCH
        latent = torch.randn(BATCH, config.latent_dim)
        freeze(d, True), freeze(g, False)
        opt_g.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            fake = g(latent, label) if conditional else g(latent)
            logits = d(fake, label) if conditional else d(fake)
            loss = F.softplus(-logits.float()).mean()
        loss.backward()
        opt_g.step()
        fake = fake.detach()
        freeze(d, False), freeze(g, True)
        opt_d.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
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
            (gradient,) = torch.autograd.grad(logits.float().sum(), images, create_graph=True)
            penalty = config.r1 / 2 * gradient.flatten(1).square().sum(1)
            (penalty * config.r1_every).mean().backward()
        opt_d.step()
        average(averaged, weights, BATCH, seen, config.ema)
        steps += 1

    return step


def plain_wgan_gp(gan: GAN, data: Data, bf16: bool) -> Callable[[], None]:
    """Five critic steps with a gradient penalty per generator step."""
    config, g, d = gan.config, gan.generator, gan.discriminator
    opt_g = torch.optim.Adam(g.parameters(), config.lr, (config.beta1, config.beta2), fused=True)
    opt_d = torch.optim.Adam(d.parameters(), config.lr, (config.beta1, config.beta2), fused=True)
    averaged, weights = list(copy.deepcopy(g).requires_grad_(False).parameters()), list(g.parameters())
    seen = 0

    def step() -> None:
        nonlocal seen
        freeze(d, False), freeze(g, True)
        for _ in range(config.n_critic):
            real, _label = data.next()
            seen += BATCH
            opt_d.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                with torch.no_grad():
                    fake = g(torch.randn(BATCH, config.latent_dim))
                on_real, on_fake = d(torch.cat([real, fake])).float().chunk(2)
                loss = (on_fake - on_real).mean()
            loss.backward()
            between = torch.lerp(real, fake.float(), torch.rand(BATCH, 1, 1, 1)).requires_grad_()
            (gradient,) = torch.autograd.grad(d(between).sum(), between, create_graph=True)
            (config.penalty * (gradient.flatten(1).norm(dim=1) - 1).square()).mean().backward()
            opt_d.step()
        freeze(d, True), freeze(g, False)
        opt_g.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = -d(g(torch.randn(BATCH, config.latent_dim))).float().mean()
        loss.backward()
        opt_g.step()
        average(averaged, weights, BATCH * config.n_critic, seen, config.ema)

    return step


def make_plain(name: str, gan: GAN, data: Data, *, bf16: bool) -> Callable[[], None]:
    """Return a function that makes one training step of the architecture ``name``."""
    if name == "wgan-gp":
        return plain_wgan_gp(gan, data, bf16)
    return plain_usual(gan, data, bf16, conditional=name == "cgan")
