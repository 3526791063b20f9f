"""What to say when a step fails that is not to blame: memory that is not enough, a process that has gone."""

from __future__ import annotations

import copy
import gc
from pathlib import Path

import torch
from accelerate import Accelerator

from ganzoo.data import Loader
from ganzoo.errors import is_out_of_memory
from ganzoo.training import checkpoint
from ganzoo.training.loop import current_stage, train
from ganzoo.training.settings import Settings
from ganzoo.training.state import State, make_state


def fitting_batch(
    state: State, loader: Loader, accelerator: Accelerator, settings: Settings, *, batch_size: int, precision: str
) -> int:
    """Return the largest halving of ``batch_size`` with which one step fits into memory, or 0.

    The step is made by a copy of what is trained; called when an error has been dealt with, so that what it held is
    free.
    """
    size = batch_size // 2
    while size >= accelerator.num_processes:
        _free()
        try:
            gan = copy.deepcopy(state.gan)
            trial = make_state(gan, settings, accelerator)
            trial.images = state.images
            train(
                trial, loader, accelerator, images=state.images + 10 * size, batch_size=size, precision=precision,
                after_step=lambda: True,
            )  # fmt: skip
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                return 0
            error.__traceback__ = None
        else:
            return size
        size //= 2
    return 0


def too_little_memory(
    out: Path, settings: Settings, precision: str, state: State, loader: Loader, accelerator: Accelerator
) -> str:
    """Say what was too much, and what fits; called when the error has been dealt with, see `fitting_batch`."""
    stages = state.gan.stages()
    stage = stages[current_stage(stages, state.images)]
    size = stage.batch_size or settings.batch_size
    parts = f" in {settings.accumulate} parts" if settings.accumulate > 1 else ""
    told = f"out of memory with batches of {size} images{parts}"
    if accelerator.num_processes > 1:
        return f"{told}: use a larger --accumulate, a smaller --batch-size, or more processes"
    parts_of = size // settings.accumulate
    fits = fitting_batch(state, loader, accelerator, settings, batch_size=parts_of, precision=precision)
    if not fits:
        return f"{told}; not even one image fits: make the networks smaller"
    # Where only the parts are smaller, the recipe stays what it is.
    enough = next(n for n in range(1, size + 1) if size % n == 0 and size // n <= fits)
    again = f"--resume {out} --accumulate {enough} --override accumulate"
    smaller = "" if stage.batch_size else f", or --batch-size {fits}"
    return f"{told}; {fits} at a time fit: {again if checkpoint.found(out) else f'--accumulate {enough}'}{smaller}"


def lost_peer(error: BaseException) -> str | None:
    """Return why another process cannot be reached, if that is what an error says; else None."""
    said = " ".join(str(error).split())
    gone = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "Timed out waiting")
    found = next((words for words in gone if words in said), None)
    if found is None and isinstance(error, torch.distributed.DistError):
        found = said[:100]
    return found


def _free() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
