"""Comparing models and pictures: their values of equal protocols, and images of the same seeds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganzoo.errors import ConfigError, command_line
from ganzoo.gan import GAN
from ganzoo.media.grids import captioned
from ganzoo.media.image import to_uint8
from ganzoo.metrics import Pictures, evaluate
from ganzoo.metrics.pictures import measured_from
from ganzoo.metrics.protocol import EXAMPLE, better_of, sign_of
from ganzoo.registry import Score, Zoo

ROUNDING = 1e-6
"""Relative difference of two measurements of one model: the order of sums depends on the machine."""


class Kind(NamedTuple):
    """What has to be equal for two values to be ranked."""

    protocol: str
    data: str | None  # None without real images, or if they are not recorded
    weights: str | None  # of the extractor
    shape: tuple[int, ...]  # (C, H, W): other sizes have other features

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing: of a value on a split, the data too."""
        return self.data is not None or "/" not in self.protocol.rpartition("@")[2]

    def __str__(self) -> str:
        return self.protocol + (f" on {self.data}" if self.data else "")


@dataclass(frozen=True)
class Entry:
    """A model or pictures, by the name that the user typed."""

    name: str
    gan: GAN | Pictures
    scores: tuple[Score, ...] = ()

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """(C, H, W) of its images, without transparency."""
        return tuple(measured_from(self.gan).first.shape[1:])

    @property
    def translations(self) -> tuple[tuple[str, str], ...]:
        """`GAN.translations`."""
        return tuple(self.gan.translations) if isinstance(self.gan, GAN) else ()

    def row(self, columns: int, seed: int) -> NDArray[np.uint8]:
        """Return the images (N, H, W, C) of some seeds, or as many pictures, evenly spaced."""
        if isinstance(self.gan, GAN):
            return to_uint8(self.gan.sample(columns, seed=seed))
        count = min(columns, len(self.gan))
        (batch,) = self.gan.images(count, 0, None, count).batches(progress=False)
        return batch["image"].permute(0, 2, 3, 1).cpu().numpy()

    def values(self) -> dict[Kind, float]:
        """Return the values by kind."""
        return {Kind(s.protocol, s.data, s.weights, self.shape): s.value for s in self.scores}


class Comparison(NamedTuple):
    """Models, in the order of the first value that all of them have."""

    names: tuple[str, ...]  # the best one first where there is an order
    values: dict[str, dict[Kind, float]]  # by name
    alike: tuple[Kind, ...]  # that all models have, in the order of the first model's values
    best: dict[Kind, str | None]  # of each of these; None if several are equal
    unlike: tuple[str, ...]  # metrics that several models have, but under different kinds

    def apart(self) -> Iterator[tuple[str, Kind, float]]:
        """Yield the values that are not ranked: the model, the kind, the value."""
        for name in self.names:
            for kind, value in self.values[name].items():
                if kind not in self.alike:
                    yield name, kind, value

    def check_ranked(self, entries: Sequence[Entry], zoo: Zoo) -> None:
        """Refuse a comparison in which nothing is ranked."""
        if self.alike:
            return
        _check_directions(entries)
        alike = " alike" if any(self.values.values()) else ""
        raise ConfigError(f"nothing to rank: the models were not measured{alike}; do so with: {remedy(self, zoo)}")


def check_comparable(entries: Sequence[Entry]) -> None:
    """Refuse models that no measurement can rank."""
    names = [entry.name for entry in entries]
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise ConfigError("a comparison needs two models or more, each named once")
    if len({entry.shape for entry in entries}) > 1:
        _check_directions(entries)
        sizes = ", ".join(f"{entry.name} {'x'.join(map(str, entry.shape))}" for entry in entries)
        raise ConfigError(f"nothing to rank: the models generate images of several sizes ({sizes}); compare within one")


def _check_directions(entries: Sequence[Entry]) -> None:
    if len({entry.translations for entry in entries}) > 1:
        raise ConfigError("nothing to rank: some models generate from seeds, some translate images; leave some out")


def compare(entries: Sequence[Entry], zoo: Zoo) -> Comparison:
    """Rank models, each named once, by what all of them were measured by; nothing else is ranked."""
    names = [entry.name for entry in entries]
    values = {entry.name: entry.values() for entry in entries}
    shared = set.intersection(*(set(kinds) for kinds in values.values()))
    alike = tuple(
        kind for kind in values[names[0]] if kind in shared and kind.is_whole and better_of(kind.protocol, zoo)
    )
    best = {}
    for kind in alike:
        ranked = sorted(names, key=lambda name: sign_of(kind.protocol, zoo) * values[name][kind])
        tied = math.isclose(values[ranked[0]][kind], values[ranked[1]][kind], rel_tol=ROUNDING)
        best[kind] = None if tied else ranked[0]
    if alike:
        names.sort(key=lambda name: sign_of(alike[0].protocol, zoo) * values[name][alike[0]])
    metrics = [{_metric(kind) for kind in kinds} for kinds in values.values()]
    several = {metric for own in metrics for metric in own if sum(metric in other for other in metrics) > 1}
    unlike = tuple(sorted(several - {_metric(kind) for kind in alike}))
    return Comparison(tuple(names), values, alike, best, unlike)


def _metric(kind: Kind) -> str:
    return kind.protocol.partition("@")[0].partition("[")[0]


def remedy(found: Comparison, zoo: Zoo) -> str:
    """Return the command that measures all models alike: by a protocol that one of them has, if any."""
    kinds = [kind for values in found.values.values() for kind in values if better_of(kind.protocol, zoo)]
    wanted = next((kind for kind in kinds if _metric(kind) in found.unlike), kinds[0] if kinds else None)
    protocol = wanted.protocol if wanted else EXAMPLE
    data = wanted.data if wanted and wanted.data and "(" not in wanted.data else "DATA"
    return command_line("compare", *found.names, "-m", protocol, "--data", data)


def measured(entry: Entry, protocols: Sequence[str], data: str | None, *, progress: bool = True) -> Entry:
    """Return the entry with the values of these protocols alone."""
    return replace(entry, scores=tuple(evaluate(entry.gan, protocols, data=data, progress=progress)))


def picture(entries: Sequence[Entry], columns: int = 12, seed: int = 0) -> Image.Image:
    """Return a row for each model under its name, a column for each seed; small images are enlarged."""
    if made := [entry.name for entry in entries if entry.translations]:
        raise ConfigError(f"{made[0]} translates images, and generates none from seeds: leave it out")
    return captioned([(entry.name, entry.row(columns, seed)) for entry in entries])
