"""The store and loader against a torch `DataLoader` over decoded images; and stores that are not in memory.

    python benchmarks/data.py [--only 28x28x1 mapped] [--rounds 10] [--threads 2] [--folder /tmp] [--json FILE]

A round is one pass over the images in batches of 64, shuffled, in [-1, 1]. The `DataLoader` has the usual data set,
which normalises each image when it is asked for it; it runs with 0 and with 2 processes that stay alive, and the faster
counts.

``mapped`` is a store of 1.1 GiB: from 1 GiB ganzoo maps the file into memory instead of reading it. The same batches
come from that store and from the same images in memory, the file's pages cached by the system; then the speed of the
first batches, after the system has let go of those pages.

``huge`` is a store larger than the machine's memory and swap together. Its file is sparse, so that it takes no room on
the disk: images from all over it are drawn, and what grows in the process is told apart. Pages of the file (RssFile)
the system takes back when it needs them; only what is anonymous (RssAnon) is held. That is sound where a limit is not:
RLIMIT_RSS is not enforced, RLIMIT_AS and RLIMIT_DATA count mappings that take no memory, and a cgroup needs rights that
few users have.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import torch
from rounds import Row, parse, parser, seconds, show, speeds
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from trainer import BATCH

from ganzoo.data import Loader, Source, Store, prepare
from ganzoo.errors import DataError
from ganzoo.gan import SampleSpec
from ganzoo.media.base import Item

SHAPES = {"28x28x1": (1, 28, 28), "32x32x3": (3, 32, 32)}
MAPPED, HUGE = "mapped", "huge"
COUNT = 12_800
IMAGE = SHAPES["32x32x3"]
IMAGE_BYTES = math.prod(IMAGE)
GIB, MIB = 2**30, 2**20


class Decoded(Dataset[tuple[Tensor, Tensor]]):
    """Decoded images, one by one."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        return self.images[i].float() / 127.5 - 1, self.labels[i]


def exhaust(loader: DataLoader) -> Callable[[], None]:
    """Return a function that makes one pass over a `DataLoader`."""

    def read() -> None:
        for _ in loader:
            pass

    return read


def reading(store: Store, count: int) -> Callable[[], None]:
    """Return a function that reads the next ``count`` images of a store."""
    loader, position = Loader(store, seed=0), 0

    def read() -> None:
        nonlocal position
        for _ in range(count // BATCH):
            loader.batch(position, BATCH)
            position += BATCH

    return read


def against_torch(name: str, rounds: int, *, workers: Sequence[int] = (0, 2), count: int = COUNT) -> Row:
    """Compare one pass over images of a shape."""
    images, labels = torch.randint(0, 256, (count, *SHAPES[name]), dtype=torch.uint8), torch.randint(0, 10, (count,))
    data = Decoded(images, labels)
    theirs = {
        f"{n} workers": exhaust(DataLoader(data, BATCH, shuffle=True, num_workers=n, persistent_workers=n > 0))
        for n in workers
    }
    ours = reading(Store("random", images, labels, None), count)
    return speeds(f"loader / DataLoader, {name}", theirs, ours, images=count, rounds=rounds, aim=">= 1")


@contextmanager
def cache(folder: Path | None) -> Iterator[Path]:
    """Make and remove a cache below ``folder`` that ganzoo uses meanwhile."""
    before = os.environ.get("GANZOO_CACHE")
    with tempfile.TemporaryDirectory(dir=folder) as made:
        os.environ["GANZOO_CACHE"] = made
        try:
            yield Path(made)
        finally:
            del os.environ["GANZOO_CACHE"]
            if before is not None:
                os.environ["GANZOO_CACHE"] = before


def open_store(folder: Path, count: int, fill: Callable[[int], bytes] | None) -> tuple[Callable[[], Store], Path]:
    """Let ganzoo make a store of one image in its cache, and exchange its file for one of ``count`` images.

    Args:
        folder: ganzoo's cache.
        count: of images.
        fill: returns as many bytes as it is asked for; None leaves a hole.

    Returns:
        A function that opens the store, and the file.
    """

    def read() -> Iterator[Item]:
        yield Item(np.zeros((*IMAGE[1:], IMAGE[0]), np.uint8), None, "the image")

    def opened() -> Store:
        return prepare(source, {"image": SampleSpec(IMAGE)}, progress=False)

    source = Source(f"{count} images", f"benchmark {count}", 1, read)
    opened()
    (file,) = folder.rglob("samples.npy")
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, *IMAGE)}
    with file.open("wb") as out:
        np.lib.format.write_array_header_1_0(out, header)
        if fill is None:
            out.truncate(out.tell() + count * IMAGE_BYTES)
        else:
            for start in range(0, count, BATCH):
                out.write(fill(min(BATCH, count - start) * IMAGE_BYTES))
    return opened, file


def mapped(rounds: int, folder: Path | None = None, *, size: float = 1.1 * GIB) -> list[Row]:
    """Compare a store that is mapped with the same images in memory, its pages cached and not."""
    with cache(folder) as made:
        opened, file = open_store(made, int(size // IMAGE_BYTES), np.random.default_rng(0).bytes)
        in_memory = reading(Store("held", torch.from_numpy(np.load(file)), None, None), COUNT)
        rows = [
            speeds(
                "mapped / in memory", {"": in_memory}, reading(opened(), COUNT), images=COUNT, rounds=rounds, aim="-"
            )
        ]
        if hasattr(os, "posix_fadvise"):
            with file.open("rb") as held:
                os.fsync(held.fileno())
                os.posix_fadvise(held.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            cold, warm = seconds(reading(opened(), COUNT)), seconds(in_memory)
            rows.append(Row("mapped, not cached / in memory", COUNT / warm, COUNT / cold, "img/s", warm / cold, "-"))
        return rows


def resident() -> dict[str, int]:
    """Return the process's resident bytes by kind, as Linux tells them."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return {k: int(v.split()[0]) * 1024 for k, v in (line.split(":") for line in lines if line.startswith("Rss"))}


def huge(folder: Path | None = None, *, share: float = 1.25, count: int = 1_280) -> str:
    """Say what becomes of a store that is ``share`` times memory and swap when ``count`` of its images are drawn."""
    memory = psutil.virtual_memory().total + psutil.swap_memory().total
    total = int(memory * share // IMAGE_BYTES)
    told = f"a store of {total * IMAGE_BYTES / GIB:.2f} GiB, with {memory / GIB:.1f} GiB of memory and swap"
    with cache(folder) as made:
        opened, _ = open_store(made, total, None)
        try:
            store = opened()
        except DataError as error:
            return f"{told}, cannot be opened: {error}"
        places = torch.randint(0, total, (count // BATCH, BATCH), generator=torch.Generator().manual_seed(0))
        before = resident()
        taken = seconds(lambda: [store.take("image", place) for place in places])
        after = resident()
        grown = {kind: (after[kind] - before[kind]) / MIB for kind in ("RssAnon", "RssFile")}
        return f"{told}: {count:,} images from all over it at {count / taken:,.0f} img/s; " + ", ".join(
            f"{kind} grown by {more:,.0f} MiB" for kind, more in grown.items()
        )


def measure(rounds: int, only: Sequence[str] = (*SHAPES, MAPPED), folder: Path | None = None) -> list[Row]:
    """Compare what is named."""
    rows = [against_torch(name, rounds) for name in only if name in SHAPES]
    return rows + (mapped(rounds, folder) if MAPPED in only else [])


def main() -> None:
    """Measure and print."""
    made = parser(__doc__, rounds=10, only=(*SHAPES, MAPPED, HUGE))
    made.add_argument("--folder", type=Path, help="where 1.1 GiB are written and removed  [default: the system's]")
    options = parse(made)
    show(measure(options.rounds, options.only, options.folder), options.json)
    if HUGE in options.only:
        print(f"\n{HUGE}: {huge(options.folder)}")


if __name__ == "__main__":
    main()
