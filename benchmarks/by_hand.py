"""The first image of ``dcgan-mnist`` without ganzoo: its generator written out, its file read with safetensors.

python benchmarks/by_hand.py weights/dcgan-mnist.safetensors
"""

import sys

import torch
from safetensors.torch import load_file
from torch import nn


class Generator(nn.Module):
    """64 normal numbers to a digit."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(64, 256 * 7 * 7, bias=False)
        self.layers = nn.Sequential(
            *(nn.BatchNorm2d(256), nn.ReLU()),
            *(nn.ConvTranspose2d(256, 128, 4, 2, 1, bias=False), nn.BatchNorm2d(128), nn.ReLU()),
            *(nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()),
            *(nn.Conv2d(64, 1, 3, 1, 1), nn.Tanh()),
        )

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        """Draw."""
        return self.layers(self.project(latent).view(-1, 256, 7, 7))


def first_image(file: str) -> torch.Tensor:
    """Return the image of seed 0."""
    generator = Generator()
    weights = load_file(file)
    generator.load_state_dict({name.removeprefix("generator."): value for name, value in weights.items()})
    with torch.inference_mode():
        return generator.eval()(torch.randn(1, 64, generator=torch.Generator().manual_seed(0)))


if __name__ == "__main__":
    first_image(sys.argv[1])
