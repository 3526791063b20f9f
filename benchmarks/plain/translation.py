"""Models that make images of images: pix2pix and cyclegan."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim import Optimizer

from ganzoo.gan import GAN

from .common import BATCH, Data, Run, Step, adam, average, copied, turn


def set_lr(optimizers: tuple[Optimizer, ...], lr: float, progress: float, share: float) -> None:
    """Let the learning rates fall to zero over the last ``share`` of the training."""
    for optimizer in optimizers:
        optimizer.param_groups[0]["lr"] = lr * (1.0 if progress <= 1 - share else (1 - progress) / share)


def plain_pix2pix(gan: GAN, data: Data, run: Run) -> Step:
    """Patches judged beside what they were made of, and the L1 distance; batch norm in both networks."""
    config, g, d = gan.config, gan.generator, gan.discriminator
    of_g, of_d = list(g.parameters()), list(d.parameters())
    opt_g, opt_d = adam(of_g, config), adam(of_d, config)
    averaged = copied(of_g)
    seen = run.seen

    def step() -> list[Tensor]:
        nonlocal seen
        batch = data.next()
        source, target = batch["A"], batch["B"]
        set_lr((opt_g, opt_d), config.lr, seen / run.images, config.lr_decay)
        seen += BATCH
        turn(of_g, of_d)
        opt_g.zero_grad()
        with run.autocast():
            fake = g(source)
            adversarial = F.softplus(-d(torch.cat([source, fake], 1)).float()).mean()
            loss = adversarial + config.l1 * F.l1_loss(fake.float(), target)
        loss.backward()
        opt_g.step()
        turn(of_d, of_g)
        opt_d.zero_grad()
        with run.autocast():
            on_real = d(torch.cat([source, target], 1)).float()
            on_fake = d(torch.cat([source, fake.detach()], 1)).float()
            loss = 0.5 * (F.softplus(-on_real) + F.softplus(on_fake)).mean()
        loss.backward()
        opt_d.step()
        average(averaged, of_g, BATCH, seen, config.ema)
        return averaged

    return step


def plain_cyclegan(gan: GAN, data: Data, run: Run) -> Step:
    """Two generators against two discriminators: least squares, cycle consistency, identity, earlier fakes."""
    config = gan.config
    of_g = [*gan.a_to_b.parameters(), *gan.b_to_a.parameters()]
    of_d = [*gan.judge_a.parameters(), *gan.judge_b.parameters()]
    opt_g, opt_d = adam(of_g, config), adam(of_d, config)
    averaged = copied(of_g)
    seen = run.seen

    def step() -> list[Tensor]:
        nonlocal seen
        batch = data.next()
        a, b = batch["A"], batch["B"]
        set_lr((opt_g, opt_d), config.lr, seen / run.images, config.lr_decay)
        seen += BATCH
        turn(of_g, of_d)
        opt_g.zero_grad()
        fakes = []
        for real, other, forth, back, judge in (
            (a, b, gan.a_to_b, gan.b_to_a, gan.judge_b),
            (b, a, gan.b_to_a, gan.a_to_b, gan.judge_a),
        ):
            with run.autocast():
                fake, same = forth(torch.cat([real, other])).chunk(2)
                loss = (judge(fake).float() - 1).square().mean()
                loss = loss + config.cycle * F.l1_loss(back(fake).float(), real)
                loss = loss + config.cycle * config.identity * F.l1_loss(same.float(), other)
            loss.backward()
            fakes.append(fake.detach())
        opt_g.step()
        fake_b, fake_a = fakes
        turn(of_d, of_g)
        opt_d.zero_grad()
        for real, fake, judge, pool in ((a, fake_a, gan.judge_a, gan.pool_a), (b, fake_b, gan.judge_b, gan.pool_b)):
            with run.autocast():
                on_real, on_fake = judge(torch.cat([real, pool.swap(fake)])).float().chunk(2)
                loss = 0.5 * ((on_real - 1).square() + on_fake.square()).mean()
            loss.backward()
        opt_d.step()
        average(averaged, of_g, BATCH, seen, config.ema)
        return averaged

    return step
