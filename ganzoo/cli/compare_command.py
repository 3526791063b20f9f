"""``ganzoo compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.options import FilePath, complete_model, device_option, dump, table, warn
from ganzoo.errors import ConfigError
from ganzoo.registry import Zoo, installed

if TYPE_CHECKING:
    from ganzoo.metrics.compare import Comparison


@click.command("compare")
@click.argument("models", nargs=-1, required=True, metavar="MODEL MODEL...", shell_complete=complete_model)
@click.option(
    "-m",
    "--metrics",
    "protocols",
    multiple=True,
    metavar="PROTOCOL",
    help="Measure all of them by this; may be given several times.  [default: compare the values that they come with]",
)
@click.option("--data", help="The real images.  [default: what all of them were trained on]")
@click.option("-o", "--out", type=FilePath(), default="compare.png", show_default=True, help="The picture, a .png.")
@click.option("-n", "columns", type=click.IntRange(1, 100), default=12, show_default=True, help="Images of each.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the first image.")
@device_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    models: tuple[str, ...], protocols: tuple[str, ...], data: str | None, out: Path, columns: int, seed: int,
    device: str, as_json: bool,
) -> None:  # fmt: skip
    """Compare MODELs: a table of their values, ranked where they were measured alike, and a picture of the same seeds.

    Values of two protocols are never ranked: another extractor, number of images or split gives another number for the
    same model.
    """
    if out.suffix != ".png":
        raise click.UsageError(f"{out}: the picture is a .png")
    if data is not None and not protocols:
        raise click.UsageError("--data goes with -m: what the models come with is measured already")
    zoo = installed()
    warn(zoo)

    from ganzoo._files import replacing
    from ganzoo.inference.image_io import check_out
    from ganzoo.metrics import compare
    from ganzoo.metrics.jobs import read_protocols
    from ganzoo.models.create import pick_device
    from ganzoo.models.load import assemble, find

    check_out(out, 1)
    parsed = read_protocols(zoo, protocols)  # before anything is fetched
    found = [find(model) for model in models]
    where = pick_device(device)
    entries = [compare.Entry(one.name, assemble(one, device=where), one.config.metrics) for one in found]
    compare.compare(entries, zoo)  # refuses too few before anything is measured
    if protocols:
        real = _common(zoo, found) if data is None and any(protocol.split for protocol in parsed) else data
        entries = [compare.measured(entry, protocols, real) for entry in entries]
    made = compare.compare(entries, zoo)
    if drawing := [entry for entry in entries if not entry.gan.translations]:
        with replacing(out) as partial:
            compare.picture(drawing, columns, seed).save(partial)
    if as_json:
        dump(_content(made))
    else:
        click.echo(_text(zoo, made))
        if drawing:
            without = [entry.name for entry in entries if entry.gan.translations]
            but = f"; not of {' and '.join(without)}, which make images of images" if without else ""
            click.echo(f"\n{out}: {columns} seeds of each, from {seed}{but}")
    if not made.alike:
        sizes = {entry.gan.sample(1).shape[1:] for entry in drawing}
        if len(sizes) > 1:
            raise ConfigError(
                "nothing to rank them by: they draw images of unlike sizes, whose features are unlike too"
            )
        ways = {tuple(entry.gan.translations) for entry in entries}
        if len(ways) > 1:
            raise ConfigError("nothing to rank them by: some draw of seeds, some make images of images; leave some out")
        alike = " alike" if any(made.values.values()) else ""
        raise ConfigError(
            f"nothing to rank them by: they were not measured{alike}; do so with: {compare.remedy(made, zoo)}"
        )


def _common(zoo: Zoo, found: Any) -> str:
    """Return the data that all models were trained on.

    Raises:
        ConfigError: there is none.
    """
    from ganzoo.cli.options import own_data

    names = {own_data(zoo, model) for model in found}
    if len(names) > 1:
        raise ConfigError(
            f"the models were trained on {' and '.join(sorted(names))}: say which to compare with, --data"
        )
    return names.pop()


def _text(zoo: Zoo, made: Comparison) -> str:
    """Return what is printed: the ranks, and below what stands apart."""
    from ganzoo.metrics.protocol import better_of

    parts = []
    if made.alike:
        rows = [
            [
                str(kind),
                *(f"{made.values[name][kind]:.5g}{' *' if made.best[kind] == name else ''}" for name in made.names),
                f"{better_of(kind.protocol, zoo)} is better",
            ]
            for kind in made.alike
        ]
        parts.append(table(["PROTOCOL", *made.names, ""], rows))
    apart = [
        [name, f"{value:.5g}", str(kind)]
        for name in made.names
        for kind, value in made.values[name].items()
        if kind not in made.alike
    ]
    if apart:
        below = table(["MODEL", "VALUE", "PROTOCOL"], apart)
        parts.append(f"not ranked, as not all of them have it, or nobody wrote down on which data:\n{below}")
    return "\n\n".join(parts) or "none of them comes with a value"


def _content(made: Comparison) -> dict[str, Any]:
    return {
        "models": list(made.names),
        "ranked": [
            {
                "protocol": kind.protocol,
                "data": kind.data,
                "values": {name: made.values[name][kind] for name in made.names},
                "best": made.best[kind],
            }
            for kind in made.alike
        ],
        "apart": [
            {"model": name, "protocol": kind.protocol, "data": kind.data, "value": value}
            for name in made.names
            for kind, value in made.values[name].items()
            if kind not in made.alike
        ],
    }
