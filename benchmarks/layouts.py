"""Each layer of `ganzoo.nn.cpu` and `ganzoo.nn.resample` against the plain one, forward and backward.

python benchmarks/layouts.py [--only Dropout] [--rounds 15] [--threads 1] [--json FILE]
"""

from __future__ import annotations

import functools
import statistics
from collections.abc import Callable

import torch
from rounds import Row, alternate, paired_ratio, parse, parser, show
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.nn import cpu, resample


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
    "Smooth": (lambda: PlainSmooth(2), lambda: resample.Smooth(2), MAPS),
    "Halve": (lambda: PlainSmooth(1, 2), resample.Halve, MAPS),
}


def compare(name: str, rounds: int, *, bf16: bool) -> Row:
    """Compare forward and backward passes through a layer and through the plain one."""
    plain, ours, shape = PAIRS[name]
    inputs = torch.randn(shape)
    if len(shape) == 4:
        inputs = inputs.to(memory_format=torch.channels_last)
    inputs.requires_grad_()

    def step(module: nn.Module) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            values = module(inputs.bfloat16() if bf16 else inputs)
        values.float().square().mean().backward()

    modules = [made().to(memory_format=torch.channels_last) for made in (plain, ours)]
    times = alternate([functools.partial(step, module) for module in modules], rounds, warm_up=2)
    theirs, own = (statistics.median(taken) * 1e3 for taken in times)
    return Row(f"{name}, {'bf16' if bf16 else 'fp32'}", theirs, own, "ms", paired_ratio(*times), "> 1")


def main() -> None:
    """Measure and print."""
    options = parse(parser(__doc__, rounds=15, only=PAIRS))
    show([compare(name, options.rounds, bf16=bf16) for name in options.only for bf16 in (False, True)], options.json)


if __name__ == "__main__":
    main()
