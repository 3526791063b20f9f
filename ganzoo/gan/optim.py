"""Optimizers by name, from timm's collection."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from ganzoo.errors import ConfigError, did_you_mean

_FUSED: dict[str, type[Optimizer]] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
"""torch's own, whose update is one kernel. timm makes the same of these names, and takes seconds to import."""


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

    def build(self, parameters: Iterable[nn.Parameter] | Iterable[dict[str, Any]]) -> Optimizer:
        """Make the optimizer.

        Raises:
            ConfigError: timm has no such optimizer, or it does not take the options.
        """
        options: dict[str, Any] = {"weight_decay": 0.0, **self.options}
        try:
            if self.name in _FUSED:
                return _FUSED[self.name](list(parameters), lr=self.lr, **{"fused": True, **options})  # type: ignore[call-arg,arg-type]
            from timm.optim import create_optimizer_v2  # type: ignore[attr-defined]

            optimizer: Optimizer = create_optimizer_v2(
                list(parameters),  # type: ignore[arg-type]
                opt=self.name,
                lr=self.lr,
                **options,
            )
        except (ValueError, TypeError, AssertionError) as error:
            raise ConfigError(f"optimizer '{self.name}': {error}") from error
        return optimizer


def replaced(optimizer: Optimizer, name: str) -> Optimizer:
    """Return the optimizer that timm calls ``name``, over the same groups of parameters at their learning rates.

    Betas and weight decay are kept where the new one has them; the rest has the new one's defaults.

    Raises:
        ConfigError: timm has no such optimizer.
    """
    from timm.optim import get_optimizer_info  # type: ignore[attr-defined]

    check_name(name)
    two_betas = get_optimizer_info(name).num_betas == 2
    kept = ("params", "lr", "weight_decay", *(["betas"] if two_betas else []))
    groups: list[dict[str, Any]] = [{k: group[k] for k in kept if k in group} for group in optimizer.param_groups]
    options = {k: v for k, v in groups[0].items() if k in ("betas", "weight_decay")}
    return OptimizerSpec(name, groups[0]["lr"], options).build(groups)


def check_name(name: str) -> None:
    """Refuse a name that timm does not know.

    Raises:
        ConfigError: with the nearest one.
    """
    from timm.optim import list_optimizers  # type: ignore[attr-defined]

    known = [str(name) for name in list_optimizers()]
    if name not in known:
        raise ConfigError(
            f"timm has no optimizer '{name}'.{did_you_mean(name, known)} timm.optim.list_optimizers() lists them."
        )
