"""The training loop: runs the phases of each stage, whatever the architecture."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from accelerate import Accelerator

from ganzoo.data import Loader
from ganzoo.gan import Batch, Progress, Stage
from ganzoo.gan.schedules import lr_schedule
from ganzoo.training.settings import Settings
from ganzoo.training.state import State
from ganzoo.training.updates import PhaseRunner

if torch.distributed.is_available():
    # Imported before there is a process group: its defaults keep a reference to an existing one (timm's optimizers
    # import it), and gloo's threads then outlive the group and may abort Python at exit.
    import torch.distributed.nn.functional


def train(
    state: State,
    loader: Loader,
    accelerator: Accelerator,
    settings: Settings,
    *,
    after_step: Callable[[], bool],
) -> None:
    """Run the phases of each stage, from the state's step on, until the budget is spent or ``after_step`` returns True.

    ``after_step`` is called after every step and must not wait for the device.
    """
    gan = state.gan.train()
    runners = {
        name: PhaseRunner(state, optimizer, accelerator, settings) for name, optimizer in state.optimizers.items()
    }
    schedule = lr_schedule(settings.schedule, settings.images, settings.warmup)
    stages = gan.stages()
    active: PhaseRunner | None = None
    while state.images < settings.images:
        before = state.images
        index = current_stage(stages, before)
        stage = stages[index]
        progress = Progress(state.step, before, index, before / settings.images)
        size = stage.batch_size or settings.batch_size

        def next_batch(stage: Stage = stage, size: int = size) -> list[Batch]:
            batch = loader.batch(state.images, size, stage.resolution)
            state.images += size
            return parts(batch, settings.accumulate) if settings.accumulate > 1 else [batch]

        gan.before_step(progress)
        if state.augmentation is not None:
            state.augmentation.before_step(progress)
        scale = gan.lr_scale(progress) * schedule(before)
        shared = next_batch()
        for phase in stage.phases:
            if progress.step % phase.every == 0:
                runner = runners[phase.optimizer]
                if runner is not active:
                    runner.enable_grads()
                    active = runner
                runner.set_lr(scale)
                for repetition in range(phase.repeat):
                    runner.update(phase, shared if repetition == 0 else next_batch(), progress)
        state.ema.update(state.images - before, state.images)
        state.step += 1
        if state.augmentation is not None:
            state.augmentation.after_step(state.step, state.images - before, accelerator)
        if after_step():
            break


def current_stage(stages: Sequence[Stage], images: int) -> int:
    """Return the index of the stage that ``images`` falls into; the last one has no end."""
    end = 0
    for index, stage in enumerate(stages[:-1]):
        if stage.images is None:
            return index
        end += stage.images
        if images < end:
            return index
    return len(stages) - 1


def parts(batch: Batch, n: int) -> list[Batch]:
    """Split a batch into ``n`` parts of one size."""
    split = {key: value.chunk(n) for key, value in batch.items()}
    return [{key: value[i] for key, value in split.items()} for i in range(n)]
