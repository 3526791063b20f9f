"""Exponential moving averages of weights, which generate better images than the weights themselves (Yazici 2018)."""

from __future__ import annotations

import copy
from typing import Any

from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from ganzoo.gan import GAN

RAMP = 0.05
"""The half-life is at most this share of the images seen, so that the start is soon forgotten (Karras 2020b)."""


class EMA:
    """The averages of the networks that ``gan.ema`` names; the other networks are shared, not copied."""

    def __init__(self, gan: GAN) -> None:
        shared: dict[int, Any] = {id(module): module for name, module in gan.named_children() if name not in gan.ema}
        self.averaged = copy.deepcopy(gan, shared)
        self._trained, self._networks = (
            nn.ModuleDict({name: getattr(of, name) for name in gan.ema}) for of in (gan, self.averaged)
        )
        self._networks.requires_grad_(False).eval()
        self._pairs = [
            (half_life, list(self._networks[name].parameters()), list(self._trained[name].parameters()))
            for name, half_life in gan.ema.items()
        ]

    def update(self, new: int, images: int) -> None:
        """Move the averages towards the weights, ``new`` images after the last update and ``images`` in all."""
        for half_life, averages, weights in self._pairs:
            decay = 0.5 ** (new / max(min(half_life, images * RAMP), 1e-8))
            get_ema_multi_avg_fn(decay)(averages, weights, 0)  # type: ignore[no-untyped-call]

    def model(self) -> GAN:
        """Return the GAN that generates with the averages; its buffers (batch statistics) are the trained networks'."""
        self._copy_buffers()
        self.averaged.training = False
        return self.averaged

    def _copy_buffers(self) -> None:
        trained = dict(self._trained.named_buffers())
        for key, buffer in self._networks.named_buffers():
            buffer.copy_(trained[key])

    def state_dict(self) -> dict[str, Tensor]:
        """Return the averages by ``network.parameter``, and the buffers as `model` has them."""
        self._copy_buffers()
        return self._networks.state_dict()

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Load the averages, strictly."""
        self._networks.load_state_dict(state, strict=True)
