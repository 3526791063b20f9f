"""Jobs: protocols with their metric and feature extractor, found by name, made, and checked on one image."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ganzoo.errors import ConfigError, PluginError
from ganzoo.media import IMAGE
from ganzoo.metrics.extractors import FeatureExtractor, find_extractor, open_extractor, plugin_errors
from ganzoo.metrics.interfaces import NEEDED, SEEN, Measure, renamed_real_state
from ganzoo.metrics.protocol import Protocol
from ganzoo.registry import Metric, Zoo
from ganzoo.registry.zoo import Registered, import_target


@dataclass(frozen=True, eq=False)
class Job:
    """One protocol with its metric and extractor."""

    protocol: Protocol  # as it is stored with the value
    measure: Measure  # with the state of this measurement
    extractor: FeatureExtractor | None  # several jobs may share one

    @property
    def weights(self) -> str | None:
        """The SHA-256 of the extractor's weights: empty without weights, None if they are not declared."""
        return "" if self.extractor is None else self.extractor.weights

    def errors(self) -> AbstractContextManager[None]:
        """Turn whatever the metric raises into a one-line error that names the protocol."""
        return plugin_errors(f"'{self.protocol}' cannot be measured")

    def check_medium(self, medium: str) -> None:
        """Refuse samples of another medium than those that the extractor, or a metric of images, takes."""
        takers: list[object] = [self.extractor.module] if self.extractor else []
        takers += [self.measure] if self.measure.needs & {"image", "target"} else []
        for taker in takers:
            if (takes := getattr(taker, "medium", IMAGE)) != medium:
                raise ConfigError(
                    f"'{self.protocol}' measures samples of the kind {takes}, and these are {medium}: choose a metric "
                    f"and an extractor for {medium}"
                )

    def check_needs(self, image: Tensor, gives: frozenset[str], unlabelled: str) -> None:
        """Check on one sample that a batch has what the metric needs; ``unlabelled`` says why there are no labels."""
        given = set(gives)
        if self.extractor is not None:
            with torch.inference_mode():
                given |= set(self.extractor.extract(image))
        if missing := sorted(self.measure.needs - given):
            if "target" in missing:
                raise ConfigError(f"'{self.protocol}' is for models that translate images, and this does not")
            if missing == ["label"]:
                raise ConfigError(f"'{self.protocol}' needs labels, and {unlabelled}")
            without = "" if self.extractor else ", and no extractor is named in [brackets]"
            raise ConfigError(
                f"'{self.protocol}' needs {', '.join(missing)}; there are {', '.join(sorted(given))}{without}"
            )

    def check_count(self, images: int, what: str) -> None:
        """Refuse fewer images than the metric takes."""
        least = getattr(self.measure, "least", 0)
        if isinstance(least, int) and images < least:
            raise ConfigError(f"'{self.protocol}' takes at least {least:,} {what} images, not {images:,}")


def read_protocols(zoo: Zoo, protocols: Sequence[str | Protocol]) -> list[Protocol]:
    """Parse protocols, look up their names, and add the extractor where the metric is defined for one alone."""
    read = []
    for protocol in [Protocol.parse(p) if isinstance(p, str) else p for p in protocols]:
        record = zoo.metrics[protocol.metric].record
        extractor = protocol.extractor or record.extractor
        read.append(replace(protocol, extractor=extractor))
        if extractor and record.extractor not in (None, find_extractor(zoo, extractor)[0].record.name):
            raise ConfigError(
                f"'{protocol}': {record.name} is a name for features of {record.extractor} alone; "
                "`ganzoo list --all` shows what goes with others"
            )
    return read


def make_jobs(zoo: Zoo, protocols: Sequence[Protocol], device: torch.device, *, translates: bool) -> list[Job]:
    """Make the extractors and the metrics."""
    extractors: dict[str, FeatureExtractor] = {}
    for text in dict.fromkeys(p.extractor for p in protocols if p.extractor):
        made = open_extractor(zoo, text, device)
        extractors[text] = next((other for other in extractors.values() if other.text == made.text), made)
    jobs = []
    for protocol in protocols:
        measure = _measure(zoo.metrics[protocol.metric])
        if measure.compares and protocol.split is None:
            raise ConfigError(f"'{protocol}' compares with real images: name their split, as in '{protocol}/test'")
        if protocol.extractor and not measure.needs & set(SEEN):
            raise ConfigError(f"'{protocol}' uses no features: leave out [{protocol.extractor}]")
        pairs = "target" in measure.needs
        if not measure.compares and protocol.split is not None and not translates and not pairs:
            raise ConfigError(f"'{protocol}' compares with no real images: leave out /{protocol.split}")
        extractor = extractors[protocol.extractor] if protocol.extractor else None
        jobs.append(Job(replace(protocol, extractor=extractor.text) if extractor else protocol, measure, extractor))
    return jobs


def _measure(owned: Registered[Metric]) -> Measure:
    kind = import_target("metric", owned)
    with plugin_errors(f"metric '{owned.record.name}' of {owned.dist} cannot be made"):
        measure: Measure = kind()
        if hasattr(measure, "keeps") and not hasattr(measure, "real_state") and hasattr(measure, "kept"):
            renamed_real_state(type(measure))
        fine = isinstance(measure.compares, bool) and not isinstance(measure.needs, str) and set(measure.needs)
    if not fine or set(measure.needs) - NEEDED:
        raise PluginError(
            f"metric '{owned.record.name}' of {owned.dist}: its needs are to be a set of image, label, target, "
            "features, logits, and compares True or False"
        )
    return measure
