"""Peak memory of training and of sampling, per architecture at its defaults; and whether a long run grows.

    python benchmarks/memory.py [--only dcgan] [--batch 64] [--threads 2]
    python benchmarks/memory.py --steps 10000

Each figure is of a process of its own: the most that it ever held, less what a process held at most that had made the
same objects and done nothing with them. On CUDA it is the device's memory, as torch's allocator counts it.

``--steps`` trains a tiny perceptron through `ganzoo.train`, with reports, previews and checkpoints, and prints the
memory of that process after a tenth of the steps and at its end.
"""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import psutil
import torch
from rounds import parse, parser, write
from trainer import Trainer

import ganzoo
from ganzoo.training.logs import read_stats

KINDS = ("made", "train", "sample")
MIB = 2**20
TINY = {"hidden": 16, "layers": 1, "latent_dim": 4}


@dataclass(frozen=True)
class Peak:
    """What an architecture needs beyond its networks and its data, in bytes.

    Args:
        name: of the architecture.
        batch: images per update, and per forward pass when it is sampled.
        made: what the process holds at most before: its modules, the networks, 1,024 images.
        train: more than that for two steps with all lazy phases.
        sample: more than ``made`` for 64 images.
    """

    name: str
    batch: int
    made: int
    train: int
    sample: int


def high_water() -> int:
    """Return the most bytes that this process has held, or that the accelerator has."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss begins with what the parent held, on Linux
        return int(status.read_text(encoding="utf-8").split("VmHWM:")[1].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def peak(kind: str, name: str, batch: int | None, threads: int) -> tuple[int, int]:
    """Make a model, do what ``kind`` says, and return the high-water mark and the batch size."""
    torch.set_num_threads(threads)
    trainer = Trainer(name, batch=batch)
    if kind == "train":
        for _ in range(2):  # with the optimizers' state, which the first step makes
            trainer.state.step = 0  # at which all lazy phases are due
            trainer.run(1)
    elif kind == "sample":
        trainer.gan.sample(64, batch_size=64)
    return high_water(), trainer.batch


def measure(name: str, batch: int | None = None, threads: int = 1) -> Peak:
    """Measure one architecture in fresh processes."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        found = {kind: pool.submit(peak, kind, name, batch, threads).result() for kind in KINDS}
    made, used = found["made"]
    return Peak(name, used, made, found["train"][0] - made, found["sample"][0] - made)


def growth(steps: int, folder: Path, batch: int = 16) -> list[tuple[int, int]]:
    """Train a tiny model and return (step, bytes held) at each report that was seen."""
    np.save(folder / "images.npy", np.random.default_rng(0).integers(0, 256, (512, 16, 16), dtype=np.uint8))
    report = max(1, steps // 100) * batch
    arguments = {
        "architecture": "vanilla", "data": str(folder / "images.npy"), "images": steps * batch, "config": TINY,
        "out": str(folder / "run"), "progress": False, "batch_size": batch, "report_every": report,
        "preview_every": 10 * report, "checkpoint_every": 10 * report,
    }  # fmt: skip
    command = [sys.executable, "-c", f"import ganzoo; ganzoo.train(**{arguments!r})"]
    seen: list[tuple[int, int]] = []
    with subprocess.Popen(command, env={**os.environ, "GANZOO_CACHE": str(folder)}) as child:
        process = psutil.Process(child.pid)
        while child.poll() is None:
            time.sleep(0.01)
            stats = read_stats(folder / "run")
            step = int(stats[-1]["images"]) // batch if stats else 0
            if step > (seen[-1][0] if seen else 0):
                with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended
                    seen.append((step, process.memory_info().rss))
    if child.returncode:
        raise SystemExit(child.returncode)
    return seen


def tell_growth(steps: int) -> None:
    """Print the memory of a long run at a tenth of it and at its end."""
    with tempfile.TemporaryDirectory() as folder:
        seen = growth(steps, Path(folder))
    early = next(mark for mark in seen if mark[0] >= steps // 10)
    for step, held in (early, seen[-1]):
        print(f"vanilla, after {step:>7,} steps: {held / MIB:,.1f} MiB")


def main() -> None:
    """Measure and print."""
    made = parser(__doc__, only=ganzoo.list_architectures())
    made.add_argument("--batch", type=int, help="images per update  [default: 64, less for some on a CPU]")
    made.add_argument("--steps", type=int, help="of a long run, instead")
    options = parse(made)
    if options.steps:
        tell_growth(options.steps)
        return
    print(f"{'architecture':<18}{'batch':>6}{'made MiB':>12}{'training':>12}{'64 samples':>12}")
    peaks = []
    for name in options.only:
        p = measure(name, options.batch, options.threads)
        peaks.append(p)
        values = "".join(f"{value / MIB:>12,.0f}" for value in (p.made, p.train, p.sample))
        print(f"{name:<18}{p.batch:>6}{values}", flush=True)
    write(peaks, options.json)


if __name__ == "__main__":
    main()
