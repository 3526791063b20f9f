"""Measurements: images are drawn and real ones read once for all metrics that want the same ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from tqdm import tqdm

from ganzoo._distributed import ALONE, Processes
from ganzoo.errors import ConfigError, GanzooError, PluginError
from ganzoo.gan import GAN
from ganzoo.inference.image_io import quantise
from ganzoo.metrics.images import Images, Real, Reals, drawn, find_real, real_images, translated, way_of
from ganzoo.metrics.jobs import Job, blaming, make_jobs, read_protocols
from ganzoo.metrics.protocol import Protocol
from ganzoo.metrics.reference import recall, remember
from ganzoo.registry import installed
from ganzoo.registry.records import Score

_OF_A_BATCH = ("image", "label", "target")


def evaluate(
    gan: GAN,
    protocols: Sequence[str | Protocol],
    *,
    data: str | None = None,
    to: str | None = None,
    batch_size: int = 64,
    progress: bool = True,
    processes: Processes = ALONE,
    failed: dict[int, GanzooError] | None = None,
) -> list[Score]:
    """Measure what a model draws.

    A conditional model draws the conditions that go with its seeds, see `GAN.inputs`. One that translates makes its
    images of the first ones of its source (A, unless ``to`` says otherwise) in the split that the protocol names; they
    are compared with all of its target.

    Args:
        gan: the model, on the device where it is measured.
        protocols: what is measured and how, for instance ``["fd[pixels]@10k/test"]``.
        data: the real images, as `ganzoo.train` takes them; needed by metrics that compare.
        to: which way, for a model that translates both ways; see `GAN.translate`.
        batch_size: images at a time; no part of the result.
        progress: show progress bars.
        processes: that share the drawing and looking, each called with the same arguments; all return the same.
        failed: takes, by the place of its protocol, why a value cannot be computed; without it that is raised.

    Returns:
        A value for each protocol, in their order, but for those that failed.

    Raises:
        UnknownNameError: no such metric or extractor.
        ConfigError: a protocol that cannot be read or leaves out what its metric needs.
        DataError: the real images cannot be had.
        PluginError: a metric or an extractor fails.
    """
    if batch_size < 1:
        raise ConfigError(f"batch_size must be at least 1, not {batch_size}")
    jobs, reals = check(gan, protocols, data=data, to=to, progress=progress and processes.is_first)
    with torch.inference_mode():
        for images, seed, split in dict.fromkeys(_drawing(job, gan) for job in jobs):
            due = [job for job in jobs if _drawing(job, gan) == (images, seed, split)]
            made = (
                drawn(gan, images, seed, batch_size) if split is None
                else translated(gan, reals[split], images, batch_size)
            )  # fmt: skip
            show(due, made, processes, real=False, progress=progress)
        compared = [job for job in jobs if job.measure.compares]
        for split, count in dict.fromkeys((str(job.protocol.split), job.protocol.real) for job in compared):
            due = [job for job in compared if (job.protocol.split, job.protocol.real) == (split, count)]
            _compare(due, reals[split], count, gan, batch_size, processes, progress=progress)
    scores = []
    for place, job in enumerate(jobs):
        try:
            scores.append(_score(job, reals))
        except GanzooError as error:
            if failed is None:
                raise
            failed[place] = error
    return scores


def check(
    gan: GAN, protocols: Sequence[str | Protocol], *, data: str | None = None, to: str | None = None,
    progress: bool = True,
) -> tuple[list[Job], Reals]:  # fmt: skip
    """Find all that a measurement takes, before thousands of images are drawn.

    Args:
        gan: the model, trained or not.
        protocols: as in `evaluate`.
        data: as in `evaluate`.
        to: as in `evaluate`.
        progress: show a progress bar where images are decoded.

    Returns:
        The protocols with what computes them, and the real images by split.

    Raises:
        GanzooError: as in `evaluate`.
    """
    way, zoo = way_of(gan, to), installed()
    jobs = make_jobs(zoo, read_protocols(zoo, protocols), gan)
    first = quantise(gan.sample(1)).to(gan.device)
    for job in jobs:
        job.check_needs(first, gan)
        job.check_count(job.protocol.images, "drawn")
    wanted = [(job.protocol, frozenset(job.measure.needs)) for job in jobs]
    reals = find_real(zoo, wanted, data, first, gan, way, progress=progress)
    for job in jobs:
        if job.measure.compares:
            job.check_count(job.protocol.real or len(reals[str(job.protocol.split)].target), "real")
    return jobs, reals


def _compare(
    jobs: Sequence[Job], real: Real, count: int | None, gan: GAN, batch_size: int, processes: Processes, *,
    progress: bool,
) -> None:  # fmt: skip
    """Show the real images to the jobs that do not know them from an earlier measurement."""
    if not (unaware := recall(jobs, real, processes)):
        return
    store = real.target
    show(
        unaware,
        real_images(store, count or len(store), gan.device, batch_size),
        processes,
        real=True,
        progress=progress,
    )
    if processes.is_first:
        remember(unaware, real)


def _score(job: Job, reals: Reals) -> Score:
    """Return the value with all that was measured by.

    Raises:
        PluginError: the metric fails, or gives no number.
    """
    with blaming(job):
        value = float(job.measure.compute())
    if not math.isfinite(value):
        raise PluginError(f"'{job.protocol}' gave {value}: the features or the images are not finite, or too alike")
    split = job.protocol.split
    return Score(
        name=job.protocol.metric,
        value=value,
        protocol=str(job.protocol),
        data=None if split is None else reals[split].named,
        weights=job.weights or None,
    )


def _drawing(job: Job, gan: GAN) -> tuple[int, int, str | None]:
    """Return what the drawn images depend on; the split where they are made of real ones."""
    return job.protocol.images, job.protocol.seed, job.protocol.split if gan.translations else None


def show(jobs: Sequence[Job], images: Images, processes: Processes, *, real: bool, progress: bool) -> None:
    """Show every batch to all jobs; an extractor that several share sees it once, and in one of the processes."""
    extractors = {job.extractor.text: job.extractor for job in jobs if job.extractor}

    def look(part: Tensor) -> dict[str, Tensor]:
        batch = images.make(part)
        for name, extractor in extractors.items():
            batch |= {f"{key} of {name}": value for key, value in extractor.extract(batch["image"]).items()}
        return batch

    shown = progress and processes.is_first
    with tqdm(total=images.count, desc=images.what, unit="img", leave=False, disable=None if shown else True) as bar:
        for seen in processes.share(images.parts, look):
            for job in jobs:
                own = f" of {job.protocol.extractor or ''}"
                # Copies: what one metric does with them is no part of another's value.
                batch = {key.removesuffix(own): value.clone() for key, value in seen.items() if _is_for(key, own)}
                with blaming(job):
                    job.measure.update(batch, real=real)
            bar.update(len(seen["image"]))


def _is_for(key: str, own: str) -> bool:
    return key in _OF_A_BATCH or key.endswith(own)
