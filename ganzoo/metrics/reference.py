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

    Everything that it depends on is in the name: the content of the data, the image size, the number of images, the
    extractor with its arguments and weights, and the module and declared version of the metric and the extractor.
    """
    measure, weights = job.measure, job.weights
    if not isinstance(measure, KeepsReal) or weights is None:
        return None
    store, protocol = real.target, job.protocol
    parts = {
        "format": _FORMAT,
        "data": real.key,
        "shape": list(store.samples.shape[1:]),
        "real": protocol.real or len(store),
        "extractor": protocol.extractor,
        "weights": weights,
        "keeps": measure.keeps,
        "versions": [_version(part) for part in (measure, job.extractor and job.extractor.module) if part is not None],
        "torch": torch.__version__,
    }
    name = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    return cache_dir() / FOLDER / f"{name}.safetensors"


def _version(part: object) -> str:
    return f"{type(part).__module__} {getattr(part, 'version', 1)}"


def recall(jobs: Sequence[Job], real: Real, processes: Processes) -> list[Job]:
    """Load the cached state of the jobs; return the jobs that have none.

    All processes return the same jobs: a file that one of them lacks is used by none.
    """
    paths = {job: path for job in jobs if (path := path_of(job, real)) is not None}
    found = {job: state for job, path in paths.items() if (state := _load(path)) is not None}
    flags = torch.tensor([[job in found for job in jobs]], dtype=torch.uint8)
    shared = processes.share([flags] * processes.world, lambda part: {"flags": part})
    agreed = dict(zip(jobs, torch.cat([part["flags"] for part in shared]).all(0).tolist(), strict=True))
    for job in jobs:
        if agreed[job] and isinstance(job.measure, KeepsReal):
            with job.errors():
                job.measure.load_real_state(found[job])
    return [job for job in jobs if not agreed[job]]


def _load(path: Path) -> dict[str, torch.Tensor] | None:
    try:
        state = load_tensors(path) if path.exists() else None
    except GanzooError:  # damaged: computed anew
        return None
    if state is None or not torch.equal(state.pop(_HASH, torch.empty(0)), _hash(state)):
        return None
    return state


def _hash(state: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Return the SHA-256 of tensors, by which a damaged file is detected."""
    digest = hashlib.sha256()
    for name, value in sorted(state.items()):
        digest.update(f"{name} {value.dtype} {list(value.shape)} ".encode())
        digest.update(value.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return torch.frombuffer(bytearray(digest.digest()), dtype=torch.uint8)


def remember(jobs: Sequence[Job], real: Real) -> None:
    """Store the jobs' state of the real images; a full disk costs the cache, not the value."""
    paths = {path: job for job in jobs if (path := path_of(job, real)) is not None}  # some share one
    for path, job in paths.items():
        if not isinstance(job.measure, KeepsReal):
            continue
        with job.errors():
            state = {name: value.detach().cpu().contiguous() for name, value in job.measure.real_state().items()}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as partial:
                save_tensors(partial, {**state, _HASH: _hash(state)})
        except (OSError, GanzooError) as error:
            _log.warning("the state of the real images of %s is not cached: %s", real.source.public, error)
