"""Time each layer of `ganzoo.nn.cpu` against the plain one, forward and backward: median of plain / median of ours.

Runs of both alternate, so that load on the machine falls on both alike.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.nn import cpu

REPEATS = int(sys.argv[1]) if len(sys.argv) > 1 else 15


class PlainSmooth(nn.Module):
    """The filter as a convolution of each channel with itself."""

    def __init__(self, padding: int, step: int = 1) -> None:
        super().__init__()
        self.padding, self.step = padding, step

    def forward(self, maps: Tensor) -> Tensor:
        """Filter."""
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        kernel = (taps[:, None] * taps).to(maps.dtype).expand(maps.shape[1], 1, 4, 4)
        return F.conv2d(maps, kernel, stride=self.step, padding=self.padding, groups=maps.shape[1])


def convolved(layer: nn.Module) -> nn.Module:
    """Return the layer between convolutions, as networks have it."""
    return nn.Sequential(nn.Conv2d(64, 64, 3, 1, 1), layer, nn.LeakyReLU(0.2), nn.Conv2d(64, 64, 3, 1, 1))


def network(flatten: nn.Module) -> nn.Module:
    """Return the end of a discriminator."""
    convolution = nn.Conv2d(64, 64, 4, 2, 1)
    return nn.Sequential(convolution, nn.LeakyReLU(0.2), flatten, nn.Linear(64 * 16 * 16, 1))


def generator(to_maps: nn.Module) -> nn.Module:
    """Return the start of a generator."""
    convolution = nn.ConvTranspose2d(64, 64, 4, 2, 1)
    return nn.Sequential(nn.Linear(64, 64 * 256), to_maps, nn.BatchNorm2d(64), nn.ReLU(), convolution)


MAPS, ROWS = (32, 64, 32, 32), (32, 64)
PAIRS: dict[str, tuple[Callable[[], nn.Module], Callable[[], nn.Module], tuple[int, ...]]] = {
    "InstanceNorm": (lambda: convolved(nn.InstanceNorm2d(64)), lambda: convolved(cpu.InstanceNorm(64)), MAPS),
    "Flatten": (lambda: network(nn.Flatten()), lambda: network(cpu.Flatten()), MAPS),
    "ToImage": (lambda: generator(nn.Unflatten(1, (64, 16, 16))), lambda: generator(cpu.ToImage(64, 16)), ROWS),
    "Dropout": (lambda: nn.Dropout(0.5), lambda: cpu.Dropout(0.5), MAPS),
    "Smooth": (lambda: PlainSmooth(2), lambda: cpu.Smooth(2), MAPS),
    "Halve": (lambda: PlainSmooth(1, 2), cpu.Halve, MAPS),
}


def seconds(module: nn.Module, inputs: Tensor, *, bf16: bool) -> float:
    """Return the time of one forward and backward pass."""
    start = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        values = module(inputs.bfloat16() if bf16 else inputs)
    values.float().square().mean().backward()
    return time.perf_counter() - start


def main() -> None:
    """Print a line for each layer, precision and number of threads."""
    for threads in (1, 2):
        torch.set_num_threads(threads)
        for name, (plain, ours, shape) in PAIRS.items():
            inputs = torch.randn(shape)
            if len(shape) == 4:
                inputs = inputs.to(memory_format=torch.channels_last)
            inputs.requires_grad_()
            for bf16 in (False, True):
                modules = [made().to(memory_format=torch.channels_last) for made in (plain, ours)]
                times = [[seconds(m, inputs, bf16=bf16) for m in modules] for _ in range(REPEATS + 2)][2:]
                a, b = (statistics.median(column) for column in zip(*times, strict=True))
                kind = "bf16" if bf16 else "fp32"
                print(f"{name:13} {threads} thread(s) {kind}: {a * 1e3:8.2f} ms / {b * 1e3:8.2f} ms = {a / b:.2f}")


if __name__ == "__main__":
    main()
