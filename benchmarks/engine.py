"""The engine against a plain loop written for each model, alternating in one run.

    python benchmarks/engine.py [--rounds 20] [--threads 2] [--only dcgan]

Both train the same networks on the same images with the same batch size, precision and memory layout; rounds of engine
and plain loop alternate, and the median of the paired ratios is printed. Then ``precision auto`` against fp32 in the
same way, and for vanilla the engine's speed and memory at the first images and at the hundred thousandth. All of it on
the accelerator, where there is one.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

import psutil
import torch
from accelerate import Accelerator
from plain import BATCH, Data, make_plain
from rounds import now, parse, parser

import ganzoo
from ganzoo.data import Loader, PairStore, Store
from ganzoo.models.create import pick_device
from ganzoo.training.ema import EMA
from ganzoo.training.loop import train
from ganzoo.training.settings import Settings
from ganzoo.training.state import State
from ganzoo.training.updates import resolve_precision

STEPS = {
    "vanilla": 60,
    "dcgan": 8,
    "wgan": 4,
    "wgan-gp": 4,
    "cgan": 8,
    "acgan": 6,
    "infogan": 12,
    "sngan": 1,
    "sngan-projection": 1,
    "r3gan": 1,
    "progan": 1,
    "stylegan2": 16,
    "pix2pix": 1,
    "cyclegan": 1,
}
"""Steps of one round: about a second on two cores, and of a model with lazy phases at least one of each of them."""

OPTIONS = {
    "sngan": {"base_channels": 64, "discriminator_channels": 64},
    "sngan-projection": {"base_channels": 64, "discriminator_channels": 64},
    "stylegan2": {"base_channels": 8, "max_channels": 32},
    "pix2pix": {"image_size": 64},
    "cyclegan": {"image_size": 32, "base_channels": 16, "discriminator_channels": 32},
}
"""Hyper-parameters that differ from the defaults, where a step with those takes many seconds. What an engine costs is a
larger share of a smaller step."""

SEEN = {"progan": 4_800_000}
"""Images before the first step: progan is measured at its full resolution, which has been faded in."""

N = 64 * 150
DEVICE = pick_device("auto")


def store(gan: ganzoo.GAN) -> Store | PairStore:
    """Return random images of the model's shape: their content does not matter."""
    config, generator = gan.config, torch.Generator().manual_seed(0)
    shape = (N, config.channels, config.image_size, config.image_size)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    one = Store("random", images, torch.randint(0, 10, (N,), generator=generator), tuple("0123456789"))
    return PairStore("random", None, one, matched=True, degradation="edges") if "A" in gan.needs else one


def make(name: str) -> ganzoo.GAN:
    """Return an untrained model."""
    torch.manual_seed(0)
    return ganzoo.create(name, **OPTIONS.get(name, {})).to(DEVICE).to(memory_format=torch.channels_last)


def make_state(name: str) -> State:
    """Return a model that the engine trains."""
    gan = make(name)
    return State(gan, EMA(gan), gan.optimizers(), images=SEEN.get(name, 0))


def plain_step(name: str, precision: str) -> Callable[[], object]:
    """Return a function that makes one step of the plain loop."""
    gan = make(name)
    held = store(gan)
    one, degrade = (held.b, held.degrade) if isinstance(held, PairStore) else (held, None)
    data = Data(one.samples, one.labels, 0, degrade, device=DEVICE)
    return make_plain(name, gan, data, bf16=precision == "bf16", seen=SEEN.get(name, 0))


def run_engine(state: State, settings: Settings, after_step: Callable[[], bool]) -> None:
    """Train on random images."""
    loader = Loader(store(state.gan), seed=0, device=DEVICE)
    train(state, loader, Accelerator(cpu=DEVICE.type == "cpu"), settings, after_step=after_step)


def alternate(name: str, precision: str, rounds: int, other: Callable[[], object]) -> tuple[list[float], list[float]]:
    """Run the engine, and between its steps, every ``STEPS[name]``, as many steps of ``other``; return both times."""
    state, steps = make_state(name), STEPS[name]
    own: list[float] = []
    theirs: list[float] = []
    begun = now()

    def after_step() -> bool:
        nonlocal begun
        if state.step % steps:
            return False
        own.append(now() - begun)
        begun = now()
        for _ in range(steps):
            other()
        theirs.append(now() - begun)
        begun = now()
        return len(own) == rounds + 2

    settings = Settings("", 10**9, batch_size=BATCH, precision=precision)
    run_engine(state, settings, after_step)
    return own[2:], theirs[2:]  # the first rounds warm up


def engine_step(name: str, precision: str) -> Callable[[], object]:
    """Return a function that makes one step of another engine."""
    state = make_state(name)
    loader, accelerator = Loader(store(state.gan), seed=0, device=DEVICE), Accelerator(cpu=DEVICE.type == "cpu")
    settings = Settings("", 10**9, batch_size=BATCH, precision=precision)

    def step() -> None:
        train(state, loader, accelerator, settings, after_step=lambda: True)

    return step


def main() -> None:
    """Measure and print."""
    options = parse(parser(__doc__, rounds=20, only=STEPS))
    auto = resolve_precision("auto", DEVICE)
    print(f"{DEVICE.type}, batch {BATCH}, {options.threads} threads, precision auto = {auto}")
    print(f"{options.rounds} alternating rounds\n")
    print(f"{'model':<18}{'plain img/s':>12}{'engine img/s':>14}{'engine/plain':>14}{'auto/fp32':>11}")
    for name in options.only:
        images = BATCH * STEPS[name] * getattr(make(name).config, "n_critic", 1)
        own, theirs = alternate(name, auto, options.rounds, plain_step(name, auto))
        fast, slow = alternate(name, auto, max(3, options.rounds // 3), engine_step(name, "fp32"))
        ratio = statistics.median(b / a for a, b in zip(own, theirs, strict=True))
        gain = statistics.median(b / a for a, b in zip(fast, slow, strict=True))
        print(
            f"{name:<18}{images / statistics.median(theirs):>12.0f}{images / statistics.median(own):>14.0f}"
            f"{ratio:>14.3f}{gain:>11.2f}"
        )
    if "vanilla" in options.only:
        steady()


def steady(images: int = 120_000, window: int = 10_000) -> None:
    """Print the engine's speed and the process's memory at the start and at the hundred thousandth image."""
    state, process = make_state("vanilla"), psutil.Process()
    marks: list[tuple[int, float, int]] = []

    def after_step() -> bool:
        if state.images // window > len(marks):
            marks.append((state.images, now(), process.memory_info().rss))
        return False

    settings = Settings("", images, batch_size=BATCH, precision="fp32")
    run_engine(state, settings, after_step)
    print(f"\n{'vanilla, images':<24}{'img/s':>8}{'memory':>10}")
    for (first, begin, _), (last, end, rss) in (marks[:2], marks[-2:]):
        print(f"{first:>9,} to {last:>9,}{(last - first) / (end - begin):>11.0f}{rss / 2**20:>7.0f} MB")


if __name__ == "__main__":
    main()
