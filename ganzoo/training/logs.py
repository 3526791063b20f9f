"""Progress of a run: stats.jsonl, previews, trackers and the progress bar."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from tqdm import tqdm

from ganzoo._files import replacing
from ganzoo.errors import RunError, one_line
from ganzoo.gan import GAN, Batch
from ganzoo.inference.output import preview
from ganzoo.inference.translate import side_by_side
from ganzoo.training.state import State

STATS, SAMPLES, METRICS = "stats.jsonl", "samples", "metrics"
PREVIEW_IMAGES = 64


class Reporter:
    """Writes a line per report and moves the progress bar; the main process alone writes.

    Previews of an image-to-image model translate ``examples``.
    """

    def __init__(
        self, run: Path, state: State, accelerator: Accelerator, *, images: int, title: str,
        examples: Batch | None = None, progress: bool = True, measured_again: bool = False,
    ) -> None:  # fmt: skip
        self.run = run
        self.state = state
        self.accelerator = accelerator
        self.examples = examples
        self.progress = progress
        earlier = self._truncate(measured_again=measured_again) if accelerator.is_main_process else 0.0
        self._start = time.perf_counter() - earlier
        self._last = (time.perf_counter(), state.images)
        shown = progress and accelerator.is_main_process
        self._bar = tqdm(
            total=images, initial=state.images, desc=title, unit="img", unit_scale=True, disable=None if shown else True
        )
        self._budget = images
        self._plain = shown and self._bar.disable  # stderr is a file or a pipe: a line at each report

    def _truncate(self, *, measured_again: bool) -> float:
        """Drop what is written again; sums that a checkpoint has were reported after it."""
        return truncate_stats(
            self.run, self.state.images, losses_again=bool(self.state.sums.totals), metrics_again=measured_again
        )

    def step(self, new: int) -> None:
        """Move the bar; reads nothing from the device."""
        self._bar.update(new)

    def rewind(self, images: int) -> None:
        """Move the bar and stats.jsonl back from ``images`` to the state's."""
        if self.accelerator.is_main_process:
            self._truncate(measured_again=False)
        self._last = (time.perf_counter(), self.state.images)
        self._bar.update(self.state.images - images)

    def report(self) -> None:
        """Write a line: images, seconds, images/s, learning rates and the mean of every term since the last."""
        means = self.state.sums.means(self.accelerator)
        if self.state.augmentation and self.state.augmentation.adaptive:
            means["augmentation/strength"] = float(self.state.augmentation.strength)
        now, images = time.perf_counter(), self.state.images
        seconds, rate = now - self._start, (images - self._last[1]) / max(now - self._last[0], 1e-9)
        self._last = (now, images)
        lrs = {f"lr/{name}": o.param_groups[0]["lr"] for name, o in self.state.optimizers.items()}
        if self.accelerator.is_main_process:
            self._write({"images": images, "seconds": round(seconds, 2), "images/s": round(rate, 1), **lrs, **means})
        shown = {name: f"{value:.3g}" for name, value in means.items() if not name.endswith(("/real", "/fake"))}
        self._bar.set_postfix(shown, refresh=False)
        if self._plain:
            total, terms = self._budget, "".join(f", {name} {value}" for name, value in shown.items())
            left = tqdm.format_interval(max(total - images, 0) / rate) if rate else "?"
            tqdm.write(one_line(f"{images:,} of {total:,} images, {rate:.1f} images/s{terms}, {left} left"), sys.stderr)
        self.accelerator.log({**means, **lrs, "images/s": rate}, step=images)

    def measured(self, values: Mapping[str, float], seconds: float) -> None:
        """Write a line of metrics by protocol; the ``seconds`` that measuring took are no part of images/s."""
        self._last = (self._last[0] + seconds, self._last[1])
        now, images = time.perf_counter(), self.state.images
        if self.accelerator.is_main_process:
            self._write({"images": images, "seconds": round(now - self._start, 2), METRICS: dict(values)})
        self.accelerator.log(dict(values), step=images)

    def _write(self, line: Mapping[str, Any]) -> None:
        try:
            with (self.run / STATS).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise RunError(f"{self.run / STATS} cannot be written: {error.strerror or error}") from error

    def preview(self, gan: GAN, path: Path | None = None) -> None:
        """Write ``samples/IMAGES.png``, or ``path``: the same seeds, or the same images to translate, each time."""
        if self.accelerator.is_main_process:
            path = path or self.run / SAMPLES / f"{self.state.images:09d}.png"
            path.parent.mkdir(exist_ok=True)
            if self.examples is None:
                picture = preview(gan, gan.sample(PREVIEW_IMAGES, seed=0))
            else:
                picture = side_by_side(gan, self.examples)
            with replacing(path) as partial:
                picture.save(partial)

    def close(self) -> None:
        """End the bar and the trackers."""
        self._bar.close()
        self.accelerator.wait_for_everyone()  # gloo aborts a process whose peer has left
        self.accelerator.end_training()


def _whole(digits: str) -> int:
    """Return a number that a float can hold; a larger one is a `ValueError`."""
    if len(digits) > 300:
        raise ValueError("too many digits")
    return int(digits)


def read_stats(run: Path) -> Sequence[dict[str, Any]]:
    """Return the lines of ``stats.jsonl``, of losses or of metrics; a last line that was cut short is left out."""
    path = run / STATS
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    stats = []
    for line in lines:
        try:
            value = json.loads(line, parse_int=_whole)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and all(isinstance(value.get(key), int | float) for key in ("images", "seconds")):
            stats.append(value)
    return stats


def truncate_stats(run: Path, images: int, *, losses_again: bool, metrics_again: bool) -> float:
    """Drop the lines after ``images``, and of ``images`` itself those that a resumed run writes again.

    Return the seconds of the last one kept.
    """
    path = run / STATS
    kept = [
        line
        for line in read_stats(run)
        if line["images"] + (metrics_again if METRICS in line else losses_again) <= images
    ]
    text = "".join(json.dumps(line) + "\n" for line in kept)
    if path.exists() and path.read_bytes() != text.encode():  # also where the last line was cut short
        with replacing(path) as partial:
            partial.write_text(text, encoding="utf-8")
    return kept[-1]["seconds"] if kept else 0.0
