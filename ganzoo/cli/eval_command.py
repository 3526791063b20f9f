"""``ganzoo eval``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from ganzoo.cli.options import complete_model, device_option, dump, own_data, table, warn
from ganzoo.errors import ConfigError
from ganzoo.registry import Score, Zoo, installed
from ganzoo.registry.image_sizes import Size, read_size

if TYPE_CHECKING:
    from ganzoo.gan.sample_spec import Fit
    from ganzoo.metrics import Pictures
    from ganzoo.models.load import Model


class SizeText(click.ParamType[Any]):
    """A size: 64, or 320x448 (height, width)."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse it."""
        size = read_size(value) if isinstance(value, str) else value
        return self.fail(f"'{value}' is no size: say 64, or 320x448", param, ctx) if isinstance(size, str) else size


@click.command("eval")
@click.argument("model", metavar="MODEL|PICTURES", shell_complete=complete_model)
@click.option(
    "-m",
    "--metrics",
    "protocols",
    multiple=True,
    metavar="PROTOCOL",
    help="METRIC[EXTRACTOR]@IMAGES/SPLIT, for instance 'fd[pixels]@10k/test'; may be given several times.  "
    "[default: those of its stored values]",
)
@click.option("--data", help="The real images.  [default: the training data]")
@click.option(
    "--to", metavar="A|B", help="The target, for a model that translates in both directions.  [default: its first]"
)
@click.option(
    "--size", type=SizeText(), metavar="HxW", help="Bring pictures to this size.  [default: the one that all have]"
)
@click.option(
    "--fit",
    type=click.Choice(["crop", "pad", "stretch"]),
    help="How images are brought to a size.  [default: as in the training; crop]",
)
@click.option(
    "--background", metavar="COLOUR", help="Of transparent and padded images.  [default: as in the training; white]"
)
@click.option("--skip-unreadable", is_flag=True, help="Leave out files that cannot be read.")
@click.option("--batch-size", type=click.IntRange(1, 100_000), default=64, show_default=True)
@device_option
@click.option("--update", is_flag=True, help="Write the values into the model's config.json and its card.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    model: str, protocols: tuple[str, ...], data: str | None, to: str | None, size: Size | None, fit: Fit | None,
    background: str | None, skip_unreadable: bool, batch_size: int, device: str, update: bool, as_json: bool,
) -> None:  # fmt: skip
    """Measure the images that a MODEL generates, or PICTURES from anywhere.

    A MODEL is one of the zoo or the Hub, or the folder of a run. PICTURES are a folder, a .npz or .npy file, or a data
    set; the real images are brought to their size. `ganzoo list --all` shows the metrics and the extractors. With
    --update the values are written into the model's config.json and card; of hf:owner/name in one commit on the Hub.
    """
    import msgspec

    zoo = installed()
    warn(zoo)

    from ganzoo._distributed import launched
    from ganzoo.gan import GAN
    from ganzoo.gan.sample_spec import DEFAULT_READING, reading_of
    from ganzoo.metrics import Pictures, evaluate, open_pictures
    from ganzoo.metrics.jobs import read_protocols
    from ganzoo.metrics.pictures import are_pictures
    from ganzoo.metrics.protocol import EXAMPLE
    from ganzoo.models.create import pick_device
    from ganzoo.models.load import assemble, find
    from ganzoo.publishing.scores import check_recordable, record

    parsed = read_protocols(zoo, protocols)  # before anything is fetched
    found = None if are_pictures(model, zoo) else find(model)
    if found is None:
        if update:
            raise click.UsageError(f"--update goes with a model, and {model} is none: it has no config.json")
        if not parsed:
            raise ConfigError(f"{model} is no model with stored values: name a protocol, as in -m '{EXAMPLE}'")
        reading, weights = DEFAULT_READING, None
    else:
        if size is not None:
            raise click.UsageError("--size goes with pictures: a model has a size of its own")
        weights = check_recordable(model, found) if update else None
        parsed = parsed or read_protocols(zoo, known_protocols(found))
        data = own_data(zoo, found) if data is None and any(protocol.split for protocol in parsed) else data
        reading = reading_of(found.config.training)
        skip_unreadable = skip_unreadable or found.config.training.get("skip_unreadable") is True
    reading = replace(reading, fit=fit or reading.fit, background=background or reading.background)
    where = pick_device(device)
    measured: GAN | Pictures
    with launched(where) as processes:
        if found is None:
            measured = open_pictures(
                model,
                size=size,
                reading=reading,
                skip_unreadable=skip_unreadable,
                device=where,
                progress=processes.is_first,
            )
        else:
            measured = assemble(found, device=where)
        scores = evaluate(
            measured, parsed, data=data, to=to, reading=reading, skip_unreadable=skip_unreadable, batch_size=batch_size,
            processes=processes,
        )  # fmt: skip
    if not processes.is_first:
        return
    pictures = measured if isinstance(measured, Pictures) else None
    if as_json:
        facts = {"pictures": pictures.facts()} if pictures else {}
        dump([msgspec.to_builtins(score) | facts for score in scores])
    else:
        click.echo(_text(zoo, scores, pictures))
    if update and found is not None and isinstance(measured, GAN):  # after printing: no value is lost
        written = record(model, found, measured, scores, weights)
        click.echo(f"\nwritten into {written}", err=as_json)


def _text(zoo: Zoo, scores: Sequence[Score], pictures: Pictures | None) -> str:
    """Return the values as a table, and below it what was measured and what the values carry."""
    rows = [
        [score.protocol, f"{score.value:.6g}", f"{zoo.metrics[score.name].record.better} is better"] for score in scores
    ]
    below = [f"pictures {pictures}"] if pictures else []
    return "\n".join([table(["PROTOCOL", "VALUE", ""], rows), *below, *carried(scores)])


def carried(scores: Sequence[Score]) -> list[str]:
    """Return what is stored with the protocols of values, once each: the real images and the weights of extractors."""
    from ganzoo.cli.model_rows import brief
    from ganzoo.metrics import Protocol

    data = [f"data {score.data}" for score in scores if score.data]
    weights = [f"weights {Protocol.parse(s.protocol).extractor} {brief(s.weights)}" for s in scores if s.weights]
    data, weights = [*dict.fromkeys(data)], [*dict.fromkeys(weights)]
    alone = len(data) < 2 and len(weights) < 2
    return ["; ".join([*data, *weights])] * bool(data or weights) if alone else [*data, *weights]


def known_protocols(model: Model) -> list[str]:
    """Return the protocols of a model's stored values, or those measured in its training.

    Raises:
        ConfigError: there are none.
    """
    from ganzoo.metrics.protocol import EXAMPLE

    trained_with = model.config.training.get("metrics")
    known = [score.protocol for score in model.config.metrics]
    known = known or ([str(protocol) for protocol in trained_with] if isinstance(trained_with, list | tuple) else [])
    if not known:
        raise ConfigError(f"{model.name} was not measured before: name a protocol, as in -m '{EXAMPLE}'")
    return known
