"""Work shared by the processes of a distributed launch: each computes a part, and all receive the whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

P = TypeVar("P", bound=Sized)


@dataclass(frozen=True)
class Processes:
    """The processes that were started together, by ``torchrun`` or ``accelerate launch``."""

    rank: int = 0
    world: int = 1
    device: torch.device | str = "cpu"  # of this process, for collectives

    @property
    def is_first(self) -> bool:
        """Whether this process has rank 0, which alone writes files and prints."""
        return self.rank == 0

    def share(self, parts: Sequence[P], work: Callable[[P], dict[str, Tensor]]) -> Iterator[dict[str, Tensor]]:
        """Yield ``work(part)`` of every part in order, in every process; each computes every ``world``-th part.

        ``work`` maps a non-empty part to tensors with one row per item, on any device.
        """
        if self.world == 1:
            yield from map(work, parts)
            return
        for start in range(0, len(parts), self.world):
            due = parts[start : start + self.world]
            own = work(due[min(self.rank, len(due) - 1)])  # in the last round some ranks compute a part twice
            whole = {name: self._gathered(rows, max(map(len, due))) for name, rows in own.items()}
            for i, part in enumerate(due):
                yield {name: rows[i][: len(part)] for name, rows in whole.items()}

    def _gathered(self, rows: Tensor, most: int) -> list[Tensor]:
        """Gather the rows of each process, padded to the same number."""
        padded = torch.zeros(most, *rows.shape[1:], dtype=rows.dtype, device=self.device)
        padded[: len(rows)] = rows
        gathered = [torch.empty_like(padded) for _ in range(self.world)]
        torch.distributed.all_gather(gathered, padded)
        return [part.to(rows.device) for part in gathered]


ALONE = Processes()
"""A single process."""


@contextmanager
def launched(device: torch.device) -> Iterator[Processes]:
    """Join the processes of a distributed launch; `ALONE` if this process was started by itself."""
    if os.environ.get("WORLD_SIZE", "1") in ("0", "1") or "MASTER_ADDR" not in os.environ:
        yield ALONE
        return
    from accelerate import PartialState  # it reads the variables of all launchers

    state = PartialState(cpu=device.type == "cpu")
    yield Processes(state.process_index, state.num_processes, device)
    state.wait_for_everyone()  # gloo aborts a process whose peer has left
    state.destroy_process_group()
