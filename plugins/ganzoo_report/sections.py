"""The parts of a report as HTML."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ganzoo.metrics.protocol import better_of
from ganzoo.registry import Zoo
from ganzoo_report.charts import Chart, short
from ganzoo_report.embedded import Frame, Frames
from ganzoo_report.facts import Facts
from ganzoo_report.markup import Markup, element, join
from ganzoo_report.pictures import Picture, Pictures

e = element


def section(name: str, title: str, *parts: object, about: str | None = None) -> Markup:
    """Return a part of the page with its heading and a line on what it shows."""
    told = e("p", about, class_="about") if about else None
    return e("section", e("h2", title, id=f"{name}-title"), told, *parts, id=name, aria_labelledby=f"{name}-title")


def missing(what: str, why: str) -> Markup:
    """Return what stands in the place of something that could not be had."""
    return e("p", e("strong", what), " ", why, class_="missing")


def table(
    header: Sequence[str], rows: Iterable[Sequence[object]], *, marked: Iterable[bool] = (), kind: str | None = None
) -> Markup:
    """Return a table; a marked row differs from the defaults. It scrolls sideways where the screen is narrow."""
    rows, marks = list(rows), list(marked)
    marks += [False] * (len(rows) - len(marks))
    body = [
        e(
            "tr",
            e("th", row[0], e("span", " (changed)", class_="unseen") if mark else None, scope="row"),
            *(e("td", cell) for cell in row[1:]),
            class_="changed" if mark else None,
        )
        for row, mark in zip(rows, marks, strict=True)
    ]
    head = e("thead", e("tr", *(e("th", word, scope="col") for word in header))) if header else None
    return e("div", e("table", head, e("tbody", *body), class_=kind), class_="scroll", tabindex="0")


def overview(facts: Facts, zoo: Zoo, measured: Sequence[Chart] = ()) -> Markup:
    """Return the head of the page: what it is, how far it is, the figures that matter most."""
    config, tiles = facts.config, []
    if facts.images is not None:
        of = f"of {facts.budget:,}" if facts.budget and facts.budget > facts.images else "images"
        tiles.append(("Trained on", f"{facts.images:,}", of))
    if facts.seconds is not None:
        tiles.append(("Time", duration(facts.seconds), "of training"))
    elif config.trained and config.trained.minutes is not None:
        tiles.append(("Time", duration(config.trained.minutes * 60), "of training"))
    if facts.rate is not None:
        tiles.append(("Throughput", f"{facts.rate:,.0f}", "images/s, median"))
    if facts.sizes:
        tiles.append(("Parameters", count(sum(facts.sizes.values())), f"in {len(facts.sizes)} networks"))
    if config.metrics:
        score = config.metrics[0]
        better = better_of(score.protocol, zoo)
        tiles.append((score.protocol, short(score.value), f"{better} is better" if better else "at the end"))
    elif measured and (best := measured[0].best) is not None:
        value = measured[0].series[measured[0].title][best] or 0.0
        tiles.append((measured[0].title, short(value), f"best, after {measured[0].images[best]:,} images"))
    share = facts.images / facts.budget if facts.images is not None and facts.budget else 1.0
    way = f"This run is at {share:.0%} of its images; the page shows what is there." if share < 1 else None
    return e(
        "header",
        e("p", "ganzoo report", class_="brand"),
        e("h1", facts.name),
        e("p", e("strong", config.architecture), f" trained on {facts.data}", class_="lead"),
        e("p", way, class_="about") if way else None,
        e(
            "dl",
            *(e("div", e("dt", name), e("dd", value, e("small", unit))) for name, value, unit in tiles),
            class_="tiles",
        ),
    )


def samples(frames: Frames, *, translates: bool) -> Markup:
    """Return the previews with a slider over them."""
    shown, last = frames.shown, frames.shown[-1]
    several = len(shown) > 1
    notes = []
    if len(shown) < frames.found - len(frames.damaged):
        notes.append(f"{len(shown)} of {frames.found} previews, evenly chosen, so that the page stays small.")
    if frames.smaller:
        notes.append("They were made smaller.")
    if frames.damaged:
        notes.append(f"Damaged, and left out: {', '.join(frames.damaged[:5])}.")
    about = "The same images at every preview" if translates else "The same seeds at every preview"
    controls = e(
        "div",
        e("button", "Play", type="button", id="play"),
        e(
            "input", type="range", id="slider", min="0", max=str(len(shown) - 1), value=str(len(shown) - 1), step="1",
            aria_label="Preview", aria_valuetext=when(last),
        ),
        e("output", when(last), id="when", for_="slider"),
        class_="controls",
    )  # fmt: skip
    width, height = last.size
    return section(
        "samples",
        "Samples over time" if several else "Samples",
        e(
            "figure",
            e(
                "img",
                id="frame",
                src=last.uri,
                alt=f"samples {when(last)}",
                width=str(width),
                height=str(height),
                class_="fine" if width > 500 else None,
            ),
            controls if several else None,
            class_="player",
        ),
        e("p", " ".join(notes), class_="note") if notes else None,
        about=f"{about}; the arrow keys move the slider." if several else None,
    )


def when(frame: Frame) -> str:
    """Return when a preview was made, in words."""
    return f"after {frame.images:,} images" if frame.images is not None else "of the last weights"


def figures(charts: Sequence[tuple[int, Chart]], *, small: bool = False) -> Markup:
    """Return the places for the charts, which the page's script fills, each by its number."""
    made = [
        e(
            "figure",
            e("figcaption", e("h3", chart.title), e("div", class_="tools")),
            e("div", class_="plot", role="img", aria_label=chart.summary, tabindex="0"),
            e("div", class_="legend"),
            e("p", chart.note, class_="note") if chart.note else None,
            class_="chart",
            data_chart=str(number),
        )
        for number, chart in charts
    ]
    return e("div", *made, class_="charts small" if small else "charts")


def curve_table(charts: Sequence[Chart]) -> Markup:
    """Return the last and the best value of each protocol."""
    rows = []
    for chart in charts:
        values = chart.series[chart.title]
        known = [value for value in values if value is not None]
        best = chart.best
        rows.append(
            [
                e("code", chart.title),
                f"{known[-1]:.5g}" if known else "",
                f"{values[best] or 0.0:.5g}" if best is not None else "",
                f"{chart.images[best]:,}" if best is not None else "",
            ]
        )
    return table(["Protocol", "Last", "Best", "After images"], rows)


def scores(facts: Facts, zoo: Zoo) -> Markup | None:
    """Return the metrics that ``config.json`` has of the weights, each with its protocol."""
    if not facts.config.metrics:
        return None
    rows = []
    for score in facts.config.metrics:
        better = better_of(score.protocol, zoo)
        rows.append([e("code", score.protocol), f"{score.value:.5g}", f"{better} is better" if better else ""])
    return join([e("h3", "Of the weights as they are"), table(["Protocol", "Value", ""], rows)])


def image(picture: Picture, width: int) -> Markup:
    """Return a picture that is shown about ``width`` wide: enlarged by whole pixels, or made smaller smoothly."""
    size = {"width": str(picture.size[0]), "height": str(picture.size[1])}
    return e("img", src=picture.uri, alt=picture.alt, **size, class_="fine" if picture.size[0] > width else None)


def strips(shown: Sequence[Picture], *, large: bool = False) -> Markup:
    """Return pictures one below the other, each with its words."""
    return e(
        "div",
        *(
            e(
                "figure",
                image(one, 550 if large else 850),
                e("figcaption", one.caption),
            )
            for one in shown
        ),
        class_="strips large" if large else "strips",
    )


def neighbours(pictures: Pictures) -> Markup:
    """Return the generated images that lie nearest to real ones, with those beside them."""
    rows = [
        e(
            "div",
            *(
                e(
                    "figure",
                    image(one, 90),
                    e("figcaption", one.caption),
                    class_="generated" if place == 0 else None,
                )
                for place, one in enumerate(row)
            ),
            class_="near",
        )
        for row in pictures.neighbours
    ]
    return e("div", *rows, class_="neighbours")


def duration(seconds: float) -> str:
    """Return a time as hours, minutes or seconds."""
    if not math.isfinite(seconds):
        return "unknown"
    if seconds < 600:
        return f"{seconds:.0f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:02.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def count(number: int) -> str:
    """Return a number of parameters: 1.8 M."""
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:.3g} {letter}"
    return str(number)
