"""What every plain loop needs: batches, autocast, the turns of the players, the running average."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.training.ema import RAMP

BATCH = 64

Step = Callable[[], list[Tensor]]
"""Makes one training step and returns the running averages of the generator's weights."""


class Data:
    """Shuffled batches from uint8 images.

    Args:
        images: (N, C, S, S).
        labels: (N,).
        seed: of the order.
        degrade: makes images A of images B, for a model that translates; None for others.
        device: of the batches.
    """

    def __init__(
        self, images: Tensor, labels: Tensor, seed: int, degrade: Callable[[Tensor], Tensor] | None = None, *,
        device: torch.device | str = "cpu",
    ) -> None:  # fmt: skip
        self.images, self.labels, self.degrade, self.device = images, labels, degrade, device
        self.generator = torch.Generator().manual_seed(seed * 1_000_003)
        self.order = torch.randperm(len(images), generator=self.generator)
        self.place = 0

    def next(self, resolution: int | None = None) -> dict[str, Tensor]:
        """Return the next batch; the sample is a whole number of batches in the benchmark.

        Args:
            resolution: height and width to average the images down to; None leaves them.

        Returns:
            ``image`` and ``label``, or for a model that translates ``A``, ``B`` and ``pair``.
        """
        if self.place + BATCH > len(self.order):
            self.order, self.place = torch.randperm(len(self.images), generator=self.generator), 0
        index = self.order[self.place : self.place + BATCH]
        self.place += BATCH
        image = self.images[index].to(self.device, non_blocking=True).float().div_(127.5).sub_(1)
        if resolution not in (None, image.shape[-1]):
            image = F.interpolate(image, size=(resolution, resolution), mode="area")
        image = image.contiguous(memory_format=torch.channels_last)
        if self.degrade is not None:
            return {"A": self.degrade(image), "B": image, "pair": index.to(self.device, non_blocking=True)}
        return {"image": image, "label": self.labels[index].to(self.device, non_blocking=True)}


@dataclass(frozen=True)
class Run:
    """The settings of a training.

    Args:
        bf16: compute the losses under autocast.
        images: the budget, over which learning rates fall.
        seen: real images that were drawn before.
        device: of the networks.
    """

    bf16: bool
    images: int
    seen: int
    device: torch.device

    def autocast(self) -> torch.autocast:
        """Return the context that the losses are computed in."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)


def adam(weights: Iterable[nn.Parameter], config: Any, lr: float | None = None) -> torch.optim.Adam:
    """Return Adam in one kernel, with the learning rate of the config or another."""
    return torch.optim.Adam(weights, lr or config.lr, (config.beta1, config.beta2), fused=True)


def turn(on: list[nn.Parameter], off: list[nn.Parameter]) -> None:
    """Let gradients reach the weights ``on`` and not the weights ``off``."""
    for parameter in off:
        parameter.requires_grad_(False)
    for parameter in on:
        parameter.requires_grad_(True)


def copied(weights: list[nn.Parameter]) -> list[Tensor]:
    """Return the running average at its start."""
    return list(copy.deepcopy(nn.ParameterList(weights)).requires_grad_(False))


def average(averaged: list[Tensor], weights: list[nn.Parameter], new: int, seen: int, half_life: float) -> None:
    """Move the running average."""
    decay = 0.5 ** (new / max(min(half_life, seen * RAMP), 1e-8))
    torch._foreach_lerp_(averaged, weights, 1 - decay)
