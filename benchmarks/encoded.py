"""Samples that stay encoded against the decoded store: images/s of a training, and the memory that both take.

    python benchmarks/encoded.py [--size 256] [--count 2000] [--only dcgan stylegan2] [--rounds 5] [--threads 2]
                                 [--folder /tmp] [--json FILE]

The pictures are smooth colours with grain, which compress about as photographs do. Both stores are made of the same
ones and serve the same batches; a round is the same steps of a training with each in turn. ``loader`` is the reading
alone, with nothing to do meanwhile. With ``--count 50000 --only loader`` at 256x256 the decoded store has 9.2 GiB.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from rounds import Row, parse, parser, show, speeds
from trainer import Trainer

from data import GIB, MIB, resident
from ganzoo.data import Loader, Source, Store, prepare
from ganzoo.gan import SampleSpec
from ganzoo.media.base import Item

BATCHES = {"dcgan": 16, "stylegan2": 4, "loader": 64}
STEPS = {"dcgan": 3, "stylegan2": 2, "loader": 30}
NARROW = {"dcgan": {"base_channels": 32}, "stylegan2": {"base_channels": 16, "max_channels": 256}}
AIM = ">= 0.95"


def picture(i: int, size: int) -> np.ndarray:
    """Return one picture (H, W, 3) uint8."""
    rng = np.random.default_rng(i)
    colours = Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8))
    smooth = np.asarray(colours.resize((size, size), Image.Resampling.BICUBIC), dtype=np.int16)
    return (smooth + rng.integers(-6, 7, (size, size, 3))).clip(0, 255).astype(np.uint8)


def stores(size: int, count: int) -> tuple[Store, Store]:
    """Return the decoded store and the encoded one, made in the cache."""

    def read() -> Iterator[Item]:
        for i in range(count):
            yield Item(picture(i, size), None, f"picture {i}")

    source, specs = Source("pictures", f"benchmark-{size}-{count}", count, read), {"image": SampleSpec((3, size, size))}
    decoded, encoded = (prepare(source, specs, encoded=how) for how in (False, True))
    return decoded, encoded


def pass_over(store: Store, steps: int) -> None:
    """Read batches and do nothing with them."""
    loader, n = Loader(store, seed=0), BATCHES["loader"]
    for step in range(steps):
        loader.batch(step * n, n)


def compare(name: str, pair: tuple[Store, Store], size: int, rounds: int) -> Row:
    """Compare a training, or the reading alone, of both stores."""
    steps, n = STEPS[name], BATCHES[name]
    if name == "loader":
        decoded, encoded = (lambda store=store: pass_over(store, steps) for store in pair)
    else:
        players = [Trainer(name, batch=n, store=store, image_size=size, channels=3, **NARROW[name]) for store in pair]
        decoded, encoded = (lambda player=player: player.run(steps) for player in players)
    what = f"{name}, {size}x{size}, encoded against decoded"
    return speeds(what, {"": decoded}, encoded, images=steps * n, rounds=rounds, aim=AIM if name != "loader" else "-")


def main() -> None:
    """Make the stores, measure and print."""
    made = parser(__doc__, rounds=5, only=BATCHES)
    made.add_argument("--size", type=int, default=256)
    made.add_argument("--count", type=int, default=2_000)
    made.add_argument("--folder", type=Path, help="where the stores are made  [default: the system's temporary folder]")
    options = parse(made)
    with tempfile.TemporaryDirectory(dir=options.folder) as cache:
        os.environ["GANZOO_CACHE"] = cache
        before = resident()
        pair = stores(options.size, options.count)
        for store, pattern in zip(pair, ("samples.npy", "samples.bin"), strict=True):
            (file,) = Path(cache).rglob(pattern)
            print(
                f"{len(store):,} pictures {pattern.rpartition('.')[2]}: {file.stat().st_size / GIB:.2f} GiB on the disk"
            )
        rows = [compare(name, pair, options.size, options.rounds) for name in options.only]
        grown = {kind: (value - before[kind]) / MIB for kind, value in resident().items()}
        print(", ".join(f"{kind} grew by {value:,.0f} MiB" for kind, value in grown.items()))
        show(rows, options.json)


if __name__ == "__main__":
    main()
