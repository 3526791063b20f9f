"""Measuring the averaged generator during training: keeps the best model, and stops early by patience."""

from __future__ import annotations

import itertools
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import torch
from accelerate import Accelerator

from ganzoo._distributed import Processes
from ganzoo._files import PARTIAL, swap_folder
from ganzoo.errors import GanzooError, RunError
from ganzoo.metrics import evaluate
from ganzoo.metrics.protocol import better_of, sign_of
from ganzoo.models.config import ModelConfig, read_config, write_config
from ganzoo.models.weights import MODEL, TRAINING, file_record, save_tensors, save_weights, training_state
from ganzoo.registry import Trained, installed
from ganzoo.registry.records import Score
from ganzoo.training import rng_state
from ganzoo.training.logs import METRICS, Reporter, read_stats
from ganzoo.training.run_folder import BEST, PICTURE
from ganzoo.training.settings import Settings
from ganzoo.training.state import State

_log = logging.getLogger(__name__)
BATCH = 250


class BestMetric(NamedTuple):
    """The best and the last value of a metric in a run."""

    protocol: str
    best: float
    images: int  # after which the best value was measured
    last: float
    since: int  # measurements after the best one


def best_metric(run: Path, protocol: str, after: int = -1) -> BestMetric | None:
    """Return the best and the last value of a metric in a run's ``stats.jsonl``, or None if there is none.

    Values of different data do not compare: ``after`` leaves out those up to this number of images.
    """
    found = [
        (int(line["images"]), float(value))
        for line in read_stats(run)
        if line["images"] > after
        and isinstance(line.get(METRICS), dict)
        and isinstance(value := line[METRICS].get(protocol), int | float)
    ]
    if not found or better_of(protocol, installed()) is None:
        return None
    sign = sign_of(protocol, installed())
    at = min(range(len(found)), key=lambda i: (sign * found[i][1], i))
    return BestMetric(protocol, found[at][1], found[at][0], found[-1][1], len(found) - 1 - at)


@dataclass
class Evaluation:
    """The measurements of a run; every process calls the same."""

    run: Path
    state: State
    settings: Settings
    accelerator: Accelerator
    reporter: Reporter
    describe: Callable[[], ModelConfig]  # the content of the run's config.json
    measured_at: int = -1
    scores: Sequence[Score] = ()
    first: str | None = None  # the protocol by which the best model is chosen

    def best_metric(self) -> BestMetric | None:
        """Return those of the first metric, since the data was last changed."""
        changes = self.describe().training.get("changes", ())
        after = max((change["images"] for change in changes if change["name"] == "data"), default=-1)
        return best_metric(self.run, self.first, after) if self.first else None

    def is_due(self, before: int, now: int) -> bool:
        """Whether a measurement lies between two numbers of images."""
        every = self.settings.eval_every
        return bool(self.settings.metrics) and before // every != now // every

    def begin(self) -> bool:
        """Make the measurement that a resumed run has missed; return whether the run ends early."""
        self._rename_later_best()
        self.accelerator.wait_for_everyone()
        now = self.state.images
        written = any(line["images"] == now and METRICS in line for line in read_stats(self.run))
        missed = now > 0 and not written and self.is_due(now - self.settings.batch_size, now)
        return missed and self.measure()

    def _rename_later_best(self) -> None:
        """Rename a best model that is from after the present number of images."""
        best, now = self.best_images(), self.state.images
        if best is not None and best > now and self.accelerator.is_main_process:
            names = (self.run / f"{BEST}-{best:09d}{f'-{i}' if i else ''}" for i in itertools.count())
            aside = next(path for path in names if not path.exists())
            (self.run / BEST).rename(aside)
            _log.warning("best is from after %s images, the run resumes from %s: renamed to %s", best, now, aside.name)

    def measure(self) -> bool:
        """Measure, keep the model if it is the best, write it down; return whether the run ends early.

        The random states are restored, so that the training does not depend on it. A failure is a warning.
        """
        if self.measured_at == self.state.images:
            return False
        self.measured_at = self.state.images
        begun, states, accelerator = time.perf_counter(), rng_state.generators(), self.accelerator
        failed: dict[int, GanzooError] = {}
        try:
            self.scores = evaluate(
                self.state.ema.model(),
                self.settings.metrics,
                data=self.settings.data,
                skip_unreadable=self.settings.skip_unreadable,
                batch_size=BATCH,
                progress=self.reporter.progress,
                processes=Processes(accelerator.process_index, accelerator.num_processes, accelerator.device),
                failed=failed,
            )
        except GanzooError as error:
            self.scores, failed = (), {0: error}
        finally:
            rng_state.set_generators(states)
        if self.accelerator.is_main_process:
            for why in failed.values():
                _log.warning("after %s images: %s; the training continues", f"{self.state.images:,}", why)
            if self.scores and 0 not in failed:
                self._keep_the_best(self.scores[0])
        if self.scores:
            values = {score.protocol: score.value for score in self.scores}
            self.reporter.measured(values, time.perf_counter() - begun)
        stopped_early, patience = False, self.settings.patience
        if self.accelerator.is_main_process and 0 not in failed and patience and (found := self.best_metric()):
            stopped_early = found.since >= patience
        return bool(accelerator.reduce(torch.tensor(float(stopped_early), device=accelerator.device), "sum"))

    def rewind(self) -> None:
        """Measure again what was measured last: the run was rewound to before it."""
        self.measured_at, self.scores = -1, ()
        self._rename_later_best()

    def config(self) -> ModelConfig:
        """Return the ``config.json`` of the model that was measured last."""
        config = self.describe()
        seconds = [line["seconds"] for line in read_stats(self.run)]
        return replace(
            config,
            metrics=tuple(self.scores),
            trained=Trained(
                images=self.state.images,
                seed=self.settings.seed,
                ganzoo=config.ganzoo,
                plugin=f"{config.plugin} {config.plugin_version}",
                minutes=round(seconds[-1] / 60, 1) if seconds else None,
            ),
        )

    def best_images(self) -> int | None:
        """Return after how many images the model in ``best`` was saved, or None without one."""
        try:
            trained = read_config(self.run / BEST).trained
        except GanzooError:
            return None
        return None if trained is None else trained.images

    def _keep_the_best(self, score: Score) -> None:
        # Before the line in stats.jsonl: a process killed between the two measures again.
        self.first = score.protocol
        before, sign = self.best_metric(), sign_of(score.protocol, installed())
        if before is None or sign * score.value < sign * before.best:
            self._keep()

    def _keep(self) -> None:
        """Write the measured model into ``best``, atomically."""
        model = self.state.ema.model()
        folder = self.run / BEST
        try:
            partial = Path(tempfile.mkdtemp(prefix=f".{BEST}{PARTIAL}", dir=self.run))
            try:
                save_weights(partial, model, self.state.images)
                save_tensors(partial / TRAINING, training_state(self.state.gan))
                self.reporter.preview(model, partial / PICTURE)
                write_config(partial, replace(self.config(), weights=file_record(partial / MODEL)))
                swap_folder(partial, folder)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
        except OSError as error:
            raise RunError(f"{folder} cannot be written: {error.strerror or error}: fix that, then --resume") from error
