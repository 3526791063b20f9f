"""The folder of a run: locked, without links that lead out of it, and the same one as long as it trains."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from accelerate import Accelerator

from ganzoo._files import LOCK, locked
from ganzoo.errors import RunError
from ganzoo.models.config import CONFIG
from ganzoo.models.weights import MODEL
from ganzoo.training import checkpoint
from ganzoo.training.logs import SAMPLES, STATS

PICTURE, BEST = "samples.png", "best"
_OWN = (LOCK, CONFIG, MODEL, STATS, PICTURE, SAMPLES, BEST, checkpoint.FOLDER)


@contextmanager
def locked_run(out: Path, accelerator: Accelerator) -> Iterator[None]:
    """Lock the run's folder, which is made, so that no second run writes into it.

    Raises:
        RunError: it cannot be made, another run has it, or what a run writes is a link to somewhere else.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{out} cannot be created: {error.strerror or error}") from error
    if accelerator.is_main_process:
        _refuse_links(out)
    busy = RunError(f"another process is training in {out}: stop it, or name another folder")
    with locked(out, busy) if accelerator.is_main_process else nullcontext():
        yield


def _refuse_links(out: Path) -> None:
    """Refuse links in what a run writes and deletes: it does so inside of its folder alone."""
    for path in (out / name for name in _OWN):
        for inner in (path, *(path.rglob("*") if path.is_dir() and not path.is_symlink() else ())):
            if inner.is_symlink():
                raise RunError(
                    f"{inner} is a link, and a run writes and deletes inside of its own folder only: put what it leads "
                    "to in its place"
                )


@dataclass(frozen=True)
class Place:
    """The folder that a run began in, whatever is renamed or removed later."""

    path: Path
    identity: tuple[int, int]

    @classmethod
    def of(cls, path: Path) -> Self:
        """Return the place of a folder."""
        found = path.stat()
        return cls(path, (found.st_dev, found.st_ino))

    def is_there(self) -> bool:
        """Whether the folder is where it was, and is still that of the run."""
        try:
            return Place.of(self.path) == self and (self.path / CONFIG).exists()
        except OSError:
            return False

    def rescue(self) -> Path:
        """Return a new folder beside the one that is gone."""
        names = (self.path.with_name(f"{self.path.name}-rescued{f'-{i}' if i else ''}") for i in itertools.count())
        new = next(path for path in names if not path.exists())
        new.mkdir(parents=True)
        return new
