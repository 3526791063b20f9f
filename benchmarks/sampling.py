"""``gan.sample`` against a bare forward pass of the same generator, for every installed architecture.

    python benchmarks/sampling.py [--only dcgan vanilla] [--rounds 40] [--threads 2]

The bare pass has its latents ready and is in eval mode; it draws in batches of the same size under inference_mode and
keeps nothing. `sample` draws a latent from each seed, sets the mode and puts it back, and returns one float32 tensor on
the CPU. Models that translate are given images.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from rounds import Row, parse, parser, seconds, show, speeds
from torch import Tensor
from trainer import BATCH, grown

import ganzoo
from ganzoo.models.create import pick_device

AIM = ">= 0.95"
ROUND = 0.1  # seconds that a round should take at most: short ones see the same machine
SIZES = (256, BATCH, 8)


def compare(name: str, rounds: int) -> Row:
    """Compare for one architecture."""
    gan = grown(name).to(pick_device("auto")).eval()
    images: dict[str, Tensor] = {}

    def inputs(n: int) -> list[dict[str, Tensor]]:
        if gan.translations:
            shape = (n, gan.config.channels, gan.config.image_size, gan.config.image_size)
            images["images"] = torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
        made = gan.inputs(n, seeds=range(n), **images)
        chunks = zip(*(value.to(gan.device).split(BATCH) for value in made.values()), strict=True)
        return [dict(zip(made, chunk, strict=True)) for chunk in chunks]

    def bare() -> None:
        with torch.inference_mode():
            for chunk in batches:
                gan.generate(**chunk)

    def ours() -> Tensor:
        return gan.translate(**images, batch_size=BATCH) if images else gan.sample(n, batch_size=BATCH)

    batches = inputs(SIZES[-1])
    bare()
    each = seconds(bare) / SIZES[-1]
    n = next((size for size in SIZES if size * each < ROUND), SIZES[-1])
    batches = inputs(n)
    return speeds(f"sample / forward, {name}", {"": bare}, ours, images=n, rounds=rounds, aim=AIM)


def measure(rounds: int, only: Sequence[str] = ()) -> list[Row]:
    """Compare for the architectures that are named; none names all."""
    return [compare(name, rounds) for name in only or ganzoo.list_architectures()]


def main() -> None:
    """Measure and print."""
    options = parse(parser(__doc__, rounds=40, only=ganzoo.list_architectures()))
    show(measure(options.rounds, options.only), options.json)


if __name__ == "__main__":
    main()
