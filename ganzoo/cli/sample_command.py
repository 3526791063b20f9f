"""``ganzoo sample``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ganzoo.cli.conditions import from_options, parse_conditions, parse_ends, parse_labels, spread_sweeps
from ganzoo.cli.options import Count, FilePath, complete_model, device_option
from ganzoo.errors import ConfigError, command_line

RESERVED = ("n", "seed", "seeds", "batch_size", "gan", "out", "columns", "images", "processes")


@click.command("sample", context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.argument("model", shell_complete=complete_model)
@click.option("-n", "count", type=Count(), default=64, show_default=True, help="How many images: 64, 50k.")
@click.option(
    "-o",
    "--out",
    type=FilePath(),
    default="grid.png",
    show_default=True,
    help="A .png is one grid, a .npz one array, with --interpolate a .png or .gif is a strip; any other name is a "
    "new folder of PNGs. A file of that name is replaced, a folder is not.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Image i has the seed SEED + i.")
@click.option("--labels", help="Classes in turn, for a conditional model: 7, 3,1,4 or 0-9.")
@click.option(
    "--truncation",
    metavar="NUMBER",
    help="Smaller means better quality and less variety: the cut of the latent's distribution in standard deviations, "
    "or the factor of the model's own truncation.",
)
@click.option(
    "-c",
    "--condition",
    "--code",
    "conditions",
    multiple=True,
    metavar="KEY=VALUE",
    help="Any other condition of the model; --KEY VALUE means the same. A range, c1=-2..2, is swept over the columns, "
    "with one seed per row.",
)
@click.option("--interpolate", metavar="SEED:SEED", help="Interpolate between two seeds in -n steps.")
@click.option("--columns", type=click.IntRange(min=1), help="Columns of the grid.")
@click.option("--batch-size", type=click.IntRange(min=1), default=64, show_default=True)
@device_option
@click.pass_context
def command(
    ctx: click.Context, /, model: str, count: int, out: Path, seed: int, labels: str | None, truncation: str | None,
    conditions: tuple[str, ...], interpolate: str | None, columns: int | None, batch_size: int, device: str,
) -> None:  # fmt: skip
    """Generate images by a pretrained MODEL, or by the model in a folder or run."""
    words = parse_conditions([*conditions, *from_options(ctx.args)], RESERVED)
    if truncation is not None:
        words["truncation"] = truncation
    options, swept = spread_sweeps(words, count, min(columns or count, count))
    if labels is not None:
        classes = parse_labels(labels)
        options["labels"] = [classes[i % len(classes)] for i in range(count)]
    ends = parse_ends(interpolate) if interpolate is not None else None
    if ends and swept:
        raise ConfigError("--interpolate cannot be combined with a range: give each condition one value")

    # imports torch, after the arguments are checked
    from ganzoo._distributed import launched
    from ganzoo.inference import sample
    from ganzoo.inference.output import save_strip
    from ganzoo.models.create import pick_device
    from ganzoo.models.load import load

    where = pick_device(device)
    gan = load(model, device=where)
    if gan.translations:
        raise ConfigError(
            f"{model} translates images and does not sample from seeds: use {command_line('translate', model, 'INPUT')}"
        )
    if ends is not None:  # too few images to share
        if int(os.environ.get("RANK", "0")) > 0:
            return
        if labels is not None:
            options["labels"] = options["labels"][0]
        save_strip(gan, sample.interpolate(gan, *ends, steps=count, **options), out)
        click.echo(f"wrote {out}: {count} images from seed {ends[0]} to seed {ends[1]} of {model}")
        return
    row = min(columns or count, count) if swept else 1
    with launched(where) as processes:
        sample.save_images(
            gan, out, count, seed=seed, repeat=row, batch_size=batch_size, columns=row if swept else columns,
            processes=processes, **options,
        )  # fmt: skip
    if not processes.is_first:
        return
    last = seed + (count - 1) // row
    click.echo(
        f"wrote {out}: {count} images of {model}, {f'seeds {seed} to {last}' if last > seed else f'seed {seed}'}"
    )
