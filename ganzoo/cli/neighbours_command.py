"""``ganzoo neighbours``."""

from __future__ import annotations

from pathlib import Path

import click

from ganzoo.cli.options import Count, FilePath, complete_model, device_option, table


@click.command("neighbours")
@click.argument("model", shell_complete=complete_model)
@click.option("-o", "--out", type=FilePath(), default="neighbours.png", show_default=True, help="The picture, a .png.")
@click.option("--data", help="The real images.  [default: the training data]")
@click.option("--split", default="train", show_default=True, help="Split of the data.")
@click.option("-e", "--extractor", default="pixels", show_default=True, help="The features to compare.")
@click.option("-n", "count", type=Count(), default=1_000, show_default=True, help="Number of images to generate.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the first image.")
@click.option("--keep", type=click.IntRange(1, 100), default=8, show_default=True, help="Rows of the picture.")
@click.option("--neighbours", type=click.IntRange(1, 100), default=4, show_default=True, help="Real images in a row.")
@click.option("--batch-size", type=click.IntRange(min=1), default=64, show_default=True)
@device_option
def command(
    model: str, out: Path, data: str | None, split: str, extractor: str, count: int, seed: int, keep: int,
    neighbours: int, batch_size: int, device: str,
) -> None:  # fmt: skip
    """Show whether a MODEL has memorised images: its generated images beside their nearest training images.

    Each row of the picture begins with a generated image, in a frame, under its seed and the distances of the real ones
    beside it; the rows with the smallest distance come first. The metric 'authenticity' measures the same.
    """
    if out.suffix != ".png":
        raise click.UsageError(f"{out}: the picture is a .png")
    from ganzoo._files import replacing
    from ganzoo.cli.options import own_data
    from ganzoo.inference.output import check_out
    from ganzoo.metrics import nearest_neighbours
    from ganzoo.models.create import pick_device
    from ganzoo.models.load import assemble, find
    from ganzoo.registry import installed

    check_out(out, 1)
    found = find(model)
    real = own_data(installed(), found) if data is None else data
    seen = nearest_neighbours(
        assemble(found, device=pick_device(device)), data=real, extractor=extractor, images=count, seed=seed, keep=keep,
        neighbours=neighbours, split=split, skip_unreadable=found.config.training.get("skip_unreadable") is True,
        batch_size=batch_size,
    )  # fmt: skip
    with replacing(out) as partial:
        seen.picture().save(partial)
    rows = [
        [str(seed), *(f"{distance:.4g}" for distance in row)]
        for seed, row in zip(seen.seeds.tolist(), seen.distances.tolist(), strict=True)
    ]
    click.echo(table(["SEED", f"DISTANCE [{seen.extractor}]", *[""] * (neighbours - 1)], rows))
    click.echo(f"\n{out}: in each row a generated image in a frame, then its nearest real ones")
