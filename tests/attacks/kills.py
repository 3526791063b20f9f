"""Runs that are killed at each of their writes, in turn, and resumed: they end as one that never was."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import forks
from attacks.outcomes import Attack

KILLED = -9
PRELUDE = """
import os, signal, sys
run, at, count, written = os.path.abspath("run"), {at}, 0, os.path.abspath("writes")

def on_write(event, arguments):
    global count
    path = arguments[0] if arguments else None
    if event == "open":
        if not (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR):
            return
    elif event not in ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate"):
        return
    if not isinstance(path, (str, os.PathLike)) or not os.path.abspath(path).startswith(run):
        return
    count += 1
    if count == at:
        os.kill(os.getpid(), signal.SIGKILL)
    if not at:
        descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.write(descriptor, str(count).encode())
        os.close(descriptor)

sys.addaudithook(on_write)
"""
WORDS = (
    *("train", "dcgan", "--images", 128, "--batch-size", 32, "-o", "base_channels=8", "-o", "discriminator_channels=8"),
    *("--report-every", 64, "--preview-every", 64, "--checkpoint-every", 64, "--keep", 1, "--device", "cpu"),
    *("--metrics", "fd[pixels:4]@64/train", "--eval-every", 64, "--patience", 5, "--out", "run"),
)


def kill_at_writes(data: Path, folder: Path, moments: Iterable[int] | None = None) -> Attack:
    """Kill a short run at its writes (all of them by default), each in a folder of its own, and resume it."""
    attack = Attack("killed at a write, resumed")
    words = [*WORDS, "--data", str(data)]
    whole = folder / "whole"
    whole.mkdir()
    assert forks.run(*words, cwd=whole, prelude=PRELUDE.format(at=0)).returncode == 0
    expected = content(whole / "run")
    for moment in moments or range(1, int((whole / "writes").read_text()) + 1):
        place = folder / f"killed-{moment}"
        place.mkdir()
        killed = forks.run(*words, cwd=place, prelude=PRELUDE.format(at=moment))
        begun = (place / "run/config.json").exists()
        resumed = forks.run(*(["train", "--resume", "run"] if begun else words), cwd=place)
        problem = None
        if killed.returncode != KILLED:
            problem = f"was not killed, but ended with {killed.returncode}: {killed.stderr}"
        elif resumed.returncode and "has already seen 128 of 128 images" not in resumed.stderr:
            problem = resumed.stderr
        elif (found := content(place / "run")) != expected:
            problem = f"differs in {[name for name in {*expected, *found} if expected.get(name) != found.get(name)]}"
        attack.holds(f"write {moment}", problem)
        shutil.rmtree(place)
    return attack


def content(run: Path) -> dict[str, Any]:
    """Return what is in a run's folder, without what tells the time."""
    found: dict[str, Any] = {}
    for path in sorted(path for path in run.rglob("*") if path.is_file() and path.name != ".lock"):
        name = path.relative_to(run).as_posix()
        if name.endswith("config.json"):
            config = json.loads(path.read_bytes())
            config.pop("checksum", None)
            (config.get("trained") or {}).pop("minutes", None)
            found[name] = config
        elif path.suffix == ".jsonl":
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            found[name] = [
                {key: value for key, value in line.items() if key not in ("seconds", "images/s")} for line in lines
            ]
        else:
            found[name] = path.read_bytes()
    return found
