"""The cached state of metrics about real images: computed once for a protocol, not once for each model."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from ganzoo._distributed import Processes
from ganzoo._files import cache_dir, replacing
from ganzoo.errors import GanzooError
from ganzoo.metrics.images import Real
from ganzoo.metrics.interfaces import KeepsReal
from ganzoo.metrics.jobs import Job
from ganzoo.models.weights import load_tensors, save_tensors

_HASH = ".sha256"
_log = logging.getLogger(__name__)
FOLDER = "references"
_FORMAT = 2  # of the files: another number makes new ones


def path_of(job: Job, real: Real) -> Path | None:
    """Return the file of a job's state of real images, or None if it cannot be cached.

    Everything that it depends on is in the name.
    """
    measure, weights = job.measure, job.weights
    if not isinstance(measure, KeepsReal) or weights is None:
        return None
    store, protocol = real.target, job.protocol
    made_by = [measure, *([job.extractor.module] if job.extractor else [])]
    parts = {
        "format": _FORMAT,
        "data": real.key,
        "shape": list(store.samples.shape[1:]),
        "real": protocol.real or len(store),
        "extractor": protocol.extractor,
        "weights": weights,
        "keeps": measure.keeps,
        "versions": [f"{type(part).__module__} {getattr(part, 'version', 1)}" for part in made_by],
        "torch": torch.__version__,
    }
    name = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    return cache_dir() / FOLDER / f"{name}.safetensors"


def recall(jobs: Sequence[Job], real: Real, processes: Processes) -> list[Job]:
    """Load the cached state of the jobs; return the jobs that have none.

    All processes return the same jobs: a file that one of them lacks is used by none.
    """
    found = {job: state for job in jobs if (state := _load(path_of(job, real))) is not None}
    flags = torch.tensor([[job in found for job in jobs]], dtype=torch.uint8)
    shared = processes.share([flags] * processes.world, lambda part: {"flags": part})
    agreed = dict(zip(jobs, torch.cat([part["flags"] for part in shared]).all(0).tolist(), strict=True))
    for job in jobs:
        if agreed[job] and isinstance(job.measure, KeepsReal):
            with job.errors():
                job.measure.load_real_state(found[job])
    return [job for job in jobs if not agreed[job]]


def _load(path: Path | None) -> dict[str, torch.Tensor] | None:
    try:
        state = load_tensors(path) if path and path.exists() else {}
    except GanzooError:  # damaged: computed anew
        return None
    return state if torch.equal(state.pop(_HASH, torch.empty(0)), _hash(state)) else None


def _hash(state: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Return the SHA-256 of tensors, by which a damaged file is detected."""
    digest = hashlib.sha256()
    for name, value in sorted(state.items()):
        digest.update(f"{name} {value.dtype} {list(value.shape)} ".encode())
        digest.update(value.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return torch.frombuffer(bytearray(digest.digest()), dtype=torch.uint8)


def remember(jobs: Sequence[Job], real: Real) -> None:
    """Store the jobs' state of the real images; a full disk costs the cache, not the value."""
    for path, job in {path_of(job, real): job for job in jobs}.items():  # some share one
        if path is None or not isinstance(job.measure, KeepsReal):
            continue
        with job.errors():
            state = {name: value.detach().cpu().contiguous() for name, value in job.measure.real_state().items()}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as partial:
                save_tensors(partial, {**state, _HASH: _hash(state)})
        except (OSError, GanzooError) as error:
            _log.warning("the state of the real images of %s is not cached: %s", real.source.public, error)
