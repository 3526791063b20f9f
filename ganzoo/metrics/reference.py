"""What measures keep of real images, in the cache: data is looked at once for a protocol, not once for a model."""

from __future__ import annotations

import hashlib
import inspect
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from ganzoo._distributed import Processes
from ganzoo._files import cache_dir, replacing
from ganzoo.errors import GanzooError
from ganzoo.metrics.contract import KeepsReal
from ganzoo.metrics.images import Real
from ganzoo.metrics.jobs import Job, blaming
from ganzoo.models.weights import load_tensors, save_tensors

_HASH = ".sha256"
_log = logging.getLogger(__name__)
FOLDER = "references"
_FORMAT = 2  # of the files: a new number makes new ones


def path_of(job: Job, real: Real) -> Path | None:
    """Return where a job's part about real images is kept, or None where it is not.

    Everything that it depends on is in the name: the content of the data, the size it was brought to, how many of it,
    the extractor with its words and weights, and the code of both plugins' modules.
    """
    measure, weights = job.measure, job.weights
    if not isinstance(measure, KeepsReal) or weights is None:
        return None
    codes = [_code(part) for part in (measure, job.eye and job.eye.module) if part is not None]
    if None in codes:
        return None
    store, protocol = real.target, job.protocol
    parts = {
        "format": _FORMAT,
        "data": real.key,
        "shape": list(store.images.shape[1:]),
        "real": protocol.real or len(store),
        "extractor": protocol.extractor,
        "weights": weights,
        "keeps": measure.keeps,
        "code": codes,
        "torch": torch.__version__,
    }
    name = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    return cache_dir() / FOLDER / f"{name}.safetensors"


def _code(part: object) -> str | None:
    """Return the hash of the module that something is written in; None where there is no file."""
    try:
        return hashlib.sha256(Path(inspect.getfile(type(part))).read_bytes()).hexdigest()
    except (OSError, TypeError):
        return None


def recall(jobs: Sequence[Job], real: Real, processes: Processes) -> list[Job]:
    """Give the jobs what is kept for them; return those that have to be shown the images.

    All processes return the same ones: a cache that one of them does not have is nobody's.
    """
    paths = {job: path for job in jobs if (path := path_of(job, real)) is not None}
    found = {job: kept for job, path in paths.items() if (kept := _load(path)) is not None}
    flags = torch.tensor([[job in found for job in jobs]], dtype=torch.uint8)
    agreed = torch.cat([part["flags"] for part in processes.share([flags] * processes.world, _flags)]).all(0)
    for job, agree in zip(jobs, agreed.tolist(), strict=True):
        if agree and isinstance(job.measure, KeepsReal):
            with blaming(job):
                job.measure.take(found[job])
    return [job for job, agree in zip(jobs, agreed.tolist(), strict=True) if not agree]


def _flags(flags: torch.Tensor) -> dict[str, torch.Tensor]:
    return {"flags": flags}


def _load(path: Path) -> dict[str, torch.Tensor] | None:
    try:
        kept = load_tensors(path) if path.exists() else None
    except GanzooError:  # damaged: it is made anew
        return None
    if kept is None or not torch.equal(kept.pop(_HASH, torch.empty(0)), _hash(kept)):
        return None
    return kept


def _hash(kept: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Return the SHA-256 of tensors, by which a damaged file is known."""
    digest = hashlib.sha256()
    for name, value in sorted(kept.items()):
        digest.update(f"{name} {value.dtype} {list(value.shape)} ".encode())
        digest.update(value.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return torch.frombuffer(bytearray(digest.digest()), dtype=torch.uint8)


def remember(jobs: Sequence[Job], real: Real) -> None:
    """Keep what the jobs have of the real images; a full disk costs the cache and no value."""
    paths = {path: job for job in jobs if (path := path_of(job, real)) is not None}  # some share theirs
    for path, job in paths.items():
        if not isinstance(job.measure, KeepsReal):
            continue
        with blaming(job):
            kept = {name: value.detach().cpu().contiguous() for name, value in job.measure.kept().items()}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as partial:
                save_tensors(partial, {**kept, _HASH: _hash(kept)})
        except (OSError, GanzooError) as error:
            _log.warning("what was seen of %s is not kept for the next time: %s", real.source.public, error)
