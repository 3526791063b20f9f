"""What is done to the gradients of an update before the optimizer's step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from torch import Tensor, nn


@dataclass(frozen=True)
class Treatment:
    """What is done to gradients.

    Args:
        clip: limit; None sets none.
        mode: what is limited: ``"norm"``, ``"value"`` or ``"agc"``, see `Settings.clip_mode`.
        l1: weight of the sum of all absolute weights.
        l2: weight of half the sum of all squared weights.
        skip_bad: leave out an update whose gradient is not finite, which takes a wait for the device each time.
    """

    clip: float | None = None
    mode: str = "norm"
    l1: float = 0.0
    l2: float = 0.0
    skip_bad: bool = False


class Gradients:
    """The gradients of one optimizer's parameters.

    Args:
        parameters: of the optimizer.
        accelerator: the other processes.
        treatment: what is done.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], accelerator: Accelerator, treatment: Treatment) -> None:
        self.parameters = parameters
        self.accelerator = accelerator
        self.treatment = treatment

    def average(self) -> None:
        """Average over all processes, in one flat reduction: an update sends one message."""
        gradients = self._there()  # the same ones everywhere: all play one phase
        flat = self.accelerator.reduce(torch.cat([g.flatten() for g in gradients]), "mean")
        for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            # In place: a fused update needs gradients in the memory format of their parameters.
            gradient.copy_(part.view(gradient.shape))

    def are_bad(self) -> Tensor:
        """Whether any is not finite, on the device. All processes have the same ones."""
        norms = torch._foreach_norm(self._there())  # noqa: SLF001 - as clip_grad_norm_ does
        return ~torch.stack(norms).isfinite().all()

    def treat(self) -> None:
        """Add the gradients of the penalties on weights, then clip."""
        t = self.treatment
        if t.l1 or t.l2:
            # Matrices and kernels: to shrink a bias or the scale of a norm does not make a network simpler.
            pairs = [(p.detach(), p.grad) for p in self.parameters if p.grad is not None and p.ndim > 1]
            weights, gradients = [w for w, _ in pairs], [g for _, g in pairs]
            if t.l2 and pairs:
                torch._foreach_add_(gradients, weights, alpha=t.l2)
            if t.l1 and pairs:
                torch._foreach_add_(gradients, [weight.sign() for weight in weights], alpha=t.l1)
        if t.clip is not None:
            from timm.utils import dispatch_clip_grad  # type: ignore[attr-defined]  # takes seconds to import

            dispatch_clip_grad(self.parameters, t.clip, mode=t.mode)

    def _there(self) -> list[Tensor]:
        return [p.grad for p in self.parameters if p.grad is not None]
