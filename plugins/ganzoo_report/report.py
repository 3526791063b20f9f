"""The report of a run as one HTML page that stands alone."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch

from ganzoo import __version__
from ganzoo.cli.files import replacing
from ganzoo.errors import ConfigError
from ganzoo.metrics.extractors import find_extractor
from ganzoo.metrics.protocol import better_of
from ganzoo.registry import Zoo, installed
from ganzoo_report import pages
from ganzoo_report.charts import charts_by_section
from ganzoo_report.facts import Facts, gather
from ganzoo_report.pictures import GENERATED, DataOf, Pictures, make_pictures

NAME = "report.html"


class Written(NamedTuple):
    """A report that was written.

    Args:
        path: of the page.
        size: in bytes.
        previews: number of them on the page.
        missing: the name of a section to the reason why it has no pictures.
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
        run: the folder of a model, or of a run, also of one in progress.
        out: the page; by default ``report.html`` in the run.
        data: the real images that generated ones are compared with, or a function that names those of the model.
        neighbours: training images beside each generated one; 0 for none.
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
    split = facts.config.data.get("split")
    pictures = make_pictures(
        run, data, translates=facts.architecture is not None and facts.architecture.translates,
        split=split if isinstance(split, str) else "train", neighbours=neighbours, extractor=extractor,
        device=device or torch.device("cpu"), progress=progress,
    )  # fmt: skip
    content = render(facts, pictures, zoo).encode()
    with replacing(out) as temporary:
        temporary.write_bytes(content)
    return Written(out, len(content), len(facts.frames.shown), pictures.missing)


def render(facts: Facts, pictures: Pictures, zoo: Zoo) -> str:
    """Return the page."""
    charts = charts_by_section(facts.stats, zoo, [int(change["images"]) for change in facts.changes])
    present = {
        "samples": facts.frames.shown, "losses": charts["losses"], "metrics": charts["metrics"] or facts.config.metrics,
        "speed": charts["speed"], "interpolations": pictures.interpolations, "translations": pictures.translations,
        "neighbours": pictures.neighbours, "configuration": True,
    }  # fmt: skip
    frames = [{"images": frame.images, "when": frame.when, "uri": frame.uri} for frame in facts.frames.shown]
    if frames:
        frames[-1]["uri"] = None  # the page contains it already
    return pages.render(
        "ganzoo_report/report.html",
        facts=facts,
        pictures=pictures,
        charts=charts,
        sections=[name for name, content in present.items() if content or name in pictures.missing],
        better=partial(better_of, zoo=zoo),
        generated=GENERATED,
        version=__version__,
        data={"frames": frames, "charts": [chart.to_dict() for group in charts.values() for chart in group]},
    )
