"""Optimizers by name, from timm's collection."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from torch import nn
from torch.optim import Optimizer

from ganzoo.errors import ConfigError

_FUSED = ("adam", "adamw")  # torch's own one-kernel updates


@dataclass(frozen=True)
class OptimizerSpec:
    """An optimizer by name with its learning rate and options.

    Args:
        name: any that ``timm.optim.list_optimizers()`` lists.
        lr: learning rate.
        options: further arguments, for instance ``{"betas": (0.5, 0.999)}``.
    """

    name: str
    lr: float
    options: dict[str, Any] = field(default_factory=dict)

    def build(self, parameters: Iterable[nn.Parameter]) -> Optimizer:
        """Make the optimizer.

        Raises:
            ConfigError: timm has no such optimizer, or it does not take the options.
        """
        from timm.optim import create_optimizer_v2  # type: ignore[attr-defined]  # timm takes seconds to import, and only training needs it

        options = {"fused": True, **self.options} if self.name in _FUSED else self.options
        try:
            optimizer: Optimizer = create_optimizer_v2(
                list(parameters), opt=self.name, lr=self.lr, **{"weight_decay": 0.0, **options}
            )
        except (ValueError, TypeError, AssertionError) as error:
            raise ConfigError(f"optimizer '{self.name}': {error}") from error
        return optimizer
