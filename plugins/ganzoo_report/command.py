"""``ganzoo report``."""

from __future__ import annotations

from pathlib import Path

import click

from ganzoo.cli.options import FilePath, device_option, own_data, size_text, warn
from ganzoo.registry import installed


@click.command("report")
@click.argument("run", type=FilePath())
@click.option("-o", "--out", type=FilePath(), help="The page.  [default: report.html in RUN; replaced]")
@click.option("--data", help="The real images.  [default: what the model was trained on]")
@click.option(
    "--neighbours",
    type=click.IntRange(0, 16),
    default=4,
    show_default=True,
    help="Training images beside each generated one; 0 for none.",
)
@click.option("-e", "--extractor", default="pixels", show_default=True, help="The features that they are near in.")
@device_option
def command(run: Path, out: Path | None, data: str | None, neighbours: int, extractor: str, device: str) -> None:
    """Write a RUN as one page: curves, metrics, samples, neighbours, configuration.

    The page stands alone: it asks no network for anything, and can be kept and sent. A run in progress gives a page of
    what is there so far; the folder of a model does as well.
    """
    zoo = installed()
    warn(zoo)

    from ganzoo.models.create import pick_device
    from ganzoo_report.report import write_report

    written = write_report(
        run, out, data=data if data is not None else lambda model: own_data(zoo, model), neighbours=neighbours,
        extractor=extractor, device=pick_device(device),
    )  # fmt: skip
    for what, why in written.missing.items():
        click.echo(f"! no {what}: {why}", err=True)
    previews = f"{written.previews} {'preview' if written.previews == 1 else 'previews'}"
    click.echo(f"wrote {written.path}: {size_text(written.size)}, {previews}")
