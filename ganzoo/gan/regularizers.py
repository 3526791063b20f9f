"""Regularisers of the discriminator, on samples (N, ...) of any shape."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ganzoo.nn.renamed import renamed_arguments

Discriminate = Callable[[Tensor], Tensor]
"""Samples (N, ...) of any shape to logits (N,)."""


@dataclass(frozen=True)
class Regularizer:
    """A penalty on the discriminator.

    Args:
        name: the reported term.
        penalty: (discriminate, real, fake) to a value per sample (N,); ``fake`` carries no gradient.
        every: play on each n-th step only, scaled by n; 1 adds the penalty to the discriminator's own phase.
    """

    name: str
    penalty: Callable[[Discriminate, Tensor, Tensor], Tensor]
    every: int = 1


@renamed_arguments(images="samples")
def input_gradient(discriminate: Discriminate, samples: Tensor) -> Tensor:
    """Return d(logit)/d(sample), flattened to (N, D), with a graph for a second backward pass.

    Computed in float32 whatever the precision around it: the square of a bf16 gradient is noise.
    """
    with torch.autocast(samples.device.type, enabled=False):
        samples = samples.detach().float().requires_grad_()
        (gradient,) = torch.autograd.grad(discriminate(samples).sum(), samples, create_graph=True)
    return torch.flatten(gradient, 1)


def gradient_penalty(discriminate: Discriminate, real: Tensor, fake: Tensor) -> Tensor:
    """Return (||gradient|| - 1)^2 per sample at random points between real and fake (Gulrajani 2017, equation 3).

    Each sample (N, ...) has its own interpolation factor.
    """
    weight = torch.rand(len(real), *[1] * (real.ndim - 1), device=real.device)
    between = torch.lerp(real.float(), fake.detach().float(), weight)
    norm: Tensor = torch.linalg.vector_norm(input_gradient(discriminate, between), dim=1)
    return (norm - 1).square()


def r1_penalty(discriminate: Discriminate, real: Tensor) -> Tensor:
    """Return ||gradient||^2 per sample at the real samples (Mescheder 2018, equation 9, without gamma / 2)."""
    return input_gradient(discriminate, real).square().sum(1)


def gradient_penalty_regularizer(weight: float = 10.0, every: int = 1) -> Regularizer:
    """WGAN-GP's penalty, times ``weight`` (lambda in Gulrajani 2017)."""
    return Regularizer("gp", lambda d, real, fake: weight * gradient_penalty(d, real, fake), every)


def r1_regularizer(gamma: float, every: int = 1) -> Regularizer:
    """R1, times ``gamma / 2``; ``every`` = 16 is the lazy form of Karras 2020."""
    return Regularizer("r1", lambda d, real, fake: gamma / 2 * r1_penalty(d, real), every)


def r2_regularizer(gamma: float, every: int = 1) -> Regularizer:
    """R2, which is R1 at the generated samples, times ``gamma / 2`` (Mescheder 2018, section 4)."""
    return Regularizer("r2", lambda d, real, fake: gamma / 2 * r1_penalty(d, fake), every)


@torch.no_grad()
def clip_weights(parameters: Iterable[nn.Parameter], limit: float) -> None:
    """Clamp every weight to [-limit, limit], in place (Arjovsky 2017, algorithm 1, line 7)."""
    for parameter in parameters:
        parameter.clamp_(-limit, limit)
