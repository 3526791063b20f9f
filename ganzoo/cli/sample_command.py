"""``ganzoo sample``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ganzoo.cli.common import Count, FilePath, complete_model
from ganzoo.errors import ConfigError
from ganzoo.registry.config import parse_options

MOST_CLASSES = 100_000


@click.command("sample")
@click.argument("model", shell_complete=complete_model)
@click.option("-n", "count", type=Count(), default=64, show_default=True, help="How many images: 64, 50k.")
@click.option(
    "-o",
    "--out",
    type=FilePath(),
    default="grid.png",
    show_default=True,
    help="A .png is one grid, a .npz one array, with --interpolate a .png or .gif is a strip; all else is a new folder "
    "of PNGs. A file of that name is replaced, a folder is not.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Image i is that of seed + i.")
@click.option("--labels", help="Classes in turn, for a conditional model: 7, 3,1,4 or 0-9.")
@click.option(
    "--truncation",
    type=click.FloatRange(min=0, min_open=True),
    help="Cut the latent's distribution at so many standard deviations: smaller is tamer.",
)
@click.option(
    "-c",
    "--condition",
    "conditions",
    multiple=True,
    metavar="KEY=VALUE",
    help="Any other condition that the model takes.",
)
@click.option("--interpolate", metavar="SEED:SEED", help="Draw the way between two seeds, in -n steps.")
@click.option("--columns", type=click.IntRange(min=1), help="Columns of the grid.")
@click.option("--batch-size", type=click.IntRange(min=1), default=64, show_default=True)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, mps.")
def command(
    model: str, count: int, out: Path, seed: int, labels: str | None, truncation: float | None,
    conditions: tuple[str, ...], interpolate: str | None, columns: int | None, batch_size: int, device: str,
) -> None:  # fmt: skip
    """Draw images of a pretrained MODEL, or of a run's or model's folder."""
    options = {key: parse_condition(value) for key, value in parse_options(conditions).items()}
    if reserved := [key for key in options if key in ("n", "seed", "seeds", "batch_size", "gan", "out", "columns")]:
        raise ConfigError(f"'{reserved[0]}' is no condition of a model: use the command's own options")
    if truncation is not None:
        options["truncation"] = truncation
    if labels is not None:
        classes = parse_labels(labels)
        options["labels"] = [classes[i % len(classes)] for i in range(count)]
    ends = parse_ends(interpolate) if interpolate is not None else None

    from ganzoo import models, pretrained, sampling  # torch comes in here, after the arguments are known to be good

    gan = pretrained.load(model, device=models.pick_device(device))
    if ends is not None:
        if labels is not None:
            options["labels"] = options["labels"][0]
        sampling.save_strip(sampling.interpolate(gan, *ends, steps=count, **options), out)
        click.echo(f"wrote {out}: {count} images from seed {ends[0]} to seed {ends[1]} of {model}")
        return
    sampling.save_images(gan, out, count, seed=seed, batch_size=batch_size, columns=columns, **options)
    click.echo(f"wrote {out}: {count} images of {model}, seeds {seed} to {seed + count - 1}")


def parse_condition(word: str) -> Any:
    """Return what JSON makes of a word, or the word."""
    import json

    try:
        return json.loads(word)
    except ValueError:
        return word


def parse_labels(text: str) -> list[int]:
    """Parse ``7``, ``3,1,4`` or ``0-9``.

    Raises:
        ConfigError: it is none of these.
    """
    labels: list[int] = []
    try:
        for part in text.split(","):
            first, dash, last = part.partition("-")
            span = range(int(first), int(last) + 1) if dash else range(int(first), int(first) + 1)
            if len(span) > MOST_CLASSES:
                raise ValueError
            labels += span
    except ValueError as error:
        raise ConfigError(f"--labels takes class numbers such as 7, 3,1,4 or 0-9, not '{text}'") from error
    if not labels:
        raise ConfigError(f"--labels {text} names no class: the first of a range must not be above the last")
    return labels


def parse_ends(text: str) -> tuple[int, int]:
    """Parse ``3:8``.

    Raises:
        ConfigError: it is no pair of seeds.
    """
    first, colon, last = text.partition(":")
    if not colon or not first.isdecimal() or not last.isdecimal():
        raise ConfigError(f"--interpolate takes two seeds such as 3:8, not '{text}'")
    if max(int(first), int(last)) >= 2**63:
        raise ConfigError(f"a seed must be below 2**63, not {max(int(first), int(last))}")
    return int(first), int(last)
