"""What a second process brings, and what it costs to talk.

    python benchmarks/scale.py [--only dcgan] [--rounds 10]

Each process has one thread. For one and for two processes it prints images/s of the engine, at one batch size for all
processes together, and the share of the time that goes into averaging gradients. Then, in two processes, one backward
pass of the discriminator with the engine's one flat reduction against torch's DistributedDataParallel, which sends
buckets while the pass goes on; rounds of the two alternate, and the median of the paired ratios is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

import ganzoo
from ganzoo.data import Loader, Store
from ganzoo.training.ema import EMA
from ganzoo.training.loop import train
from ganzoo.training.settings import Settings
from ganzoo.training.state import State
from ganzoo.training.updates import Gradients

MODELS = ("vanilla", "dcgan", "wgan-gp")
BATCH = 64
SECONDS = 4.0  # of training in each round


def store() -> Store:
    """Return random images: what is drawn on them costs nothing."""
    return Store("random", torch.randint(0, 256, (9_600, 1, 28, 28), dtype=torch.uint8), None, None)


def engine(name: str, accelerator: Accelerator) -> tuple[float, float]:
    """Return (images/s over all processes, share of the time in averaging) of the engine."""
    torch.manual_seed(0)
    gan = ganzoo.create(name).to(memory_format=torch.channels_last)
    state = State(gan, EMA(gan), gan.optimizers())
    talked, average = 0.0, Gradients.average

    def timed(self: Gradients) -> None:
        nonlocal talked
        begun = time.perf_counter()
        average(self)
        talked += time.perf_counter() - begun

    loader = Loader(store(), seed=0, rank=accelerator.process_index, world=accelerator.num_processes)
    begun, warm, last = 0.0, 0, 10**9

    def after_step() -> bool:
        nonlocal begun, warm, talked, last
        if state.step == 3:  # the first steps make the optimizers' states
            begun, warm, talked = time.perf_counter(), state.images, 0.0
        if state.step == 6:  # all processes agree on a number of steps that takes about SECONDS
            each = (time.perf_counter() - begun) / 3
            last = int(accelerator.reduce(torch.tensor(6 + max(4.0, SECONDS / each)), "mean"))
        return state.step >= last

    Gradients.average = timed  # type: ignore[method-assign]
    try:
        settings = Settings("", 10**9, batch_size=BATCH, precision="fp32")
        train(state, loader, accelerator, settings, after_step=after_step)
    finally:
        Gradients.average = average  # type: ignore[method-assign]
    seconds = time.perf_counter() - begun
    return (state.images - warm) / seconds, talked / seconds


def against_ddp(name: str, accelerator: Accelerator, rounds: int) -> tuple[float, float, float]:
    """Return (seconds with one flat reduction, seconds with DDP, their median ratio) of a backward pass."""
    torch.manual_seed(0)
    gan = ganzoo.create(name).to(memory_format=torch.channels_last)
    network = gan.discriminator
    gradients = Gradients(list(network.parameters()), accelerator, Settings("", 1))
    wrapped = DistributedDataParallel(ganzoo.create(name).to(memory_format=torch.channels_last).discriminator)
    images = torch.randn(BATCH // accelerator.num_processes, 1, 28, 28)

    def flat(given: Tensor) -> None:
        network.zero_grad()
        network(given).mean().backward()
        gradients.average()

    def buckets(given: Tensor) -> None:
        wrapped.zero_grad()
        wrapped(given).mean().backward()

    times: dict[str, list[float]] = {"flat": [], "buckets": []}
    for _ in range(rounds + 2):
        for kind, step in (("flat", flat), ("buckets", buckets)):
            accelerator.wait_for_everyone()
            begun = time.perf_counter()
            for _ in range(10):
                step(images)
            times[kind].append((time.perf_counter() - begun) / 10)
    flats, others = times["flat"][2:], times["buckets"][2:]
    ratio = statistics.median(b / a for a, b in zip(flats, others, strict=True))
    return statistics.median(flats), statistics.median(others), ratio


def work(names: list[str], rounds: int, out: Path) -> None:
    """Measure in this process; the first one writes."""
    torch.set_num_threads(1)
    accelerator = Accelerator(cpu=True)
    found = {}
    for name in names:
        measured = [engine(name, accelerator) for _ in range(max(1, rounds // 5))]
        found[name] = {"engine": [statistics.median(column) for column in zip(*measured, strict=True)]}
        if accelerator.num_processes > 1:
            found[name]["ddp"] = list(against_ddp(name, accelerator, rounds))
    if accelerator.is_main_process:
        out.write_text(json.dumps(found))
    accelerator.wait_for_everyone()
    accelerator.end_training()


def main() -> None:
    """Start one process, then two, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--only", choices=MODELS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    names = [options.only] if options.only else list(MODELS)
    if options.out:
        work(names, options.rounds, options.out)
        return
    found = {}
    words = ["--rounds", str(options.rounds), *(["--only", options.only] if options.only else [])]
    with tempfile.TemporaryDirectory() as folder:
        for world in (1, 2):
            out = Path(folder) / f"{world}.json"
            launch = ["-m", "torch.distributed.run", "--nproc_per_node", str(world), "--standalone"]
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            subprocess.run([sys.executable, *launch, __file__, *words, "--out", str(out)], env=environment, check=True)
            found[world] = json.loads(out.read_text())
    print(f"batch {BATCH} over all processes, fp32, one thread each\n")
    heads = {"1: img/s": 10, "2: img/s": 10, "2 / 1": 8, "talking": 9, "flat ms": 10, "DDP ms": 9, "DDP/flat": 10}
    print(f"{'model':<10}" + "".join(f"{head:>{width}}" for head, width in heads.items()))
    for name in names:
        (alone, _), (both, talking) = found[1][name]["engine"], found[2][name]["engine"]
        flat, ddp, ratio = found[2][name]["ddp"]
        print(
            f"{name:<10}{alone:>10.0f}{both:>10.0f}{both / alone:>8.2f}{talking:>9.1%}{flat * 1e3:>10.2f}"
            f"{ddp * 1e3:>9.2f}{ratio:>10.2f}"
        )


if __name__ == "__main__":
    main()
