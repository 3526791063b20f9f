"""What happens between the steps of a run: reports, previews, checkpoints, a wish to stop, a loss that is none."""

from __future__ import annotations

import logging
import signal
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from accelerate import Accelerator

from ganzoo.errors import RunError
from ganzoo.models.config import write_config
from ganzoo.models.weights import save_weights
from ganzoo.training import checkpoint, rng_state
from ganzoo.training.evaluation import Evaluation
from ganzoo.training.logs import Reporter
from ganzoo.training.monitor import Watch
from ganzoo.training.settings import Settings
from ganzoo.training.state import State

if TYPE_CHECKING:
    from typing_extensions import Self

_log = logging.getLogger(__name__)
ASK = 16
"""Steps between two questions to the other processes."""
MOST_REWINDS = 3
"""Times that a run goes back to one checkpoint."""


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
        evaluation: measures the averaged generator.
    """

    def __init__(
        self, run: Path, state: State, settings: Settings, accelerator: Accelerator, reporter: Reporter, stop: Stop,
        evaluation: Evaluation,
    ) -> None:  # fmt: skip
        self.run = run
        self.state = state
        self.settings = settings
        self.accelerator = accelerator
        self.reporter = reporter
        self.stop = stop
        self.evaluation = evaluation
        self.spent = False
        self.watch = Watch(state, accelerator.device)
        self._before = state.images
        self._saved = state.images
        self._rewound: list[int] = []  # to these images

    def after_step(self) -> bool:
        """Do what is due after a step; return whether to stop."""
        before, now = self._before, self.state.images
        self._before = now
        self.reporter.step(now - before)
        if self.accelerator.num_processes == 1 and (bad := self.watch.term()) is not None:
            return self._not_finite(bad)
        if now >= self.settings.images and self._ask(weights=True)[1]:  # the last step: what is wrong is not saved
            return self._not_finite(self.watch.name())
        if before // self.settings.report_every != now // self.settings.report_every:
            self.reporter.report()
        if before // self.settings.preview_every != now // self.settings.preview_every:
            self.reporter.preview(self.state.ema.model())
        if before // self.settings.checkpoint_every != now // self.settings.checkpoint_every:
            self._checkpoint()
        if self.evaluation.is_due(before, now) and not self._ask(weights=True)[1]:  # which the next checkpoint tells
            self.spent = self.evaluation.measure()
        return self.spent or self._wants_stop()

    def _wants_stop(self) -> bool:
        if self.accelerator.num_processes == 1:
            return self.stop.signal is not None
        if self.state.step % ASK:  # asking the others takes a message
            return False
        signals, bad = self._ask(weights=False)
        if bad:
            return self._not_finite(self.watch.name())
        if signals and self.stop.signal is None:
            self.stop.signal = signal.SIGTERM
        return bool(signals)

    def _ask(self, *, weights: bool) -> tuple[float, float]:
        """Return over all processes (signals, whether something is not finite): one message, one wait."""
        wish = torch.tensor(float(self.stop.signal or 0), device=self.accelerator.device)
        both = torch.stack([wish, self.watch.bad(weights=weights)])
        signals, bad = self.accelerator.reduce(both, "sum").tolist()
        return signals, bad

    def _not_finite(self, what: str | None) -> bool:
        """Stop, or rewind where that is asked for; what was saved before stays.

        Raises:
            RunError: the run is to stop, or there is nothing to rewind to, or that was of no use.
        """
        images, found = self.state.images, checkpoint.found(self.run)
        last = found[-1].name if found else None
        told = (
            f"{what or 'a term of another process'} is not finite after step {self.state.step - 1} ({images:,} images)"
        )
        if self.settings.on_nan != "rewind" or last is None:
            if last is None:
                raise RunError(f"{told}; there is no checkpoint yet: begin again with a lower learning rate")
            raise RunError(
                f"{told}; checkpoint {last} is whole: go on from there with a lower learning rate (ganzoo train "
                f"--resume {self.run} -o lr=... --override lr) or with --on-nan rewind"
            )
        if self._rewound.count(int(last)) >= MOST_REWINDS:
            raise RunError(
                f"{told}, and so it was each time that it went on from checkpoint {last}: lower the learning rate"
            )
        self._rewound.append(int(last))
        _log.warning("%s: going on from checkpoint %s with other random numbers", told, last)
        checkpoint.restore(found[-1], self.state, self.accelerator)
        # As many processes as there are have their own numbers, and other ones each time.
        world, rank = self.accelerator.num_processes, self.accelerator.process_index
        rng_state.seed((self.settings.seed * 1_000 + len(self._rewound)) * 1_000 + world + rank)
        self._before = self._saved = self.state.images
        self.reporter.rewind(images)
        self.evaluation.forget()
        self.watch = Watch(self.state, self.accelerator.device)
        return False

    def _checkpoint(self) -> None:
        if self._ask(weights=True)[1]:
            self._not_finite(self.watch.name())
            return
        checkpoint.save(self.run, self.state, self.accelerator, self.settings.keep)
        self._saved = self.state.images
        if self.accelerator.is_main_process:
            model = self.state.ema.model()
            save_weights(self.run, model, self.state.images)
            self.reporter.preview(model, self.run / "samples.png")

    def begin(self) -> bool:
        """Do what a run that goes on still owes; return whether to stop at that."""
        self.spent = self.evaluation.begin()
        return self.spent

    def finish(self) -> None:
        """Leave the run whole: a last checkpoint and model, and for a run that is done a last report."""
        done = self.stop.signal is None
        if self.state.sums.totals and done:  # a stopped run reports where it would have
            self.reporter.report()
        if self._saved != self.state.images:
            self._checkpoint()
        if done and self.settings.metrics:
            self.evaluation.measure()
            if self.accelerator.is_main_process:
                write_config(self.run, self.evaluation.config())
        self.reporter.close()
