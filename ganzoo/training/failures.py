"""Error messages for a step that ran out of memory or lost another process."""

from __future__ import annotations

import copy
import gc
from dataclasses import replace
from pathlib import Path

import torch
from accelerate import Accelerator

from ganzoo.data import Loader
from ganzoo.errors import command_line, is_out_of_memory
from ganzoo.training import checkpoint
from ganzoo.training.loop import current_stage, train
from ganzoo.training.settings import Settings
from ganzoo.training.state import State, make_state


def fitting_batch(state: State, loader: Loader, accelerator: Accelerator, settings: Settings, batch_size: int) -> int:
    """Return the largest halving of ``batch_size`` with which one step fits into memory, or 0.

    The step is made with a copy of the state; call it outside of the handler, which would keep the memory.
    """
    size = batch_size // 2
    while size >= accelerator.num_processes:
        gc.collect()
        torch.cuda.empty_cache()  # nothing, where there is none
        smaller = replace(settings, images=state.images + 10 * size, batch_size=size, accumulate=1, warmup=0)
        try:
            trial = make_state(copy.deepcopy(state.gan), smaller, accelerator)
            trial.images = state.images
            train(trial, loader, accelerator, smaller, after_step=lambda: True)
        except (RuntimeError, MemoryError, ValueError) as error:  # the last: too few for batch norm
            if not is_out_of_memory(error):
                return 0
            error.__traceback__ = None
        else:
            return size
        size //= 2
    return 0


def out_of_memory_message(out: Path, settings: Settings, state: State, loader: Loader, accelerator: Accelerator) -> str:
    """Return a message with the batch size that fits; call it outside of the handler, see `fitting_batch`."""
    stages = state.gan.stages()
    stage = stages[current_stage(stages, state.images)]
    size = stage.batch_size or settings.batch_size
    parts = f" in {settings.accumulate} parts" if settings.accumulate > 1 else ""
    message = f"out of memory with batches of {size} images{parts}"
    if accelerator.num_processes > 1:
        return f"{message}: use a larger --accumulate, a smaller --batch-size, or more processes"
    fits = fitting_batch(state, loader, accelerator, settings, size // settings.accumulate)
    if not fits:
        return f"{message}; not even one image fits: make the networks smaller"
    # Smaller parts leave the batch size of an update unchanged.
    enough = next(n for n in range(1, size + 1) if size % n == 0 and size // n <= fits)
    again = command_line("train", "--resume", out, "--accumulate", enough, "--override", "accumulate")
    smaller = "" if stage.batch_size else f", or --batch-size {fits}"
    remedy = again if checkpoint.list_checkpoints(out) else f"--accumulate {enough}"
    return f"{message}; {fits} at a time fit: {remedy}{smaller}"


def lost_peer(error: BaseException) -> str | None:
    """Return why another process cannot be reached, if that is the cause of an error; else None."""
    text = " ".join(str(error).split())
    gone = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "Timed out waiting")
    found = next((words for words in gone if words in text), None)
    if found is None and isinstance(error, torch.distributed.DistError):
        found = text[:100]
    return found
