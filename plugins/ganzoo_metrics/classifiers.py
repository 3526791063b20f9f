"""Small classifiers that ship with ganzoo: features of one data set, without a download."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ganzoo.errors import WeightsError
from ganzoo.metrics.exact import exactly
from ganzoo.metrics.extractor_weights import on_disk
from ganzoo_metrics.images import fitted

FEATURES = 96


def _block(inside: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inside, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU())


class Network(nn.Module):
    """Images (N, C, H, W) in [-1, 1] to the means of 96 feature maps, and to logits.

    Args:
        channels: 1 or 3.
        classes: of the logits.
    """

    def __init__(self, channels: int, classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Sequential(_block(channels, 32), nn.MaxPool2d(2))
        self.widen = nn.Sequential(_block(32, 64))
        self.middle = nn.Sequential(_block(64, 64), nn.MaxPool2d(2))
        self.deepen = _block(64, FEATURES)
        self.last = _block(FEATURES, FEATURES)
        self.head = nn.Linear(FEATURES, classes)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return features (N, 96) and logits (N, K)."""
        found = self.deepen(self.middle(self.widen(self.stem(images))))
        features = (found + self.last(found)).mean((2, 3))
        return features, self.head(features)


class Classifier(nn.Module):
    """Images (N, C, H, W) uint8 to ``features`` (N, 96) and ``logits`` (N, 10) of the network beside this file.

    They are brought to the size of the data set that it was trained on (bilinear, with antialiasing), and to its
    channels: grey as Pillow makes it, or the grey value three times.
    """

    name: ClassVar[str]
    channels: ClassVar[int]
    size: ClassVar[int]
    written: ClassVar[str] = ""

    def __init__(self) -> None:
        super().__init__()
        path = Path(__file__).with_name(f"{self.name}.safetensors")
        self.network = Network(self.channels)
        try:
            self.network.load_state_dict(load_file(path), strict=True)
        except (OSError, SafetensorError, RuntimeError) as error:
            raise WeightsError(f"{path} is missing or damaged: install ganzoo again") from error
        self.network.eval()
        self.weights = on_disk(path).sha256

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Resize, scale to [-1, 1], and return features and logits."""
        size = (self.size, self.size)
        shown = fitted(images, self.channels, size, "bilinear") / 127.5 - 1
        with exactly(images.device):
            features, logits = self.network(shown.contiguous(memory_format=torch.channels_last))
        return {"features": features, "logits": logits}


class MNISTClassifier(Classifier):
    """Trained on the 60,000 training images of MNIST."""

    name, channels, size = "mnist-classifier", 1, 28


class CIFAR10Classifier(Classifier):
    """Trained on the 50,000 training images of CIFAR-10."""

    name, channels, size = "cifar10-classifier", 3, 32
