"""Train the classifiers that ship with ganzoo as extractors of features.

    python benchmarks/classifiers.py mnist-classifier --data mnist
    python benchmarks/classifiers.py cifar10-classifier --data cifar10

writes ``plugins/ganzoo_metrics/NAME.safetensors`` and prints the share of the test images that are read rightly.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from ganzoo.data import Store, open_source, prepare
from ganzoo.gan import SampleSpec
from ganzoo.models.weights import save_tensors
from ganzoo.training.updates import resolve_precision
from ganzoo_metrics.classifiers import CIFAR10Classifier, Classifier, MNISTClassifier, Network

KINDS: dict[str, type[Classifier]] = {kind.name: kind for kind in (MNISTClassifier, CIFAR10Classifier)}
EPOCHS = {"mnist-classifier": 8, "cifar10-classifier": 16}
SHIFT = {"mnist-classifier": 2, "cifar10-classifier": 4}
MIRRORED = {"cifar10-classifier"}  # a mirrored digit is another one
BATCH = 128


def augmented(images: Tensor, shift: int, *, mirror: bool) -> Tensor:
    """Return images in [-1, 1], each moved by up to ``shift`` pixels, and mirrored or not."""
    n, _, size, _ = images.shape
    padded = F.pad(images.float() / 127.5 - 1, [shift] * 4, value=-1)
    places = torch.arange(size)
    rows, columns = (torch.randint(0, 2 * shift + 1, (n, 1)) + places for _ in range(2))
    if mirror:
        columns = torch.where(torch.rand(n, 1) < 0.5, columns.flip(1), columns)
    return padded[torch.arange(n)[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def train(kind: type[Classifier], store: Store) -> Network:
    """Train with one rise and fall of the learning rate."""
    assert store.labels is not None
    torch.manual_seed(0)
    model = Network(kind.channels).to(memory_format=torch.channels_last)
    bf16 = resolve_precision("auto", torch.device("cpu")) == "bf16"
    epochs, steps = EPOCHS[kind.name], len(store) // BATCH
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, total_steps=epochs * steps)
    begun = time.perf_counter()
    for epoch in range(epochs):
        order = torch.randperm(len(store))
        for step in range(steps):
            index = order[step * BATCH : (step + 1) * BATCH]
            images = augmented(store.stored(index), SHIFT[kind.name], mirror=kind.name in MIRRORED)
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                _, logits = model(images)
            loss = F.cross_entropy(logits.float(), store.labels[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        minutes = (time.perf_counter() - begun) / 60
        print(f"epoch {epoch + 1} of {epochs}, loss {loss.item():.3f}, {minutes:.1f} minutes", flush=True)
    return model.eval()


def accuracy(model: Classifier, store: Store) -> float:
    """Return the share of images that are read as what they are."""
    assert store.labels is not None
    with torch.inference_mode():
        read = torch.cat([model(images)["logits"].argmax(1) for images in store.samples.split(500)])
    return (read == store.labels).float().mean().item()


def main() -> None:
    """Train, write, and measure what was written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=KINDS)
    parser.add_argument("--data", required=True)
    parser.add_argument("--test", action="store_true", help="only measure the one that is there")
    options = parser.parse_args()
    kind = KINDS[options.name]
    path = Path(__file__).resolve().parent.parent / "plugins" / "ganzoo_metrics" / f"{kind.name}.safetensors"
    specs = {"image": SampleSpec((kind.channels, kind.size, kind.size))}
    if not options.test:
        save_tensors(path, train(kind, prepare(open_source(options.data), specs)).state_dict())
    right = accuracy(kind(), prepare(open_source(options.data, split="test"), specs))
    print(f"{kind.name}: {right:.2%} of the test images, {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
