"""A study with a person: which of two pictures, without a word on where they come from."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from ganzoo import __version__
from ganzoo.cli.files import write_json
from ganzoo.errors import ConfigError, RunError
from ganzoo_study.statistics import CONFIDENCE, binomial_p, wilson

Side = Literal["left", "right"]
Player = Literal["a", "b"]
SIDES: tuple[Side, Side] = ("left", "right")
FORMAT = 1
PREFERENCE, REALITY = "Which one looks more real?", "Which one is real?"
_LONGEST = 86_400.0  # seconds for an answer: more is a page that was left open


@dataclass
class Trial:
    """One choice.

    Args:
        a: numbers of A's images, seeds of a model or places in a data set.
        b: numbers of B's images.
        left: whose picture is on the left.
        answer: whose picture was chosen; None before.
        seconds: from when both were to be seen to the choice.
    """

    a: tuple[int, ...]
    b: tuple[int, ...]
    left: Player
    answer: Player | None = None
    seconds: float | None = None

    def player(self, side: Side) -> Player:
        """Return whose picture is on a side."""
        return self.left if side == "left" else ("b" if self.left == "a" else "a")


@dataclass(frozen=True)
class Result:
    """What the answers say.

    Args:
        answered: trials with an answer.
        a: how often A was chosen.
        left: how often the left picture was.
    """

    answered: int
    a: int
    left: int

    @property
    def interval(self) -> tuple[float, float]:
        """The interval for the share of A."""
        return wilson(self.a, self.answered)

    @property
    def p(self) -> float:
        """How likely a coin would be as uneven."""
        return binomial_p(self.a, self.answered)

    def plain(self) -> dict[str, Any]:
        """Return it for the file."""
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


@dataclass
class Study:
    """The trials of one participant, and the answers so far.

    Args:
        models: ``a`` and ``b``: what they are, for the file.
        question: that each trial asks.
        seed: of the trials.
        grid: pictures are grids of so many images squared.
        trials: in their order.
        participant: a name, or None.
        shape: of an image (C, H, W).
        undone: answers that were taken back.
    """

    models: Mapping[Player, Mapping[str, Any]]
    question: str
    seed: int
    grid: int
    trials: list[Trial]
    participant: str | None = None
    shape: tuple[int, ...] = ()
    undone: int = field(default=0)

    @property
    def current(self) -> int | None:
        """The number of the trial that is next; None when all are done."""
        return next((i for i, trial in enumerate(self.trials) if trial.answer is None), None)

    def answer(self, number: int, side: Side, seconds: float) -> None:
        """Take an answer.

        Args:
            number: of the trial, which must be the current one.
            side: that was chosen.
            seconds: that it took.

        Raises:
            ConfigError: another trial is due.
        """
        if number != self.current:
            raise ConfigError(f"trial {number} is not the one that is due")
        trial = self.trials[number]
        trial.answer = trial.player(side)
        trial.seconds = round(min(max(seconds, 0.0), _LONGEST), 3)

    def undo(self) -> bool:
        """Take the last answer back, if there is one and the study is not over; return whether there was."""
        number = self.current
        if not number:  # the first, or none
            return False
        self.trials[number - 1].answer = self.trials[number - 1].seconds = None
        self.undone += 1
        return True

    @property
    def result(self) -> Result:
        """What the answers so far say."""
        done = [trial for trial in self.trials if trial.answer is not None]
        return Result(
            len(done), sum(trial.answer == "a" for trial in done), sum(trial.answer == trial.left for trial in done)
        )

    def setup(self) -> dict[str, Any]:
        """Return what makes it this study and no other."""
        return {
            "format": FORMAT,
            "question": self.question,
            "participant": self.participant,
            "seed": self.seed,
            "grid": self.grid,
            "shape": list(self.shape),
            "models": {name: dict(model) for name, model in self.models.items()},
        }

    def save(self, path: Path) -> None:
        """Write all of it, whole or not at all.

        Raises:
            GanzooError: it cannot be written.
        """
        write_json(
            path,
            {
                **self.setup(),
                "ganzoo": __version__,
                "undone": self.undone,
                "result": {"trials": len(self.trials), **self.result.plain()},
                "trials": [msgspec.to_builtins(trial) for trial in self.trials],
            },
        )

    def go_on(self, path: Path) -> None:
        """Take over the answers of a file that the same study wrote.

        Raises:
            RunError: it cannot be read, is of another study, or is done.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            written = msgspec.convert(content["trials"], list[Trial])
            undone = msgspec.convert(content["undone"], int)
            setup = {name: content.get(name) for name in self.setup()}
        except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
            raise RunError(f"{path} is no study that can be gone on with ({error}): name another file") from error
        other = [name for name, value in self.setup().items() if setup[name] != value]
        if not other and [(t.a, t.b, t.left) for t in written] != [(t.a, t.b, t.left) for t in self.trials]:
            other = ["trials"]
        if other:
            raise RunError(
                f"{path} is of another study ({', '.join(other)}): go on with the same words as it began, or name "
                "another file"
            )
        if all(trial.answer for trial in written):
            raise RunError(f"{path} is done: name another file for another participant")
        self.trials, self.undone = written, undone


def make_trials(count: int, seed: int, grid: int, *, real: Sequence[int] | None = None) -> list[Trial]:
    """Return the trials of a seed: which images, and who is on the left, in half of them A.

    Both models get the same seeds, so that models with labels show the same classes.

    Args:
        count: how many.
        seed: of the choice.
        grid: images in a row of a picture.
        real: places of a data set for B, where B is no model; none comes twice.

    Raises:
        ConfigError: fewer real images than are shown.
    """
    chance, each = random.Random(seed), grid * grid  # noqa: S311 - to be repeated, not to be secret
    seeds = chance.sample(range(2**31), count * each)
    if real is not None and len(real) < count * each:
        raise ConfigError(f"{count * each} real images are shown, and there are {len(real)}: ask for fewer trials")
    others = chance.sample(real, count * each) if real is not None else seeds
    players: tuple[Player, Player] = ("a", "b")
    sides = [*players * (count // 2), *[chance.choice(players)] * (count % 2)]
    chance.shuffle(sides)
    parts = [slice(i * each, (i + 1) * each) for i in range(count)]
    return [Trial(tuple(seeds[p]), tuple(others[p]), left) for p, left in zip(parts, sides, strict=True)]


def sentences(study: Study) -> list[str]:
    """Return the result in words, for the page and the terminal."""
    result, (low, high) = study.result, study.result.interval
    a, b = (str(study.models[player]["name"]) for player in ("a", "b"))
    if not result.answered:
        return ["No answer yet."]
    chosen = f"{a} was taken for real" if "data" in study.models["b"] else f"{a} was preferred to {b}"
    share = f"{result.a / result.answered:.0%}, 95% interval {low:.1%} to {high:.1%}"
    outside, unlikely = not low <= 0.5 <= high, result.p < 1 - CONFIDENCE
    verdict = "These answers do not tell the two apart."
    if outside and unlikely:
        verdict = "These answers tell the two apart."
    elif outside or unlikely:  # for few trials the interval and the test need not agree
        verdict = "That is on the edge: more trials would tell whether the two differ."
    return [
        f"{chosen} in {result.a} of {result.answered} trials: {share}.",
        f"Two-sided exact binomial test against one half: p = {result.p:.2g}.",
        verdict,
    ]
