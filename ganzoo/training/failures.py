"""What to say when a step fails that is not to blame: memory that is not enough, a process that has gone."""

from __future__ import annotations

import copy
import gc

import torch
from accelerate import Accelerator

from ganzoo.data import Loader
from ganzoo.training.ema import EMA
from ganzoo.training.loop import train
from ganzoo.training.state import State


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory could not be had; torch has a class of its own for CUDA's alone."""
    said = str(error)
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError)
        and (any(words in said for words in ("allocate memory", "not enough memory", "out of memory")))
    )


def fitting_batch(state: State, loader: Loader, accelerator: Accelerator, *, batch_size: int, precision: str) -> int:
    """Return the largest halving of ``batch_size`` with which one step fits into memory, or 0.

    The step is made by a copy of what is trained; called when an error has been dealt with, so that what it held is
    free.
    """
    size = batch_size // 2
    while size >= accelerator.num_processes:
        _free()
        try:
            gan = copy.deepcopy(state.gan)
            trial = State(gan, EMA(gan), gan.optimizers(), step=0, images=state.images)
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
