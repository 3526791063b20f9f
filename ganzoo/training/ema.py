"""Exponential moving averages of weights, which generate better images than the weights themselves (Yazici 2018)."""

from __future__ import annotations

import copy

from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from ganzoo.gan import GAN

RAMP = (
    0.05  # the half-life is at most this share of the images seen, so that the start is soon forgotten (Karras 2020b)
)


class EMA:
    """The averages of the networks that ``gan.ema`` names.

    Args:
        gan: what is trained; its other networks are shared, not copied.
    """

    def __init__(self, gan: GAN) -> None:
        self.gan = gan
        shared = {id(module): module for name, module in gan.named_children() if name not in gan.ema}
        self.averaged = copy.deepcopy(gan, dict(shared))
        for name in gan.ema:
            self._network(name).requires_grad_(False).eval()
        self._pairs: list[tuple[float, list[Tensor], list[Tensor]]] = [
            (half_life, list(self._network(name).parameters()), list(getattr(gan, name).parameters()))
            for name, half_life in gan.ema.items()
        ]

    def _network(self, name: str) -> nn.Module:
        network: nn.Module = getattr(self.averaged, name)
        return network

    def update(self, new: int, images: int) -> None:
        """Move the averages towards the weights.

        Args:
            new: images since the last update.
            images: images in all.
        """
        for half_life, averages, weights in self._pairs:
            decay = 0.5 ** (new / max(min(half_life, images * RAMP), 1e-8))
            get_ema_multi_avg_fn(decay)(  # type: ignore[no-untyped-call]
                averages, weights, 0
            )

    def model(self) -> GAN:
        """Return the GAN that generates with the averages; its buffers (batch statistics) are the trained networks'."""
        self._copy_buffers()
        self.averaged.training = False
        return self.averaged

    def _copy_buffers(self) -> None:
        for name in self.gan.ema:
            trained = dict(getattr(self.gan, name).named_buffers())
            for key, buffer in self._network(name).named_buffers():
                buffer.copy_(trained[key])

    def state_dict(self) -> dict[str, Tensor]:
        """Return the averages by ``network.parameter``, and the buffers as `model` has them."""
        self._copy_buffers()
        return {f"{n}.{k}": v for n in self.gan.ema for k, v in self._network(n).state_dict().items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Load the averages, strictly."""
        for name in self.gan.ema:
            start = f"{name}."
            self._network(name).load_state_dict(
                {k.removeprefix(start): v for k, v in state.items() if k.startswith(start)}, strict=True
            )
