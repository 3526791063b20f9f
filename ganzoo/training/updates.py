"""One update of the parameters of one optimizer: backward passes, gradient clipping and weight penalties, the step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import Optimizer

from ganzoo.errors import RunError
from ganzoo.gan import Batch, Phase, Progress
from ganzoo.training.settings import Settings
from ganzoo.training.state import State

MOST_SKIPPED = 100
"""Updates in a row that may be skipped."""


@dataclass
class Gradients:
    """The gradients of one optimizer's parameters, penalised and clipped as the settings say."""

    parameters: Sequence[nn.Parameter]
    accelerator: Accelerator
    settings: Settings

    def average(self) -> None:
        """Average over all processes, in one flat reduction: an update sends one message."""
        gradients = self._present()  # the same ones in every process: all run the same phase
        flat = self.accelerator.reduce(torch.cat([g.flatten() for g in gradients]), "mean")
        for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            # In place: a fused update needs gradients in the memory format of their parameters.
            gradient.copy_(part.view(gradient.shape))

    def nonfinite(self) -> Tensor:
        """Return whether any gradient is not finite, on the device; the same in all processes after `average`."""
        norms = torch._foreach_norm(self._present())  # noqa: SLF001 - as clip_grad_norm_ does
        return ~torch.stack(norms).isfinite().all()

    def penalise_and_clip(self) -> None:
        """Add the gradients of the penalties on weights, then clip."""
        settings = self.settings
        if settings.l1 or settings.l2:
            # Matrices and kernels: to shrink a bias or the scale of a norm does not make a network simpler.
            pairs = [(p.detach(), p.grad) for p in self.parameters if p.grad is not None and p.ndim > 1]
            weights, gradients = [w for w, _ in pairs], [g for _, g in pairs]
            if settings.l2 and pairs:
                torch._foreach_add_(gradients, weights, alpha=settings.l2)
            if settings.l1 and pairs:
                torch._foreach_add_(gradients, [weight.sign() for weight in weights], alpha=settings.l1)
        if settings.clip_grad is not None:
            from timm.utils import dispatch_clip_grad  # type: ignore[attr-defined]  # takes seconds to import

            dispatch_clip_grad(self.parameters, settings.clip_grad, mode=settings.clip_mode)

    def _present(self) -> list[Tensor]:
        return [p.grad for p in self.parameters if p.grad is not None]


class PhaseRunner:
    """Runs the phases of one optimizer, which is over some of the parameters of the state's networks."""

    def __init__(self, state: State, optimizer: Optimizer, accelerator: Accelerator, settings: Settings) -> None:
        self.optimizer = optimizer
        self.accelerator = accelerator
        self.sums = state.sums
        self.augmentation = state.augmentation
        self.parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self.gradients = Gradients(self.parameters, accelerator, settings)
        own = {id(p) for p in self.parameters}
        self.others = [p for p in state.gan.parameters() if id(p) not in own]
        self.base_lrs = [group.setdefault("initial_lr", group["lr"]) for group in optimizer.param_groups]
        # Not accelerator.autocast(): it looks its state up at each call, and this is entered four times a step; and
        # accelerate fixes one precision for a whole process, where a notebook may train twice.
        self.bf16 = resolve_precision(settings.precision, accelerator.device) == "bf16"
        self.skip_nonfinite = settings.on_nan == "skip"
        self.skipped = 0  # in a row
        # An update that is skipped must not have changed the running statistics, which a forward pass changes.
        self.buffers = [b for b in state.gan.buffers() if b.is_floating_point()] if self.skip_nonfinite else []

    def enable_grads(self) -> None:
        """Let gradients reach this optimizer's parameters, and no others."""
        for parameter in self.others:
            parameter.requires_grad_(False)
        for parameter in self.parameters:
            parameter.requires_grad_(True)

    def set_lr(self, scale: float) -> None:
        """Set the learning rates to ``scale`` times those that the optimizer was made with."""
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            group["lr"] = base * scale

    def update(self, phase: Phase, batches: Sequence[Batch], progress: Progress) -> None:
        """Make one update: a backward pass for each dict of terms that the phase yields of each part, then a step."""
        self.optimizer.zero_grad(set_to_none=True)
        reported: list[tuple[str, Tensor]] = []
        before = [buffer.clone() for buffer in self.buffers]
        for batch in batches:
            reported += self._backward(phase, batch, progress, phase.every / len(batches))
        if self.accelerator.num_processes > 1:
            self.gradients.average()
        if self.skip_nonfinite and self._must_skip(phase):
            for buffer, value in zip(self.buffers, before, strict=True):
                buffer.copy_(value)
            return
        for name, mean in reported:
            self.sums.add(name, mean)
        self.gradients.penalise_and_clip()
        self.optimizer.step()
        if phase.after is not None:
            phase.after()

    def _backward(self, phase: Phase, batch: Batch, progress: Progress, weight: float) -> list[tuple[str, Tensor]]:
        """Add the gradients of the phase's loss, times ``weight``; return the mean of each term."""
        losses = phase.loss(batch, progress)
        reported: list[tuple[str, Tensor]] = []
        while True:
            with torch.autocast(self.accelerator.device.type, dtype=torch.bfloat16, enabled=self.bf16):
                terms = next(losses, None)
            if terms is None:
                return reported
            if self.augmentation is not None:
                self.augmentation.count_signs(terms)
            loss: Tensor | None = None
            for name, values in terms.items():
                mean = values.mean()
                reported.append((f"{phase.name}/{name}", mean.detach()))
                if mean.requires_grad:
                    loss = mean if loss is None else loss + mean
            if loss is not None:
                self.accelerator.backward(loss * weight if weight != 1 else loss)

    def _must_skip(self, phase: Phase) -> bool:
        """Return whether the gradient is not finite, and count it; waits for the device."""
        nonfinite = self.gradients.nonfinite()
        skip = bool(nonfinite)
        self.skipped = self.skipped + 1 if skip else 0
        if self.skipped > MOST_SKIPPED:
            raise RunError(
                f"the last {self.skipped} updates of phase {phase.name} had no finite gradient and were skipped: "
                "resume from an earlier checkpoint with a lower learning rate"
            )
        self.sums.add(f"{phase.name}/skipped", nonfinite.float())
        return skip


def resolve_precision(precision: str, device: torch.device) -> str:
    """Return ``"bf16"`` or ``"fp32"``: for ``"auto"``, bf16 where the hardware computes in it."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        fast = torch.cuda.get_device_capability()[0] >= 8
    elif device.type == "cpu":
        able = torch.cpu.get_capabilities()
        fast = bool(able.get("avx512_bf16") or able.get("amx_bf16") or able.get("bf16"))
    else:
        fast = False
    return "bf16" if fast else "fp32"
