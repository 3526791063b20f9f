"""Measurements: images are drawn and real ones read once for all metrics that want the same ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from ganzoo.errors import ConfigError, GanzooError, NameClashError, PluginError
from ganzoo.gan import GAN
from ganzoo.metrics.contract import Features, Measure
from ganzoo.metrics.images import Images, drawn, real_images, stores_for, target_of, translated, way_of
from ganzoo.metrics.protocol import Protocol
from ganzoo.pictures import quantise
from ganzoo.processes import ALONE, Processes
from ganzoo.registry import Zoo, installed
from ganzoo.registry.specs import Extractor, Metric, Score
from ganzoo.registry.zoo import Owned, import_target

_SEEN = ("features", "logits")


@dataclass(frozen=True)
class _Job:
    """One protocol with what computes it."""

    protocol: Protocol
    measure: Measure
    features: Features | None

    def see(self, image: Tensor) -> Mapping[str, Tensor]:
        """Return what the extractor sees in the images."""
        if self.features is None:
            return {}
        found = self.features(image.clone())  # whatever it does with them, the next one sees the same
        if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
            raise PluginError(f"extractor '{self.protocol.extractor}' must return a dict of tensors")
        return {key: found[key] for key in _SEEN if key in found}


def evaluate(
    gan: GAN,
    protocols: Sequence[str | Protocol],
    *,
    data: str | None = None,
    to: str | None = None,
    batch_size: int = 64,
    progress: bool = True,
    processes: Processes = ALONE,
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

    Returns:
        A value for each protocol, in their order.

    Raises:
        UnknownNameError: no such metric or extractor.
        ConfigError: a protocol that cannot be read or leaves out what its metric needs.
        DataError: the real images cannot be had.
        PluginError: a metric or an extractor fails.
    """
    if batch_size < 1:
        raise ConfigError(f"batch_size must be at least 1, not {batch_size}")
    way = way_of(gan, to)
    zoo = installed()
    jobs = _jobs(zoo, read_protocols(zoo, protocols), gan)
    first = quantise(gan.sample(1)).to(gan.device)
    for job in jobs:
        _check_needs(job, first, gan)
    stores = stores_for(zoo, [(job.protocol, frozenset(job.measure.needs)) for job in jobs], data, first, gan, way)
    with torch.inference_mode():
        for images, seed, split in dict.fromkeys(_drawing(job, gan) for job in jobs):
            due = [job for job in jobs if _drawing(job, gan) == (images, seed, split)]
            made = (
                drawn(gan, images, seed, batch_size) if split is None
                else translated(gan, stores[split], way, images, batch_size)
            )  # fmt: skip
            _show(due, made, processes, real=False, progress=progress)
        compared = [job for job in jobs if job.measure.compares]
        for split, count in dict.fromkeys((job.protocol.split, job.protocol.real) for job in compared):
            due = [job for job in compared if (job.protocol.split, job.protocol.real) == (split, count)]
            store = target_of(stores[str(split)], way)
            real = real_images(store, count or len(store), gan.device, batch_size)
            _show(due, real, processes, real=True, progress=progress)
    scores = []
    for job in jobs:
        with _blaming(job):
            value = float(job.measure.compute())
        if not math.isfinite(value):
            raise PluginError(f"'{job.protocol}' gave {value}: the features or the images are not finite, or too alike")
        scores.append(Score(name=job.protocol.metric, value=value, protocol=str(job.protocol)))
    return scores


def _drawing(job: _Job, gan: GAN) -> tuple[int, int, str | None]:
    """Return what the drawn images depend on; the split where they are made of real ones."""
    return job.protocol.images, job.protocol.seed, job.protocol.split if gan.translations else None


def read_protocols(zoo: Zoo, protocols: Sequence[str | Protocol]) -> list[Protocol]:
    """Parse protocols, and look their names up.

    Raises:
        ConfigError: one cannot be read.
        UnknownNameError: no such metric or extractor.
    """
    parsed = [Protocol.parse(p) if isinstance(p, str) else p for p in protocols]
    for protocol in parsed:
        _ = zoo.metrics[protocol.metric]
        if protocol.extractor:
            find_extractor(zoo, protocol.extractor)
    return parsed


def _jobs(zoo: Zoo, protocols: Sequence[Protocol], gan: GAN) -> list[_Job]:
    """Make the extractors and the measures."""
    found = {p.extractor: find_extractor(zoo, p.extractor) for p in protocols if p.extractor}
    made = {text: _make(owned, words).to(gan.device) for text, (owned, words) in found.items()}
    jobs = []
    for protocol in protocols:
        measure = _measure(zoo.metrics[protocol.metric])
        if measure.compares and protocol.split is None:
            raise ConfigError(f"'{protocol}' compares with real images: say of which split, as in '{protocol}/test'")
        if protocol.extractor and not measure.needs & set(_SEEN):
            raise ConfigError(f"'{protocol}' sees no features: leave out [{protocol.extractor}]")
        if not measure.compares and protocol.split is not None and not gan.translations:
            raise ConfigError(f"'{protocol}' compares with no real images: leave out /{protocol.split}")
        jobs.append(_Job(protocol, measure, made[protocol.extractor] if protocol.extractor else None))
    return jobs


def find_extractor(zoo: Zoo, text: str) -> tuple[Owned[Extractor], list[str]]:
    """Return the extractor that a protocol names, and the words that are for it.

    Raises:
        UnknownNameError: there is none.
    """
    head, *more = text.split(",")
    parts = head.split(":")
    # ``a:b`` is the extractor a with the word b, or the extractor b of package a.
    readings = [size for size in (1, 2) if len(parts) >= size and ":".join(parts[:size]) in zoo.extractors]
    if len(readings) > 1:
        owner = zoo.extractors[parts[0]].dist
        raise NameClashError(f"'{text}' may be {parts[1]} of {parts[0]}, or {parts[0]} of {owner}: say {owner}:{text}")
    size = readings[0] if readings else 1
    return zoo.extractors[":".join(parts[:size])], [*parts[size:], *more]


def _measure(owned: Owned[Metric]) -> Measure:
    kind = import_target("metric", owned)
    try:
        measure: Measure = kind()
        fine = isinstance(measure.compares, bool) and not isinstance(measure.needs, str) and set(measure.needs)
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        raise PluginError(f"metric '{owned.record.name}' of {owned.dist} cannot be made: {error!r}") from error
    if not fine or set(measure.needs) - {"image", "label", *_SEEN}:
        raise PluginError(
            f"metric '{owned.record.name}' of {owned.dist}: its needs are to be a set of image, label, features, "
            "logits, and compares True or False"
        )
    return measure


def _make(owned: Owned[Extractor], words: list[str]) -> Any:
    kind = import_target("extractor", owned)
    try:
        made = kind(*words)
    except GanzooError:
        raise
    except (Exception, SystemExit) as error:  # a plugin may raise anything, and takes the words that it takes
        with_words = f" with {', '.join(words)}" if words else ""
        raise PluginError(f"extractor '{owned.record.name}' cannot be made{with_words}: {error}") from error
    if not isinstance(made, nn.Module):
        raise PluginError(f"{owned.record.target} of {owned.dist} makes no torch.nn.Module")
    return made.eval().requires_grad_(False)


def _check_needs(job: _Job, image: Tensor, gan: GAN) -> None:
    """Compare what a metric needs with what there is, on one image and before thousands."""
    given = {"image", *(["label"] if "label" in gan.inputs(1, seeds=[0]) else [])}
    if job.features is not None:
        with torch.inference_mode(), _blaming(job):
            given |= set(job.see(image))
    if missing := sorted(job.measure.needs - given):
        without = "" if job.features else ", and no extractor is named in [brackets]"
        raise ConfigError(f"'{job.protocol}' needs {', '.join(missing)}; there are {', '.join(sorted(given))}{without}")


def _show(jobs: Sequence[_Job], images: Images, processes: Processes, *, real: bool, progress: bool) -> None:
    """Show every batch to all jobs; an extractor that several share sees it once, and in one of the processes."""
    extractors = {job.protocol.extractor or "": job for job in jobs}

    def look(part: Tensor) -> dict[str, Tensor]:
        batch = images.make(part)
        for name, job in extractors.items():
            with _blaming(job):
                batch |= {f"{key} of {name}": value for key, value in job.see(batch["image"]).items()}
        return batch

    shown = progress and processes.is_first
    with tqdm(total=images.count, desc=images.what, unit="img", disable=None if shown else True) as bar:
        for seen in processes.share(images.parts, look):
            for job in jobs:
                own = f" of {job.protocol.extractor or ''}"
                # Copies: what one metric does with them is no part of another's value.
                batch = {key.removesuffix(own): value.clone() for key, value in seen.items() if _is_for(key, own)}
                with _blaming(job):
                    job.measure.update(batch, real=real)
            bar.update(len(seen["image"]))


def _is_for(key: str, own: str) -> bool:
    return key in ("image", "label") or key.endswith(own)


@contextmanager
def _blaming(job: _Job) -> Iterator[None]:
    """Make one line that says whose it is of whatever a plugin raises."""
    try:
        yield
    except GanzooError:
        raise
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        raise PluginError(f"'{job.protocol}' cannot be measured: {type(error).__name__}: {error}") from error
