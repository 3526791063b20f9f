"""The engine. It knows phases, optimizers and batches; it knows no architecture."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.optim import Optimizer

from ganzoo.data import Loader
from ganzoo.errors import RunError
from ganzoo.gan import Batch, Phase, Progress, Stage
from ganzoo.training.gradients import Gradients, Treatment
from ganzoo.training.recipe import Recipe
from ganzoo.training.state import State

MOST_SKIPPED = 100
"""Updates in a row that may be left out."""

if torch.distributed.is_available():
    # Its defaults hold the process group that is there when it is imported (timm's optimizers bring it in), and gloo's
    # threads then outlive the group and may abort Python's end. Imported before there is one, it holds none.
    import torch.distributed.nn.functional


def train(
    state: State,
    loader: Loader,
    accelerator: Accelerator,
    *,
    images: int,
    batch_size: int,
    precision: str,
    after_step: Callable[[], bool],
    recipe: Recipe = Recipe(),  # noqa: B008 - frozen
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
        recipe: how updates are made, beside what the phases say.

    Raises:
        RunError: updates without a finite gradient are to be left out, and too many in a row were.
    """
    gan = state.gan.train()
    players = {
        name: Player(state, optimizer, accelerator, bf16=precision == "bf16", treatment=recipe.treatment)
        for name, optimizer in state.optimizers.items()
    }
    stages = gan.stages()
    active: Player | None = None
    while state.images < images:
        before = state.images
        index = current_stage(stages, before)
        stage = stages[index]
        progress = Progress(state.step, before, index, before / images)
        size = stage.batch_size or batch_size

        def draw(stage: Stage = stage, size: int = size) -> list[Batch]:
            batch = loader.batch(state.images, size, stage.resolution)
            state.images += size
            return parts(batch, recipe.accumulate) if recipe.accumulate > 1 else [batch]

        gan.before_step(progress)
        if state.augmentation is not None:
            state.augmentation.before_step(progress)
        scale = gan.lr_scale(progress) * recipe.schedule(before)
        shared = draw()
        for phase in stage.phases:
            if progress.step % phase.every == 0:
                player = players[phase.optimizer]
                if player is not active:
                    player.take_turn()
                    active = player
                player.set_lr(scale)
                for turn in range(phase.repeat):
                    player.play(phase, shared if turn == 0 else draw(), progress)
        state.ema.update(state.images - before, state.images)
        state.step += 1
        if state.augmentation is not None:
            state.augmentation.after_step(state.step, state.images - before, accelerator)
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


def parts(batch: Batch, n: int) -> list[Batch]:
    """Return a batch in ``n`` parts of one size."""
    split = {key: value.chunk(n) for key, value in batch.items()}
    return [{key: value[i] for key, value in split.items()} for i in range(n)]


class Player:
    """One optimizer and the parameters that it moves.

    Args:
        state: whose networks, sums of loss terms and augmentation are used.
        optimizer: over some of the parameters.
        accelerator: device and the other processes.
        bf16: compute the losses under autocast.
        treatment: what is done to the gradients of an update.
    """

    def __init__(
        self, state: State, optimizer: Optimizer, accelerator: Accelerator, *, bf16: bool, treatment: Treatment
    ) -> None:
        self.optimizer = optimizer
        self.accelerator = accelerator
        self.sums = state.sums
        self.augmentation = state.augmentation
        self.own = [p for group in optimizer.param_groups for p in group["params"]]
        self.gradients = Gradients(self.own, accelerator, treatment)
        own = {id(p) for p in self.own}
        self.others = [p for p in state.gan.parameters() if id(p) not in own]
        self.base_lrs = [group.setdefault("initial_lr", group["lr"]) for group in optimizer.param_groups]
        # Not accelerator.autocast(): it looks its state up at each call, and this is entered four times a step; and
        # accelerate fixes one precision for a whole process, where a notebook may train twice.
        self.bf16 = bf16
        self.treatment = treatment
        self.skipped = 0  # in a row
        # What a forward pass changes, running statistics, an update that is left out must not have changed either.
        self.buffers = [b for b in state.gan.buffers() if b.is_floating_point()] if treatment.skip_bad else []

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

    def play(self, phase: Phase, batches: Sequence[Batch], progress: Progress) -> None:
        """Make one update: a backward pass for each dict of terms that the phase yields of each part, then a step."""
        self.optimizer.zero_grad(set_to_none=True)
        reported: list[tuple[str, Tensor]] = []
        before = [buffer.clone() for buffer in self.buffers]
        for batch in batches:
            reported += self.backward(phase, batch, progress, phase.every / len(batches))
        if self.accelerator.num_processes > 1:
            self.gradients.average()
        if self.treatment.skip_bad and self.is_bad(phase):
            for buffer, value in zip(self.buffers, before, strict=True):
                buffer.copy_(value)
            return
        for name, mean in reported:
            self.sums.add(name, mean)
        self.gradients.treat()
        self.optimizer.step()
        if phase.after is not None:
            phase.after()

    def backward(self, phase: Phase, batch: Batch, progress: Progress, weight: float) -> list[tuple[str, Tensor]]:
        """Add the gradients of the phase's loss, times ``weight``; return the mean of each term."""
        losses = phase.loss(batch, progress)
        reported: list[tuple[str, Tensor]] = []
        while True:
            with torch.autocast(self.accelerator.device.type, dtype=torch.bfloat16, enabled=self.bf16):
                terms = next(losses, None)
            if terms is None:
                return reported
            if self.augmentation is not None:
                self.augmentation.follow(terms)
            loss: Tensor | None = None
            for name, values in terms.items():
                mean = values.mean()
                reported.append((f"{phase.name}/{name}", mean.detach()))
                if mean.requires_grad:
                    loss = mean if loss is None else loss + mean
            if loss is not None:
                self.accelerator.backward(loss * weight if weight != 1 else loss)

    def is_bad(self, phase: Phase) -> bool:
        """Whether the gradient is not finite; waits for the device.

        Raises:
            RunError: so it was too often in a row.
        """
        found = self.gradients.are_bad()
        bad = bool(found)
        self.skipped = self.skipped + 1 if bad else 0
        if self.skipped > MOST_SKIPPED:
            raise RunError(
                f"the last {self.skipped} updates of phase {phase.name} had no finite gradient and were left out: go "
                "back to an earlier checkpoint, with a lower learning rate"
            )
        self.sums.add(f"{phase.name}/skipped", found.float())
        return bad
