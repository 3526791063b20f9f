"""A study with a person: in each trial two pictures, and the question which one looks more real."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from ganzoo import __version__
from ganzoo.cli.files import write_json
from ganzoo.errors import ConfigError, RunError
from ganzoo_study.statistics import CONFIDENCE, binomial_p, wilson

Side = Literal["left", "right"]
Label = Literal["a", "b"]
SIDES: tuple[Side, Side] = ("left", "right")
FORMAT = 1
PREFERENCE, REALITY = "Which one looks more real?", "Which one is real?"
_LONGEST = 86_400.0  # seconds for an answer: after a longer time the page was just left open
_SETUP = ("format", "question", "participant", "seed", "grid", "shape", "models")


@dataclass
class Trial:
    """One choice between two pictures.

    Args:
        a: the images of A: seeds of a model, or places in a data set.
        b: the images of B.
        left: which one is on the left.
        answer: which one was chosen.
        seconds: from when both pictures were visible to the answer.
    """

    a: tuple[int, ...]
    b: tuple[int, ...]
    left: Label
    answer: Label | None = None
    seconds: float | None = None

    def label_on(self, side: Side) -> Label:
        """Return which one is on a side."""
        return self.left if side == "left" else ("b" if self.left == "a" else "a")


@dataclass(frozen=True)
class Result:
    """The result of a study.

    Args:
        answered: number of trials with an answer.
        a: how often A was chosen.
        left: how often the left picture was chosen.
    """

    answered: int
    a: int
    left: int

    @property
    def interval(self) -> tuple[float, float]:
        """The confidence interval of the share of A."""
        return wilson(self.a, self.answered)

    @property
    def p(self) -> float:
        """The p-value against a share of one half."""
        return binomial_p(self.a, self.answered)

    def to_dict(self) -> dict[str, Any]:
        """Return the result for the file."""
        return {
            "answered": self.answered,
            "a": self.a,
            "b": self.answered - self.a,
            "share_of_a": self.a / self.answered if self.answered else None,
            "interval": list(self.interval),
            "confidence": CONFIDENCE,
            "method": "Wilson score interval",
            "p": self.p,
            "test": "exact binomial against 1/2, two-sided",
            "left": self.left,
        }


@dataclass(kw_only=True)
class Study:
    """The trials of one participant with the answers so far, as the file has them.

    Args:
        question: asked in each trial.
        participant: a name.
        seed: of the trials.
        grid: images in a row and in a column of a picture.
        shape: of an image (C, H, W).
        models: ``a`` and ``b`` with their names, origins and hashes.
        undone: number of answers that were undone.
        trials: in their order.
    """

    format: int = FORMAT
    question: str
    participant: str | None = None
    seed: int
    grid: int
    shape: tuple[int, ...]
    models: dict[Label, dict[str, Any]]
    undone: int = 0
    trials: list[Trial]

    @property
    def current(self) -> int | None:
        """The number of the next trial; None when all are done."""
        return next((i for i, trial in enumerate(self.trials) if trial.answer is None), None)

    def answer(self, number: int, side: Side, seconds: float) -> None:
        """Store the answer of the current trial; of any other it is a `ConfigError`."""
        if number != self.current:
            raise ConfigError(f"trial {number} is not the current one")
        trial = self.trials[number]
        trial.answer = trial.label_on(side)
        trial.seconds = round(min(max(seconds, 0.0), _LONGEST), 3)

    def undo(self) -> bool:
        """Remove the last answer, unless there is none or the study is done; return whether it did."""
        number = self.current
        if not number:  # the first, or none
            return False
        self.trials[number - 1].answer = self.trials[number - 1].seconds = None
        self.undone += 1
        return True

    @property
    def result(self) -> Result:
        """The result of the answers so far."""
        done = [trial for trial in self.trials if trial.answer is not None]
        return Result(
            len(done), sum(trial.answer == "a" for trial in done), sum(trial.answer == trial.left for trial in done)
        )

    def save(self, path: Path) -> None:
        """Write the study and its result, whole or not at all."""
        result = {"trials": len(self.trials), **self.result.to_dict()}
        write_json(path, {"ganzoo": __version__, "result": result, **msgspec.to_builtins(self)})

    def resume(self, path: Path) -> None:
        """Take the answers from a file of the same study."""
        try:
            saved = msgspec.json.decode(path.read_bytes(), type=Study)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RunError(f"{path} is no study that can be resumed ({error}): name another file") from error
        other = [name for name in _SETUP if getattr(saved, name) != getattr(self, name)]
        if not other and [(t.a, t.b, t.left) for t in saved.trials] != [(t.a, t.b, t.left) for t in self.trials]:
            other = ["trials"]
        if other:
            raise RunError(
                f"{path} is of another study ({', '.join(other)}): resume with the options it was started with, or "
                "name another file"
            )
        if saved.current is None:
            raise RunError(f"{path} is complete: name another file for another participant")
        self.trials, self.undone = saved.trials, saved.undone


def make_trials(count: int, seed: int, grid: int, *, real: Sequence[int] | None = None) -> list[Trial]:
    """Return the trials of a seed: the images, and which one is on the left, in half of the trials A.

    Both models get the same seeds, so that models with labels show the same classes. ``real`` are the places of
    a data set that is B; none is shown twice.
    """
    rng, each = random.Random(seed), grid * grid  # noqa: S311 - reproducible, not secret
    seeds = rng.sample(range(2**31), count * each)
    if real is not None and len(real) < count * each:
        raise ConfigError(f"{count * each} real images are shown, and there are {len(real)}: ask for fewer trials")
    others = rng.sample(real, count * each) if real is not None else seeds
    labels: tuple[Label, Label] = ("a", "b")
    left = [*labels * (count // 2), *[rng.choice(labels)] * (count % 2)]
    rng.shuffle(left)
    parts = [slice(i * each, (i + 1) * each) for i in range(count)]
    return [Trial(tuple(seeds[p]), tuple(others[p]), label) for p, label in zip(parts, left, strict=True)]


def sentences(study: Study) -> list[str]:
    """Return the result in words, for the page and the terminal."""
    result, (low, high) = study.result, study.result.interval
    a, b = (str(study.models[label]["name"]) for label in ("a", "b"))
    if not result.answered:
        return ["There are no answers."]
    chosen = f"{a} was taken for real" if "data" in study.models["b"] else f"{a} was preferred to {b}"
    share = f"{result.a / result.answered:.0%}, {CONFIDENCE:.0%} interval {low:.1%} to {high:.1%}"
    outside, unlikely = not low <= 0.5 <= high, result.p < 1 - CONFIDENCE
    verdict = "The difference is not significant."
    if outside and unlikely:
        verdict = "The difference is significant."
    elif outside or unlikely:  # with few trials the interval and the test can disagree
        verdict = "The interval and the test disagree: the result is borderline, and more trials are needed."
    return [
        f"{chosen} in {result.a} of {result.answered} trials: {share}.",
        f"Two-sided exact binomial test against one half: p = {result.p:.2g}.",
        verdict,
    ]
