"""What several tests of pages change and make."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from ganzoo_study.study import SIDES, Study, make_trials

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&"


def measured(run):
    """Add what a run says that was measured while it went on."""
    lines = [json.loads(line) for line in (run / "stats.jsonl").read_text(encoding="utf-8").splitlines()]
    for images, value in ((64, 5.0), (128, 3.25), (192, 4.0)):
        metrics = {"fd[pixels]@10k/test": value, "unheard[of]@1k": value}
        lines.append({"images": images, "seconds": 1.0, "metrics": metrics})
    (run / "stats.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def change_config(run, **changes):
    """Write other values into a config.json."""
    path = run / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")


def make_study(count=4, *, seed=0, **more) -> Study:
    """Return a study of two models that were never made."""
    models = {"a": {"name": "alpha-gan", "sha256": "0" * 64}, "b": {"name": "beta-gan", "sha256": "1" * 64}}
    trials = make_trials(count, seed, 1)
    return Study(models, "Which one looks more real?", seed, 1, trials, shape=(1, 28, 28), **more)


def make_pictures(study, digits):
    """Return pictures of real digits for its trials: white ones for A, grey ones for B."""
    images = digits[0][: len(study.trials), :, :, None]
    made = {"a": images, "b": (images // 2).astype(np.uint8)}
    return [{side: made[trial.player(side)][i] for side in SIDES} for i, trial in enumerate(study.trials)]


class Tab:
    """A page, with what it asked for and what went wrong on it."""

    def __init__(self, browser: Any, **options: Any) -> None:
        self.context = browser.new_context(viewport={"width": 1100, "height": 800}, **options)
        self.page = self.context.new_page()
        self.asked: list[str] = []
        self.wrong: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.wrong.append(message.text) if message.type != "log" else None)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.wrong.append(dialog.message), dialog.dismiss()))
        self.page.set_default_timeout(20_000)

    def one(self, selector: str) -> Any:
        return self.page.locator(selector)
