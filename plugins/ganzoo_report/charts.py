"""Charts of a run from the lines of its ``stats.jsonl``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganzoo.metrics.protocol import better_of
from ganzoo.registry import Zoo
from ganzoo_report.formats import significant

MOST_TERMS = 6
"""Losses in one chart; more of them get one chart for each player."""
POINTS = 4000
"""Points that a chart keeps, all extremes among them."""
_OUTPUTS = ("real", "fake")

Line = Mapping[str, Any]


@dataclass(frozen=True)
class Chart:
    """Curves over the real images seen in training.

    Args:
        title: of the chart.
        images: x values (N,).
        series: name to y values (N,), None where missing or not finite.
        note: shown below.
        better: "lower" or "higher" where one of the values is the best.
        changes: x values where the settings of the run changed.
    """

    title: str
    images: Sequence[int]
    series: Mapping[str, Sequence[float | None]]
    note: str = ""
    better: str | None = None
    changes: Sequence[int] = ()

    @property
    def _values(self) -> Sequence[float | None]:
        return next(iter(self.series.values()))

    @property
    def best(self) -> int | None:
        """The index of the best value of the first curve, None where it has none."""
        sign = {"lower": 1, "higher": -1}.get(self.better or "")
        known = [(sign * value, i) for i, value in enumerate(self._values) if sign and value is not None]
        return min(known)[1] if known else None

    @property
    def best_value(self) -> float | None:
        """The best value of the first curve."""
        return None if self.best is None else self._values[self.best]

    @property
    def last_value(self) -> float | None:
        """The last value of the first curve."""
        return next((value for value in reversed(self._values) if value is not None), None)

    @property
    def summary(self) -> str:
        """The curves in words, for screen readers."""
        curves = []
        for name, values in self.series.items():
            known = [value for value in values if value is not None]
            if known:
                first, last, low, high = (significant(x, 3) for x in (known[0], known[-1], min(known), max(known)))
                curves.append(f"{name}: from {first} to {last}, between {low} and {high}")
        end = self.images[-1] if self.images else 0
        return f"{self.title} over {end:,} images. {'; '.join(curves)}"

    def to_dict(self) -> dict[str, Any]:
        """Return the chart as charts.js reads it."""
        return {
            "title": self.title,
            "images": self.images,
            "series": [{"name": name, "values": values} for name, values in self.series.items()],
            "best": self.best,
            "changes": self.changes,
        }


def charts_by_section(stats: Sequence[Line], zoo: Zoo, changes: Sequence[int] = ()) -> dict[str, list[Chart]]:
    """Return the charts of a run, in the order of the page: "losses", "metrics" and "speed", each a list.

    The losses have the discriminators' outputs among them, the speed the learning rates and the augmentation. Each
    protocol has a chart of its own, as values of different protocols cannot be compared.
    """
    reports = [line for line in stats if not isinstance(line.get("metrics"), Mapping)]
    names = _numeric(reports)
    rates = [name for name in names if name.startswith("lr/")]
    terms = [name for name in names if name not in {"images/s", "augmentation/strength", *rates}]
    outputs = [name for name in terms if name.rpartition("/")[2].startswith(_OUTPUTS)]
    losses = [name for name in terms if name not in outputs]

    def chart(title: str, wanted: Iterable[str], note: str = "") -> list[Chart]:
        return [_chart(title, reports, found, changes, note)] if (found := [*wanted]) else []

    terms_of: dict[str, list[str]] = {}
    for name in losses:
        title = "All terms" if len(losses) <= MOST_TERMS else f"Terms of {name.partition('/')[0]}"
        terms_of.setdefault(title, []).append(name)
    measured = [
        {**line["metrics"], "images": line["images"]} for line in stats if isinstance(line.get("metrics"), Mapping)
    ]
    note = "Means for real and for generated images: the closer, the less the discriminator tells them apart."
    return {
        "losses": [
            *(made for title, found in terms_of.items() for made in chart(title, found)),
            *chart("Discriminator output", outputs, note),
        ],
        "metrics": [_metric_chart(protocol, measured, zoo, changes) for protocol in _numeric(measured)],
        "speed": [
            *chart("Images per second", (name for name in names if name == "images/s")),
            *chart("Learning rate", rates),
            *chart("Augmentation", (name for name in names if name == "augmentation/strength"), "Adaptive strength."),
        ],
    }


def _numeric(lines: Sequence[Line]) -> list[str]:
    """Return the names that have a number in some line, but for the counts of images and seconds."""
    names = dict.fromkeys(name for line in lines for name, value in line.items() if _is_number(value))
    return [name for name in names if name not in ("images", "seconds")]


def _metric_chart(protocol: str, measured: Sequence[Line], zoo: Zoo, changes: Sequence[int]) -> Chart:
    better = better_of(protocol, zoo)
    lines = [line for line in measured if _is_number(line.get(protocol))]
    return _chart(protocol, lines, [protocol], changes, f"{better} is better" if better else "", better)


def _chart(
    title: str, lines: Sequence[Line], names: Sequence[str], changes: Sequence[int], note: str = "",
    better: str | None = None,
) -> Chart:  # fmt: skip
    columns = {name: [_finite(line.get(name)) for line in lines] for name in names}
    rows = thinned(list(columns.values()), POINTS)
    notes = [note] if note else []
    if bad := [name for name in names if any(name in line and _finite(line[name]) is None for line in lines)]:
        notes.append(f"Gaps where a value is not finite: {', '.join(bad)}.")
    if len(rows) < len(lines):
        notes.append(f"{len(rows):,} of {len(lines):,} reports are shown, with all extremes.")
    images = [int(lines[i]["images"]) for i in rows]
    series = {name: [values[i] for i in rows] for name, values in columns.items()}
    return Chart(title, images, series, " ".join(notes), better, [at for at in changes if images and at <= images[-1]])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _finite(value: Any) -> float | None:
    """Return a number to the precision of a chart, None for anything else."""
    try:
        number = float(value) if _is_number(value) else math.nan
    except OverflowError:  # an integer of hundreds of digits
        return None
    return float(f"{number:.5g}") if math.isfinite(number) else None


def thinned(columns: Sequence[Sequence[float | None]], most: int) -> list[int]:
    """Return the rows to keep, in order: the first, the last, and the extremes of each column in equal stretches."""
    rows = len(columns[0]) if columns else 0
    if rows <= most:
        return list(range(rows))
    stretches = max(1, (most - 2) // (2 * len(columns)))
    kept = {0, rows - 1}
    for k in range(stretches):
        stretch = range(k * rows // stretches, (k + 1) * rows // stretches)
        for column in columns:
            known = [(value, i) for i in stretch if (value := column[i]) is not None]
            if known:
                kept |= {min(known)[1], max(known)[1]}
    return sorted(kept)
