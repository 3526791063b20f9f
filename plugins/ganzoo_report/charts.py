"""The lines of ``stats.jsonl`` as charts: which terms belong together, thinned out, with a summary in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganzoo.metrics.protocol import better_of
from ganzoo.registry import Zoo

TOGETHER = 6
"""Losses in one chart; more of them have one for each player."""
POINTS = 4000
"""Points that a chart keeps, at least all of the extremes among them."""
COUNTS = ("images", "seconds", "images/s")
_OUTPUTS = ("real", "fake")

Line = Mapping[str, Any]


@dataclass(frozen=True)
class Chart:
    """Curves over images.

    Args:
        title: what they are.
        images: where they have points (N,).
        series: name to values (N,), None where there is none or it is not finite.
        note: to be read below it.
        better: "lower" or "higher", where one of the values is the best.
        changes: images after which the run was gone on with otherwise.
    """

    title: str
    images: Sequence[int]
    series: Mapping[str, Sequence[float | None]]
    note: str = ""
    better: str | None = None
    changes: Sequence[int] = ()

    @property
    def best(self) -> int | None:
        """The place of the best value of a chart that has one."""
        if self.better is None:
            return None
        known = [(value, i) for values in self.series.values() for i, value in enumerate(values) if value is not None]
        if not known:
            return None
        return min(known)[1] if self.better == "lower" else min((-value, i) for value, i in known)[1]

    @property
    def summary(self) -> str:
        """The curves in words, for whoever does not see them."""
        told = []
        for name, values in self.series.items():
            known = [value for value in values if value is not None]
            if known:
                told.append(
                    f"{name}: from {short(known[0])} to {short(known[-1])}, between {short(min(known))} and "
                    f"{short(max(known))}"
                )
        last = self.images[-1] if self.images else 0
        return f"{self.title} over {last:,} images. {'; '.join(told)}"

    def plain(self) -> dict[str, Any]:
        """Return the data of its curves for the page's script."""
        return {
            "title": self.title,
            "images": list(self.images),
            "series": [{"name": name, "values": list(values)} for name, values in self.series.items()],
            "best": self.best,
            "changes": list(self.changes),
        }


def short(value: float) -> str:
    """Return a number with three digits that count."""
    return f"{value:.3g}"


def chart_groups(stats: Sequence[Line], changes: Sequence[int] = ()) -> dict[str, list[Chart]]:
    """Return the charts of a run.

    Args:
        stats: the lines of ``stats.jsonl``, in their order.
        changes: images after which the run was gone on with otherwise.

    Returns:
        ``losses``, ``outputs`` (of the discriminators, for real and generated images), ``rates`` and ``speed``; a group
        without a term is empty.
    """
    reports = [line for line in stats if not isinstance(line.get("metrics"), Mapping)]
    names = list(dict.fromkeys(name for line in reports for name, value in line.items() if _is_number(value)))
    rates = [name for name in names if name.startswith("lr/") or name == "augmentation/strength"]
    terms = [name for name in names if name not in {*COUNTS, *rates}]
    outputs = [name for name in terms if name.rpartition("/")[2].startswith(_OUTPUTS)]
    losses = [name for name in terms if name not in outputs]

    def chart(title: str, wanted: Iterable[str], note: str = "") -> list[Chart]:
        wanted = list(wanted)
        return [_chart(title, reports, wanted, note, changes)] if wanted else []

    players = list(dict.fromkeys(name.partition("/")[0] for name in losses))
    return {
        "losses": chart("All terms", losses) if len(losses) <= TOGETHER or len(players) == 1 else [
            made
            for player in players
            for made in chart(f"Terms of {player}", (name for name in losses if name.partition("/")[0] == player))
        ],
        "outputs": chart(
            "Discriminator output", outputs, "The mean output for real and for generated images: the nearer, the "
            "less it tells them apart."
        ),
        "rates": [
            *chart("Learning rate", (name for name in rates if name.startswith("lr/"))),
            *chart("Augmentation", (name for name in rates if not name.startswith("lr/")), "Its adaptive strength."),
        ],
        "speed": chart("Images per second", (name for name in names if name == "images/s")),
    }  # fmt: skip


def metric_charts(stats: Sequence[Line], zoo: Zoo, changes: Sequence[int] = ()) -> list[Chart]:
    """Return one chart for each protocol that was measured while the run went on.

    Values of two protocols do not compare, and so no two are in one chart.
    """
    lines = [
        {"images": line["images"], **{name: value for name, value in line["metrics"].items() if _is_number(value)}}
        for line in stats
        if isinstance(line.get("metrics"), Mapping)
    ]
    found = dict.fromkeys(name for line in lines for name in line if name != "images")
    charts = []
    for protocol in found:
        better = better_of(protocol, zoo)
        made = _chart(protocol, [line for line in lines if protocol in line], [protocol], "", changes)
        note = f"{better} is better" if better else ""
        charts.append(Chart(made.title, made.images, made.series, note, better, made.changes))
    return charts


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _finite(value: Any) -> float | None:
    """Return a number with the digits that a chart shows; None for what is none."""
    try:
        number = float(value) if _is_number(value) else math.nan
    except OverflowError:  # an integer of hundreds of digits
        return None
    return float(f"{number:.5g}") if math.isfinite(number) else None


def _chart(title: str, lines: Sequence[Line], names: Sequence[str], note: str, changes: Sequence[int]) -> Chart:
    series = {name: [_finite(line.get(name)) for line in lines] for name in names}
    kept = thinned(list(series.values()), POINTS)
    bad = [name for name in names if any(name in line and _finite(line[name]) is None for line in lines)]
    notes = [note] if note else []
    if bad:
        notes.append(f"Not finite at times, which leaves gaps: {', '.join(bad)}.")
    if len(kept) < len(lines):
        notes.append(f"{len(kept):,} of {len(lines):,} reports are shown, all extremes among them.")
    images = [int(lines[i]["images"]) for i in kept]
    return Chart(
        title, images, {name: [values[i] for i in kept] for name, values in series.items()}, " ".join(notes),
        changes=[at for at in changes if images and at <= images[-1]],
    )  # fmt: skip


def thinned(columns: Sequence[Sequence[float | None]], most: int) -> list[int]:
    """Return the rows to keep, in order: the first, the last, and in equal stretches the extremes of each column.

    Args:
        columns: of as many rows each.
        most: rows to keep.
    """
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
