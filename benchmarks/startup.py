"""How long ``ganzoo list`` takes with 20 more plugins installed, 3 of them broken, against a bare start.

    python benchmarks/startup.py [--runs 40]

The plugins are generated into a temporary folder as installed distributions. The commands alternate, and the ratio of
each pair is taken: its median is printed; nothing heavy may be among the modules that they import.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BARE = "import click, pluggy, importlib.metadata"
HEAVY = ("torch", "numpy", "timm", "huggingface_hub")
GOOD = """
from dataclasses import dataclass
from ganzoo.registry import Architecture, fields, hookimpl

@dataclass(frozen=True)
class Config:
    image_size: fields.ImageSize = 32
    lr: fields.LearningRate = 1e-4

@hookimpl
def ganzoo_architectures():
    return [Architecture(name="bench{i}", target="bench{i}.model:GAN", config=Config, summary="made for a benchmark")]
"""
BROKEN = ("import a_module_that_is_not_there\n", "raise SystemExit(3)\n", "def broken(:\n")


def install_plugins(site: Path, good: int = 17) -> None:
    """Write distributions with an entry point each: ``good`` working ones and three broken ones."""
    sources = [GOOD.replace("{i}", str(i)) for i in range(good)] + list(BROKEN)
    for i, source in enumerate(sources):
        (site / f"bench{i}").mkdir()
        (site / f"bench{i}" / "__init__.py").write_text(source)
        info = site / f"ganzoo_bench{i}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: ganzoo-bench{i}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[ganzoo]\nbench{i} = bench{i}\n")


def seconds(command: list[str], env: dict[str, str]) -> float:
    """Return the wall time of one run."""
    start = time.perf_counter()
    subprocess.run(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=40)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        install_plugins(Path(folder))
        env = {**os.environ, "PYTHONPATH": folder}
        commands = {
            "bare start": [sys.executable, "-c", BARE],
            "ganzoo list": [sys.executable, "-m", "ganzoo", "list"],
            "ganzoo show dcgan": [sys.executable, "-m", "ganzoo", "show", "dcgan"],
        }
        for name in ("list", "show dcgan"):
            code = (
                f"import sys; sys.argv = ['ganzoo', *{name.split()!r}]\nfrom ganzoo.cli import main\n"
                f"try: main()\nexcept SystemExit: pass\nprint([m for m in {HEAVY!r} if m in sys.modules])"
            )
            out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
            print(f"ganzoo {name}: heavy modules imported: {out.stdout.splitlines()[-1]}")
        times: dict[str, list[float]] = {name: [] for name in commands}
        for run in range(runs + 2):
            for name, command in commands.items():
                taken = seconds(command, env)
                if run >= 2:  # the first runs write the bytecode and warm the file cache
                    times[name].append(taken)
        print(f"\n{'command':<20}{'median ms':>10}{'ratio':>8}    ({runs} alternating runs, 20 plugins, 3 broken)")
        for name, taken in times.items():
            ratio = statistics.median(own / bare for own, bare in zip(taken, times["bare start"], strict=True))
            print(f"{name:<20}{statistics.median(taken) * 1e3:>10.1f}{ratio:>8.2f}")


if __name__ == "__main__":
    main()
