"""How long ``ganzoo list`` takes with 20 more plugins installed, 3 of them broken, against a bare start.

    python benchmarks/startup.py [--rounds 40] [--json FILE]

The plugins are generated into a temporary folder as installed distributions. The commands alternate, and the ratio of
each pair is taken: its median is printed; nothing heavy may be among the modules that they import.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from rounds import Row, alternate, paired_ratio, parse, parser, show

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


def environment(site: Path) -> dict[str, str]:
    """Return the variables of a process that also finds what is installed in ``site``."""
    known = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([str(site), *([known] if known else [])])
    return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": ""}  # an installation has its bytecode


def compare(
    commands: Mapping[str, Sequence[str]], env: Mapping[str, str], rounds: int, aim: str, *, warm_up: int = 2
) -> list[Row]:
    """Run commands in turn and compare the time of each with that of the first one."""

    def run(command: Sequence[str]) -> None:
        subprocess.run(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)

    # The first rounds write the bytecode and warm the file cache.
    first, *others = alternate([lambda c=c: run(c) for c in commands.values()], rounds, warm_up=warm_up)
    base, *names = commands
    return [
        Row(
            f"{name} / {base}", statistics.median(first) * 1e3, statistics.median(taken) * 1e3, "ms",
            paired_ratio(taken, first), aim,
        )
        for name, taken in zip(names, others, strict=True)
    ]  # fmt: skip


def heavy_imports(command: str, env: Mapping[str, str]) -> str:
    """Return the heavy modules that ``ganzoo COMMAND`` imports, as Python writes a list."""
    code = (
        f"import sys; sys.argv = ['ganzoo', *{command.split()!r}]\nfrom ganzoo.cli import main\n"
        f"try: main()\nexcept SystemExit: pass\nprint([m for m in {HEAVY!r} if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    return out.stdout.splitlines()[-1]


def measure(rounds: int) -> list[Row]:
    """Print what the commands import, and compare their times with a bare start."""
    with tempfile.TemporaryDirectory() as folder:
        install_plugins(Path(folder))
        env = environment(Path(folder))
        for command in ("list", "show dcgan"):
            print(f"ganzoo {command}: heavy modules imported: {heavy_imports(command, env)}")
        commands = {
            "bare start": [sys.executable, "-c", BARE],
            "ganzoo list": [sys.executable, "-m", "ganzoo", "list"],
            "ganzoo show dcgan": [sys.executable, "-m", "ganzoo", "show", "dcgan"],
        }
        return compare(commands, env, rounds, "<= 2")


def main() -> None:
    """Measure and print."""
    options = parse(parser(__doc__, rounds=40))
    show(measure(options.rounds), options.json)


if __name__ == "__main__":
    main()
