"""Protocols with what computes them: measures and extractors are found by name, made, and tried on one image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import ConfigError, GanzooError, NameClashError, PluginError
from ganzoo.gan import GAN
from ganzoo.metrics.contract import NEEDED, SEEN, Features, Measure
from ganzoo.metrics.protocol import Protocol
from ganzoo.registry import Zoo
from ganzoo.registry.specs import Extractor, Metric
from ganzoo.registry.zoo import Owned, import_target


@dataclass(frozen=True, eq=False)
class Job:
    """One protocol with what computes it.

    Args:
        protocol: as it is written next to the value.
        measure: of this measurement.
        features: the extractor, which several jobs may share, or None.
    """

    protocol: Protocol
    measure: Measure
    features: Features | None

    @property
    def weights(self) -> str | None:
        """The SHA-256 of the extractor's weights; empty without any, None where it does not say."""
        return "" if self.features is None else getattr(self.features, "weights", None)

    def see(self, image: Tensor) -> Mapping[str, Tensor]:
        """Return what the extractor sees in the images."""
        if self.features is None:
            return {}
        found = self.features(image.clone())  # whatever it does with them, the next one sees the same
        if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
            raise PluginError(f"extractor '{self.protocol.extractor}' must return a dict of tensors")
        return {key: found[key] for key in SEEN if key in found}

    def check_needs(self, image: Tensor, gan: GAN) -> None:
        """Compare what a metric needs with what there is, on one image and before thousands.

        Raises:
            ConfigError: something is missing.
        """
        given = {"image", *(["label"] if "label" in gan.inputs(1, seeds=[0]) else [])}
        given |= {"target"} if gan.translations else set()
        if self.features is not None:
            with torch.inference_mode(), blaming(self):
                given |= set(self.see(image))
        if missing := sorted(self.measure.needs - given):
            without = "" if self.features else ", and no extractor is named in [brackets]"
            raise ConfigError(
                f"'{self.protocol}' needs {', '.join(missing)}; there are {', '.join(sorted(given))}{without}"
            )


def read_protocols(zoo: Zoo, protocols: Sequence[str | Protocol]) -> list[Protocol]:
    """Parse protocols, look their names up, and name the extractor where the metric has one of its own.

    Raises:
        ConfigError: one cannot be read.
        UnknownNameError: no such metric or extractor.
    """
    parsed = [Protocol.parse(p) if isinstance(p, str) else p for p in protocols]
    return [_with_extractor(zoo, protocol) for protocol in parsed]


def _with_extractor(zoo: Zoo, protocol: Protocol) -> Protocol:
    record = zoo.metrics[protocol.metric].record
    if protocol.extractor is None and record.extractor is not None:
        protocol = replace(protocol, extractor=record.extractor)
    if protocol.extractor is not None:
        found, _ = find_extractor(zoo, protocol.extractor)
        if record.extractor not in (None, found.record.name):
            raise ConfigError(
                f"'{protocol}': {record.name} is a name for features of {record.extractor} alone; "
                "`ganzoo list --all` shows what goes with others"
            )
    return protocol


def make_jobs(zoo: Zoo, protocols: Sequence[Protocol], gan: GAN) -> list[Job]:
    """Make the extractors and the measures.

    Raises:
        ConfigError: a protocol that leaves out what its metric needs, or says what it has no use for.
        PluginError: a metric or an extractor cannot be made.
    """
    texts = dict.fromkeys(p.extractor for p in protocols if p.extractor)
    made = {text: _make(*find_extractor(zoo, text)).to(gan.device) for text in texts}
    jobs = []
    for protocol in protocols:
        measure = _measure(zoo.metrics[protocol.metric])
        if measure.compares and protocol.split is None:
            raise ConfigError(f"'{protocol}' compares with real images: say of which split, as in '{protocol}/test'")
        if protocol.extractor and not measure.needs & set(SEEN):
            raise ConfigError(f"'{protocol}' sees no features: leave out [{protocol.extractor}]")
        if not measure.compares and protocol.split is not None and not gan.translations:
            raise ConfigError(f"'{protocol}' compares with no real images: leave out /{protocol.split}")
        features = made[protocol.extractor] if protocol.extractor else None
        if protocol.extractor:
            protocol = replace(protocol, extractor=_written(zoo, protocol.extractor, features))  # noqa: PLW2901
        jobs.append(Job(protocol, measure, features))
    return jobs


def _written(zoo: Zoo, text: str, features: Any) -> str:
    """Return the extractor as a protocol is to say it, so that two ways to ask for the same become one."""
    written = getattr(features, "written", None)
    if written is None:
        return text
    owned, _ = find_extractor(zoo, text)
    name = owned.record.name
    return f"{name if name in zoo.extractors.names() else f'{owned.dist}:{name}'}{written}"


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
    except GanzooError:
        raise
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        raise PluginError(f"metric '{owned.record.name}' of {owned.dist} cannot be made: {error!r}") from error
    if not fine or set(measure.needs) - NEEDED:
        raise PluginError(
            f"metric '{owned.record.name}' of {owned.dist}: its needs are to be a set of image, label, target, "
            "features, logits, and compares True or False"
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


@contextmanager
def blaming(job: Job) -> Iterator[None]:
    """Make one line that says whose it is of whatever a plugin raises."""
    try:
        yield
    except GanzooError:
        raise
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        raise PluginError(f"'{job.protocol}' cannot be measured: {type(error).__name__}: {error}") from error
