"""``ganzoo report``: a run as one page that stands alone, to be looked at, kept and sent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from ganzoo import __version__
from ganzoo.cli.files import replacing
from ganzoo.errors import ConfigError, GanzooError
from ganzoo.metrics.extractors import find_extractor
from ganzoo.models.load import find
from ganzoo.registry import Zoo, installed
from ganzoo.training.evaluation import BEST
from ganzoo_report import sections
from ganzoo_report.charts import Chart, chart_groups, metric_charts
from ganzoo_report.configuration import configuration
from ganzoo_report.facts import Facts, gather
from ganzoo_report.markup import Markup, element, join, page
from ganzoo_report.markup import render as fill
from ganzoo_report.pictures import GENERATED, DataOf, Pictures, make_pictures, public

NAME = "report.html"
_UPLOT = "ganzoo_report/vendor/uPlot"
STYLES = ("ganzoo_report/base.css", f"{_UPLOT}/uPlot.min.css", "ganzoo_report/report.css")
SCRIPTS = (f"{_UPLOT}/uPlot.iife.min.js", "ganzoo_report/charts.js", "ganzoo_report/report.js")
HOW_TO_MEASURE = (
    "No metric was measured. While it trains: ganzoo train ... --metrics 'fd[pixels]@10k/test' --eval-every 100k; "
    "of the weights as they are: ganzoo eval RUN -m 'fd[pixels]@10k/test'."
)
TITLES = {
    "samples": "Samples", "losses": "Losses", "metrics": "Metrics", "speed": "Throughput",
    "interpolations": "Interpolations", "translations": "Translations", "neighbours": "Neighbours",
    "configuration": "Configuration",
}  # fmt: skip

e = element


class Written(NamedTuple):
    """A report that was written.

    Args:
        path: of the page.
        size: in bytes.
        previews: on it.
        missing: what could not be generated to the reason.
    """

    path: Path
    size: int
    previews: int
    missing: dict[str, str]


def write_report(
    run: Path, out: Path | None = None, *, data: DataOf, neighbours: int = 4, extractor: str = "pixels",
    device: torch.device | None = None, progress: bool = True,
) -> Written:  # fmt: skip
    """Write the report of a run, whole or not at all. The same run gives the same page.

    Args:
        run: a run's folder, also of one in progress, or a model's.
        out: the page; by default ``report.html`` in the run.
        data: the real images that generated ones are compared with, or what says of the model which they are.
        neighbours: real images beside each generated one; 0 for none.
        extractor: of the features in which neighbours are near, as in a protocol.
        device: that generates; by default the CPU.
        progress: show progress bars.

    Raises:
        RunError: ``run`` is no run.
        WeightsError: its ``config.json`` is damaged.
        ConfigError: ``out`` is a folder.
        UnknownNameError: there is no such extractor.
        GanzooError: the page cannot be written.
    """
    out = out or run / NAME
    if out.is_dir():
        raise ConfigError(f"{out} is a folder: name the page, for instance {out / NAME}")
    zoo = installed()
    find_extractor(zoo, extractor)  # before anything is generated
    facts = gather(run, zoo)
    pictures = _pictures(run, facts, data, neighbours, extractor, device or torch.device("cpu"), progress=progress)
    text = render(facts, pictures, zoo)
    with replacing(out) as partial:
        partial.write_bytes(text.encode())
    return Written(out, len(text.encode()), len(facts.frames.shown), pictures.missing)


def _pictures(
    run: Path, facts: Facts, data: DataOf, neighbours: int, extractor: str, device: torch.device, *, progress: bool
) -> Pictures:
    split = facts.config.data.get("split")
    try:
        return make_pictures(
            find(str(run.absolute())), data, split=split if isinstance(split, str) else "train", neighbours=neighbours,
            extractor=extractor, device=device, progress=progress,
        )  # fmt: skip
    except (GanzooError, RuntimeError) as error:  # no weights yet, another version, memory
        why = public(error, str(run), str(run.absolute()))
        if facts.architecture is not None and facts.architecture.translates:
            return Pictures(missing={"translations": why})
        return Pictures(missing={"interpolations": why, **({"neighbours": why} if neighbours else {})})


def render(facts: Facts, pictures: Pictures, zoo: Zoo) -> str:
    """Return the page."""
    changes = [int(one["images"]) for one in facts.changes]
    groups = chart_groups(facts.stats, changes)
    measured = metric_charts(facts.stats, zoo, changes)
    order = [*groups["losses"], *groups["outputs"], *measured, *groups["speed"], *groups["rates"]]
    number = {id(chart): i for i, chart in enumerate(order)}

    def figures(charts: Sequence[Chart], *, small: bool = False) -> Markup:
        return sections.figures([(number[id(chart)], chart) for chart in charts], small=small)

    def curves(name: str, title: str, charts: Sequence[Chart], about: str | None = None) -> Markup | None:
        return sections.section(name, title, figures(charts, small=name == "speed"), about=about) if charts else None

    about = "Means between two reports. A name switches its curve off and on; the preview shown is marked."
    if changes:
        about += " Dashed: the run went on with other settings, see its configuration."
    translates = bool(pictures.translated) or (facts.architecture is not None and facts.architecture.translates)
    shown = {
        "samples": sections.samples(facts.frames, translates=translates) if facts.frames.shown else None,
        "losses": curves("losses", "Losses", [*groups["losses"], *groups["outputs"]], about),
        "metrics": _metrics(facts, measured, zoo, figures(measured, small=True)),
        "speed": curves("speed", "Throughput and rates", [*groups["speed"], *groups["rates"]]),
        **_generated(pictures, translates=translates),
        "configuration": configuration(facts),
    }
    hint = None if shown["metrics"] else e("p", HOW_TO_MEASURE, class_="note hint")
    both = e(
        "div", shown["samples"], shown["losses"], class_="beside" if shown["samples"] and shown["losses"] else None
    )
    body = [
        e("a", "To the content", class_="skip", href="#main"),
        sections.overview(facts, zoo, measured),
        e("nav", *(e("a", TITLES[name], href=f"#{name}") for name in TITLES if shown.get(name)), aria_label="Sections"),
        e(
            "main",
            e("noscript", e("p", "The charts need JavaScript.", class_="missing")),
            both,
            hint,
            *(part for name, part in shown.items() if name not in ("samples", "losses")),
            id="main",
        ),
        e("footer", e("p", f"Made by ganzoo {__version__}. Nothing on this page is fetched or sent.")),
        fill(
            "ganzoo_report/data.html",
            data={"frames": _frames(facts), "charts": [chart.plain() for chart in order]},
        ),
    ]
    return page(f"{facts.name} - ganzoo report", join(body), styles=STYLES, scripts=SCRIPTS)


def _frames(facts: Facts) -> list[dict[str, object]]:
    """Return the previews for the page's script; the last one stands in the page already."""
    last = len(facts.frames.shown) - 1
    return [
        {"images": frame.images, "when": sections.when(frame), "uri": frame.uri if i < last else None}
        for i, frame in enumerate(facts.frames.shown)
    ]


def _metrics(facts: Facts, measured: Sequence[Chart], zoo: Zoo, figures: Markup) -> Markup | None:
    scores = sections.scores(facts, zoo)
    if not measured and scores is None:
        return None
    about = "Each by its protocol: metric, features, generated images, split. Values of two protocols do not compare."
    if facts.has_best:
        about += f" The best model by the first metric is kept in '{BEST}' of the run's folder."
    curves = [figures, sections.curve_table(measured)] if measured else []
    return sections.section("metrics", "Metrics", *curves, scores, about=about)


def _generated(pictures: Pictures, *, translates: bool) -> dict[str, Markup | None]:
    """Return the sections of generated images; one that could not be made gives the reason."""
    missing = pictures.missing

    def part(name: str, title: str, shown: Markup, about: str) -> Markup:
        if name in missing:
            return sections.section(name, title, sections.missing("Nothing to show:", missing[name]))
        return sections.section(name, title, shown, about=about)

    if translates:
        about = f"Translations of images of the split '{pictures.split}', each beside its input."
        return {
            "translations": part(
                "translations", "Translations", sections.strips(pictures.translated, large=True), about
            )
        }
    parts: dict[str, Markup | None] = {}
    about = "Between two seeds each, along the sphere; conditions stay those of the first."
    if pictures.interpolations or "interpolations" in missing:
        parts["interpolations"] = part(
            "interpolations", "Interpolations", sections.strips(pictures.interpolations), about
        )
    about = (
        f"Of {GENERATED:,} generated images those that lie nearest to a training image by {pictures.extractor}, each "
        "beside its nearest ones with their distances. If they were the same, the model would have memorised them."
    )
    if pictures.neighbours or "neighbours" in missing:
        parts["neighbours"] = part("neighbours", "Nearest neighbours", sections.neighbours(pictures), about)
    return parts
