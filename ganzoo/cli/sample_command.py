"""``ganzoo sample``."""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.core import ParameterSource

from ganzoo.cli.conditions import from_options, parse_conditions, parse_ends, read_labels, spread_sweeps, take_labels
from ganzoo.cli.options import Count, FilePath, complete_model, device_option
from ganzoo.errors import ConfigError, command_line

RESERVED = (
    "n", "seed", "seeds", "batch_size", "gan", "out", "columns", "images", "processes", "repeat", "by_class", "model",
    "first", "last", "steps",
)  # fmt: skip


@click.command("sample", context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.argument("model", shell_complete=complete_model)
@click.option(
    "-n", "count", type=Count(), default=64, show_default="64, or as many as --labels dog*2 names", help="How many "
    "images: 64, 50k.",
)  # fmt: skip
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
@click.option(
    "--labels",
    metavar="CLASSES",
    help="Classes in turn, for a conditional model, by name or number: dog,cat, 7, 0-9, or 0-4,dog*2. A range with two "
    "dots, 0..9 or cat..owl, is swept over the columns, with one seed per row.",
)
@click.option("--by-class", is_flag=True, help="Write a folder with a sub-folder per class; of all, without --labels.")
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
    ctx: click.Context, /, model: str, count: int, out: Path, seed: int, labels: str | None, by_class: bool,
    truncation: str | None, conditions: tuple[str, ...], interpolate: str | None, columns: int | None, batch_size: int,
    device: str,
) -> None:  # fmt: skip
    """Generate images by a pretrained MODEL, or by the model in a folder or run."""
    words = parse_conditions([*conditions, *from_options(ctx.args)], RESERVED)
    if truncation is not None:
        words["truncation"] = truncation
    chosen = take_labels(labels, words)
    ends = parse_ends(interpolate) if interpolate is not None else None
    if by_class and (ends or out.suffix):
        raise ConfigError(
            f"--by-class writes a folder: leave --interpolate out, and name one with -o in place of {out}"
        )

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
    classes = read_labels(gan, chosen)
    if classes and classes.repeated and ctx.get_parameter_source("count") is ParameterSource.DEFAULT:
        count = len(classes.classes)
    row = min(columns or (len(classes.classes) if classes and classes.swept else count), count)
    options, swept = spread_sweeps(words, count, row, classes)
    if ends and swept:
        raise ConfigError("--interpolate cannot be combined with a range: give each condition one value")
    if ends is not None:  # too few images to share
        if int(os.environ.get("RANK", "0")) > 0:
            return
        save_strip(gan, sample.interpolate(gan, *ends, steps=count, **options), out)
        click.echo(f"wrote {out}: {count} images from seed {ends[0]} to seed {ends[1]} of {model}")
        return
    row = row if swept else 1
    with launched(where) as processes:
        sample.save_images(
            gan, out, count, seed=seed, repeat=row, batch_size=batch_size, columns=row if swept else columns,
            by_class=by_class, processes=processes, **options,
        )  # fmt: skip
    if not processes.is_first:
        return
    last = seed + (count - 1) // row
    click.echo(
        f"wrote {out}: {count} images of {model}, {f'seeds {seed} to {last}' if last > seed else f'seed {seed}'}"
    )
