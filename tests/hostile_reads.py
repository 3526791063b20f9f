"""Reading the files that ask for much memory, each in a process of its own whose memory is measured.

    python tests/hostile_reads.py [NAME ...]

prints a line for each: the memory above that of a process that has only imported what reads, the seconds, and the error
in which it ended.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from hostile_files import MAKERS

LIMIT = 2 * 10**9
"""Bytes above its floor that reading any of them may take."""


class Outcome(NamedTuple):
    """What reading came to.

    Args:
        memory: bytes at most, above the floor of the process.
        error: the text of the error in which it ended, empty where it was read.
        seconds: that it took.
    """

    memory: int
    error: str
    seconds: float


def read(name: str, folder: Path) -> Outcome:
    """Make an attack in a folder and read it as training does, in a process of its own."""
    path = MAKERS[name](folder)
    began = time.monotonic()
    env = {**os.environ, "PYTHONWARNINGS": "ignore", "GANZOO_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, __file__, "--read", path], env=env, capture_output=True, text=True, check=False
    )
    seconds = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    return Outcome(found["memory"], found["error"], seconds)


def _read(path: str) -> None:
    import datasets  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    from ganzoo.data import open_source, prepare
    from ganzoo.errors import GanzooError
    from ganzoo.gan import SampleSpec
    from ganzoo.media import get_medium
    from ganzoo.registry import installed

    get_medium("image"), installed().media  # what is imported where it is first used
    floor = _high_water()
    error = ""
    try:
        prepare(open_source(path), {"image": SampleSpec((3, 64, 64))}, progress=False)
    except GanzooError as caught:
        error = str(caught)
    print(json.dumps({"memory": _high_water() - floor, "error": error}))  # noqa: T201


def _high_water() -> int:
    """Return the most bytes that this process has held."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def _main(names: list[str]) -> None:
    for name in names or MAKERS:
        with tempfile.TemporaryDirectory() as folder:
            outcome = read(name, Path(folder))
        verdict = "held" if outcome.memory < LIMIT else "FAILED"
        print(f"{verdict} {name}: {outcome.memory / 1e6:,.0f} MB, {outcome.seconds:.1f} s: {outcome.error}", flush=True)  # noqa: T201


if __name__ == "__main__":
    if sys.argv[1:2] == ["--read"]:
        _read(sys.argv[2])
    else:
        _main(sys.argv[1:])
