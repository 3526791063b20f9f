"""What happens between steps: reports, previews, checkpoints, measurements, signals, non-finite losses."""

from __future__ import annotations

import logging
import signal
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, Self

import torch
from accelerate import Accelerator

from ganzoo.errors import GanzooError, RunError, command_line
from ganzoo.models.config import write_config
from ganzoo.models.weights import save_weights
from ganzoo.training import checkpoint, rng_state
from ganzoo.training.evaluation import Evaluation
from ganzoo.training.logs import Reporter
from ganzoo.training.monitor import NonFiniteMonitor
from ganzoo.training.run_folder import PICTURE, Place
from ganzoo.training.settings import Settings
from ganzoo.training.state import State

_log = logging.getLogger(__name__)
EXCHANGE_EVERY = 16
"""Steps between two exchanges of flags with the other processes, where nothing is saved or measured."""
MOST_REWINDS = 3
"""Times that a run is rewound to one checkpoint."""


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


@dataclass
class Events:
    """Reports, saves, measures and stops between steps."""

    run: Path
    state: State
    settings: Settings
    accelerator: Accelerator
    reporter: Reporter
    stop: Stop
    evaluation: Evaluation
    stopped_early: bool = False

    def __post_init__(self) -> None:
        self.monitor = NonFiniteMonitor(self.state, self.accelerator.device)
        self._before = self._saved = self.state.images
        self._signalled = False  # as all processes know it
        self._rewound: list[int] = []  # to these images
        self._place = Place.of(self.run)

    def after_step(self) -> bool:
        """Do what is due after a step; return whether to stop.

        What is due follows from the numbers of images and steps, which are the same in all processes, so they exchange
        their flags in the same steps: at most once a step, and before anything is written.
        """
        before, now = self._before, self.state.images
        self._before = now
        self.reporter.step(now - before)
        settings, alone = self.settings, self.accelerator.num_processes == 1
        if alone and (term := self.monitor.term()) is not None:
            return self._not_finite(term)
        reports, previews, saves = (
            before // every != now // every
            for every in (settings.report_every, settings.preview_every, settings.checkpoint_every)
        )
        measures = self.evaluation.is_due(before, now)
        uses_weights = saves or measures or now >= settings.images
        if uses_weights or (not alone and self.state.step % EXCHANGE_EVERY == 0):
            self._signalled, nonfinite, gone = self._exchange_flags(weights=uses_weights)
            if self._signalled and self.stop.signal is None:
                self.stop.signal = signal.SIGTERM
            if nonfinite:
                return self._not_finite(self.monitor.first())
            if gone:
                self._rescue()
        elif alone and (reports or previews) and not self._place.is_there():
            self._rescue()
        if reports:
            self.reporter.report()
        if previews:
            self.reporter.preview(self.state.ema.model())
        if saves:
            self._save()
        if measures:
            self.stopped_early = self.evaluation.measure()
        return self.stopped_early or (self.stop.signal is not None if alone else self._signalled)

    def _exchange_flags(self, *, weights: bool) -> tuple[bool, bool, bool]:
        """Return whether any process (got a signal, has a value that is not finite, misses the folder): one wait."""
        gone = self.accelerator.is_main_process and not self._place.is_there()
        own = torch.tensor([float(self.stop.signal or 0), float(gone)], device=self.accelerator.device)
        flags = torch.cat([own, self.monitor.nonfinite(weights=weights)[None]])
        signals, anywhere, nonfinite = self.accelerator.reduce(flags, "sum").tolist()
        return bool(signals), bool(nonfinite), bool(anywhere)

    def _not_finite(self, what: str | None) -> bool:
        """Stop, or rewind where that is asked for; what was saved before stays.

        Raises:
            RunError: the run stops, has no checkpoint to rewind to, or was rewound too often.
        """
        images, found = self.state.images, checkpoint.list_checkpoints(self.run)
        last = found[-1].name if found else None
        problem = (
            f"{what or 'a term of another process'} is not finite after step {self.state.step - 1} ({images:,} images)"
        )
        if self.settings.on_nan != "rewind" or last is None:
            if last is None:
                raise RunError(f"{problem}; there is no checkpoint yet: start again with a lower learning rate")
            again = command_line("train", "--resume", self.run, "-o", "lr=...", "--override", "lr")
            raise RunError(
                f"{problem}; checkpoint {last} is intact: resume from it with a lower learning rate ({again}) or with "
                "--on-nan rewind"
            )
        if self._rewound.count(int(last)) >= MOST_REWINDS:
            raise RunError(
                f"{problem}, again after {MOST_REWINDS} rewinds to checkpoint {last}: lower the learning rate"
            )
        self._rewound.append(int(last))
        _log.warning("%s: resuming from checkpoint %s with other random numbers", problem, last)
        checkpoint.restore(found[-1], self.state, self.accelerator)
        # Each rank gets other random numbers, and after each rewind.
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        rng_state.seed((self.settings.seed * 1_000 + len(self._rewound)) * 1_000 + world + rank)
        self._before = self._saved = self.state.images
        self.reporter.rewind(images)
        self.evaluation.rewind()
        self.monitor = NonFiniteMonitor(self.state, self.accelerator.device)
        return False

    def _save(self, run: Path | None = None) -> None:
        checkpoint.save(run or self.run, self.state, self.accelerator, self.settings.keep)
        self._saved = self.state.images
        self._write_model(run or self.run)

    def _write_model(self, run: Path) -> None:
        if self.accelerator.is_main_process:
            model = self.state.ema.model()
            save_weights(run, model, self.state.images)
            self.reporter.preview(model, run / PICTURE)

    def _rescue(self) -> NoReturn:
        """Save the state beside the run's folder, which was removed or renamed, and stop."""
        gone, new = f"{self.run} was removed or renamed while it trained", self.run
        try:
            if self.accelerator.is_main_process:
                new = self._place.rescue()
                write_config(new, self.evaluation.describe())
            self._save(new)
        except (OSError, GanzooError) as error:
            raise RunError(f"{gone}, and its state cannot be saved beside it: {error}") from error
        raise RunError(f"{gone}: its last state is in {new}; continue with `{command_line('train', '--resume', new)}`")

    def begin(self, *, again: bool) -> bool:
        """Do what a process that was killed may have left undone; return whether to stop at that.

        A checkpoint comes first: with ``again``, the model and the measurement that follow it are made anew.
        """
        if again and self.state.images:
            if self.accelerator.is_main_process:
                checkpoint.remove_old(self.run, self.settings.keep)
            self._write_model(self.run)
        self.stopped_early = self.evaluation.begin()
        return self.stopped_early

    def finish(self) -> None:
        """Save a last checkpoint and model; report and measure unless the run was interrupted."""
        # A signal that one process got after the last exchange is not known to the others.
        done = not self._signalled if self.accelerator.num_processes > 1 else self.stop.signal is None
        if self.state.sums.totals and done:  # an interrupted run reports after it is resumed
            self.reporter.report()
        if self._saved != self.state.images:
            _, nonfinite, gone = self._exchange_flags(weights=True)
            if nonfinite:
                self._not_finite(self.monitor.first())
            elif gone:
                self._rescue()
            else:
                self._save()
        if done:
            if self.settings.metrics:
                self.evaluation.measure()
            if self.accelerator.is_main_process:  # last of all: it says that the rest was done
                write_config(self.run, self.evaluation.config())
        self.reporter.close()
