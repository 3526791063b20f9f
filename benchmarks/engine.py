"""The engine against a plain loop written for each model, alternating in one run.

    python benchmarks/engine.py [--rounds 20] [--threads 2] [--only dcgan]

Both train the same networks on the same images with the same batch size, precision and memory layout; rounds of engine
and plain loop alternate, and the median of the paired ratios is printed. Then ``precision auto`` against fp32 in the
same way, and the engine's speed and memory at the first images and at the hundred thousandth.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import psutil
import torch
from accelerate import Accelerator
from plain import BATCH, Data, make_plain

import ganzoo
from ganzoo.data import Loader, Store
from ganzoo.training.ema import EMA
from ganzoo.training.loop import train
from ganzoo.training.plan import resolve_precision
from ganzoo.training.state import State

STEPS = {"vanilla": 60, "dcgan": 8, "wgan-gp": 4, "cgan": 8}  # of one round: about a second on two cores
N = 64 * 150


def store() -> Store:
    """Return random images: what is drawn on them costs nothing."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (N, 1, 28, 28), dtype=torch.uint8, generator=generator)
    labels = torch.randint(0, 10, (N,), generator=generator)
    return Store("random", images, labels, tuple("0123456789"))


def make(name: str) -> ganzoo.GAN:
    """Return a model with its default hyper-parameters."""
    torch.manual_seed(0)
    return ganzoo.create(name).to(memory_format=torch.channels_last)


def alternate(name: str, precision: str, rounds: int, other: Callable[[], None]) -> tuple[list[float], list[float]]:
    """Run the engine, and between its steps, every ``STEPS[name]``, as many steps of ``other``; return both times."""
    gan, steps = make(name), STEPS[name]
    state = State(gan, EMA(gan), gan.optimizers())
    own: list[float] = []
    theirs: list[float] = []
    begun = time.perf_counter()

    def after_step() -> bool:
        nonlocal begun
        if state.step % steps:
            return False
        own.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        for _ in range(steps):
            other()
        theirs.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        return len(own) == rounds + 2

    train(
        state, Loader(store(), seed=0), Accelerator(cpu=True), images=10**9, batch_size=BATCH, precision=precision,
        after_step=after_step,
    )  # fmt: skip
    return own[2:], theirs[2:]  # the first rounds warm up


def engine_step(name: str, precision: str) -> Callable[[], None]:
    """Return a function that makes one step of another engine."""
    gan = make(name)
    state, loader, accelerator = State(gan, EMA(gan), gan.optimizers()), Loader(store(), seed=0), Accelerator(cpu=True)

    def step() -> None:
        train(state, loader, accelerator, images=10**9, batch_size=BATCH, precision=precision, after_step=lambda: True)

    return step


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--only", choices=STEPS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    auto = resolve_precision("auto", torch.device("cpu"))
    print(f"batch {BATCH}, {options.threads} threads, precision auto = {auto}, {options.rounds} alternating rounds\n")
    print(f"{'model':<10}{'plain img/s':>12}{'engine img/s':>14}{'engine/plain':>14}{'auto/fp32':>11}")
    for name in [options.only] if options.only else STEPS:
        images = BATCH * STEPS[name] * (5 if name == "wgan-gp" else 1)
        data = store()
        plain = make_plain(name, make(name), Data(data.images, data.labels, 0), bf16=auto == "bf16")
        own, theirs = alternate(name, auto, options.rounds, plain)
        fast, slow = alternate(name, auto, max(3, options.rounds // 3), engine_step(name, "fp32"))
        ratio = statistics.median(b / a for a, b in zip(own, theirs, strict=True))
        gain = statistics.median(b / a for a, b in zip(fast, slow, strict=True))
        print(
            f"{name:<10}{images / statistics.median(theirs):>12.0f}{images / statistics.median(own):>14.0f}"
            f"{ratio:>14.3f}{gain:>11.2f}"
        )
    steady()


def steady(images: int = 120_000, window: int = 10_000) -> None:
    """Print the engine's speed and the process's memory at the start and at the hundred thousandth image."""
    gan, process = make("vanilla"), psutil.Process()
    state = State(gan, EMA(gan), gan.optimizers())
    marks: list[tuple[int, float, int]] = []

    def after_step() -> bool:
        if state.images // window > len(marks):
            marks.append((state.images, time.perf_counter(), process.memory_info().rss))
        return False

    train(
        state, Loader(store(), seed=0), Accelerator(cpu=True), images=images, batch_size=BATCH, precision="fp32",
        after_step=after_step,
    )  # fmt: skip
    print(f"\n{'vanilla, images':<24}{'img/s':>8}{'memory':>10}")
    for (first, begin, _), (last, end, rss) in (marks[:2], marks[-2:]):
        print(f"{first:>9,} to {last:>9,}{(last - first) / (end - begin):>11.0f}{rss / 2**20:>7.0f} MB")


if __name__ == "__main__":
    main()
