"""A measurement against the bare forward pass of its extractor: images looked at in a second.

    python benchmarks/measuring.py [--only mnist-classifier] [--rounds 40] [--threads 2]

Both look at the same noise of 32x32 in batches of 64. The bare pass throws away what it sees; the measurement takes its
images by number, shows what is seen to the Fréchet distance, and moves a progress bar. `resnet18` is timm's with random
weights at 64x64, for an extractor that costs what such networks do; that of FID is some twenty times as dear, and what
is beside it is a smaller part.
"""

from __future__ import annotations

from collections.abc import Sequence

import timm
import torch
from rounds import Row, parse, parser, seconds, show, speeds
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo._distributed import ALONE
from ganzoo.data import Store
from ganzoo.metrics.evaluate import show as look
from ganzoo.metrics.extractors import FeatureExtractor, open_extractor
from ganzoo.metrics.images import real_images
from ganzoo.metrics.jobs import Job
from ganzoo.metrics.protocol import Protocol
from ganzoo.registry import installed
from ganzoo.registry.zoo import import_target

AIM = ">= 0.9"
BATCH = 64
ROUND = 0.3  # seconds that a round should take at most: short ones see the same machine
SIZES = (2_048, 512, 128)


class Resnet(nn.Module):
    """Images (N, 3, S, S) uint8 to the 512 features of a ResNet-18 at 64x64."""

    def __init__(self) -> None:
        super().__init__()
        self.network = timm.create_model("resnet18", num_classes=0).to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Resize and look."""
        large = F.interpolate(images.float() / 255, (64, 64), mode="bilinear", antialias=True)
        return {"features": self.network(large.contiguous(memory_format=torch.channels_last))}


EXTRACTORS = ("mnist-classifier", "cifar10-classifier", "resnet18")


def extractor_of(name: str) -> FeatureExtractor:
    """Return an extractor by its name."""
    if name == "resnet18":
        return FeatureExtractor(name, Resnet().eval().requires_grad_(False))
    return open_extractor(installed(), name, torch.device("cpu"))


def compare(name: str, rounds: int) -> Row:
    """Compare for one extractor."""
    extractor, zoo = extractor_of(name), installed()
    pixels = torch.randint(0, 256, (SIZES[0], 3, 32, 32), dtype=torch.uint8)
    store = Store("noise", pixels, None, None)

    def bare() -> None:
        with torch.inference_mode():
            for part in torch.split(pixels[:n], BATCH):
                extractor.module(part)

    def ours() -> None:
        job = Job(Protocol("fd", name, n, "train"), import_target("metric", zoo.metrics["fd"])(), extractor)
        with torch.inference_mode():
            look([job], real_images(store, n, torch.device("cpu"), BATCH), ALONE, real=True, progress=True)

    n = SIZES[-1]
    bare()
    each = seconds(bare) / n
    n = next((size for size in SIZES if size * each < ROUND), SIZES[-1])
    return speeds(f"measurement / forward, {name}", {"": bare}, ours, images=n, rounds=rounds, aim=AIM)


def measure(rounds: int, only: Sequence[str] = EXTRACTORS) -> list[Row]:
    """Compare for the extractors that are named."""
    return [compare(name, rounds) for name in only]


def main() -> None:
    """Measure and print."""
    options = parse(parser(__doc__, rounds=40, only=EXTRACTORS))
    show(measure(options.rounds, options.only), options.json)


if __name__ == "__main__":
    main()
