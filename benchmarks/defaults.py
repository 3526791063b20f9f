"""ganzoo's defaults against a straightforward script for the same networks, alternating in one run.

    python benchmarks/defaults.py [--only dcgan] [--rounds 10] [--threads 2] [--share-fakes]

A user who changes nothing gets the decoded store, bf16 where the hardware has it, channels-last convolutions, shared
fakes, fused optimizers and a running average. The script (benchmarks/tutorial.py) is written as most tutorials are. It
loads its images with 0 and with 2 processes, and the faster of the two is compared. A round is an epoch of the script
and as many images in the engine; no image of the script's next epoch is loaded meanwhile.

The images of 28x28 are arrays in memory for both. Those of 64x64 are JPEG files for the script, of that very size, and
the engine reads its own store of them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
import tutorial
from PIL import Image
from rounds import Row, parse, parser, show, speeds
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset
from trainer import BATCH, Trainer, grown

from ganzoo.data import Store
from ganzoo.models.create import pick_device

AIM = ">= 2"


class Case(NamedTuple):
    """What is trained.

    Args:
        architecture: by name.
        batches: of an epoch, a multiple of ``n_critic``: about a second on two cores.
        image_size: height and width.
        channels: of the images.
    """

    architecture: str
    batches: int
    image_size: int = 28
    channels: int = 1


CASES = {
    "vanilla": Case("vanilla", 40),
    "dcgan": Case("dcgan", 10),
    "cgan": Case("cgan", 10),
    "wgan-gp": Case("wgan-gp", 10),
    "dcgan-64": Case("dcgan", 3, 64, 3),
}


def smooth_images(case: Case, count: int) -> Tensor:
    """Return images (N, C, S, S), uint8, with as little detail as photographs have, so that JPEG does not mind."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, case.channels, 8, 8, generator=generator)
    return F.interpolate(coarse, size=case.image_size, mode="bicubic").clamp(0, 1).mul(255).to(torch.uint8)


def script_data(images: Tensor, labels: Tensor, folder: Path) -> Dataset:
    """Return the script's data set: arrays of grey images, files of coloured ones."""
    arrays = images.permute(0, 2, 3, 1).squeeze(3).numpy()
    if images.shape[1] == 1:
        return tutorial.from_arrays(arrays, labels.tolist(), images.shape[-1])
    for i, (array, label) in enumerate(zip(arrays, labels.tolist(), strict=True)):
        file = folder / str(label) / f"{i}.jpg"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(array).save(file, quality=90)
    return tutorial.from_files(folder, images.shape[-1])


def compare(name: str, rounds: int, *, share_fakes: bool = False, workers: Sequence[int] = (0, 2)) -> Row:
    """Compare one case."""
    case, device = CASES[name], pick_device("auto")
    shape = {"image_size": case.image_size, "channels": case.channels}
    count = BATCH * case.batches
    images, labels = smooth_images(case, count), torch.arange(count) % 10
    engine = Trainer(
        case.architecture, batch=BATCH, store=Store("smooth", images, labels, tuple("0123456789")), **shape
    )
    steps = count // engine.run(1)  # the first step of this also warms up
    with tempfile.TemporaryDirectory() as folder:
        data = script_data(images, labels, Path(folder))
        gan = grown(case.architecture, **shape).to(device)
        loaders = {f"{n} workers": tutorial.batches(data, BATCH, n) for n in workers}
        if name == "wgan-gp":
            epochs = {n: tutorial.wasserstein(gan, loader, device) for n, loader in loaders.items()}
        else:
            epochs = {n: tutorial.usual(gan, loader, device, share_fakes=share_fakes) for n, loader in loaders.items()}
        return speeds(
            f"defaults / script, {name}", epochs, lambda: engine.run(steps), images=count, rounds=rounds, aim=AIM
        )


def measure(rounds: int, only: Sequence[str] = tuple(CASES), *, share_fakes: bool = False) -> list[Row]:
    """Compare the cases that are named."""
    return [compare(name, rounds, share_fakes=share_fakes) for name in only]


def main() -> None:
    """Measure and print."""
    made = parser(__doc__, rounds=10, only=CASES)
    made.add_argument("--share-fakes", action="store_true", help="the script runs its generator once a step, too")
    options = parse(made)
    show(measure(options.rounds, options.only, share_fakes=options.share_fakes), options.json)


if __name__ == "__main__":
    main()
