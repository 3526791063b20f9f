"""Losses and weights that are not finite."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.training.state import State

_STEPS = 16  # between two checks on a device that would have to be waited for


@dataclass
class NonFiniteMonitor:
    """Finds loss terms, weights and buffers that are not finite; the sums of the terms keep a NaN.

    On the CPU after every step; on a GPU every few steps, by an asynchronous copy, so a few steps late and without a
    wait.
    """

    state: State
    device: torch.device
    _pending: tuple[list[str], Tensor, torch.cuda.Event | None] | None = None

    def term(self) -> str | None:
        """Return the first term that is not finite, as far as is known without a wait."""
        if self.device.type == "cpu":
            return self._first_term()
        found = self._arrived()
        totals = self.state.sums.totals
        if self._pending is None and totals and self.state.step % _STEPS == 0:
            cuda = self.device.type == "cuda"  # other devices have no such event
            copy = torch.stack(list(totals.values())).isfinite().to("cpu", non_blocking=cuda)
            event = None
            if cuda:
                event = torch.cuda.Event()  # type: ignore[no-untyped-call]
                event.record()
            self._pending = (list(totals), copy, event)
        return found

    def _arrived(self) -> str | None:
        if self._pending is None:
            return None
        names, finite, event = self._pending
        if event is not None and not event.query():  # type: ignore[no-untyped-call]
            return None
        self._pending = None
        return next((name for name, fine in zip(names, finite.tolist(), strict=True) if not fine), None)

    def nonfinite(self, *, weights: bool) -> Tensor:
        """Return 1 where a term or, with ``weights``, a weight or buffer is not finite, else 0; without a wait."""
        values = list(self.state.sums.totals.values())
        if weights:
            values += [value.isfinite().all() for _, value in self._saved()]
        fine = [value.isfinite().all() if value.is_floating_point() else value for value in values]
        return 1 - (torch.stack(fine).all() if fine else torch.ones((), device=self.device)).float()

    def first(self) -> str | None:
        """Return a term, a weight or a buffer that is not finite; waits for the device."""
        return self._first_term() or next(
            (name for name, value in self._saved() if not bool(value.isfinite().all())), None
        )

    def _saved(self) -> list[tuple[str, Tensor]]:
        """Return what a checkpoint would hold: weights, and buffers such as running statistics."""
        buffers = [(name, value) for name, value in self.state.gan.named_buffers() if value.is_floating_point()]
        return [*self.state.gan.named_parameters(), *buffers]

    def _first_term(self) -> str | None:
        return next((name for name, total in self.state.sums.totals.items() if not bool(total.isfinite())), None)
