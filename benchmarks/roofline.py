"""How close training comes to what the machine can do: the roofline of each architecture (Williams 2009).

    python benchmarks/roofline.py [--only dcgan] [--rounds 5] [--threads 2]

Counted are the floating point operations of a training step, forward and backward of all phases and averaged over the
cycle of the lazy ones (by the formulas of torch's FlopCounterMode), and the bytes that its operators read and write.
Measured are the machine's rates: of the best of some matrix products and a convolution, in float32 and in bf16, and of
a copy that fits in no cache; the fastest round counts, of these as of the training. ``bound`` is the time that the
operations or the bytes take at those rates, whichever is longer; ``share`` is the bound against the time measured.
Bytes are counted as if nothing stayed in a cache: small networks can come out above their memory bound.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from rounds import alternate, parse, parser, write
from torch import Tensor
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.benchmark import Timer
from torch.utils.flop_counter import flop_registry
from trainer import Trainer

import ganzoo
from ganzoo.gan import GAN
from ganzoo.models.create import pick_device

aten = torch.ops.aten
# A gather reads as much as it writes, whatever it chooses from.
GATHERS = {aten.index.Tensor, aten.index_select.default, aten.embedding.default}
NOTHING_MOVED = {aten.empty.memory_format, aten.empty_like.default, aten.new_empty.default, aten.empty_strided.default}


class Count(TorchDispatchMode):
    """Counts what operators do: ``flops`` by the type of the numbers, and ``bytes`` read and written."""

    def __init__(self) -> None:
        super().__init__()
        self.flops: Counter[torch.dtype] = Counter()
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        inputs, outputs = ([t for t in tree_leaves(tree) if isinstance(t, Tensor)] for tree in ((args, kwargs), out))
        if func in GATHERS:
            inputs = outputs
        if not func.is_view and func not in NOTHING_MOVED:
            self.bytes += sum(map(size, inputs)) + sum(map(size, outputs))
        if formula := flop_registry.get(func.overloadpacket):
            self.flops[inputs[0].dtype] += formula(*args, **(kwargs or {}), out_val=out)
        return out


def size(tensor: Tensor) -> int:
    """Return the bytes of a tensor; what is expanded lies in memory once."""
    return min(tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes())


@dataclass(frozen=True)
class Rates:
    """What the machine does in a second.

    Args:
        flops: floating point operations by the type of the numbers.
        bandwidth: bytes read and written by a copy.
    """

    flops: dict[torch.dtype, float]
    bandwidth: float


def rates(device: torch.device, *, sizes: Sequence[int] = (), seconds: float = 0.3) -> Rates:
    """Measure the machine.

    Args:
        device: the accelerator or the CPU.
        sizes: of the square matrices; by default ones that fill the device.
        seconds: for which each operation is repeated.
    """

    def taken(statement: str, **variables: Any) -> float:
        timer = Timer(statement, globals={**variables, "F": F}, num_threads=torch.get_num_threads())
        return min(timer.blocked_autorange(min_run_time=seconds).times)

    flops = {}
    for dtype in (torch.float32, torch.bfloat16):
        found = []
        for n in sizes or ((512, 1024, 2048) if device.type == "cpu" else (4096, 8192)):
            a, b = (torch.randn(n, n, device=device, dtype=dtype) for _ in range(2))
            found.append(2 * n**3 / taken("a @ b", a=a, b=b))
        images, kernel = torch.randn(32, 128, 32, 32), torch.randn(128, 128, 3, 3)
        x, w = (t.to(device, dtype).contiguous(memory_format=torch.channels_last) for t in (images, kernel))
        with torch.inference_mode():
            operations = 2 * 32 * 32 * 32 * 128 * 128 * 9
            found.append(operations / taken("F.conv2d(x, w, padding=1)", x=x, w=w))
        flops[dtype] = max(found)
    source = torch.randint(0, 255, (2**28 if device.type == "cpu" else 2**31,), device=device, dtype=torch.uint8)
    return Rates(flops, 2 * len(source) / taken("b.copy_(a)", a=source, b=torch.empty_like(source)))


@dataclass(frozen=True)
class Point:
    """An architecture under the roof; all but ``name`` and ``batch`` are per real image.

    Args:
        name: of the architecture.
        batch: images per update.
        flops: floating point operations.
        bytes: read and written.
        compute: seconds for the operations at the machine's rate.
        memory: seconds for the bytes at the machine's rate.
        measured: seconds.
    """

    name: str
    batch: int
    flops: float
    bytes: float
    compute: float
    memory: float
    measured: float

    @property
    def bound(self) -> float:
        """The least seconds."""
        return max(self.compute, self.memory)


def cycle(gan: GAN) -> int:
    """Return the number of steps after which the lazy phases and regularisers come round again."""
    lazy = [phase.every for phase in gan.stages()[-1].phases]
    return math.lcm(*lazy, *(regularizer.every for regularizer in getattr(gan, "regularizers", ())))


def count(trainer: Trainer) -> tuple[Count, int]:
    """Return what a cycle of steps does, and its real images."""
    counted = Count()
    with counted:
        images = trainer.run(cycle(trainer.gan))
    return counted, images


def point(name: str, machine: Rates, rounds: int, **options: Any) -> Point:
    """Count and measure one architecture; the options are those of `Trainer`."""
    trainer = Trainer(name, **options)
    steps = cycle(trainer.gan)
    counted, images = count(trainer)  # also makes the optimizers' state
    (taken,) = alternate([lambda: trainer.run(steps)], rounds)
    return Point(
        name, trainer.batch, counted.flops.total() / images, counted.bytes / images,
        sum(n / machine.flops.get(dtype, machine.flops[torch.float32]) for dtype, n in counted.flops.items()) / images,
        counted.bytes / machine.bandwidth / images, min(taken) / images,
    )  # fmt: skip


def main() -> None:
    """Measure and print."""
    made = parser(__doc__, rounds=5, only=ganzoo.list_architectures())
    made.add_argument("--batch", type=int, help="images per update  [default: 64, less for some on a CPU]")
    options = parse(made)
    machine = rates(pick_device("auto"))
    fp32, bf16 = (machine.flops[dtype] / 1e9 for dtype in (torch.float32, torch.bfloat16))
    print(f"{options.threads} threads: {fp32:,.0f} GFLOP/s in float32, {bf16:,.0f} in bf16, ", end="")
    print(f"{machine.bandwidth / 1e9:.1f} GB/s copied; all below is per real image\n")
    columns = ("MFLOP", "MB", "compute us", "memory us", "bound us", "measured us")
    print(f"{'architecture':<18}{'batch':>6}" + "".join(f"{c:>12}" for c in columns) + f"{'share':>8}")
    points = []
    for name in options.only:
        p = point(name, machine, options.rounds, batch=options.batch)
        points.append(p)
        values = (p.flops / 1e6, p.bytes / 1e6, *(s * 1e6 for s in (p.compute, p.memory, p.bound, p.measured)))
        print(f"{name:<18}{p.batch:>6}" + "".join(f"{v:>12,.1f}" for v in values), end="")
        print(f"{p.bound / p.measured:>8.2f}", flush=True)
    write(points, options.json)


if __name__ == "__main__":
    main()
