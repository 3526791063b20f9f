"""What happens between the steps of a run: reports, previews, checkpoints, a wish to stop."""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from accelerate import Accelerator

from ganzoo.training import checkpoint
from ganzoo.training.loop import State
from ganzoo.training.plan import Settings
from ganzoo.training.report import Reporter
from ganzoo.weights import save_weights

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass
class Stop:
    """The first SIGINT or SIGTERM asks for a stop after the step; the second one acts as it always does."""

    signal: int | None = None
    _old: dict[int, Any] = field(default_factory=dict)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._old = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def _handle(self, number: int, frame: Any) -> None:
        self.signal = number
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)
        self._old = {}

    def __exit__(self, *error: object) -> None:
        self._restore()


class Events:
    """What happens between steps: reports, previews, checkpoints, a wish to stop.

    Args:
        run: the run's folder.
        state: what is trained.
        settings: the intervals.
        accelerator: the other processes.
        reporter: writes the reports.
        stop: set by a signal.
    """

    def __init__(
        self, run: Path, state: State, settings: Settings, accelerator: Accelerator, reporter: Reporter, stop: Stop
    ) -> None:
        self.run = run
        self.state = state
        self.settings = settings
        self.accelerator = accelerator
        self.reporter = reporter
        self.stop = stop
        self._before = state.images
        self._saved = state.images

    def after_step(self) -> bool:
        """Do what is due after a step; return whether to stop."""
        before, now = self._before, self.state.images
        self._before = now
        self.reporter.step(now - before)
        if before // self.settings.report_every != now // self.settings.report_every:
            self.reporter.report()
        if before // self.settings.preview_every != now // self.settings.preview_every:
            self.reporter.preview(self.state.ema.model())
        if before // self.settings.checkpoint_every != now // self.settings.checkpoint_every:
            self._checkpoint()
        return self._wants_stop()

    def _wants_stop(self) -> bool:
        if self.accelerator.num_processes == 1:
            return self.stop.signal is not None
        if self.state.step % 16:  # asking the others takes a message
            return False
        wish = torch.tensor(float(self.stop.signal or 0), device=self.accelerator.device)
        agreed = int(self.accelerator.reduce(wish, "sum").item())
        if agreed and self.stop.signal is None:
            self.stop.signal = signal.SIGTERM
        return agreed > 0

    def _checkpoint(self) -> None:
        checkpoint.save(self.run, self.state, self.accelerator, self.settings.keep)
        self._saved = self.state.images
        if self.accelerator.is_main_process:
            model = self.state.ema.model()
            save_weights(self.run, model, self.state.images)
            self.reporter.preview(model, self.run / "samples.png")

    def finish(self) -> None:
        """Leave the run whole: a last checkpoint and model, and for a run that is done a last report."""
        if self.state.sums.totals and self.stop.signal is None:  # a stopped run reports where it would have
            self.reporter.report()
        if self._saved != self.state.images:
            self._checkpoint()
        self.reporter.close()
