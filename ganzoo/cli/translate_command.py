"""``ganzoo translate``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganzoo.cli.conditions import parse_condition, parse_conditions, separate
from ganzoo.cli.options import Count, FilePath, complete_model, device_option
from ganzoo.errors import ConfigError

if TYPE_CHECKING:
    from ganzoo.data import PairSource, Source

RESERVED = ("images", "seed", "seeds", "n", "to", "batch_size")


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
@click.option("--split", default="train", show_default=True, help="Of a data set that has several.")
@click.option(
    "-c",
    "--condition",
    "conditions",
    multiple=True,
    metavar="KEY=VALUE",
    help="A condition of the model; --KEY VALUE means the same.",
)
@click.option("--columns", type=click.IntRange(min=1), help="Columns of the grid.")
@click.option("--batch-size", type=click.IntRange(min=1), default=64, show_default=True)
@device_option
@click.pass_context
def command(
    ctx: click.Context, /, model: str, inputs: tuple[str, ...], out: Path, to: str | None, beside: bool,
    count: int | None, split: str, conditions: tuple[str, ...], columns: int | None, batch_size: int, device: str,
) -> None:  # fmt: skip
    """Translate images (image-to-image) by a MODEL.

    INPUT is image files, or one folder or data set as for `ganzoo train --data`: grey:photos/ translates grey images.
    Images are brought to the model's size: the shorter side resized, the middle cropped.
    """
    names, unknown = separate([*inputs, *ctx.args])
    words = parse_conditions([*conditions, *unknown], RESERVED)
    if not names:
        raise click.UsageError("Missing argument 'INPUT...'.")
    options = {key: parse_condition(word) for key, word in words.items()}

    # imports torch, after the arguments are checked
    from ganzoo.inference.translate import translate_source
    from ganzoo.models.create import pick_device
    from ganzoo.models.load import load

    source = _open(names, split)
    gan = load(model, device=pick_device(device))
    n = translate_source(
        gan, source, out, to=to, count=count, beside=beside, columns=columns, batch_size=batch_size, **options
    )
    click.echo(f"wrote {out}: {n} {'image' if n == 1 else 'images'} translated from {source.name} by {model}")


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
