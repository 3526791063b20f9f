"""Work that several processes share: each does its part, and all are given the whole."""

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
    """The processes that were started together, by ``torchrun`` or ``accelerate launch``.

    Args:
        rank: number of this one.
        world: how many there are.
        device: of this one, for what is sent.
    """

    rank: int = 0
    world: int = 1
    device: torch.device | str = "cpu"

    @property
    def is_first(self) -> bool:
        """Whether this is the one that writes and speaks."""
        return self.rank == 0

    def share(self, parts: Sequence[P], work: Callable[[P], dict[str, Tensor]]) -> Iterator[dict[str, Tensor]]:
        """Yield ``work(part)`` of every part in order, in every process; each does every ``world``-th itself.

        Args:
            parts: none empty.
            work: a part to tensors with a row for each of its items, on any device.
        """
        if self.world == 1:
            yield from map(work, parts)
            return
        for start in range(0, len(parts), self.world):
            due = parts[start : start + self.world]
            own = work(due[min(self.rank, len(due) - 1)])  # at the end some do what another does as well
            whole = {name: self._gathered(rows, max(map(len, due))) for name, rows in own.items()}
            for i, part in enumerate(due):
                yield {name: rows[i][: len(part)] for name, rows in whole.items()}

    def _gathered(self, rows: Tensor, most: int) -> list[Tensor]:
        """Return the rows of each process, all padded to as many."""
        padded = torch.zeros(most, *rows.shape[1:], dtype=rows.dtype, device=self.device)
        padded[: len(rows)] = rows
        everyone = [torch.empty_like(padded) for _ in range(self.world)]
        torch.distributed.all_gather(everyone, padded)
        return [theirs.to(rows.device) for theirs in everyone]


ALONE = Processes()
"""One process."""


@contextmanager
def launched(device: torch.device) -> Iterator[Processes]:
    """Give the processes that were started together, this one of them; `ALONE` where nothing started several."""
    if os.environ.get("WORLD_SIZE", "1") in ("0", "1") or "MASTER_ADDR" not in os.environ:
        yield ALONE
        return
    from accelerate import PartialState  # knows the launchers and the ways to talk

    state = PartialState(cpu=device.type == "cpu")
    yield Processes(state.process_index, state.num_processes, device)
    state.wait_for_everyone()  # gloo aborts a process whose peer has left
    state.destroy_process_group()
