"""``ganzoo compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.options import FilePath, complete_model, device_option, dump, own_data, table, warn
from ganzoo.errors import ConfigError
from ganzoo.registry import Zoo, installed

if TYPE_CHECKING:
    from ganzoo.metrics.compare import Comparison, Entry
    from ganzoo.models.load import Model


@click.command("compare")
@click.argument("models", nargs=-1, required=True, metavar="MODEL|PICTURES...", shell_complete=complete_model)
@click.option(
    "-m",
    "--metrics",
    "protocols",
    multiple=True,
    metavar="PROTOCOL",
    help="Measure all models by this; may be given several times.  [default: compare the values stored with them]",
)
@click.option("--data", help="The real images.  [default: what all models were trained on]")
@click.option("-o", "--out", type=FilePath(), default="compare.png", show_default=True, help="The picture, a .png.")
@click.option("-n", "columns", type=click.IntRange(1, 100), default=12, show_default=True, help="Images of each model.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the first image.")
@device_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    models: tuple[str, ...], protocols: tuple[str, ...], data: str | None, out: Path, columns: int, seed: int,
    device: str, as_json: bool,
) -> None:  # fmt: skip
    """Compare MODELs: a table of their metric values, ranked, and a picture of the images of the same seeds.

    With -m, PICTURES from anywhere can be among them, as in `ganzoo eval`.

    Only values of one protocol are ranked: another extractor, number of images or split gives another number for the
    same model. Without a value that all models have, nothing is written.
    """
    if out.suffix != ".png":
        raise click.UsageError(f"{out}: the picture is a .png")
    if data is not None and not protocols:
        raise click.UsageError("--data goes with -m: the values stored with the models are measured already")
    zoo = installed()
    warn(zoo)

    from ganzoo._files import replacing
    from ganzoo.inference.output import check_out
    from ganzoo.metrics.compare import compare, picture

    check_out(out, 1)
    entries = _entries(models, protocols, data, device, zoo)
    result = compare(entries, zoo)
    result.check_ranked(entries, zoo)
    pictured = [entry for entry in entries if not entry.translations]
    if pictured:
        image = picture(pictured, columns, seed)
        with replacing(out) as partial:
            image.save(partial)
    if as_json:
        dump(_content(result))
        return
    click.echo(_text(zoo, result))
    if pictured:
        without = [entry.name for entry in entries if entry.translations]
        but = f"; not of {' and '.join(without)}, which translate images" if without else ""
        click.echo(f"\n{out}: {columns} seeds of each, from {seed}{but}")


def _entries(
    names: tuple[str, ...], protocols: tuple[str, ...], data: str | None, device: str, zoo: Zoo
) -> list[Entry]:
    """Load the models, and measure them where protocols are given."""
    from ganzoo.metrics import open_pictures
    from ganzoo.metrics.compare import Entry, check_comparable, measured
    from ganzoo.metrics.jobs import read_protocols
    from ganzoo.metrics.pictures import are_pictures
    from ganzoo.metrics.protocol import EXAMPLE
    from ganzoo.models.create import pick_device
    from ganzoo.models.load import assemble, find

    parsed = read_protocols(zoo, protocols)  # before anything is fetched
    found = {name: None if are_pictures(name, zoo) else find(name) for name in dict.fromkeys(names)}
    models = [model for model in found.values() if model]
    if not protocols and len(models) < len(found):
        raise ConfigError(f"pictures have no stored values: measure all of them alike, as in -m '{EXAMPLE}'")
    if data is None and any(protocol.split for protocol in parsed):
        data = _common_data(zoo, models)
    where = pick_device(device)
    entries = []
    for name in names:
        model = found[name]
        entrant = assemble(model, device=where) if model else open_pictures(name, device=where)
        entries.append(Entry(name, entrant, model.config.metrics if model else ()))
    check_comparable(entries)  # before anything is measured
    return [measured(entry, protocols, data) for entry in entries] if protocols else entries


def _common_data(zoo: Zoo, found: list[Model]) -> str:
    """Return the data that all models were trained on; refuse models of several."""
    names = {own_data(zoo, model) for model in found}
    if not names:
        raise ConfigError("pictures are compared with real images: say which, with --data")
    if len(names) > 1:
        raise ConfigError(f"the models were trained on {' and '.join(sorted(names))}: give the real images with --data")
    return names.pop()


def _text(zoo: Zoo, result: Comparison) -> str:
    """Return the table of the ranked values, and below it that of the others."""
    from ganzoo.metrics.protocol import better_of

    rows = [
        [
            str(kind),
            *(f"{result.values[name][kind]:.5g}{' *' if result.best[kind] == name else ''}" for name in result.names),
            f"{better_of(kind.protocol, zoo)} is better",
        ]
        for kind in result.alike
    ]
    text = table(["PROTOCOL", *result.names, ""], rows)
    if apart := [[name, f"{value:.5g}", str(kind)] for name, kind, value in result.apart()]:
        below = table(["MODEL", "VALUE", "PROTOCOL"], apart)
        text += f"\n\nnot ranked, as not all models have it or its data is not recorded:\n{below}"
    return text


def _content(result: Comparison) -> dict[str, Any]:
    ranked = [
        {
            "protocol": kind.protocol,
            "data": kind.data,
            "values": {name: result.values[name][kind] for name in result.names},
            "best": result.best[kind],
        }
        for kind in result.alike
    ]
    apart = [
        {"model": name, "protocol": kind.protocol, "data": kind.data, "value": value}
        for name, kind, value in result.apart()
    ]
    return {"models": list(result.names), "ranked": ranked, "apart": apart}
