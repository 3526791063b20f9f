"""Many commands at once: all of them answer, and all the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from attacks.outcomes import Attack

GANZOO = [sys.executable, "-m", "ganzoo"]


def list_in_parallel(folder: Path, count: int = 100) -> Attack:
    """List the zoo in many processes at once."""
    attack = Attack(f"{count} lists at once")
    answers = _all([[*GANZOO, "list", "--json"] for _ in range(count)], folder)
    for i, (code, out, err) in enumerate(answers):
        attack.holds(f"list {i}", None if code == 0 and out == answers[0][1] and out else f"{code}: {err or out[:200]}")
    return attack


def sample_in_parallel(folder: Path, model: str, count: int = 16) -> Attack:
    """Generate the same images in many processes at once, into one file and one cache."""
    attack = Attack(f"{count} samples at once")
    words = [*GANZOO, "sample", model, "-n", "4", "--seed", "1", "-o"]
    answers = _all([[*words, "same.png"] for _ in range(count)], folder)
    for i, (code, _, err) in enumerate(answers):
        attack.holds(f"sample {i}", None if code == 0 else f"{code}: {err}")
    subprocess.run([*words, "alone.png"], cwd=folder, env=_environment(folder), check=True, capture_output=True)
    same = (folder / "same.png").read_bytes() == (folder / "alone.png").read_bytes()
    attack.holds("the file", None if same else "is not that of one process alone")
    left = [path.name for path in folder.iterdir() if "partial" in path.name]
    attack.holds("what is left", f"{left}" if left else None)
    return attack


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "GANZOO_CACHE": str(folder / "cache")}


def _all(commands: list[list[str]], folder: Path) -> list[tuple[int, bytes, str]]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    begun = [subprocess.Popen(words, cwd=folder, env=_environment(folder), **pipes) for words in commands]
    ended = [(process, *process.communicate(timeout=600)) for process in begun]
    return [(process.returncode, out, err.decode(errors="replace")) for process, out, err in ended]
