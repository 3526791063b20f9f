"""StyleGAN2 from 32x32 to 1024x1024 against one written plainly, benchmarks/plain_stylegan2.py: speed and memory.

    python benchmarks/sizes.py [--only 32 256] [--rounds 5] [--threads 1] [--precision fp32 bf16] [--json FILE]
    python benchmarks/sizes.py --memory [--published --only 1024]

Both have the same parameters, optimizers and batches, and take turns. A training step is both phases, with a quarter of
the path length phase and a sixteenth of R1, as often as they come. The plain generator is measured both ways that a
modulated convolution can be written, one group per image or scaled maps, and the faster of the two counts.

``--memory`` measures instead what a process holds at most in three steps, the first with both regularisations, and in
generating a batch, less what it held with the networks made. ``--published`` has the widths of the paper, 32768
channels over the resolution and at most 512, with 512 numbers in a latent and in a style.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import torch
from memory import MIB, high_water
from plain_stylegan2 import PlainStyleGAN2
from rounds import Row, alternate, parse, parser, show, write

from ganzoo.gan import Progress
from ganzoo_stylegan2 import StyleGAN2Config
from ganzoo_stylegan2.model import StyleGAN2

BATCHES = {32: 32, 64: 16, 128: 8, 256: 4, 512: 2, 1024: 2}
AIMS = {32: 1.5, 64: 1.5, 128: 1.5, 256: 1.2, 512: 1.2, 1024: 1.0}
PROGRESS = Progress(0, 0, 0, 0.0)


class Player:
    """A model that trains and generates, phase by phase.

    Args:
        size: height and width of an image.
        plain: the networks that are written plainly, contiguous in memory; else ganzoo's, channels-last.
        bf16: compute under autocast.
        published: the widths of the paper; else the defaults.
    """

    def __init__(self, size: int, *, plain: bool, bf16: bool, published: bool) -> None:
        torch.manual_seed(0)
        wide = {"base_channels": 32768 // size, "max_channels": 512, "latent_dim": 512, "style_dim": 512}
        config = StyleGAN2Config(image_size=size, **wide if published else {})  # type: ignore[arg-type]
        layout = torch.contiguous_format if plain else torch.channels_last
        self.gan = (PlainStyleGAN2 if plain else StyleGAN2)(config).to(memory_format=layout)
        self.optimizers, self.bf16, self.n = self.gan.optimizers(), bf16, BATCHES[size]
        self.phases = {phase.name: phase for phase in self.gan.stages()[0].phases}
        images = torch.rand(self.n, config.channels, size, size).mul_(2).sub_(1)
        self.batch = {"image": images.contiguous(memory_format=layout)}
        self.inputs = self.gan.inputs(self.n, seeds=range(self.n))

    def play(self, name: str) -> None:
        """Make the update of one phase."""
        phase, gan = self.phases[name], self.gan
        gan.generator.requires_grad_(phase.optimizer == "G")
        gan.discriminator.requires_grad_(phase.optimizer == "D")
        optimizer = self.optimizers[phase.optimizer]
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            terms = next(iter(phase.loss(self.batch, PROGRESS)))
        loss = terms["loss"] if "loss" in terms else terms["penalty"] * phase.every
        loss.mean().backward()
        optimizer.step()

    @torch.no_grad()
    def generate(self, *, grouped: bool = False) -> None:
        """Generate a batch; ``grouped`` is as `plain_stylegan2.modulated` takes it."""
        self.gan.generator.synthesis.grouped = grouped
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            self.gan.generate(**self.inputs)
        self.gan.generator.synthesis.grouped = False


def compare(size: int, precision: str, rounds: int, *, published: bool) -> list[Row]:
    """Compare generation and a training step."""
    theirs, ours = (Player(size, plain=plain, bf16=precision == "bf16", published=published) for plain in (True, False))
    calls: list[Callable[[], object]] = [theirs.generate, partial(theirs.generate, grouped=True), ours.generate]
    for name in ours.phases:
        calls += [partial(theirs.play, name), partial(ours.play, name)]
    scaled, grouped, own, *phases = alternate(calls, rounds)
    plain = min(scaled, grouped, key=statistics.median)
    shares = [1 / phase.every for phase in ours.phases.values()]
    steps = [[sum(map(float.__mul__, shares, taken)) for taken in zip(*phases[i::2], strict=True)] for i in (0, 1)]
    rows = []
    for what, above, below in (("generation", plain, own), ("training step", *steps)):
        speeds = [ours.n / statistics.median(taken) for taken in (above, below)]
        ratio = statistics.median(a / b for a, b in zip(above, below, strict=True))
        rows.append(Row(f"{what}, {size}x{size}, {precision}", *speeds, "img/s", ratio, f">= {AIMS[size]}"))
    return rows


@dataclass(frozen=True)
class Held:
    """What a process held at most beyond its networks, in bytes; ``networks`` is the whole process before that."""

    size: int
    batch: int
    plain: bool
    precision: str
    networks: int
    training: int
    generation: int


def hold(kind: str, size: int, threads: int, *, plain: bool, bf16: bool, published: bool) -> int:
    """Do what ``kind`` says and return the high-water mark of this process."""
    torch.set_num_threads(threads)
    player = Player(size, plain=plain, bf16=bf16, published=published)
    for step in range({"training": 3}.get(kind, 0)):
        for name, phase in player.phases.items():
            if step % phase.every == 0:
                player.play(name)
    if kind == "generation":
        player.generate()
    return high_water()


def measure(size: int, precision: str, threads: int, *, plain: bool, published: bool) -> Held:
    """Measure in processes of their own."""
    how = partial(hold, size=size, threads=threads, plain=plain, bf16=precision == "bf16", published=published)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        networks, training, generation = (pool.submit(how, k).result() for k in ("networks", "training", "generation"))
    return Held(size, BATCHES[size], plain, precision, networks, training - networks, generation - networks)


def main() -> None:
    """Measure and print."""
    made = parser(__doc__, rounds=5, only=map(str, BATCHES))
    made.add_argument("--precision", nargs="+", choices=("fp32", "bf16"), default=["fp32", "bf16"])
    made.add_argument("--published", action="store_true", help="the widths of the paper")
    made.add_argument("--memory", action="store_true", help="measure memory instead")
    options = parse(made)
    cases = [(int(size), precision) for size in options.only for precision in options.precision]
    if not options.memory:
        found = [compare(*case, options.rounds, published=options.published) for case in cases]
        show([row for rows in found for row in rows], options.json)
        return
    print(f"{'networks':<12}{'size':>6}{'batch':>6}{'':>6}{'made MiB':>12}{'training':>12}{'generation':>12}")
    held = []
    for size, precision in cases:
        for plain in (False,) if options.published else (True, False):
            peak = measure(size, precision, options.threads, plain=plain, published=options.published)
            held.append(peak)
            values = "".join(f"{value / MIB:>12,.0f}" for value in (peak.networks, peak.training, peak.generation))
            name = "plain" if plain else "ganzoo"
            print(f"{name:<12}{size:>6}{peak.batch:>6}{precision:>6}{values}", flush=True)
    write(held, options.json)


if __name__ == "__main__":
    main()
