"""What several tests of pages change and make."""

from __future__ import annotations

import http.client
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np

from ganzoo_report.report import write_report
from ganzoo_study.server import StudyServer
from ganzoo_study.study import SIDES, Study, make_trials
from helpers import open_config

JSON = {"Content-Type": "application/json"}
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
    (run / "config.json").write_text(json.dumps({**open_config(run), **changes}), encoding="utf-8")


def make_study(count=4, *, seed=0, **more) -> Study:
    """Return a study of two models that were never made."""
    models = {"a": {"name": "alpha-gan", "sha256": "0" * 64}, "b": {"name": "beta-gan", "sha256": "1" * 64}}
    trials = make_trials(count, seed, 1)
    return Study(
        question="Which one looks more real?",
        seed=seed,
        grid=1,
        shape=(1, 28, 28),
        models=models,
        trials=trials,
        **more,
    )


def make_pictures(study, digits):
    """Return pictures of real digits for its trials: white ones for A, grey ones for B."""
    images = digits[0][: len(study.trials), :, :, None]
    made = {"a": images, "b": (images // 2).astype(np.uint8)}
    return [{side: made[trial.label_on(side)][i] for side in SIDES} for i, trial in enumerate(study.trials)]


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


class Client:
    """Asks a study's server, by default as its own page would."""

    def __init__(self, server: StudyServer) -> None:
        self.host, self.base = f"127.0.0.1:{server.server_port}", server.url.partition(f":{server.server_port}")[2]

    def ask(self, method="GET", path="", body=None, raw=False, **headers):
        connection = http.client.HTTPConnection(self.host, timeout=10)
        sent = {"Origin": f"http://{self.host}", **JSON} if method == "POST" else {}
        sent = {k.replace("_", "-"): v for k, v in {**sent, **headers}.items() if v is not None}
        try:
            connection.request(method, path if raw else self.base + path, body, sent)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def state(self):
        return json.loads(self.ask(path="state")[2])

    def answer(self, trial, side="left", seconds=1.0, **headers):
        return self.ask("POST", "answer", json.dumps({"trial": trial, "side": side, "seconds": seconds}), **headers)


class Page(HTMLParser):
    """The tags, headings and texts of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.html = path.read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(self.html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def sections(self):
        return [attributes["id"] for attributes in self.all("section")]

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    @property
    def data(self):
        return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', self.html)[1])


def report(folder, mnist, **options):
    written = write_report(folder, data=str(mnist), progress=False, **options)
    return Page(written.path), written
