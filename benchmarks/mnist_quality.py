"""How well a model's digits can be read, and how evenly the classes are drawn.

    python benchmarks/mnist_quality.py dcgan-mnist runs/digits --data mnist
    python benchmarks/mnist_quality.py --turned cyclegan-mnist-3-8 3 8 --data mnist

A convolutional classifier is trained on the real training images (once; it is kept in the cache folder) and reads
10,000 samples of each model, seeds 0 to 9999. The real test images are read too, for comparison.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import ganzoo
from ganzoo.data import Store, open_source, prepare
from ganzoo.data.store import cache_dir
from ganzoo.training.plan import resolve_precision
from ganzoo.weights import load_tensors, save_tensors

SAMPLES = 10_000
CONFIDENT = 0.95
PROTOCOL = "mnist-quality classifier, 10k samples, seeds 0-9999, 28x28"


def classifier() -> nn.Sequential:
    """Images (N, 1, 28, 28) in [-1, 1] to 10 logits."""

    def block(inside: int, out: int) -> list[nn.Module]:
        return [nn.Conv2d(inside, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU()]

    return nn.Sequential(
        *block(1, 32), nn.MaxPool2d(2), *block(32, 64), *block(64, 64), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 49, 128), nn.ReLU(), nn.Dropout(0.3), nn.Linear(128, 10),
    )  # fmt: skip


def normalise(images: Tensor) -> Tensor:
    """Uint8 to [-1, 1]."""
    return images.float() / 127.5 - 1


def train_classifier(store: Store, epochs: int = 6, batch: int = 128) -> nn.Sequential:
    """Train on random shifts of up to two pixels."""
    assert store.labels is not None
    torch.manual_seed(0)
    model = classifier().to(memory_format=torch.channels_last)
    bf16 = resolve_precision("auto", torch.device("cpu")) == "bf16"
    steps = len(store) // batch
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=epochs * steps)
    for epoch in range(epochs):
        order = torch.randperm(len(store))
        for step in range(steps):
            index = order[step * batch : (step + 1) * batch]
            shift = torch.randint(-2, 3, (2,)).tolist()
            images = torch.roll(normalise(store.images[index]), shift, (2, 3))
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                logits = model(images.contiguous(memory_format=torch.channels_last))
            loss = F.cross_entropy(logits.float(), store.labels[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        print(f"classifier: epoch {epoch + 1} of {epochs}, loss {loss.item():.3f}", flush=True)
    return model


def get_classifier(data: str) -> nn.Sequential:
    """Return the trained classifier, from the cache where it is."""
    path = cache_dir() / "mnist-quality.safetensors"
    if path.exists():
        model = classifier()
        model.load_state_dict(load_tensors(path))
    else:
        model = train_classifier(prepare(open_source(data), 28, 1))
        path.parent.mkdir(parents=True, exist_ok=True)
        save_tensors(path, model.state_dict())
    return model.eval()


def read(model: nn.Module, images: Tensor) -> Tensor:
    """Return class probabilities (N, 10)."""
    with torch.inference_mode():
        return torch.cat([model(chunk) for chunk in images.split(500)]).softmax(1)


@dataclass(frozen=True)
class Quality:
    """What the classifier says of a set of images.

    Args:
        read: share read with a probability over 0.95.
        rarest: share of the rarest class.
        entropy: of the classes, 1 when all are equally frequent.
        accuracy: share read as the label that was asked for, or None without labels.
    """

    read: float
    rarest: float
    entropy: float
    accuracy: float | None

    def metrics(self) -> list[dict[str, object]]:
        """Return the figures as registry.yaml takes them."""
        named = {"read": self.read, "rarest-class": self.rarest, "class-entropy": self.entropy}
        if self.accuracy is not None:
            named["label-accuracy"] = self.accuracy
        return [{"name": name, "value": round(value, 4), "protocol": PROTOCOL} for name, value in named.items()]


def quality(probabilities: Tensor, labels: Tensor | None) -> Quality:
    """Sum the classifier's readings up."""
    confidence, classes = probabilities.max(1)
    share = torch.bincount(classes, minlength=10) / len(classes)
    entropy = -(share * share.clamp(min=1e-12).log()).sum() / torch.tensor(10.0).log()
    return Quality(
        (confidence > CONFIDENT).float().mean().item(),
        share.min().item(),
        entropy.item(),
        None if labels is None else (classes == labels).float().mean().item(),
    )


def measure(model: str | Path, reader: nn.Module) -> Quality:
    """Read the samples of one model; a conditional model draws each class in turn."""
    gan = ganzoo.load(model)
    labels = torch.arange(SAMPLES) % 10 if "label" in gan.needs else None
    conditions = {} if labels is None else {"labels": labels.tolist()}
    return quality(read(reader, gan.sample(SAMPLES, seed=0, batch_size=250, **conditions)), labels)


def print_turned(model: str, a: str, b: str, data: str, reader: nn.Module) -> None:
    """Print how many real test digits are read as the other kind once a model has translated them, both ways."""
    gan = ganzoo.load(model)
    for source, target, to in ((a, b, "B"), (b, a, "A")):
        store = prepare(open_source(f"{data}:{source}", split="test"), 28, 1)
        made = read(reader, gan.translate(normalise(store.images), to=to)).argmax(1)
        print(f"{len(store):,} test digits {source} made {target}: {(made == int(target)).float().mean():.2%} read so")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--turned", nargs=3, metavar=("MODEL", "A", "B"), help="that makes digits B of A, and back")
    parser.add_argument("--data", default="mnist")
    options = parser.parse_args()
    reader = get_classifier(options.data)
    if options.turned:
        print_turned(*options.turned, options.data, reader)
        return
    test = prepare(open_source(options.data, split="test"), 28, 1)
    rows = {"real test images": quality(read(reader, normalise(test.images)), test.labels)}
    rows |= {name: measure(name, reader) for name in options.models}
    print(f"{'':<24}{'read':>8}{'rarest':>9}{'entropy':>9}{'accuracy':>10}")
    for name, found in rows.items():
        accuracy = "" if found.accuracy is None else f"{found.accuracy:.2%}"
        print(f"{name:<24}{found.read:>8.2%}{found.rarest:>9.2%}{found.entropy:>9.4f}{accuracy:>10}")


if __name__ == "__main__":
    main()
