"""Runs that are killed, at each of their writes or at random moments, and resumed: they end as one that never was."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

import ganzoo
from attacks.outcomes import Attack
from ganzoo.errors import GanzooError

_PROCESSES = get_context("forkserver")
_PROCESSES.set_forkserver_preload(["torch._dynamo", "ganzoo.training.run", "ganzoo_metrics.frechet", "attacks.kills"])
_WRITES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate"}
SETTINGS = {
    "batch_size": 32, "checkpoint_every": 32, "report_every": 32, "preview_every": 32, "keep": 1, "eval_every": 32,
    "patience": 999, "metrics": ("fd[pixels:4]@64/train",), "device": "cpu", "progress": False,
}  # fmt: skip


def work(out: Path, data: Path, images: int, before: Callable[[Path], None], problems: Path) -> None:
    """Begin a run, or resume the one that is there, as a process of its own does."""
    torch.set_num_threads(1)
    before(out)
    try:
        if (out / "config.json").exists():
            ganzoo.resume(out, progress=False)
        else:
            config = {"hidden": 8, "latent_dim": 4}
            ganzoo.train("vanilla", data=str(data), images=images, out=out, config=config, **SETTINGS)
    except GanzooError as error:
        if "has already seen" not in str(error):
            problems.write_text(str(error))
    except BaseException as error:
        problems.write_text(repr(error))
        raise


def kill_at(write: int, out: Path) -> None:
    """Kill this process at its so many-th write into a folder; with 0 write down how many there are."""
    count = 0

    def on_event(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        changes = event in _WRITES or (event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR))
        if not changes or not str(arguments[0]).startswith(str(out)):
            return
        count += 1
        if count == write:
            os.kill(os.getpid(), signal.SIGKILL)
        if not write:
            out.with_name("writes").write_text(str(count))

    sys.addaudithook(on_event)


def kill_after(seconds: float, out: Path) -> None:
    """Kill this process once it has computed for so long."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, seconds)


def nothing(out: Path) -> None:
    """Leave a process alone."""


def _run(place: Path, data: Path, images: int, before: Callable[[Path], None] = nothing) -> tuple[int, str]:
    """Return the exit code of a process, and what it says is wrong."""
    problems = place / "problems"
    place.mkdir(exist_ok=True)
    process = _PROCESSES.Process(target=work, args=(place / "run", data, images, before, problems))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode, problems.read_text() if problems.exists() else ""


def kill_at_writes(data: Path, folder: Path, last: int | None = None) -> Attack:
    """Kill a run of three steps at each of its writes, or the last so many, in a folder of its own, and resume it."""
    attack, whole, images = Attack("run killed at a write, resumed"), folder / "whole", 96
    assert _run(whole, data, images, partial(kill_at, 0)) == (0, "")
    expected = content(whole / "run")
    moments = range(1, int((whole / "writes").read_text()) + 1)
    for moment in moments[-last:] if last else moments:
        place = folder / f"killed-{moment}"
        code, problem = _run(place, data, images, partial(kill_at, moment))
        problem = problem if code == -signal.SIGKILL else f"was not killed, but ended with {code}"
        problem = problem or _run(place, data, images)[1]
        attack.holds(f"write {moment}", problem or _difference(expected, place / "run"))
        shutil.rmtree(place)
    return attack


def kill_at_random(data: Path, folder: Path, count: int = 30, images: int = 3_200) -> Attack:
    """Kill one run again and again after a random time; each time it resumes, and at last it is whole."""
    attack, chance = Attack("run killed at a random moment, resumed"), random.Random(0)
    assert _run(folder / "straight", data, images) == (0, "")
    for i in range(count):
        attack.holds(f"kill {i}", _run(folder / "killed", data, images, partial(kill_after, chance.uniform(0.1, 1)))[1])
    problem = _run(folder / "killed", data, images)[1]
    attack.holds("the end", problem or _difference(content(folder / "straight/run"), folder / "killed/run"))
    return attack


def _difference(expected: dict[str, Any], run: Path) -> str | None:
    found = content(run)
    names = [name for name in sorted({*expected, *found}) if expected.get(name) != found.get(name)]
    return f"{', '.join(names)}: not as without a kill" if names else None


def content(run: Path) -> dict[str, Any]:
    """Return what is in a run's folder, without what tells the time."""
    found: dict[str, Any] = {}
    for path in sorted(path for path in run.rglob("*") if path.is_file() and path.name != ".lock"):
        name = path.relative_to(run).as_posix()
        if path.name == "config.json":
            config = json.loads(path.read_bytes())
            config.pop("checksum", None)
            (config.get("trained") or {}).pop("minutes", None)
            found[name] = config
        elif path.suffix == ".jsonl":
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            timeless = [{k: v for k, v in line.items() if k not in {"seconds", "images/s"}} for line in lines]
            found[name] = timeless
        else:
            found[name] = path.read_bytes()
    return found
