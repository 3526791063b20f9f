"""Measuring a model: images are generated, and real ones read, once for all metrics of the same ones."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ganzoo._distributed import ALONE, Processes
from ganzoo.data import Source, open_data
from ganzoo.errors import ConfigError, GanzooError, PluginError
from ganzoo.gan import GAN
from ganzoo.gan.sample_spec import Reading
from ganzoo.media.image import image_layout
from ganzoo.metrics.images import Images, Real, real_images
from ganzoo.metrics.jobs import Job, make_jobs, read_protocols
from ganzoo.metrics.measured import Measured, open_real
from ganzoo.metrics.pictures import Pictures, measured_from
from ganzoo.metrics.protocol import Protocol
from ganzoo.metrics.reference import recall, remember
from ganzoo.nn.renamed import renamed_arguments
from ganzoo.registry import Score, installed


@renamed_arguments(gan="measured")
def evaluate(
    measured: GAN | Measured | Source | str | os.PathLike[str],
    protocols: Sequence[str | Protocol],
    *,
    data: str | None = None,
    to: str | None = None,
    reading: Reading | None = None,
    skip_unreadable: bool = False,
    batch_size: int = 64,
    progress: bool = True,
    processes: Processes = ALONE,
    failed: dict[int, GanzooError] | None = None,
) -> list[Score]:
    """Measure the images that a model generates, or pictures from anywhere.

    A conditional model generates the conditions that go with its seeds, see `GAN.inputs`. One that translates gets the
    first source images (of A, unless ``to`` says otherwise) of the split that the protocol names; the translations are
    compared with all target images. Pictures are used evenly spaced, and keep their size, to which the real images are
    brought. Transparency is laid on the background of ``reading`` before anything is measured.

    Args:
        measured: a model, on the device where it is measured, or what `ganzoo.load` takes; or pictures: a folder, a
            file or a data set, or what `open_pictures` returns.
        protocols: what is measured and how, for instance ``["fd[pixels]@10k/test"]``.
        data: the real images, as `ganzoo.train` takes them; needed by metrics that compare.
        to: the target, for a model that translates in both directions; see `GAN.translate`.
        reading: how real images, and pictures, are brought to a shape; by default as in the training of the model.
        skip_unreadable: leave out files that cannot be read.
        batch_size: images at a time; the values do not depend on it.
        progress: show progress bars.
        processes: share the work; each calls this with the same arguments and returns the same values.
        failed: receives the errors of values that cannot be computed, by the index of the protocol; without it they
            are raised.

    Returns:
        The values in the order of the protocols, without those that failed.

    Raises:
        UnknownNameError: no such metric or extractor.
        ConfigError: a protocol that cannot be read, leaves out what its metric needs, or asks for more pictures than
            there are.
        DataError: the real images or the pictures cannot be found or read.
        PluginError: a metric or an extractor fails.
    """
    if batch_size < 1:
        raise ConfigError(f"batch_size must be at least 1, not {batch_size}")
    bars = progress and processes.is_first
    measured = measured_from(measured, to, reading, skip_unreadable=skip_unreadable, progress=bars)
    measured, jobs, reals = _checked(measured, protocols, data, skip_unreadable=skip_unreadable, progress=bars)
    with torch.inference_mode():
        for group in dict.fromkeys(_group(job, measured) for job in jobs):
            images, seed, split = group
            made = measured.images(images, seed, None if split is None else reals[split], batch_size)
            show(
                [job for job in jobs if _group(job, measured) == group], made, processes, real=False, progress=progress
            )
        compared = [job for job in jobs if job.measure.compares]
        for name, count in dict.fromkeys((str(job.protocol.split), job.protocol.real) for job in compared):
            real = reals[name]
            due = [job for job in compared if (job.protocol.split, job.protocol.real) == (name, count)]
            if missing := recall(due, real, processes):
                number, background = count or len(real.target), measured.reading.background
                made = real_images(real.target, number, measured.device, batch_size, background)
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


@renamed_arguments(gan="measured")
def check(
    measured: GAN | Measured | Source | str | os.PathLike[str], protocols: Sequence[str | Protocol], *,
    data: str | None = None, to: str | None = None, reading: Reading | None = None, skip_unreadable: bool = False,
    progress: bool = True,
) -> tuple[list[Job], dict[str, Real]]:  # fmt: skip
    """Prepare and check a measurement, before thousands of images are generated; arguments and errors as `evaluate`.

    Returns:
        The jobs, one for each protocol, and the real images by split.
    """
    measured = measured_from(measured, to, reading, skip_unreadable=skip_unreadable, progress=progress)
    return _checked(measured, protocols, data, skip_unreadable=skip_unreadable, progress=progress)[1:]


def _checked(
    measured: Measured, protocols: Sequence[str | Protocol], data: str | None, *, skip_unreadable: bool, progress: bool
) -> tuple[Measured, list[Job], dict[str, Real]]:  # fmt: skip
    zoo = installed()
    jobs = make_jobs(zoo, read_protocols(zoo, protocols), measured.device, translates=measured.translates)
    for job in jobs:
        job.check_medium(measured.medium)
        job.check_needs(measured.first, measured.gives, measured.unlabelled)
        job.check_count(job.protocol.images, "generated")
    reals: dict[str, Real] = {}
    for job in jobs:
        protocol, split = job.protocol, job.protocol.split
        if split is None:
            measured.check(protocol, None)
            continue
        if data is None:
            raise ConfigError(f"'{protocol}' compares with real images: say which data")
        if split not in reals:
            reals[split] = open_real(zoo, data, split, measured, skip_unreadable=skip_unreadable, progress=progress)
        reals[split].check(job, data)
        measured.check(protocol, reals[split])
    for job in jobs:
        if job.measure.compares:
            job.check_count(job.protocol.real or len(reals[str(job.protocol.split)].target), "real")
    if isinstance(measured, Pictures) and any("label" in job.measure.needs for job in jobs):
        real = next(iter(reals.values()), None)
        named = open_data(data, zoo=zoo) if data is not None and real is None else real and real.target
        measured = measured.numbered(named.classes if named else None)
    return measured, jobs, reals


def _score(job: Job, reals: Mapping[str, Real]) -> Score:
    """Return the value of a job, with its protocol, data and weights."""
    with job.errors():
        value = float(job.measure.compute())
    if not math.isfinite(value):
        raise PluginError(f"'{job.protocol}' gave {value}: the features or the images are not finite, or too alike")
    protocol = job.protocol
    data = None if protocol.split is None else reals[protocol.split].named
    return Score(name=protocol.metric, value=value, protocol=str(protocol), data=data, weights=job.weights or None)


def _group(job: Job, measured: Measured) -> tuple[int, int, str | None]:
    """Return what the images depend on: jobs with the same group share them."""
    return job.protocol.images, job.protocol.seed, job.protocol.split if measured.translates else None


def show(jobs: Sequence[Job], images: Images, processes: Processes, *, real: bool, progress: bool) -> None:
    """Pass every batch to all jobs; an extractor that several share runs once, in one of the processes."""
    extractors = {job.extractor.text: job.extractor for job in jobs if job.extractor}

    def look(part: Tensor) -> dict[str, Tensor]:
        batch = images.make(part)
        if not real:  # in one layout, wherever they come from: the bits of a convolution depend on it
            batch["image"] = image_layout(batch["image"])
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
