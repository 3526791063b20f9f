"""Measuring a model: images are generated, and real ones read, once for all metrics of the same ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ganzoo._distributed import ALONE, Processes
from ganzoo.errors import ConfigError, GanzooError, PluginError
from ganzoo.gan import GAN
from ganzoo.media.image import quantise
from ganzoo.metrics.images import Images, Real, generated, open_real, real_images, translated
from ganzoo.metrics.jobs import Job, make_jobs, read_protocols
from ganzoo.metrics.protocol import Protocol
from ganzoo.metrics.reference import recall, remember
from ganzoo.registry import Score, installed


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
    """Measure the images that a model generates.

    A conditional model generates the conditions that go with its seeds, see `GAN.inputs`. One that translates gets the
    first source images (of A, unless ``to`` says otherwise) of the split that the protocol names; the translations are
    compared with all target images.

    Args:
        gan: the model, on the device where it is measured.
        protocols: what is measured and how, for instance ``["fd[pixels]@10k/test"]``.
        data: the real images, as `ganzoo.train` takes them; needed by metrics that compare.
        to: the target, for a model that translates in both directions; see `GAN.translate`.
        batch_size: images at a time; the values do not depend on it.
        progress: show progress bars.
        processes: share the work; each calls this with the same arguments and returns the same values.
        failed: receives the errors of values that cannot be computed, by the index of the protocol; without it they
            are raised.

    Returns:
        The values in the order of the protocols, without those that failed.

    Raises:
        UnknownNameError: no such metric or extractor.
        ConfigError: a protocol that cannot be read or leaves out what its metric needs.
        DataError: the real images cannot be found or read.
        PluginError: a metric or an extractor fails.
    """
    if batch_size < 1:
        raise ConfigError(f"batch_size must be at least 1, not {batch_size}")
    jobs, reals = check(gan, protocols, data=data, to=to, progress=progress and processes.is_first)
    with torch.inference_mode():
        for images, seed, split in dict.fromkeys(_group(job, gan) for job in jobs):
            due = [job for job in jobs if _group(job, gan) == (images, seed, split)]
            made = (
                generated(gan, images, seed, batch_size) if split is None
                else translated(gan, reals[split], images, batch_size)
            )  # fmt: skip
            show(due, made, processes, real=False, progress=progress)
        compared = [job for job in jobs if job.measure.compares]
        for name, count in dict.fromkeys((str(job.protocol.split), job.protocol.real) for job in compared):
            real = reals[name]
            due = [job for job in compared if (job.protocol.split, job.protocol.real) == (name, count)]
            if missing := recall(due, real, processes):
                made = real_images(real.target, count or len(real.target), gan.device, batch_size)
                show(missing, made, processes, real=True, progress=progress)
                if processes.is_first:
                    remember(missing, real)
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
) -> tuple[list[Job], dict[str, Real]]:  # fmt: skip
    """Prepare and check a measurement, before thousands of images are generated; arguments and errors as `evaluate`.

    Returns:
        The jobs, one for each protocol, and the real images by split.
    """
    zoo = installed()
    direction = gan.direction(to) if gan.translations or to is not None else ("image", "image")
    jobs = make_jobs(zoo, read_protocols(zoo, protocols), gan)
    first = quantise(gan.sample(1)).to(gan.device)
    for job in jobs:
        job.check_needs(first, gan)
        job.check_count(job.protocol.images, "generated")
    reals: dict[str, Real] = {}
    for job in jobs:
        protocol, split = job.protocol, job.protocol.split
        if split is None:
            if gan.translations:
                raise ConfigError(f"a model that translates needs images: name their split, as in '{protocol}/test'")
            continue
        if data is None:
            raise ConfigError(f"'{protocol}' compares with real images: say which data")
        if split not in reals:
            reals[split] = open_real(zoo, data, split, gan, first, direction, progress=progress)
        reals[split].check(job, data, translates=bool(gan.translations))
    for job in jobs:
        if job.measure.compares:
            job.check_count(job.protocol.real or len(reals[str(job.protocol.split)].target), "real")
    return jobs, reals


def _score(job: Job, reals: Mapping[str, Real]) -> Score:
    """Return the value of a job, with its protocol, data and weights."""
    with job.errors():
        value = float(job.measure.compute())
    if not math.isfinite(value):
        raise PluginError(f"'{job.protocol}' gave {value}: the features or the images are not finite, or too alike")
    protocol = job.protocol
    data = None if protocol.split is None else reals[protocol.split].named
    return Score(name=protocol.metric, value=value, protocol=str(protocol), data=data, weights=job.weights or None)


def _group(job: Job, gan: GAN) -> tuple[int, int, str | None]:
    """Return what the images depend on: jobs with the same group share them."""
    return job.protocol.images, job.protocol.seed, job.protocol.split if gan.translations else None


def show(jobs: Sequence[Job], images: Images, processes: Processes, *, real: bool, progress: bool) -> None:
    """Pass every batch to all jobs; an extractor that several share runs once, in one of the processes."""
    extractors = {job.extractor.text: job.extractor for job in jobs if job.extractor}

    def look(part: Tensor) -> dict[str, Tensor]:
        batch = images.make(part)
        for name, extractor in extractors.items():
            batch |= {f"{key} of {name}": value for key, value in extractor.extract(batch["image"]).items()}
        return batch

    for seen in images.batches(look, processes, progress=progress):
        for job in jobs:
            own = f" of {job.protocol.extractor or ''}"
            batch = {  # copies: no metric can change the input of another
                key.removesuffix(own): value.clone()
                for key, value in seen.items()
                if key in {"image", "label", "target"} or key.endswith(own)
            }
            with job.errors():
                job.measure.update(batch, real=real)
