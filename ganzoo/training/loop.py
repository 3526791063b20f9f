"""The engine. It knows phases, optimizers and batches; it knows no architecture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import Optimizer

from ganzoo.data import Loader
from ganzoo.errors import RunError
from ganzoo.gan import GAN, Batch, Phase, Stage, Tick
from ganzoo.training.ema import EMA

MOST_SKIPPED = 100
"""Updates in a row that may be left out."""

if torch.distributed.is_available():
    # Its defaults hold the process group that is there when it is imported (timm's optimizers bring it in), and gloo's
    # threads then outlive the group and may abort Python's end. Imported before there is one, it holds none.
    import torch.distributed.nn.functional


@dataclass
class Sums:
    """Means of the loss terms, summed on the device: nothing is read back until `means` is called."""

    totals: dict[str, Tensor] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, mean: Tensor) -> None:
        """Add the mean of one batch."""
        if name in self.totals:
            self.totals[name].add_(mean)
            self.counts[name] += 1
        else:
            self.totals[name] = mean.to(torch.float32, copy=True)
            self.counts[name] = 1

    def means(self, accelerator: Accelerator) -> dict[str, float]:
        """Return the mean of each term since the last call, over all processes, and start anew."""
        names = sorted(self.totals)
        if not names:
            return {}
        values = torch.stack([self.totals[name] / self.counts[name] for name in names])
        means: list[float] = accelerator.reduce(values, "mean").tolist()
        self.totals.clear()
        self.counts.clear()
        return dict(zip(names, means, strict=True))


@dataclass
class State:
    """What training changes: this, and torch's random generators, are a checkpoint.

    Args:
        gan: the networks, on their device.
        ema: their averages.
        optimizers: by name.
        step: steps done.
        images: real images drawn, over all processes.
    """

    gan: GAN
    ema: EMA
    optimizers: dict[str, Optimizer]
    step: int = 0
    images: int = 0
    sums: Sums = field(default_factory=Sums)


def train(
    state: State,
    loader: Loader,
    accelerator: Accelerator,
    *,
    images: int,
    batch_size: int,
    precision: str,
    after_step: Callable[[], bool],
    skip_bad: bool = False,
) -> None:
    """Play the phases of each stage until the budget is spent or ``after_step`` returns True.

    Args:
        state: goes on from where it stands.
        loader: of the real images.
        accelerator: device and the other processes.
        images: the budget, over all processes.
        batch_size: images per update over all processes, where a stage names none.
        precision: ``"bf16"`` computes the losses under autocast; ``"fp32"`` does not.
        after_step: called after every step; must not wait for the device.
        skip_bad: leave out an update whose gradient is not finite, which takes a wait for the device each time.

    Raises:
        RunError: with ``skip_bad``, too many updates in a row were left out.
    """
    gan = state.gan.train()
    players = {
        name: Player(gan, optimizer, accelerator, state.sums, precision == "bf16", skip_bad=skip_bad)
        for name, optimizer in state.optimizers.items()
    }
    stages = gan.stages()
    active: Player | None = None
    while state.images < images:
        before = state.images
        index = current_stage(stages, before)
        stage = stages[index]
        tick = Tick(state.step, before, index, before / images)
        size = stage.batch_size or batch_size

        def draw(stage: Stage = stage, size: int = size) -> Batch:
            batch = loader.batch(state.images, size, stage.resolution)
            state.images += size
            return batch

        gan.before_step(tick)
        scale = gan.lr_scale(tick)
        shared = draw()
        for phase in stage.phases:
            if tick.step % phase.every == 0:
                player = players[phase.optimizer]
                if player is not active:
                    player.take_turn()
                    active = player
                player.set_lr(scale)
                for turn in range(phase.repeat):
                    player.play(phase, shared if turn == 0 else draw(), tick)
        state.ema.update(state.images - before, state.images)
        state.step += 1
        if after_step():
            break


def current_stage(stages: Sequence[Stage], images: int) -> int:
    """Return the index of the stage that ``images`` falls into; the last one takes what is left."""
    end = 0
    for index, stage in enumerate(stages[:-1]):
        if stage.images is None:
            return index
        end += stage.images
        if images < end:
            return index
    return len(stages) - 1


class Player:
    """One optimizer and the parameters that it moves.

    Args:
        gan: all networks.
        optimizer: over some of their parameters.
        accelerator: device and the other processes.
        sums: where the loss terms are reported.
        bf16: compute the losses under autocast.
        skip_bad: leave out an update whose gradient is not finite.
    """

    def __init__(
        self, gan: nn.Module, optimizer: Optimizer, accelerator: Accelerator, sums: Sums, bf16: bool, *,
        skip_bad: bool = False,
    ) -> None:  # fmt: skip
        self.optimizer = optimizer
        self.accelerator = accelerator
        self.sums = sums
        self.own = [p for group in optimizer.param_groups for p in group["params"]]
        own = {id(p) for p in self.own}
        self.others = [p for p in gan.parameters() if id(p) not in own]
        self.base_lrs = [group.setdefault("initial_lr", group["lr"]) for group in optimizer.param_groups]
        # Not accelerator.autocast(): it looks its state up at each call, and this is entered four times a step; and
        # accelerate fixes one precision for a whole process, where a notebook may train twice.
        self.bf16 = bf16
        self.skip_bad = skip_bad
        self.skipped = 0  # in a row

    def take_turn(self) -> None:
        """Let gradients reach this optimizer's parameters, and no others."""
        for parameter in self.others:
            parameter.requires_grad_(False)
        for parameter in self.own:
            parameter.requires_grad_(True)

    def set_lr(self, scale: float) -> None:
        """Set the learning rates to ``scale`` times those that the optimizer was made with."""
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            group["lr"] = base * scale

    def play(self, phase: Phase, batch: Batch, tick: Tick) -> None:
        """Make one update: a backward pass for each dict of terms that the phase yields, then a step."""
        self.optimizer.zero_grad(set_to_none=True)
        losses = phase.loss(batch, tick)
        reported: list[tuple[str, Tensor]] = []
        while True:
            with torch.autocast(self.accelerator.device.type, dtype=torch.bfloat16, enabled=self.bf16):
                terms = next(losses, None)
            if terms is None:
                break
            loss: Tensor | None = None
            for name, values in terms.items():
                mean = values.mean()
                reported.append((f"{phase.name}/{name}", mean.detach()))
                if mean.requires_grad:
                    loss = mean if loss is None else loss + mean
            if loss is not None:
                self.accelerator.backward(loss * phase.every if phase.every > 1 else loss)
        if self.accelerator.num_processes > 1:
            self.average_gradients()
        if self.skip_bad and self.is_bad(phase):
            return
        for name, mean in reported:
            self.sums.add(name, mean)
        self.optimizer.step()
        if phase.after is not None:
            phase.after()

    def is_bad(self, phase: Phase) -> bool:
        """Whether the gradient is not finite; waits for the device. All processes have the same one."""
        norms = torch._foreach_norm([p.grad for p in self.own if p.grad is not None])  # noqa: SLF001 - as clip_grad_norm_
        bad = not bool(torch.stack(norms).isfinite().all())
        self.skipped = self.skipped + 1 if bad else 0
        if self.skipped > MOST_SKIPPED:
            raise RunError(
                f"the last {self.skipped} updates of phase {phase.name} had no finite gradient and were left out: go "
                "back to an earlier checkpoint, with a lower learning rate"
            )
        self.sums.add(f"{phase.name}/skipped", torch.tensor(float(bad), device=norms[0].device))
        return bad

    def average_gradients(self) -> None:
        """Average the gradients of all processes in one flat reduction."""
        gradients = [p.grad for p in self.own if p.grad is not None]  # the same ones everywhere: all play one phase
        flat = self.accelerator.reduce(torch.cat([g.flatten() for g in gradients]), "mean")
        for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            # In place: a fused update needs gradients in the memory format of their parameters.
            gradient.copy_(part.view(gradient.shape))
