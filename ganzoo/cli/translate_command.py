"""``ganzoo translate``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.cli.conditions import parse_conditions, read_labels, separate, spread_sweeps, take_labels
from ganzoo.cli.options import Count, FilePath, complete_model, device_option
from ganzoo.errors import ConfigError

if TYPE_CHECKING:
    from ganzoo.data import PairSource, Source

RESERVED = (
    "images", "seed", "seeds", "n", "to", "batch_size", "gan", "source", "out", "count", "repeat", "beside", "columns",
    "reading",
)  # fmt: skip
SWEEP = 8
"""Values of a range over the columns, where their number is not given."""


@click.command("translate", context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.argument("model", shell_complete=complete_model)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "-o",
    "--out",
    type=FilePath(),
    default="translated.png",
    show_default=True,
    help="A .png is the image, or one grid of several; a .npz one array; any other name is a new folder of PNGs "
    "with the names of their inputs. A file of that name is replaced, a folder is not.",
)
@click.option("--to", metavar="A|B", help="The direction, for a model that translates in both.  [default: its first]")
@click.option(
    "--beside", is_flag=True, help="Show the input on the left and, of data in pairs, the target on the right."
)
@click.option("-n", "count", type=Count(), help="Translate only the first N: 16, 5k.  [default: all]")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Input i has the seed SEED + i.")
@click.option(
    "--labels",
    metavar="CLASSES",
    help="For a conditional model, classes of the inputs in turn, by name or number: dog,cat, 7, 0-9, or 0-4,dog*2. A "
    "range with two dots, 0..9 or cat..owl, translates each input to all of them.",
)
@click.option("--split", default="train", show_default=True, help="Of a data set that has several.")
@click.option(
    "-c",
    "--condition",
    "conditions",
    multiple=True,
    metavar="KEY=VALUE",
    help="A condition of the model; --KEY VALUE means the same. A range, c1=-2..2, is swept over the columns, with one "
    "input per row.",
)
@click.option("--columns", type=click.IntRange(min=1), help="Columns of the grid; values of a range.")
@click.option("--batch-size", type=click.IntRange(min=1), default=64, show_default=True)
@device_option
@click.pass_context
def command(
    ctx: click.Context, /, model: str, inputs: tuple[str, ...], out: Path, to: str | None, beside: bool,
    count: int | None, seed: int, labels: str | None, split: str, conditions: tuple[str, ...], columns: int | None,
    batch_size: int, device: str,
) -> None:  # fmt: skip
    """Translate images (image-to-image) by a MODEL.

    INPUT is image files, or one folder or data set as for `ganzoo train --data`: grey:photos/ translates grey images.
    Images are brought to the model's size: the shorter side resized, the middle cropped.
    """
    names, unknown = separate([*inputs, *ctx.args])
    words = parse_conditions([*conditions, *unknown], RESERVED)
    if not names:
        raise click.UsageError("Missing argument 'INPUT...'.")
    chosen = take_labels(labels, words)

    # imports torch, after the arguments are checked
    from ganzoo.inference.translate import count_inputs, translate_source
    from ganzoo.models.create import pick_device
    from ganzoo.models.load import load

    source = _open(names, split)
    gan = load(model, device=pick_device(device))
    classes = read_labels(gan, chosen)
    n = count_inputs(gan, source, to=to, count=count)
    row = columns or (len(classes.classes) if classes and classes.swept else SWEEP)
    options, swept = spread_sweeps(words, n, 1, classes)
    if swept:
        options, _ = spread_sweeps(words, n * row, row, classes)
        columns = 1 if beside else row
    n = translate_source(
        gan, source, out, to=to, count=count, seed=seed, repeat=row if swept else 1, beside=beside, columns=columns,
        batch_size=batch_size, **options,
    )  # fmt: skip
    times = f", {row} times each," if swept else ""
    click.echo(f"wrote {out}: {n} {'image' if n == 1 else 'images'}{times} translated from {source.name} by {model}")


def _open(inputs: Sequence[str], split: str) -> Source | PairSource:
    """Return the source of some files, or of one set."""
    from ganzoo.data import open_data
    from ganzoo.data.sources.folder import from_files
    from ganzoo.data.spec import exists
    from ganzoo.media import suffixes

    def is_image(word: str) -> bool:
        return exists(word) and Path(word).expanduser().is_file() and Path(word).suffix.lower() in suffixes()

    if all(map(is_image, inputs)):
        return from_files([Path(word).expanduser() for word in inputs])
    if len(inputs) > 1:
        other = next(word for word in inputs if not is_image(word))
        raise ConfigError(
            f"{other} is not an image file ({', '.join(suffixes())}): give several files, one folder or data set"
        )
    return open_data(inputs[0], split=split)
